"""The Glue ETL package: one definition of the transformations, run by DuckDB or Spark."""
