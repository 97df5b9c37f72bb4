"""Benchmarks: each prints our figure beside another, taken in the same run."""
