-- Payees. `owner_id` is the user a payee belongs to; details are JSON objects as the client sent them.
CREATE TABLE beneficiary (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT,
    owner_id BIGINT NOT NULL,
    account_type TEXT NOT NULL,
    beneficiary_type TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT,
    phone_number TEXT,
    momo_details TEXT,
    bank_details TEXT,
    loan_client_details TEXT,
    external_account_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX beneficiary_by_owner ON beneficiary (tenant_id, owner_id, id);
CREATE INDEX beneficiary_by_organisation ON beneficiary (tenant_id, organisation_id, id);
