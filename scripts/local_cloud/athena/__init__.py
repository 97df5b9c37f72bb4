"""Athena for real: SQL in Athena's dialect runs on DuckDB over the tables of the engine's Glue catalog."""
