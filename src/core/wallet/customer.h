/*
 * Customers as a provider knows them. Onboarding takes two steps: KYC is started (the provider
 * makes the customer and a link to its terms), and when the provider has accepted it, the customer
 * gets its internal accounts. The first step and the question whether KYC is accepted need the
 * provider's answer.
 */
#ifndef CORE_WALLET_CUSTOMER_H
#define CORE_WALLET_CUSTOMER_H

#include "base/buf.h"
#include "core/wallet/account.h"
#include "core/wallet/wallet.h"

/* kyc_status: pending | accepted. onboarded_at 0: not yet. */
#define PROVIDER_CUSTOMER_ROW(F)  \
    F(INTEGER, id)                \
    F(INTEGER, tenant_id)         \
    F(INTEGER, organisation_id)   \
    F(INTEGER, user_id)           \
    F(TEXT, provider)             \
    F(TEXT, provider_customer_id) \
    F(TEXT, email)                \
    F(TEXT, customer_type)        \
    F(TEXT, first_name)           \
    F(TEXT, last_name)            \
    F(TEXT, phone)                \
    F(TEXT, tos_link)             \
    F(TEXT, kyc_link)             \
    F(TEXT, kyc_status)           \
    F(INTEGER, onboarded_at)      \
    F(INTEGER, created_by)        \
    F(INTEGER, created_at)        \
    F(INTEGER, updated_at)
ROW_STRUCT(provider_customer, PROVIDER_CUSTOMER_ROW);

/* Of the caller's tenant: ERR_NOT_FOUND for `field`. */
int customer_get(struct call *c, id_t64 customer_id, const char *field,
                 struct provider_customer *ret_customer);
/* And ERR_FORBIDDEN unless staff, who made it, the user it is, or an administrator of its
 * organisation. */
int customer_get_for_caller(struct call *c, id_t64 customer_id, const char *field,
                            struct provider_customer *ret_customer);
/* Adds "customer_id" (the provider's) of the wallet's customer, if there is one, to a provider
 * request. */
int wallet_put_customer(struct call *c, struct buf *body, const struct wallet *wallet);

/* ---- Step one: KYC ---- */

struct customer_kyc {
    struct str email;
    struct str customer_type; /* individual | business */
    /* left by customer_prepare_kyc */
    struct provider_customer customer;
    bool exists; /* the caller started it before: the first links are answered again */
};
/* On a worker: asks the provider. ERR_PROVIDER_UNAVAILABLE, ERR_PROVIDER_REFUSED. */
int customer_prepare_kyc(struct call *c, struct customer_kyc *kyc);
/* In the writer. */
int customer_start_kyc(struct call *c, struct customer_kyc *kyc);

/* ---- Step two: onboarding ---- */

struct customer_onboarding {
    id_t64 organisation_id;
    id_t64 user_id;
    struct str email, first_name, last_name, phone;
    bool has_initial_balance;
    struct decimal initial_balance;
    /* left by customer_prepare_onboarding */
    struct provider_customer customer;
    struct wallet_opening bank, crypto;
};
/* On a worker: asks whether KYC is accepted, and for the accounts. ERR_WRONG_STATE: not accepted,
 * or onboarded. */
int customer_prepare_onboarding(struct call *c, struct customer_onboarding *onboarding);
/* In the writer: the internal bank account is returned; it takes the initial balance. */
int customer_onboard(struct call *c, struct customer_onboarding *onboarding,
                     struct wallet *ret_wallet);

#endif
