"""As much of Glue's own library as a job may need locally; on Glue the real one takes its place."""
