/*
 * Wallets: the accounts customers hold money in (PCX virtual accounts, VaultsPay accounts). A
 * wallet belongs to an organisation, and possibly to one of its users, holds one asset, and has one
 * ledger account (code LEDGER_CUSTOMER, no overdraft) that carries the wallet's own id. It keeps no
 * balance of its own.
 *
 * A movement that a client can see is an entry (wallet_entry): written in the transaction of the
 * journal that moved the money. Entries say what happened; the ledger says how much there is.
 *
 * Who may use a wallet is decided here and nowhere else: wallet_get_for_caller.
 */
#ifndef CORE_WALLET_WALLET_H
#define CORE_WALLET_WALLET_H

#include "core/call.h"
#include "ledger/ledger.h"
#include "provider/provider.h"
#include "store/query.h"
#include "store/row.h"

/* ---- Wallets ---- */

/* kind: currency | internal_bank | internal_crypto. status: states/account.def. Ids that are not
 * set are 0. */
#define WALLET_ROW(F)            \
    F(INTEGER, id)               \
    F(INTEGER, tenant_id)        \
    F(INTEGER, organisation_id)  \
    F(INTEGER, user_id)          \
    F(INTEGER, customer_id)      \
    F(TEXT, kind)                \
    F(TEXT, name)                \
    F(INTEGER, asset)            \
    F(TEXT, status)              \
    F(TEXT, provider)            \
    F(TEXT, provider_account_id) \
    F(TEXT, account_number)      \
    F(TEXT, bank_name)           \
    F(TEXT, payment_rail)        \
    F(INTEGER, created_at)       \
    F(INTEGER, updated_at)
ROW_STRUCT(wallet, WALLET_ROW);

/* For administrators: with the names of whom it belongs to. The wallet's members come first. */
#define WALLET_DETAIL_ROW(F)   \
    WALLET_ROW(F)              \
    F(TEXT, organisation_name) \
    F(TEXT, user_email)        \
    F(INTEGER, entry_count)    \
    F(INTEGER, last_entry_at)
ROW_STRUCT(wallet_detail, WALLET_DETAIL_ROW);

/* Where the chain of a wallet's entries begins; same id. */
#define WALLET_CHAIN_ROW(F)   \
    F(INTEGER, id)            \
    F(INTEGER, tenant_id)     \
    F(INTEGER, entry_count)   \
    F(INTEGER, last_entry_at) \
    F(INTEGER, last_entry_id)
ROW_STRUCT(wallet_chain, WALLET_CHAIN_ROW);
/* A new wallet, without entries. */
int wallet_insert(struct sql *sql, const struct wallet *wallet);
/* Ahead of a batch: a call is going to move money of this wallet. */
int wallet_expect(struct call *c, id_t64 wallet_id);

struct wallet wallet_of_detail(const struct wallet_detail *detail);

static inline const struct asset *wallet_asset(const struct wallet *wallet)
{
    return asset_by_id((int)wallet->asset);
}

/* The wallet of the caller's tenant, whoever owns it: ERR_NOT_FOUND for `field`. A deleted one is
 * not found. */
int wallet_get(struct call *c, id_t64 wallet_id, const char *field, struct wallet *ret_wallet);
/* The same with less to read, for the busiest call: ids, asset and status only, the rest is zero;
 * and the status of the organisation (absent: it belongs to none). */
int wallet_get_brief(struct call *c, id_t64 wallet_id, const char *field, struct wallet *ret_wallet,
                     struct str *ret_organisation_status);
/* ERR_NOT_FOUND is returned, not refused: the caller knows what it means. */
int wallet_find(struct call *c, id_t64 wallet_id, struct wallet *ret_wallet);
int wallet_get_detail(struct call *c, id_t64 wallet_id, const char *field,
                      struct wallet_detail *ret_wallet);
/* As wallet_get, and ERR_FORBIDDEN unless wallet_may_use. */
int wallet_require_use(struct call *c, const struct wallet *wallet, const char *field);
int wallet_get_for_caller(struct call *c, id_t64 wallet_id, const char *field,
                          struct wallet *ret_wallet);
