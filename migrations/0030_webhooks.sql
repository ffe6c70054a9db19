-- organisation_id 0: the tenant's own endpoint. events: a JSON array of the types it wants; NULL: all.
CREATE TABLE webhook_endpoint (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    style TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT,
    secret SECRET NOT NULL,
    previous_secret SECRET,
    previous_until BIGINT,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, organisation_id, style, url)
);

CREATE TABLE webhook_event (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE webhook_delivery (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    endpoint_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    url TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    first_attempt_at BIGINT,
    last_attempt_at BIGINT,
    next_attempt_at BIGINT,
    status_code BIGINT,
    response TEXT,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX webhook_delivery_by_tenant ON webhook_delivery (tenant_id, id);
CREATE INDEX webhook_delivery_by_endpoint ON webhook_delivery (tenant_id, endpoint_id, id);
CREATE INDEX webhook_delivery_by_event ON webhook_delivery (tenant_id, event_id);
