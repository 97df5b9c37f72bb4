"""Use cases of the sales report and of the data sets that are worked through in parallel."""
