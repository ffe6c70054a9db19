/*
 * The double-entry ledger: the only thing in Cambist that moves money.
 *
 * An ACCOUNT holds one asset for one tenant. It has four counters, all of which only ever grow
 * except the pending ones: debits and credits, posted and pending. A debit is money that leaves the
 * account, a credit is money that enters it, for every kind of account. Balances are derived, never
 * stored as truth:
 *
 *     balance   = credits_posted - debits_posted
 *     available = balance - debits_pending - lien_total
 *
 * A TRANSFER moves an amount from a debit account to a credit account of the same asset. It is
 * immutable. It is posted at once, or it is pending (a hold: counted on both accounts, not yet in
 * their balance) and later posted in full or in part, voided, or expired.
 *
 * A JOURNAL is a group of transfers that stand or fall together, with what people need to know
 * about it: key, description, references, actor, effective date. Every asset balances in it by
 * itself, because every transfer does: exchange between assets goes through a position account per
 * asset.
 *
 * What always holds, and what `cambist verify` recomputes from nothing:
 *  - per tenant and asset, all debits equal all credits, posted and pending;
 *  - an account's counters are the sums over its transfers;
 *  - an account's transfers form one chain, newest first, each with the account's posted balance
 *    after it;
 *  - a journal is there whole or not at all;
 *  - each journal carries the SHA-256 of the journal before it and of all of its own content, one
 *    chain per tenant, whose head ledger_head() publishes: no byte of history can change unnoticed.
 *
 * Units: amounts are minor units (money.h), instants microseconds UTC. Ids of transfers and
 * journals rise in the order of posting within a tenant; a journal's id is that of its first
 * transfer, and its transfers are consecutive. `posted_at` never falls within a tenant, even when
 * the clock does.
 *
 * Ownership: a `struct ledger` is the posting side of one connection and belongs to one thread at a
 * time. It keeps account counters in memory. Strings passed in are copied when they must outlive
 * the call; what comes back lives in the arena that was passed.
 *
 * Errors: 0, or the code of the first rule broken (errors.def, 100..199, numbered in the order of
 * the checks; docs/ledger.md lists them with examples), or an error of the store. After the last
 * check a posting cannot fail, so a refused journal leaves no trace.
 *
 * A complete example:
 *
 *     struct ledger *ledger = ledger_new(sql);
 *     TRY(sql_begin(sql));
 *     TRY(ledger_begin(ledger, clock_now()));
 *     struct ledger_account wallet = {.tenant_id = tenant, .asset = asset_find(STR("NGN"))->id,
 *                                     .code = LEDGER_CUSTOMER, .flags = LEDGER_NO_OVERDRAFT};
 *     TRY(ledger_open_account(ledger, &wallet));
 *     id_t64 bank;
 *     TRY(ledger_system_account(ledger, tenant, wallet.asset, LEDGER_SETTLEMENT, STR("squad"),
 *                               &bank));
 *     struct transfer deposit = {
 *         .debit_account = bank, .credit_account = wallet.id, .amount = 150000};
 *     struct journal journal = {.tenant_id = tenant, .key = STR("deposit-1"),
 *                               .transfers = &deposit, .transfer_count = 1};
 *     TRY(ledger_post_journal(ledger, &journal, NULL, NULL));
 *     -> deposit.credit_balance_after == 150000
 *     TRY(ledger_flush(ledger));
 *     TRY(sql_commit(sql));
 *     ledger_end(ledger, true);
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include <stdio.h>

#include "base/money.h"
#include "base/time.h"
#include "store/sql.h"

struct ledger;

/* ---- A batch: what one transaction of the connection posts ---- */

struct ledger *ledger_new(struct sql *sql);
/* Returns NULL; ledger_free(NULL) is fine. */
struct ledger *ledger_free(struct ledger *ledger);

/* After sql_begin. `now` is the time of posting until the next ledger_begin or ledger_set_now. */
int ledger_begin(struct ledger *ledger, usec_t now);
void ledger_set_now(struct ledger *ledger, usec_t now);
/*
 * Ahead of the calls of a batch, for engines that are slow to ask (PostgreSQL; no effect on SQLite):
 * whose books they may change, in ascending order, and the accounts they will name.
 * ledger_expect_tenants asks for the tenants' locks without waiting, ledger_lock_tenants has them:
 * so two batches that share tenants wait for each other in one order, and what is read of a tenant
 * afterwards stays true until the commit.
 */