/*
 * Staff; the wallet's user; its organisation's administrators (and the app that acts for its
 * users); any member of the organisation where the wallet belongs to no user.
 */
bool wallet_may_use(const struct call *c, const struct wallet *wallet);
/*
 * The active currency wallet a payment is made from: the user's own first, then, for a
 * caller who administers it, the organisation's oldest. Refused with ERR_ACCOUNT_MISSING for "currency". user_id may be 0.
 */
int wallet_find_active(struct call *c, id_t64 organisation_id, id_t64 user_id, int asset,
                       struct wallet *ret_wallet);
/* How the ledger's settlement account of a provider is called: the connector's name, whatever alias
 * a client used. */
struct str wallet_settlement_name(struct str provider);
/* Refused with the ledger's code for the status (ERR_LEDGER_ACCOUNT_FROZEN, ..._READ_ONLY) unless
 * active. */
int wallet_require_active(struct call *c, const struct wallet *wallet, const char *field);

/* What a posting needs of a wallet; none of it ever changes. */
#define WALLET_KEY_ROW(F)       \
    F(INTEGER, id)              \
    F(INTEGER, organisation_id) \
    F(INTEGER, user_id)         \
    F(INTEGER, asset)
ROW_STRUCT(wallet_key, WALLET_KEY_ROW);
/* By account number within the caller's tenant; ERR_NOT_FOUND is returned, not refused. */
int wallet_expect_number(struct call *c, struct str account_number); /* ahead of a batch */
int wallet_find_number(struct call *c, struct str account_number, struct wallet_key *ret_wallet);

struct wallet_balances {
    money_t available; /* cleared, less what is held: the figure to check before a debit */
    money_t ledger;    /* all of it, with credits that are on their way */
};
/* Sees the postings of the call's own transaction; in reads, those of its snapshot. */
int wallet_balances(struct call *c, id_t64 wallet_id, struct wallet_balances *ret_balances);
/* Of a whole page at once, in an array of the arena. */
int wallet_balances_of(struct call *c, const struct wallet *wallets, size_t count,
                       struct wallet_balances **ret_balances);

/* Newest first. What is 0 or absent does not filter. */
struct wallet_filter {
    id_t64 organisation_id;
    id_t64 user_id;
    id_t64 visible_to_user; /* only that user's wallets and those that no user owns */
    int asset;
    struct str kind;
    bool internal_only; /* internal_bank and internal_crypto */
    struct str status;
    struct str provider;
};
int wallet_list(struct call *c, const struct wallet_filter *filter, const struct page *page,
                struct wallet **ret_wallets, size_t *ret_count);
int wallet_list_details(struct call *c, const struct wallet_filter *filter, const struct page *page,
                        struct wallet_detail **ret_wallets, size_t *ret_count);
int wallet_count_of_customer(struct call *c, id_t64 customer_id, const char *provider,
                             int64_t *ret_count);
/* Narrows the filter to what the caller may see of an organisation, or of a user; ERR_FORBIDDEN for
 * others. */
int wallet_filter_organisation(struct call *c, id_t64 organisation_id,
                               struct wallet_filter *filter);
int wallet_filter_user(struct call *c, id_t64 user_id, struct wallet_filter *filter);

/* ---- Entries ---- */

/*
 * type: credit | debit. kind: deposit, withdrawal, crypto_deposit, crypto_withdrawal, transfer,
 * payment, refund, opening. status: pending | approved | processing | completed | failed |
 * rejected. hold_id and fee_hold_id are pending transfers not yet posted or voided; 0: none.
 * Amounts are minor units of `asset`, never negative; the fee is charged on top of a debit and
 * taken out of a credit. details: what a provider added (an address to send to).
 */
