"""Creates extensions of PostgreSQL, on Lambda."""
