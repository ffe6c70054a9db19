-- Exchange rates and their configurations, per organisation and ordered pair of currencies. Rates and
-- spreads are decimal text. At most one row of a pair is active; older ones stay for history.
CREATE TABLE exchange_rate (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    from_currency TEXT NOT NULL,
    to_currency TEXT NOT NULL,
    rate TEXT NOT NULL,
    spread TEXT NOT NULL,
    provider TEXT,
    active BIGINT NOT NULL,
    effective_from BIGINT NOT NULL,
    effective_to BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX exchange_rate_by_pair
    ON exchange_rate (tenant_id, organisation_id, from_currency, to_currency, active);

CREATE TABLE rate_config (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    from_currency TEXT NOT NULL,
    to_currency TEXT NOT NULL,
    spread TEXT NOT NULL,
    provider TEXT,
    active BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX rate_config_by_pair
    ON rate_config (tenant_id, organisation_id, from_currency, to_currency, active);
