"""Glue and Athena: crawlers, jobs, triggers and queries that really run."""

from scripts.local_cloud.glue_install import install

__all__ = ["install"]
