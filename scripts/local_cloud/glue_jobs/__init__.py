"""Glue jobs for real: a run is the job's own script in a process of its own, on local Spark."""
