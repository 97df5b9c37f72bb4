"""Bounded Lambda execution: a pool of worker processes, each one execution environment."""
