-- Replies of writes that carried an idempotency key, to be given again for the same key and body.
CREATE TABLE idempotency (
    tenant_id BIGINT NOT NULL,
    credential_id BIGINT NOT NULL,
    operation TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    status BIGINT NOT NULL,
    reply TEXT,          -- one of the two: replies that hold something sensitive are sealed
    secret_reply SECRET,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, credential_id, operation, idempotency_key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- Who changed what. `hash` chains each tenant's entries: SHA-256 over the entry and the hash before it.
CREATE TABLE audit (
    tenant_id BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    credential_id BIGINT NOT NULL,
    operation TEXT NOT NULL,
    subject TEXT,
    request_id TEXT,
    request TEXT,
    outcome TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, sequence)
);