#define WALLET_ENTRY_ROW(F)     \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, wallet_id)       \
    F(INTEGER, previous_id)     \
    F(INTEGER, organisation_id) \
    F(INTEGER, user_id)         \
    F(TEXT, type)               \
    F(TEXT, kind)               \
    F(TEXT, status)             \
    F(INTEGER, asset)           \
    F(INTEGER, amount)          \
    F(INTEGER, fee)             \
    F(TEXT, description)        \
    F(TEXT, payment_rail)       \
    F(TEXT, provider)           \
    F(TEXT, reference)          \
    F(INTEGER, journal_id)      \
    F(INTEGER, hold_id)         \
    F(INTEGER, fee_hold_id)     \
    F(JSON, details)            \
    F(INTEGER, created_at)      \
    F(INTEGER, updated_at)
ROW_STRUCT(wallet_entry, WALLET_ENTRY_ROW);

/* An entry about `wallet` with a fresh id, owner, asset, times and reference (its own id) filled
 * in. */
struct wallet_entry wallet_entry_for(struct call *c, const struct wallet *wallet, const char *type,
                                     const char *kind, const char *status, money_t amount);
/* Writes entries, and counts them on their wallets. */
int wallet_add_entries(struct call *c, const struct wallet_entry *entries, size_t count);
/* Moves an entry on; the holds it lists are cleared when `status` is an end state. */
int wallet_update_entry(struct call *c, struct wallet_entry *entry, struct str status);
/* Of the caller's tenant: ERR_NOT_FOUND for `field`. _for_caller: as wallet_get_for_caller. */
int wallet_entry_get(struct call *c, id_t64 entry_id, const char *field,
                     struct wallet_entry *ret_entry);
int wallet_entry_get_for_caller(struct call *c, id_t64 entry_id, const char *field,
                                struct wallet_entry *ret_entry);

/*
 * "WITH RECURSIVE chain AS (...) ": a wallet's entries newest first, as rows of a table `chain`,
 * from the newest (before = INT64_MAX) or from the one before the entry `before`, back to `from`
 * (0: all). Whoever reads it with a LIMIT walks no further than that.
 */
struct query wallet_entry_chain(struct call *c, id_t64 wallet_id, id_t64 before, usec_t from);

/* Newest first. What is 0 or absent does not filter; from is inclusive, until exclusive. */
struct wallet_entry_filter {
    id_t64 organisation_id;
    id_t64 user_id;
    id_t64 wallet_id;
    int asset;
    struct str type;
    struct str kind;
    struct str status;
    bool naira_rail; /* collected through squadco, or an NGN withdrawal */
    usec_t from, until;
};
int wallet_entry_list(struct call *c, const struct wallet_entry_filter *filter,
                      const struct page *page, struct wallet_entry **ret_entries,
                      size_t *ret_count);

/* ---- Holding money for something that is decided later ---- */

/* Two pending transfers of one journal: what is held for the receiver, and for the fee (0:
 * none). */
struct wallet_hold {
    id_t64 journal_id;
    id_t64 amount_id;
    id_t64 fee_id;
};

/*
 * Holds amount + fee of `wallet`: amount towards `credit_account` (same asset), fee towards the
 * tenant's fee income. INSUFFICIENT_FUNDS and the other ledger refusals name `field`.
 */
int wallet_hold(struct call *c, const struct wallet *wallet, id_t64 credit_account, money_t amount,
                money_t fee, int reason, struct str reference, const char *field,
                struct wallet_hold *ret_hold);
/* Both in one journal. Posting or voiding twice is the ledger's refusal: check the state first. */
int wallet_post_hold(struct call *c, const struct wallet_hold *hold, int reason,
                     struct str reference);
int wallet_void_hold(struct call *c, const struct wallet_hold *hold, int reason,
                     struct str reference);

/* Posts a journal; a refusal of the ledger becomes the call's, for `field`. */
int wallet_post(struct call *c, struct transfer *transfers, size_t count, struct str description,
                struct str reference, const char *field, id_t64 *ret_journal);

/* Text of a client -> minor units > 0, refused for `field` otherwise. */
int wallet_amount(struct call *c, struct decimal amount, const struct asset *asset,
                  const char *field, money_t *ret_amount);

#endif
