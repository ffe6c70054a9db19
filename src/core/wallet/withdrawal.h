/*
 * Withdrawals: money that leaves a wallet for an account outside. Amount and fee are held when the
 * withdrawal is made. Naira wait for an administrator and go out through Sarepay; everything else
 * goes to Bridge at once. The provider's word posts or releases the hold, exactly once
 * (states/withdrawal.def).
 */
#ifndef CORE_WALLET_WITHDRAWAL_H
#define CORE_WALLET_WITHDRAWAL_H

#include "core/wallet/funds.h"

/* Its id is that of its entry, which has the amounts. source_entry_id: the credit a cross-rail
 * payout pays on. token: what is sent to to_address (the wallet's asset, or a token pegged to it).
 */
#define WITHDRAWAL_ROW(F)           \
    F(INTEGER, id)                  \
    F(INTEGER, tenant_id)           \
    F(INTEGER, wallet_id)           \
    F(TEXT, status)                 \
    F(INTEGER, asset)               \
    F(TEXT, provider)               \
    F(TEXT, provider_reference)     \
    F(INTEGER, source_entry_id)     \
    F(INTEGER, external_account_id) \
    F(TEXT, beneficiary_name)       \
    F(TEXT, bank_code)              \
    F(TEXT, account_number)         \
    F(TEXT, to_address)             \
    F(TEXT, payment_rail)           \
    F(TEXT, token)                  \
    F(TEXT, reason)                 \
    F(INTEGER, requested_by)        \
    F(INTEGER, decided_by)          \
    F(INTEGER, decided_at)          \
    F(INTEGER, created_at)          \
    F(INTEGER, updated_at)
ROW_STRUCT(withdrawal, WITHDRAWAL_ROW);

/* Where the money goes: one of an external account, a bank account in Nigeria, an address on a
 * chain. */
struct withdrawal_destination {
    id_t64 external_account_id;
    struct str beneficiary_name;
    struct str bank_code, account_number;
    struct str to_address, payment_rail, currency; /* token symbol */
};

struct withdrawal_request {
    id_t64 wallet_id;
    id_t64 user_id;
    struct decimal amount;
    struct str description;
    struct withdrawal_destination to;
};
int withdrawal_create(struct call *c, const struct withdrawal_request *request,
                      struct wallet_entry *ret_entry);
int withdrawal_create_crypto(struct call *c, const struct withdrawal_request *request,
                             struct wallet_entry *ret_entry);

/* Staff. ERR_NOT_FOUND for "transaction_id", ERR_WRONG_STATE unless it is a naira withdrawal in the
 * right state. */
int withdrawal_approve(struct call *c, id_t64 withdrawal_id, struct wallet_entry *ret_entry);
int withdrawal_reject(struct call *c, id_t64 withdrawal_id, struct str reason,
                      struct wallet_entry *ret_entry);
/* For an approved one: the outbox is sending it, or the provider has it; nothing is paid twice. */
int withdrawal_process(struct call *c, id_t64 withdrawal_id, struct wallet_entry *ret_entry);

/*
 * Pays a completed credit out on another rail than it came in on, all of it less its fee, once:
 * ERR_CONFLICT when a payout of it is under way or done, ERR_PREREQUISITE unless it is a completed
 * credit.
 */
int withdrawal_cross_rail(struct call *c, id_t64 entry_id, const struct withdrawal_destination *to,
                          struct wallet_entry *ret_entry);

int withdrawal_get(struct call *c, id_t64 withdrawal_id, const char *field,
                   struct withdrawal *ret_withdrawal);
int withdrawal_get_by_reference(struct call *c, struct str provider_reference, const char *field,
                                struct withdrawal *ret_withdrawal);

/* Outcome of "withdrawal_payout". */
int wallet_apply_withdrawal(struct call *c, id_t64 withdrawal_id,
                            const struct provider_outcome *outcome);

#endif