int ledger_expect_tenants(struct ledger *ledger, const id_t64 *tenant_ids, size_t count);
int ledger_lock_tenants(struct ledger *ledger, const id_t64 *tenant_ids, size_t count);
void ledger_expect_account(struct ledger *ledger, id_t64 account_id);
/*
 * Position to return to: everything posted since is forgotten by ledger_rewind. Goes with the
 * savepoints of the calls in a batch: rewind when the savepoint is rolled back. Rewinding to a mark
 * keeps that mark valid and invalidates later ones.
 */
size_t ledger_mark(struct ledger *ledger);
void ledger_rewind(struct ledger *ledger, size_t mark);
/* Writes transfers, journals and changed counters of the batch; call before sql_commit. */
int ledger_flush(struct ledger *ledger);
/* After a commit the counters are kept: on SQLite there is no other writer, on PostgreSQL the
 * tenant's lock tells whether there was one. After a rollback they are dropped. */
void ledger_end(struct ledger *ledger, bool committed);

/* ---- Accounts ---- */

enum ledger_account_flags {
    LEDGER_NO_OVERDRAFT = 1 << 0, /* available may not fall below 0 (customer wallets) */
    LEDGER_OVERDRAFT = 1 << 1,    /* available may not fall below -overdraft_limit */
    LEDGER_MINIMUM = 1 << 2,      /* available may not fall below minimum_balance */
    LEDGER_DEBIT_ONLY = 1 << 3,
    LEDGER_CREDIT_ONLY = 1 << 4,
    LEDGER_READ_ONLY = 1 << 5,
    LEDGER_FROZEN = 1 << 6,
    LEDGER_CLOSED = 1 << 7, /* set by ledger_close_account only */
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
    int asset; /* asset->id */
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
/* How far below 0 the balance is: the overdraft in use. */
money_t ledger_overdrawn(const struct ledger_account *account);

/* `account->id` 0: one is made. Counters, lien_total and created_at are ignored and set. An account
 * without any limit flag may be debited without bound: system accounts. ERR_STORE_UNIQUE: the id is
 * taken. */
int ledger_open_account(struct ledger *ledger, struct ledger_account *account);
/* The system account, opened on first use. `sub_name` may be absent. */
int ledger_system_account(struct ledger *ledger, id_t64 tenant_id, int asset,
                          enum ledger_account_code code, struct str sub_name, id_t64 *ret_id);
/* Within a posting transaction: sees what this batch did. ERR_NOT_FOUND, also for another
 * tenant's. */
int ledger_get_account(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id,
                       struct ledger_account *ret_account);
/* In a read snapshot. ERR_NOT_FOUND, also for another tenant's. */
int ledger_read_account(struct sql *sql, id_t64 tenant_id, id_t64 account_id,
                        struct ledger_account *ret_account);
/* In a read snapshot: ledger_read_account will be asked for it; goes with the next question. */
int ledger_expect_read(struct sql *sql, id_t64 tenant_id, id_t64 account_id);
int ledger_read_accounts(struct sql *sql, struct arena *arena, id_t64 tenant_id,
                         const id_t64 *account_ids, size_t count,
                         struct ledger_account *ret_accounts);
/* LEDGER_CLOSED cannot be set or cleared here. ERR_LEDGER_ACCOUNT_CLOSED for a closed account. */
int ledger_set_flags(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id, unsigned set,
                     unsigned clear);
int ledger_set_limits(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id,
                      money_t overdraft_limit, money_t minimum_balance);
/* ERR_LEDGER_ACCOUNT_NOT_EMPTY while there is a balance, a hold or a lien. Closing twice is
 * fine. */
int ledger_close_account(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id);

/* ---- Liens: money that stays but may not be debited, until released. A lien may exceed what is
 * there: it then also catches what comes in. ---- */

struct ledger_lien {
    id_t64 id;
    id_t64 account_id;
    money_t amount;
    struct str reason;
    usec_t created_at;
    usec_t released_at; /* 0: in force */
};

int ledger_place_lien(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id, money_t amount,
                      struct str reason, id_t64 *ret_lien);
/* ERR_LEDGER_LIEN_NOT_FOUND, ERR_LEDGER_LIEN_RELEASED */
int ledger_release_lien(struct ledger *ledger, id_t64 tenant_id, id_t64 lien_id);
/* Oldest first. */
int ledger_list_liens(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 account_id,
                      struct ledger_lien **ret_liens, size_t *ret_count);

/* ---- Posting ---- */

#define LEDGER_JOURNAL_MAX 8190 /* transfers in a journal */

enum transfer_kind {
    TRANSFER_POSTED = 0,
    TRANSFER_PENDING = 1, /* holds the amount on both accounts */
    TRANSFER_POST = 2,    /* posts a pending one; amount 0 = all of it, less releases the rest */
    TRANSFER_VOID = 3,    /* releases a pending one; amount 0 or all of it */
    TRANSFER_EXPIRE = 4,  /* made by ledger_expire only: a void because time ran out */
};

enum transfer_flags {
    /* Move up to `amount`, as far as the limit of the debit account allows (an account without a
     * limit flag gives what is available). */
    TRANSFER_BALANCING_DEBIT = 1 << 0,
    /* Move up to `amount`, as far as brings the overdrawn credit account (a debt) to 0. */
    TRANSFER_BALANCING_CREDIT = 1 << 1,
    TRANSFER_FORCE =
        1 << 2, /* ignores the debit account's limit and liens (authority is the caller's) */
};

struct transfer {
    id_t64 id; /* returned */
    enum transfer_kind kind;
    unsigned flags;
    id_t64 debit_account; /* post/void: 0 = those of the pending transfer */
    id_t64 credit_account;
    money_t amount;    /* balancing and post/void: returned as what was moved or released */
    id_t64 pending_id; /* post/void */
    usec_t timeout;    /* pending: expires this long after now (at most 100 years); 0 = never */
    int reason;        /* reason code, core/reasons.def */
    /* returned: posted balances of the two accounts after this transfer */
    money_t debit_balance_after, credit_balance_after;
};

struct journal {
    id_t64 id; /* returned */
    id_t64 tenant_id;
    struct str key;       /* idempotency key within the tenant; absent: none */
    struct str body_hash; /* what the key stands for; absent: SHA-256 of the journal as given,
                             without interaction_id and actor_id */
    struct str description;
    struct str reference; /* external reference */
    struct str interaction_id;
    struct str metadata; /* JSON text or absent */
    id_t64 actor_id;     /* user or credential that caused it */
    usec_t effective_at; /* 0: now. Earlier or later: statements by effective date show it there */
    id_t64 reverses;     /* returned by ledger_reverse: journal this one reverses */
    usec_t posted_at;    /* returned */
    bool replayed;       /* returned: the key was known; what is returned is the first outcome */
    struct transfer *transfers;
    size_t transfer_count;
};

/*
 * Posts all transfers of the journal or none. 0, or the error of the first rule broken; *ret_index
 * (may be NULL) says which transfer. Each transfer sees what those before it did.
 *
 * Keys: a key that was used for the same body returns what it returned then, with *ret_replayed
 * (may be NULL) true and the first journal's id and results; ERR_LEDGER_KEY_MISMATCH for another
 * body. A key whose refusal was recorded (ledger_record_refusal) returns that error again.
 *
 * Rules for accounts (closed, frozen, limits...) bind new movements. Post and void settle a hold
 * that was accepted before: they are possible as long as the hold is open.
 */
int ledger_post_journal(struct ledger *ledger, struct journal *journal, size_t *ret_index,
                        bool *ret_replayed);

/*
 * Would status or permission of the two accounts refuse a movement between them? 0 or the rule's
 * code. For callers that must name this rule before one of their own.
 */
int ledger_check_accounts(struct ledger *ledger, id_t64 tenant_id, id_t64 debit_account,
                          id_t64 credit_account);

/*
 * A linked chain: all journals or none. ret_errors[i] (may be NULL) is the error of the journal
 * that was refused, and ERR_LEDGER_CHAIN_FAILED for the others. Returns 0 or the refused journal's
 * error.
 */
int ledger_post_chain(struct ledger *ledger, struct journal *journals, size_t count,
                      int *ret_errors);

/*
 * Many journals, each by itself: ret_errors[i] is 0 or why journal i was refused. What they need is
 * loaded together first, which on PostgreSQL makes one round trip of thousands. Returns errors of
 * the store only.
 */
int ledger_post_batch(struct ledger *ledger, struct journal *journals, size_t count,
                      int *ret_errors);

/*
 * What a key stands for, before a journal is made up. 0 and *ret_journal = 0: the key is new. 0 and
 * a journal id: done. ERR_LEDGER_KEY_MISMATCH; or the error of the refusal that was recorded.
 * `body_hash` absent: any body.
 */
int ledger_find_key(struct ledger *ledger, id_t64 tenant_id, struct str key, struct str body_hash,
                    id_t64 *ret_journal);
/* Remembers that this key was refused, so that it can never succeed. Call after the rewind of the
 * refused call, in the same transaction; a key already known is left as it is. */
int ledger_record_refusal(struct ledger *ledger, id_t64 tenant_id, struct str key,
                          struct str body_hash, int error);
/* SHA-256 that stands for the journal as given when it has no body_hash. */
#define LEDGER_HASH_SIZE 32
void ledger_journal_hash(const struct journal *journal, uint8_t ret_hash[LEDGER_HASH_SIZE]);

/*
 * Undoes a journal by a new one with every posted transfer the other way round and every open hold
 * voided; `reversal` brings tenant, key, description, actor...; its transfers are made in the
 * arena. `flags` (TRANSFER_FORCE) go on each of them. ERR_LEDGER_JOURNAL_NOT_FOUND,
 * ERR_LEDGER_ALREADY_REVERSED, ERR_LEDGER_EMPTY_JOURNAL when it left nothing to undo, or what the
 * opposite transfers are refused with.
 */
int ledger_reverse(struct ledger *ledger, struct arena *arena, id_t64 journal_id, unsigned flags,
                   struct journal *reversal, bool *ret_replayed);

/*
 * Releases pending transfers of the tenant (0: of all) whose timeout passed before ledger's now, at most `limit`,
 * oldest first, each in a journal of its own. For a timer; until it runs, an expired hold still
 * holds but can only be released.
 */
int ledger_expire(struct ledger *ledger, id_t64 tenant_id, size_t limit, size_t *ret_expired);
/* The tenants that have any. Over a read snapshot; costs nothing when there are none. */
int ledger_tenants_to_expire(struct sql *sql, struct arena *arena, usec_t now, id_t64 **ret_tenants,
                             size_t *ret_count);

/* A pending transfer and what became of it. */
enum ledger_hold_state { HOLD_OPEN, HOLD_POSTED, HOLD_VOIDED, HOLD_EXPIRED };
struct ledger_hold {
    id_t64 transfer_id;
    id_t64 debit_account, credit_account;
    money_t amount;
    money_t posted_amount; /* when HOLD_POSTED */
    enum ledger_hold_state state;
    usec_t expires_at;  /* 0: never */
    id_t64 resolved_by; /* transfer that posted, voided or expired it */
};
/* Within a posting transaction. ERR_LEDGER_PENDING_NOT_FOUND, ERR_LEDGER_PENDING_NOT_PENDING */
int ledger_get_hold(struct ledger *ledger, id_t64 tenant_id, id_t64 pending_id,
                    struct ledger_hold *ret_hold);

/* ---- Reading, over a read snapshot (queued rows of a batch are not seen) ---- */

/* One line of an account's history. */
struct ledger_entry {
    id_t64 transfer_id;
    id_t64 journal_id;
    id_t64 account_id;
    id_t64 other_account;
    enum transfer_kind kind;
    unsigned flags;
    bool is_debit;
    money_t amount;                        /* moved, held or released */
    money_t balance_before, balance_after; /* posted: the same for a hold and its release */
    id_t64 pending_id;
    int reason;
    usec_t posted_at;
    usec_t effective_at; /* posted_at unless the journal says otherwise */
    id_t64 actor_id;
    id_t64 reverses;
    struct str key, description, reference, interaction_id, metadata;
};

struct ledger_page {
    id_t64 before; /* transfer of the account: entries older than it; 0 or INT64_MAX: from the
                      newest */
    size_t skip;   /* entries to leave out first, of any kind; costs nothing */
    size_t limit;
    unsigned kinds; /* bit 1 << enum transfer_kind; 0: all */
};
#define LEDGER_KINDS_POSTED (1u << TRANSFER_POSTED | 1u << TRANSFER_POST)

/* Newest first. ERR_NOT_FOUND: no such account of the tenant, or `before` is none of its transfers.
 * Entries never change place, so pages neither repeat nor skip whatever is posted meanwhile. */
int ledger_read_history(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 account_id,
                        struct ledger_page page, struct ledger_entry **ret_entries,
                        size_t *ret_count);
/* How many entries the account's history has; and how many of them were posted up to and including
 * `instant`. */
int ledger_count_history(struct sql *sql, id_t64 tenant_id, id_t64 account_id, int64_t *ret_count);
int ledger_count_history_until(struct sql *sql, id_t64 tenant_id, id_t64 account_id, usec_t instant,
                               int64_t *ret_count);

/* A journal with its transfers. ERR_LEDGER_JOURNAL_NOT_FOUND. */
int ledger_read_journal(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 journal_id,
                        struct journal *ret_journal);
/* What later became of a journal, and its link of the hash chain. ERR_LEDGER_JOURNAL_NOT_FOUND. */
struct ledger_seal {
    uint8_t hash[LEDGER_HASH_SIZE];
    id_t64 reversed_by; /* 0: it was not */
};
int ledger_read_seal(struct sql *sql, id_t64 tenant_id, id_t64 journal_id,
                     struct ledger_seal *ret_seal);
/* The entry of one account's side of a transfer that was read. */
struct ledger_entry ledger_entry_of(const struct journal *journal, size_t transfer_index,
                                    bool debit_side);

enum ledger_text { LEDGER_BY_KEY, LEDGER_BY_REFERENCE, LEDGER_BY_INTERACTION };
/* Journals with exactly this text, newest first, with ids below `before` (0: all), their transfers
 * too. */
int ledger_find_journals(struct sql *sql, struct arena *arena, id_t64 tenant_id,
                         enum ledger_text by, struct str text, id_t64 before, size_t limit,
                         struct journal **ret_journals, size_t *ret_count);

/* ---- Balances and statements at any time ---- */

enum ledger_basis {
    LEDGER_AS_POSTED,    /* in the order of posting: what was known then */
    LEDGER_AS_EFFECTIVE, /* back-dated entries at their effective date: what is known now */
};

/* The posted balance after everything up to and including `instant`. */
int ledger_balance_at(struct sql *sql, id_t64 tenant_id, id_t64 account_id, enum ledger_basis basis,
                      usec_t instant, money_t *ret_balance);

struct ledger_statement_query {
    enum ledger_basis basis;
    usec_t from, to; /* from <= instant < to */
    id_t64 after;    /* last transfer of the page before; 0: from the start */
    size_t limit;
};
struct ledger_statement {
    money_t opening; /* before `from` */
    money_t closing; /* before `to` */
    /* Oldest first, only what moved the balance. balance_before and balance_after run on from the
     * opening balance in the order of the statement. */
    struct ledger_entry *entries;
    size_t count;
    bool more;
};
/* ERR_NOT_FOUND: no such account of the tenant, or `after` is none of its transfers. */
int ledger_read_statement(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 account_id,
                          const struct ledger_statement_query *query,
                          struct ledger_statement *ret_statement);

/* Totals per asset, purpose and sub-name. Per asset, debits equal credits, posted and pending. */
struct ledger_trial_row {
    int asset;
    int code;
    struct str sub_name;
    int64_t accounts;
    money_t debits_posted, credits_posted;
    money_t debits_pending, credits_pending;
};
int ledger_trial_balance(struct sql *sql, struct arena *arena, id_t64 tenant_id,
                         struct ledger_trial_row **ret_rows, size_t *ret_count);

/* Transfers by what they are; each condition may be left out (0). */
struct ledger_search {
    usec_t from, to; /* posted from <= instant < to */
    int reason;
    money_t least, most;
    unsigned kinds; /* bit 1 << enum transfer_kind */
    id_t64 before;  /* ids below it: *ret_next of the page before */
    size_t limit;
};
struct ledger_transfer {
    struct transfer transfer;
    id_t64 journal_id;
    usec_t posted_at;
};
/* Newest first. One call looks at no more than 100,000 transfers, so a page may be short before the
 * end: *ret_next is 0 only when there is nothing left. */
int ledger_search(struct sql *sql, struct arena *arena, id_t64 tenant_id,
                  const struct ledger_search *search, struct ledger_transfer **ret_transfers,
                  size_t *ret_count, id_t64 *ret_next);

/* ---- Proof ---- */

/* Where a tenant's hash chain stands. Publish it (print it, send it to an auditor): whoever has it
 * can tell later that nothing before it was changed. ERR_NOT_FOUND: the tenant never posted. */
struct ledger_head {
    int64_t journals;
    id_t64 last_journal;
    usec_t posted_at;
    uint8_t hash[LEDGER_HASH_SIZE];
};
int ledger_head(struct sql *sql, id_t64 tenant_id, struct ledger_head *ret_head);

struct ledger_verified {
    int64_t tenants, accounts, journals, transfers, holds;
    int64_t problems;
};
/* Recomputes everything over a read snapshot, in memory proportional to the number of accounts.
 * `problem` is called with a sentence for each thing that is wrong. Returns errors of the store
 * only. */
typedef void ledger_problem(void *context, const char *text);
int ledger_verify(struct sql *sql, ledger_problem *problem, void *context,
                  struct ledger_verified *ret_verified);

enum ledger_export_format {
    LEDGER_EXPORT_LEDGER, /* plain-text accounting, read by ledger and hledger; with balance
                             assertions */
    LEDGER_EXPORT_CSV,    /* a line per transfer */
    LEDGER_EXPORT_JSONL,  /* an object per journal */
};
/* Everything the tenant posted (0: all tenants), in the order of posting, over a read snapshot. */
int ledger_export(struct sql *sql, enum ledger_export_format format, id_t64 tenant_id, FILE *out);

/* ---- Measuring ---- */

/* How far a benchmark is, and what that took. When the number of transfers has grown by a quarter,
 * also the median time of a page of 50 entries of an account's history and, if journals have keys,
 * of finding one by its key (else 0). */
struct ledger_bench_point {
    int64_t transfers;
    double seconds, cpu_seconds;
    double page_us, key_us;
};

struct ledger_bench_options {
    size_t accounts;  /* customers that may not be overdrawn, funded first */
    size_t transfers; /* each a journal of its own */
    size_t batch;     /* journals per transaction (and fsync) */
    size_t
        writers; /* PostgreSQL: connections, each with its tenant and its part of the transfers */
    bool shared_tenant; /* all writers post for one tenant: they contend for its head */
    bool hot;           /* 1 % of the accounts take 90 % of the postings */
    bool two_phase;     /* each amount is held in one batch and posted in the next */
    bool described;     /* each journal has a key, a description and a reference */
    uint64_t seed;
    /* After each batch. */
    void (*progress)(void *context, const struct ledger_bench_point *point);
    void *context;
};
struct ledger_bench_result {
    int64_t transfers, refused, batches, retries;
    double seconds;
    double cpu_seconds; /* of all threads of the process; on PostgreSQL the server's come on top */
    double batch_p50_ms, batch_p99_ms, batch_max_ms;
    int64_t bytes_written; /* by this process to storage while measuring; 0: unknown */
};
/* Posts through the functions above and nothing else. `store` should be empty or at least
 * unused. */
int ledger_bench(struct store *store, const struct ledger_bench_options *options,
                 struct ledger_bench_result *ret_result);

#endif
