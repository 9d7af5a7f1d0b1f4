-- What the job extract reads: a table of this name, or a view over the application's own tables.
-- updated_at must change with every change of a row, and created_at with none; the index makes a nightly run cheap.
CREATE TABLE lake_messages (
    id              bigint PRIMARY KEY,
    conversation_id text        NOT NULL,
    session_id      text,
    user_id         text        NOT NULL,
    role            text        NOT NULL,
    content         text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX lake_messages_updated_at ON lake_messages (updated_at);
