"""The table of items. An image without migrations may have made it already."""

from __future__ import annotations

from alembic import op

from api import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in tables.ITEMS:
        op.execute(statement)
