"""What makes sense of the data: tables and queries."""
