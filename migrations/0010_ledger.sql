-- The ledger (docs/ledger.md). ledger_transfers is append-only; its only index is its key. An account's
-- transfers are found by its chain: ledger_counters.head, then debit_prev or credit_prev.

-- Where each tenant's journals stand. The row is locked first by whoever posts for the tenant.
CREATE TABLE ledger_tenants (
    tenant_id BIGINT PRIMARY KEY,
    next_transfer BIGINT NOT NULL,   -- 0: a new segment is needed
    segment_end BIGINT NOT NULL,
    journals BIGINT NOT NULL,        -- how many, and
    last_journal BIGINT NOT NULL,    -- the newest one,
    last_posted_at BIGINT NOT NULL,  -- when,
    hash BYTEA NOT NULL,             -- its hash: the published head of the tenant's hash chain
    version BIGINT NOT NULL
);

-- Ids of transfers are handed out to tenants in segments of 2^22: rising within a tenant, unique in all.
CREATE TABLE ledger_segments (
    id BIGINT PRIMARY KEY,           -- transfers id << 22 .. (id + 1 << 22) - 1
    tenant_id BIGINT NOT NULL,
    posted_at BIGINT NOT NULL        -- no transfer of the segment is older
);
CREATE INDEX ledger_segments_tenant ON ledger_segments (tenant_id, id);

CREATE TABLE ledger_accounts (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    asset BIGINT NOT NULL,
    code BIGINT NOT NULL,
    sub_name TEXT NOT NULL,
    flags BIGINT NOT NULL,
    overdraft_limit BIGINT NOT NULL,
    minimum_balance BIGINT NOT NULL,
    lien_total BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX ledger_accounts_system ON ledger_accounts (tenant_id, asset, code, sub_name)
    WHERE code >= 10;

-- Apart from ledger_accounts because these rows change with every transfer.
CREATE TABLE ledger_counters (
    id BIGINT PRIMARY KEY,           -- the account
    tenant_id BIGINT NOT NULL,
    debits_pending BIGINT NOT NULL,
    debits_posted BIGINT NOT NULL,
    credits_pending BIGINT NOT NULL,
    credits_posted BIGINT NOT NULL,
    head BIGINT NOT NULL,            -- newest transfer of the account
    entries BIGINT NOT NULL          -- length of its chain
);

CREATE TABLE ledger_transfers (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    leg BIGINT NOT NULL,             -- place within the journal, whose id is id - leg
    legs BIGINT NOT NULL,            -- on leg 0: how many transfers the journal has; else 0
    kind BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    debit_account BIGINT NOT NULL,
    credit_account BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    pending_id BIGINT NOT NULL,
    reason BIGINT NOT NULL,
    debit_prev BIGINT NOT NULL,      -- the debit account's transfer before this one
    credit_prev BIGINT NOT NULL,
    debit_balance BIGINT NOT NULL,   -- posted balance after this transfer
    credit_balance BIGINT NOT NULL,
    posted_at BIGINT NOT NULL,
    hash BYTEA                       -- on leg 0: SHA-256 of the journal and of the hash before it
);

-- What is said about a journal. A journal about which nothing is said has no row.
CREATE TABLE ledger_journals (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    key TEXT,
    body_hash BYTEA,
    description TEXT,
    reference TEXT,
    interaction_id TEXT,
    metadata TEXT,
    actor_id BIGINT NOT NULL,
    effective_at BIGINT NOT NULL,    -- 0: when it was posted
    reverses BIGINT NOT NULL
);
CREATE INDEX ledger_journals_reference ON ledger_journals (tenant_id, reference, id)
    WHERE reference IS NOT NULL;
CREATE INDEX ledger_journals_interaction ON ledger_journals (tenant_id, interaction_id, id)
    WHERE interaction_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_journals_reverses ON ledger_journals (tenant_id, reverses)
    WHERE reverses > 0;

-- Which journal or refusal a key belongs to. Keys are random and their texts long: the index has 63 bits of the
-- SHA-256 of tenant and key; the text itself is compared in the row of the journal or the refusal. Where several
-- processes write (PostgreSQL) the index is ledger_keys, otherwise (SQLite) the tables after it.
CREATE TABLE ledger_keys (
    id BIGINT NOT NULL,              -- the hash
    tenant_id BIGINT NOT NULL,
    value BIGINT NOT NULL            -- the journal, or the negative of the refusal's id
);
CREATE INDEX ledger_keys_id ON ledger_keys (id);

-- Entries are pairs (hash, value), 8 bytes each, little endian. The newest, one row per commit:
CREATE TABLE ledger_key_log (
    id BIGINT PRIMARY KEY,
    entries BYTEA NOT NULL
);
-- Sorted runs. Eight of a level are merged into one of the next, part by part.
CREATE TABLE ledger_key_runs (
    id BIGINT PRIMARY KEY,
    level BIGINT NOT NULL,           -- a run of level n has 2^(3n - 1) parts, by the first bits of the hash
    entries BIGINT NOT NULL,         -- when it was whole, or will be
    target BIGINT NOT NULL,          -- the run it is being merged into; 0: none
    next_part BIGINT NOT NULL        -- of a run being made, the part of its sources that comes next; -1: made
);
CREATE TABLE ledger_key_parts (
    id BIGINT PRIMARY KEY,           -- run << 24 | part
    entries_id BIGINT NOT NULL,
    filter BYTEA NOT NULL            -- of its hashes; apart from the entries, to be read at start
);
CREATE TABLE ledger_key_entries (
    id BIGINT PRIMARY KEY,           -- rises, so that parts are appended whichever run they belong to
    entries BYTEA NOT NULL           -- in order of hash
);

-- Refused attempts, so that their keys never succeed later.
CREATE TABLE ledger_refusals (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    body_hash BYTEA,
    error BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Pending transfers and what became of them.
CREATE TABLE ledger_holds (
    id BIGINT PRIMARY KEY,           -- the pending transfer
    tenant_id BIGINT NOT NULL,
    debit_account BIGINT NOT NULL,
    credit_account BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,      -- 0: never
    state BIGINT NOT NULL,
    posted_amount BIGINT NOT NULL,
    resolved_by BIGINT NOT NULL
);
CREATE INDEX ledger_holds_expiry ON ledger_holds (expires_at, id)
    WHERE state = 0 AND expires_at > 0;

-- Every 64th transfer of an account, to enter its chain at any place or time. entry, transfer_id and
-- posted_at rise together, and entry is a multiple of 64: the others are found by bisection.
CREATE TABLE ledger_waypoints (
    account_id BIGINT NOT NULL,
    entry BIGINT NOT NULL,           -- place in the account's chain, from 1
    transfer_id BIGINT NOT NULL,
    posted_at BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, entry)
);

-- Entries whose effective date is not their posting date: exceptions for statements by effective date.
CREATE TABLE ledger_dated (
    account_id BIGINT NOT NULL,
    effective_at BIGINT NOT NULL,
    transfer_id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    posted_at BIGINT NOT NULL,
    amount BIGINT NOT NULL,          -- what it added to the posted balance
    PRIMARY KEY (account_id, effective_at, transfer_id)
);

CREATE TABLE ledger_liens (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    reason TEXT,
    created_at BIGINT NOT NULL,
    released_at BIGINT NOT NULL      -- 0: in force
);
CREATE INDEX ledger_liens_account ON ledger_liens (account_id, id);
