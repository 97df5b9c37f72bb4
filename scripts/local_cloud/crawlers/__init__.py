"""Glue crawlers for real: StartCrawler reads the objects, infers schemas and writes tables and partitions."""
