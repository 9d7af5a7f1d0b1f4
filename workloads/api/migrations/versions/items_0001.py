"""The table of items. An image without migrations may have made it already."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE IF NOT EXISTS items (id uuid PRIMARY KEY, name text NOT NULL, description text NOT NULL, "
        "created_at timestamptz NOT NULL DEFAULT now())"
    )
