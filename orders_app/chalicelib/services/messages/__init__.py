"""Messages to operators: published by type, stored by type, listed."""
