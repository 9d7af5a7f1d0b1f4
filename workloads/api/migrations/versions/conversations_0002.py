"""The tables of conversations and messages."""

from __future__ import annotations

from alembic import op

from api import tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for statement in tables.CONVERSATIONS:
        op.execute(statement)
