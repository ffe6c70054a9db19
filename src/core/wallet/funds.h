/*
 * Fund operations: what a client can have done with the money of a wallet. Each one checks who asks
 * and what for, moves or holds the money in one journal, and leaves entries on the wallets it
 * touched.
 *
 * user_id names the owner: the caller, the wallet's user, or (from an administrator) anybody.
 */
#ifndef CORE_WALLET_FUNDS_H
#define CORE_WALLET_FUNDS_H

#include "core/wallet/wallet.h"

/* ERR_FORBIDDEN for "user_id" unless it names the caller or the wallet's user; administrators name
 * anybody of the wallet's organisation, staff anybody. */
int wallet_check_owner(struct call *c, const struct wallet *wallet, id_t64 user_id);
/* And who may have its money moved: ERR_FORBIDDEN for `field` as wallet_require_use, and for what
 * belongs to no user of the organisation, unless an administrator asks. */
int wallet_require_mover(struct call *c, const struct wallet *wallet, id_t64 user_id,
                         const char *field);
/* wallet_require_active, and ERR_ORGANISATION_INACTIVE unless its organisation is active too. */
int wallet_require_movable(struct call *c, const struct wallet *wallet, const char *field);

/* ---- Deposits ---- */

struct wallet_deposit {
    id_t64 wallet_id;
    id_t64 user_id; /* 0: not said */
    struct decimal amount;
    struct str currency; /* optional: must be the wallet's */
    struct str description;
    struct str reference;
};
/* Staff credits a wallet: settlement of the wallet's provider -> wallet, less the fee. */
int wallet_deposit(struct call *c, const struct wallet_deposit *request,
                   struct wallet_entry *ret_entry);

/*
 * An operator books money that arrived outside of any provider's flow: opening account -> wallet,
 * without fee. A reference that was used in the tenant before is ERR_DUPLICATE.
 */
int wallet_book_deposit(struct call *c, const struct wallet *wallet,
                        const struct wallet_deposit *request, struct wallet_entry *ret_entry);

/* Money that is there from the start: opening account -> wallet, without fee. Staff only, for
 * `field`. */
int wallet_open_balance(struct call *c, const struct wallet *wallet, struct decimal amount,
                        const char *field);

/*
 * A provider says that a virtual account was credited. Once per event: a repeated one does nothing.
 * Money that no active wallet can take goes to suspense, with an entry in the log of operators; it
 * is never lost.
 */
int wallet_apply_deposit(struct call *c, const struct provider_event *event);
/* Settlement of the provider -> suspense, and an alert in the log of `wallet` (all zero:
 * unknown). */
int wallet_credit_suspense(struct call *c, const struct wallet *wallet, const struct asset *asset,
                           money_t amount, struct str provider, struct str reference,
                           id_t64 *ret_journal);
/* Whose event it is (c->sql reads): the tenant of the account number; ERR_NOT_FOUND when no wallet
 * has it. */
int wallet_find_deposit_tenant(struct call *c, const struct provider_event *event,
                               id_t64 *ret_tenant);

/* ---- Transfers ---- */

struct wallet_transfer {
    id_t64 from_wallet_id;
    id_t64 to_wallet_id;
    id_t64 user_id;
    struct decimal amount;
    struct str description;
};
/* At once, between two wallets of the tenant that hold the same asset; the fee is charged to the
 * source. */
int wallet_transfer(struct call *c, const struct wallet_transfer *request,
                    struct wallet_entry *ret_debit);

/* ---- Crypto deposits ---- */

struct wallet_crypto_deposit {
    id_t64 wallet_id;
    id_t64 user_id;
    struct str currency;     /* token symbol, any case */
    struct str payment_rail; /* network */
    struct str from_address;
    bool has_amount; /* else the event on the chain says how much */
    struct decimal amount;
    struct str description;
};
/*
 * Starts it: a pending entry, with the amount (where it is known) as a pending credit, and an
 * instruction to the provider. The wallet holds the token itself, or the currency it is pegged to
 * (at par).
 */
int wallet_start_crypto_deposit(struct call *c, const struct wallet_crypto_deposit *request,
                                struct wallet_entry *ret_entry);
/* Outcome of "crypto_deposit". data_json may hold {"amount": decimal}: what really arrived. */
int wallet_apply_crypto_deposit(struct call *c, id_t64 entry_id,
                                const struct provider_outcome *outcome);

/* Is `token` what `asset` is, or pegged to it one to one? */
bool wallet_takes_token(const struct asset *asset, const struct asset *token);

#endif
