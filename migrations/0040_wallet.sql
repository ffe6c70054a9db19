-- Wallets and what is seen to move on them. A wallet's ledger account has the wallet's id; ids that are not
-- set are 0; `asset` is the asset's number; amounts are minor units.
CREATE TABLE wallet (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT,
    asset BIGINT NOT NULL,
    status TEXT NOT NULL,
    provider TEXT,
    provider_account_id TEXT,
    account_number TEXT,
    bank_name TEXT,
    payment_rail TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX wallet_by_organisation ON wallet (tenant_id, organisation_id, id);
CREATE INDEX wallet_by_user ON wallet (tenant_id, user_id, id);
CREATE INDEX wallet_by_customer ON wallet (tenant_id, customer_id);
CREATE INDEX wallet_by_account_number ON wallet (account_number);
CREATE INDEX wallet_by_provider_account ON wallet (provider_account_id);

-- What every movement on a wallet changes (same id), apart from what nearly none does.
CREATE TABLE wallet_chain (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    entry_count BIGINT NOT NULL,
    last_entry_at BIGINT NOT NULL,
    last_entry_id BIGINT NOT NULL
)$UPDATED;

-- A wallet's entries are a chain, newest first: its wallet_chain names the last one, each entry the one before it. An
-- index by wallet would have every movement touch a page of its own, which costs more than the movement.
CREATE TABLE wallet_entry (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    wallet_id BIGINT NOT NULL,
    previous_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    type TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    asset BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    description TEXT,
    payment_rail TEXT,
    provider TEXT,
    reference TEXT NOT NULL,
    journal_id BIGINT NOT NULL,
    hold_id BIGINT NOT NULL,
    fee_hold_id BIGINT NOT NULL,
    details TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- Few are pending at any time, and only those are in it: an account is not closed before they end.
CREATE INDEX wallet_entry_pending ON wallet_entry (wallet_id) WHERE status = 'pending';

-- What a withdrawal adds to its entry (same id): where the money goes and who decided.
CREATE TABLE withdrawal (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    wallet_id BIGINT NOT NULL,
    status TEXT NOT NULL,
    asset BIGINT NOT NULL,
    provider TEXT NOT NULL,
    provider_reference TEXT,
    source_entry_id BIGINT NOT NULL,
    external_account_id BIGINT NOT NULL,
    beneficiary_name TEXT,
    bank_code TEXT,
    account_number TEXT,
    to_address TEXT,
    payment_rail TEXT,
    token TEXT,
    reason TEXT,
    requested_by BIGINT NOT NULL,
    decided_by BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX withdrawal_by_status ON withdrawal (tenant_id, status, id);
CREATE INDEX withdrawal_by_provider_reference ON withdrawal (provider_reference);
CREATE INDEX withdrawal_by_source_entry ON withdrawal (source_entry_id);

-- Provider events that credited an account (or suspense): each one counts once.
CREATE TABLE wallet_deposit_event (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    provider TEXT NOT NULL,
    event_reference TEXT NOT NULL,
    wallet_id BIGINT NOT NULL,
    entry_id BIGINT NOT NULL,
    account_number TEXT,
    asset BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    journal_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (provider, event_reference)
);

-- A customer as a provider knows it. kyc_status: pending | accepted. wallet_id: the account onboarding made.
CREATE TABLE provider_customer (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    provider TEXT NOT NULL,
    provider_customer_id TEXT,
    email TEXT NOT NULL,
    customer_type TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    phone TEXT,
    tos_link TEXT,
    kyc_link TEXT,
    kyc_status TEXT NOT NULL,
    onboarded_at BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX provider_customer_by_email ON provider_customer (tenant_id, email);
CREATE INDEX provider_customer_by_user ON provider_customer (tenant_id, user_id);
CREATE INDEX provider_customer_by_provider_id ON provider_customer (provider_customer_id);

-- Bank accounts outside, linked for payouts. `fingerprint` is a blind index of currency and number: the same
-- account is linked once per customer.
CREATE TABLE external_account (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    provider TEXT NOT NULL,
    provider_account_id TEXT,
    asset BIGINT NOT NULL,
    bank_name TEXT,
    account_number SECRET,
    sort_code TEXT,
    routing_number TEXT,
    account_type TEXT,
    iban SECRET,
    bic TEXT,
    last_four TEXT,
    fingerprint TEXT NOT NULL,
    unlinked_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX external_account_by_customer ON external_account (tenant_id, customer_id, id);

-- What happened to wallets besides movements of money (those are entries).
CREATE TABLE wallet_log (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    wallet_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    metadata TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX wallet_log_by_wallet ON wallet_log (wallet_id, id);
CREATE INDEX wallet_log_by_organisation ON wallet_log (tenant_id, organisation_id, id);
