"""The whole platform on this machine: database, AWS engine, the deployed app, and a story told with it."""
