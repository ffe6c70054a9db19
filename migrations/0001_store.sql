-- What the store needs for itself. (schema_migration is made by the migrations' own code.)

-- A few values that a database remembers about itself.
CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) $CLUSTERED;

-- PostgreSQL: the random token of the last transactions, so that a COMMIT whose answer was lost can
-- be asked for.
CREATE TABLE commit_token (
    token $BIGINT_KEY,
    created_at BIGINT NOT NULL
);
