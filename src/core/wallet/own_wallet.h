/*
 * Wallets without a provider: kept by us alone, under a number of our own (VaultsPay accounts,
 * wallets that an operator opens). Also the limits of a wallet's ledger account, which only
 * operators set.
 */
#ifndef CORE_WALLET_OWN_WALLET_H
#define CORE_WALLET_OWN_WALLET_H

#include "core/identity/user.h"
#include "core/wallet/wallet.h"

/*
 * An active currency wallet of `owner`, in the owner's organisation, with a fresh account number of
 * 14 digits that is unique in the tenant. `name` absent: the owner's. Whether the caller may is the
 * caller's rule.
 */
int wallet_open_own(struct call *c, const struct user *owner, const struct asset *asset,
                    struct str name, struct wallet *ret_wallet);

/* Minor units, not negative. An overdraft lets the available balance fall below 0 by so much; a
 * minimum balance must stay. 0: none. */
struct wallet_limits {
    money_t overdraft_limit;
    money_t minimum_balance;
};
/* Refused with the ledger's code for "account_id" when the wallet is closed. */
int wallet_set_limits(struct call *c, const struct wallet *wallet, struct wallet_limits limits);

#endif
