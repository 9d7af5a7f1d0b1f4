"""What Alembic asks before it runs the steps: the connection, which api.migrate has opened and closes."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
