"""The whole platform on this machine: PostgreSQL, the AWS engine, the deployed app, and a story told with it."""
