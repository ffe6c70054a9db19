-- What is still to be done after a commit. A row is there as long as there is something to do; what was done is
-- told by the record it is about. lease_until is wall time, due is the (test) clock.
CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT,
    subject_id BIGINT NOT NULL,
    due BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX outbox_by_due ON outbox (due);

-- E-mail, SMS and push. The text is wiped once it is sent: it may be a code.
CREATE TABLE message (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT,
    body SECRET,
    status TEXT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    sent_at BIGINT
);
