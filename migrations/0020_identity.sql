-- Identity: who there is, what they may do, and what proves it. One record per notion for all dialects.

-- A customer of this installation. host_label is the first label of the Host header that names it.
CREATE TABLE tenant (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    host_label TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE organisation (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    country TEXT,
    status TEXT NOT NULL,
    status_reason TEXT,
    kyb_complete BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX organisation_by_tenant ON organisation (tenant_id, id);
CREATE INDEX organisation_by_name ON organisation (tenant_id, name);

-- A person. email is in lower case. status and disabled are two things: a rejected customer may still sign in
-- and try again, a disabled one may not. roles are the bits of roles.def that hold in the whole tenant.
CREATE TABLE user_account (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    parent_id BIGINT NOT NULL,
    app_id BIGINT NOT NULL,
    email TEXT,
    username TEXT,
    first_name TEXT,
    last_name TEXT,
    phone TEXT,
    dial_code TEXT,
    date_of_birth TEXT,
    address TEXT,
    country TEXT,
    type TEXT,
    role TEXT,
    roles BIGINT NOT NULL,
    status TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    id_type TEXT,
    id_number SECRET,
    additional_id_type TEXT,
    additional_id_number SECRET,
    kyc_status TEXT,
    kyc_session_id TEXT,
    kyc_submitted_at BIGINT NOT NULL,
    kyc_approved_at BIGINT NOT NULL,
    kyc_failure_reason TEXT,
    kyc_decided_at BIGINT NOT NULL,
    bridge_customer_id TEXT,
    password_hash TEXT,
    srp_verifier SECRET,
    confirmed BIGINT NOT NULL,
    failed_logins BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX user_by_email ON user_account (tenant_id, email);
CREATE UNIQUE INDEX user_by_username ON user_account (tenant_id, username);
CREATE INDEX user_by_phone ON user_account (tenant_id, phone);
CREATE INDEX user_by_organisation ON user_account (tenant_id, organisation_id, id);
CREATE INDEX user_by_app ON user_account (tenant_id, app_id, id);
CREATE INDEX user_by_bridge_customer ON user_account (bridge_customer_id);

CREATE TABLE membership (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    invited_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX membership_once ON membership (organisation_id, user_id);
CREATE INDEX membership_by_user ON membership (tenant_id, user_id);

-- The key itself is shown once; key_hash is SHA-256 of it (it carries 190 random bits, so no slow hash).
CREATE TABLE api_key (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    key_hash BYTEA NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX api_key_by_organisation ON api_key (tenant_id, organisation_id, id);

-- A program that signs in by itself or lets people sign in. kind: saas (VaultsPay app), pool (Cognito app
-- client), partner (Songhai partner system).
CREATE TABLE client_app (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    organisation_id BIGINT NOT NULL,
    owner_user_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    client_id TEXT NOT NULL UNIQUE,
    secret_hash BYTEA,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX client_app_by_tenant ON client_app (tenant_id, kind, id);

-- A login. Its refresh tokens are one family: generation counts them, token_hash is the current one's. kind:
-- cognito, fincode, vaultspay, console.
CREATE TABLE session (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    app_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    address TEXT,
    created_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);
CREATE INDEX session_by_user ON session (tenant_id, user_id);

-- A code sent to someone, kept as a MAC. One row per address and purpose: a new code replaces the old one.
CREATE TABLE verification_code (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    subject TEXT NOT NULL,
    code_mac BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    first_sent_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX verification_code_once ON verification_code (tenant_id, purpose, subject);

-- RSA key pairs. purpose: token (signs JWTs, tenant 0), envelope (VaultsPay, tenant 0), fields (FinCode, one per
-- tenant). kid names the pair in tokens; retired_at: verifies what it signed, signs no more.
CREATE TABLE key_pair (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    kid TEXT NOT NULL UNIQUE,
    private_der SECRET,
    created_at BIGINT NOT NULL,
    retired_at BIGINT NOT NULL
);

-- Envelopes already opened (SHA-256 of nonce and wrapped key), so that none is opened twice.
CREATE TABLE token_replay (
    digest BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_replay_by_expiry ON token_replay (expires_at);

-- What `cambist credentials` prints: dotted names and JSON values. Only a sandbox has rows.
CREATE TABLE sandbox_credential (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    value SECRET
);
