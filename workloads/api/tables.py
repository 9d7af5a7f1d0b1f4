"""The tables as they are made: by the steps of `api.migrate`, and with the first request where nobody has run these.

What stands here has been run somewhere. It is never changed: a later step adds another constant.
"""

from __future__ import annotations

ITEMS = (
    (
        "CREATE TABLE IF NOT EXISTS items (id uuid PRIMARY KEY, name text NOT NULL, description text NOT NULL, "
        "created_at timestamptz NOT NULL DEFAULT now())"
    ),
)

CONVERSATIONS = (
    (
        "CREATE TABLE IF NOT EXISTS conversations (id uuid PRIMARY KEY, owner text NOT NULL, title text NOT NULL, "
        "created_at timestamptz NOT NULL)"
    ),
    "CREATE INDEX IF NOT EXISTS conversations_of_owner ON conversations (owner, id)",
    (
        "CREATE TABLE IF NOT EXISTS messages (id uuid PRIMARY KEY, "
        "conversation uuid NOT NULL REFERENCES conversations ON DELETE CASCADE, owner text NOT NULL, "
        "text text NOT NULL, created_at timestamptz NOT NULL, answer text, declined boolean NOT NULL DEFAULT false, "
        "answered_at timestamptz)"
    ),
    "CREATE INDEX IF NOT EXISTS messages_of_conversation ON messages (conversation, id)",
    "CREATE INDEX IF NOT EXISTS messages_of_owner ON messages (owner, id)",
)

DIMENSIONS = (256, 512, 1024)
"""Those that Titan Text Embeddings V2 gives."""

_BY_LENGTH = "".join(
    f"CREATE INDEX messages_by_{length} ON messages USING hnsw ((embedding::vector({length})) vector_cosine_ops) "
    f"WHERE vector_dims(embedding) = {length}; "
    for length in DIMENSIONS
)

# Only where pgvector is, which the deployment creates, and may create after the tables. The column has no length, so
# that another one needs no other column; an index has vectors of one length, and a row is in the one that its vector
# fits (pgvector's README, "Can I store vectors with different dimensions in the same column?").
VECTORS = (
    (
        "DO $$ BEGIN IF to_regtype('vector') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute "
        "WHERE attrelid = to_regclass('messages') AND attname = 'embedding') THEN "
        "ALTER TABLE messages ADD COLUMN embedder text, ADD COLUMN embedding vector; "
        f"{_BY_LENGTH}END IF; END $$"
    ),
)
"""What searches by meaning need; `embedder` says whose vector it is: those of two models are not to be compared."""
