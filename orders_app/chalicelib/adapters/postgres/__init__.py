"""PostgreSQL behind the unit of work. Imported lazily by bootstrap, since psycopg is slow to load."""
