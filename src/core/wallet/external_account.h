/*
 * Bank accounts outside that a customer linked for payouts, registered with the provider. What is
 * needed depends on the currency: USD account and routing number and the kind of account, GBP
 * account number and sort code, EUR IBAN and BIC.
 */
#ifndef CORE_WALLET_EXTERNAL_ACCOUNT_H
#define CORE_WALLET_EXTERNAL_ACCOUNT_H

#include "core/wallet/customer.h"

#define EXTERNAL_ACCOUNT_ROW(F)  \
    F(INTEGER, id)               \
    F(INTEGER, tenant_id)        \
    F(INTEGER, organisation_id)  \
    F(INTEGER, customer_id)      \
    F(TEXT, provider)            \
    F(TEXT, provider_account_id) \
    F(INTEGER, asset)            \
    F(TEXT, bank_name)           \
    F(SECRET, account_number)    \
    F(TEXT, sort_code)           \
    F(TEXT, routing_number)      \
    F(TEXT, account_type)        \
    F(SECRET, iban)              \
    F(TEXT, bic)                 \
    F(TEXT, last_four)           \
    F(TEXT, fingerprint)         \
    F(INTEGER, unlinked_at)      \
    F(INTEGER, created_at)
ROW_STRUCT(external_account, EXTERNAL_ACCOUNT_ROW);

struct external_account_link {
    id_t64 customer_id;
    struct str currency;
    struct str bank_name, account_number, sort_code, routing_number, account_type, iban, bic;
    /* left by external_account_prepare */
    struct external_account account;
};
/* On a worker: checks the fields, then asks the provider. ERR_DUPLICATE when it is linked
 * already. */
int external_account_prepare(struct call *c, struct external_account_link *link);
/* In the writer. */
int external_account_link(struct call *c, const struct external_account_link *link,
                          struct external_account *ret_account);
/* ERR_NOT_FOUND for a pair that does not belong together. Withdrawals under way are not
 * affected. */
int external_account_unlink(struct call *c, id_t64 customer_id, id_t64 account_id);
/* When a withdrawal to it has ended: an account that was unlinked meanwhile is taken from the
 * provider now. */
int external_account_forget(struct call *c, id_t64 account_id);
int external_account_list(struct call *c, id_t64 customer_id,
                          struct external_account **ret_accounts, size_t *ret_count);

/* A linked account whose customer the caller may act for. */
int external_account_get_for_caller(struct call *c, id_t64 account_id, const char *field,
                                    struct external_account *ret_account);
/* Of the tenant, also when it was unlinked since. */
int external_account_read(struct call *c, id_t64 account_id, struct external_account *ret_account);

/* Outcome of "external_account_unlink": nothing of ours depends on it. */
int wallet_apply_unlink(struct call *c, id_t64 account_id, const struct provider_outcome *outcome);

#endif
