/*
 * Opening, changing and closing wallets. The provider of a wallet is asked for its account number
 * while the client waits; when it does not answer, the wallet is opened without one and the outbox
 * goes on asking.
 */
#ifndef CORE_WALLET_ACCOUNT_H
#define CORE_WALLET_ACCOUNT_H

#include "core/wallet/wallet.h"

struct wallet_opening {
    const char *kind; /* currency, internal_bank, internal_crypto */
    id_t64 organisation_id;
    id_t64 user_id;     /* 0: the organisation's */
    id_t64 customer_id; /* 0: none */
    struct str currency;
    struct str provider; /* absent: squadco for NGN, bridge for the rest */
    struct str name, payment_rail;
    bool has_initial_balance;
    struct decimal initial_balance; /* staff only, unless 0 */
    /* who the account is for, as far as the client says */
    struct str organisation_name, email, first_name, last_name, phone, customer_type;

    /* left by wallet_prepare_opening */
    id_t64 wallet_id;
    const struct asset *asset;
    struct str request_json; /* what the provider is asked */
    struct provider_outcome outcome;
    bool without_number; /* the provider has none in this currency, or not with these details */
};

/* On a worker: every check, then the provider. Refused as wallet_open refuses, and with
 * ERR_PROVIDER_REFUSED. */
int wallet_prepare_opening(struct call *c, struct wallet_opening *opening);
/* In the writer: checks what may have changed, and writes. */
int wallet_open(struct call *c, const struct wallet_opening *opening, struct wallet *ret_wallet);
/* Outcome of "wallet_account" and "wallet_address": fills in the number. */
int wallet_apply_account(struct call *c, id_t64 wallet_id, const struct provider_outcome *outcome);

/* active | inactive | suspended (frozen is taken for suspended). */
int wallet_set_status(struct call *c, struct wallet *wallet, struct str status);
int wallet_rename(struct call *c, struct wallet *wallet, struct str name);
/* ERR_LEDGER_ACCOUNT_NOT_EMPTY for "account_id" while it holds money or has something pending. */
int wallet_delete(struct call *c, struct wallet *wallet);
/* All of them or none. */
int wallet_delete_all(struct call *c, id_t64 organisation_id);

#endif
