"""Use cases of the data path: from a file in the raw zone to tables that were checked."""
