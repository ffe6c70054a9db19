-- What a provider was told to do, and how it went. The reference that the provider sees is made from the id.
CREATE TABLE provider_instruction (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    provider TEXT NOT NULL,
    operation TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    body SECRET NOT NULL,
    status TEXT NOT NULL,
    provider_reference TEXT,
    reason TEXT,
    attempts BIGINT NOT NULL,
    polls BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX provider_instruction_by_reference ON provider_instruction (provider, provider_reference);
CREATE INDEX provider_instruction_by_subject ON provider_instruction (tenant_id, subject_id);

-- Callbacks whose signature was right, once each.
CREATE TABLE provider_event (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    provider TEXT NOT NULL,
    event_id TEXT NOT NULL,
    body SECRET NOT NULL,
    status TEXT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (provider, event_id)
);
