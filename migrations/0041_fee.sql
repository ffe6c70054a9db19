-- Fee configurations. Amounts are minor units of `asset`, -1: not set; fee_value is decimal text.
CREATE TABLE fee_configuration (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    asset BIGINT NOT NULL,
    transaction_type TEXT NOT NULL,
    fee_type TEXT NOT NULL,
    fee_structure TEXT NOT NULL,
    fee_value TEXT NOT NULL,
    min_fee BIGINT NOT NULL,
    max_fee BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, asset, transaction_type, fee_type)
);
