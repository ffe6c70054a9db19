/*
 * The double-entry ledger. (First sketch of the interface: names are relied on by other modules.)
 *
 * A `struct ledger` is the posting side of one connection: it lives as long as the connection and holds
 * account counters in memory. Between ledger_begin and ledger_flush it belongs to one transaction of that
 * connection. ledger_mark / ledger_rewind follow the savepoints of the calls in a batch.
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "base/money.h"
#include "base/time.h"
#include "store/sql.h"

struct ledger;

struct ledger *ledger_new(struct sql *sql);
struct ledger *ledger_free(struct ledger *ledger);
int ledger_begin(struct ledger *ledger, usec_t now);
/* Position to return to: everything posted since is forgotten by ledger_rewind. */
size_t ledger_mark(struct ledger *ledger);
void ledger_rewind(struct ledger *ledger, size_t mark);
/* Writes transfers, journals and changed counters of the batch; call before sql_commit. */
int ledger_flush(struct ledger *ledger);
/* After commit keep the counters (SQLite: sole writer) or drop them (PostgreSQL, or after rollback). */
void ledger_end(struct ledger *ledger, bool committed);

/* ---- Accounts ---- */

enum ledger_account_flags {
    LEDGER_NO_OVERDRAFT = 1 << 0,   /* debits may not exceed credits minus liens (customer wallets) */
    LEDGER_OVERDRAFT = 1 << 1,      /* ... beyond overdraft_limit */
    LEDGER_MINIMUM = 1 << 2,        /* the balance stays at least minimum_balance */
    LEDGER_DEBIT_ONLY = 1 << 3,
    LEDGER_CREDIT_ONLY = 1 << 4,
    LEDGER_READ_ONLY = 1 << 5,
    LEDGER_FROZEN = 1 << 6,
    LEDGER_CLOSED = 1 << 7,
};

/* What an account is for; system accounts exist once per tenant, asset and code (and sub-name). */
enum ledger_account_code {
    LEDGER_CUSTOMER = 1,
    LEDGER_SETTLEMENT = 10, /* our money at a provider; sub-name = provider */
    LEDGER_FEE_INCOME = 11,
    LEDGER_FX_POSITION = 12,
    LEDGER_FX_INCOME = 13,
    LEDGER_SUSPENSE = 14,
    LEDGER_LOAN_PRINCIPAL = 15,
    LEDGER_INTEREST_INCOME = 16,
    LEDGER_PENALTY_INCOME = 17,
    LEDGER_INVESTMENT_POOL = 18,
    LEDGER_OPENING = 19, /* counterpart of opening balances and operator deposits */
};

struct ledger_account {
    id_t64 id;
    id_t64 tenant_id;
    int asset;            /* asset->id */
    int code;
    unsigned flags;
    money_t overdraft_limit;
    money_t minimum_balance;
    money_t lien_total;
    money_t debits_pending, debits_posted;
    money_t credits_pending, credits_posted;
    usec_t created_at;
};

/* credits_posted - debits_posted */
money_t ledger_balance(const struct ledger_account *account);
/* What may be debited now: balance - debits_pending - lien_total (overdraft not included). */
money_t ledger_available(const struct ledger_account *account);

/* `account->id` 0: one is made. Counters are ignored. */
int ledger_open_account(struct ledger *ledger, struct ledger_account *account);
int ledger_system_account(struct ledger *ledger, id_t64 tenant_id, int asset,
                          enum ledger_account_code code, struct str sub_name, id_t64 *ret_id);
/* Within a posting transaction: sees what this batch did. */
int ledger_get_account(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id,
                       struct ledger_account *ret_account);
/* In a read snapshot. */
int ledger_read_account(struct sql *sql, id_t64 tenant_id, id_t64 account_id,
                        struct ledger_account *ret_account);
int ledger_set_flags(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id, unsigned set,
                     unsigned clear);
int ledger_set_limits(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id,
                      money_t overdraft_limit, money_t minimum_balance);
int ledger_place_lien(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id, money_t amount,
                      struct str reason, id_t64 *ret_lien);
int ledger_release_lien(struct ledger *ledger, id_t64 tenant_id, id_t64 lien_id);

/* ---- Posting ---- */

enum transfer_kind {
    TRANSFER_POSTED = 0,
    TRANSFER_PENDING = 1, /* holds the amount on both accounts */
    TRANSFER_POST = 2,    /* posts a pending one; amount 0 = all of it, less releases the rest */
    TRANSFER_VOID = 3,    /* releases a pending one */
};

enum transfer_flags {
    TRANSFER_BALANCING_DEBIT = 1 << 0,  /* move up to what is available on the debit account */
    TRANSFER_BALANCING_CREDIT = 1 << 1,
    TRANSFER_FORCE = 1 << 2, /* may overdraw beyond the arranged limit (authority checked by caller) */
};

struct transfer {
    id_t64 id;             /* 0: one is made; returned */
    enum transfer_kind kind;
    unsigned flags;
    id_t64 debit_account;  /* post/void: 0 = those of the pending transfer */
    id_t64 credit_account;
    money_t amount;
    id_t64 pending_id;     /* post/void */
    usec_t timeout;        /* pending: expires this long after now; 0 = never */
    int reason;            /* reason code, core/reasons.def */
    /* returned: posted balances of the two accounts after this transfer */
    money_t debit_balance_after, credit_balance_after;
};

struct journal {
    id_t64 id;              /* 0: one is made; returned */
    id_t64 tenant_id;
    struct str key;         /* idempotency key within the tenant; absent: none */
    struct str description;
    struct str reference;   /* external reference */
    struct str interaction_id;
    struct str metadata;    /* JSON text or absent */
    id_t64 actor_id;        /* user or credential that caused it */
    usec_t effective_at;    /* 0: now */
    id_t64 reverses;        /* journal this one reverses */
    struct transfer *transfers;
    size_t transfer_count;
};

/*
 * Posts all transfers of the journal or none. 0, or the error of the first rule broken, in the order of
 * errors.def (100..199); *ret_index (may be NULL) says which transfer. A key that was used returns 0 with
 * *ret_replayed true and the first journal's id and results, ERR_LEDGER_KEY_MISMATCH for another body.
 */
int ledger_post_journal(struct ledger *ledger, struct journal *journal, size_t *ret_index,
                        bool *ret_replayed);

#endif
