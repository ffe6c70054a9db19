/*
 * What the ledger's files share: the rows of its tables and the posting context.
 *
 * How a batch lives in memory. Accounts, open holds and tenants that a posting touches are loaded
 * once and kept (`slots`, `holds`, `tenants`). A posting changes them there and queues the rows it
 * makes; an undo log keeps what they were before. ledger_mark is a length of that log and of the
 * queues; ledger_rewind restores both. ledger_flush writes queues and what is dirty. Nothing is
 * written before that except the rare things (new accounts, flags, liens, refusals), which the
 * call's savepoint takes back.
 */
#ifndef LEDGER_INTERNAL_H
#define LEDGER_INTERNAL_H

#include <assert.h>

#include "ledger/ledger.h"
#include "store/row.h"

/* ---- Rows ---- */

#define LEDGER_TENANT_ROW(F)   \
    F(INTEGER, tenant_id)      \
    F(INTEGER, next_transfer)  \
    F(INTEGER, segment_end)    \
    F(INTEGER, journals)       \
    F(INTEGER, last_journal)   \
    F(INTEGER, last_posted_at) \
    F(BYTES, hash)             \
    F(INTEGER, version)
ROW_STRUCT(ledger_tenant_, LEDGER_TENANT_ROW);

#define LEDGER_SEGMENT_ROW(F) \
    F(INTEGER, id)            \
    F(INTEGER, tenant_id)     \
    F(INTEGER, posted_at)
ROW_STRUCT(ledger_segment_, LEDGER_SEGMENT_ROW);

#define LEDGER_ACCOUNT_ROW(F)   \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, asset)           \
    F(INTEGER, code)            \
    F(TEXT, sub_name)           \
    F(INTEGER, flags)           \
    F(INTEGER, overdraft_limit) \
    F(INTEGER, minimum_balance) \
    F(INTEGER, lien_total)      \
    F(INTEGER, created_at)
ROW_STRUCT(ledger_account_, LEDGER_ACCOUNT_ROW);

#define LEDGER_COUNTERS_ROW(F)  \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, debits_pending)  \
    F(INTEGER, debits_posted)   \
    F(INTEGER, credits_pending) \
    F(INTEGER, credits_posted)  \
    F(INTEGER, head)            \
    F(INTEGER, entries)
ROW_STRUCT(ledger_counters_, LEDGER_COUNTERS_ROW);

/* An account with its counters, as it is loaded. */
#define LEDGER_LOADED_ROW(F)    \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, asset)           \
    F(INTEGER, code)            \
    F(INTEGER, flags)           \
    F(INTEGER, overdraft_limit) \
    F(INTEGER, minimum_balance) \
    F(INTEGER, lien_total)      \
    F(INTEGER, created_at)      \
    F(INTEGER, debits_pending)  \
    F(INTEGER, debits_posted)   \
    F(INTEGER, credits_pending) \
    F(INTEGER, credits_posted)  \
    F(INTEGER, head)            \
    F(INTEGER, entries)
ROW_STRUCT(ledger_loaded_, LEDGER_LOADED_ROW);
#define LEDGER_LOADED_COLUMNS                                                            \
    "SELECT a.id, a.tenant_id, a.asset, a.code, a.flags, a.overdraft_limit, "            \
    "a.minimum_balance, a.lien_total, a.created_at, c.debits_pending, c.debits_posted, " \
    "c.credits_pending, c.credits_posted, c.head, c.entries "                            \
    "FROM ledger_accounts a JOIN ledger_counters c ON c.id = a.id "

#define LEDGER_TRANSFER_ROW(F) \
    F(INTEGER, id)             \
    F(INTEGER, tenant_id)      \
    F(INTEGER, leg)            \
    F(INTEGER, legs)           \
    F(INTEGER, kind)           \
    F(INTEGER, flags)          \
    F(INTEGER, debit_account)  \
    F(INTEGER, credit_account) \
    F(INTEGER, amount)         \
    F(INTEGER, pending_id)     \
    F(INTEGER, reason)         \
    F(INTEGER, debit_prev)     \
    F(INTEGER, credit_prev)    \
    F(INTEGER, debit_balance)  \
    F(INTEGER, credit_balance) \
    F(INTEGER, posted_at)      \
    F(BYTES, hash)
ROW_STRUCT(ledger_transfer_, LEDGER_TRANSFER_ROW);
#define LEDGER_TRANSFER_COLUMNS                                                         \
    "t.id, t.tenant_id, t.leg, t.legs, t.kind, t.flags, t.debit_account, "              \
    "t.credit_account, t.amount, t.pending_id, t.reason, t.debit_prev, t.credit_prev, " \
    "t.debit_balance, t.credit_balance, t.posted_at, t.hash"

#define LEDGER_JOURNAL_ROW(F) \
    F(INTEGER, id)            \
    F(INTEGER, tenant_id)     \
    F(TEXT, key)              \
    F(BYTES, body_hash)       \
    F(TEXT, description)      \
    F(TEXT, reference)        \
    F(TEXT, interaction_id)   \
    F(TEXT, metadata)         \
    F(INTEGER, actor_id)      \
    F(INTEGER, effective_at)  \
    F(INTEGER, reverses)
ROW_STRUCT(ledger_journal_, LEDGER_JOURNAL_ROW);

#define LEDGER_KEY_ROW(F) \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(INTEGER, value)
ROW_STRUCT(ledger_key_, LEDGER_KEY_ROW);

#define LEDGER_REFUSAL_ROW(F) \
    F(INTEGER, id)            \
    F(INTEGER, tenant_id)     \
    F(TEXT, key)              \
    F(BYTES, body_hash)       \
    F(INTEGER, error)         \
    F(INTEGER, created_at)
ROW_STRUCT(ledger_refusal_, LEDGER_REFUSAL_ROW);

#define LEDGER_HOLD_ROW(F)     \
    F(INTEGER, id)             \
    F(INTEGER, tenant_id)      \
    F(INTEGER, debit_account)  \
    F(INTEGER, credit_account) \
    F(INTEGER, amount)         \
    F(INTEGER, expires_at)     \
    F(INTEGER, state)          \
    F(INTEGER, posted_amount)  \
    F(INTEGER, resolved_by)
ROW_STRUCT(ledger_hold_, LEDGER_HOLD_ROW);

#define LEDGER_WAYPOINT_ROW(F) \
    F(INTEGER, account_id)     \
    F(INTEGER, entry)          \
    F(INTEGER, transfer_id)    \
    F(INTEGER, posted_at)      \
    F(INTEGER, tenant_id)
ROW_STRUCT(ledger_waypoint_, LEDGER_WAYPOINT_ROW);

#define LEDGER_DATED_ROW(F)  \
    F(INTEGER, account_id)   \
    F(INTEGER, effective_at) \
    F(INTEGER, transfer_id)  \
    F(INTEGER, tenant_id)    \
    F(INTEGER, posted_at)    \
    F(INTEGER, amount)
ROW_STRUCT(ledger_dated_, LEDGER_DATED_ROW);

#define LEDGER_LIEN_ROW(F) \
    F(INTEGER, id)         \
    F(INTEGER, tenant_id)  \
    F(INTEGER, account_id) \
    F(INTEGER, amount)     \
    F(TEXT, reason)        \
    F(INTEGER, created_at) \
    F(INTEGER, released_at)
ROW_STRUCT(ledger_lien_, LEDGER_LIEN_ROW);

#define LEDGER_SEGMENT_BITS 22
#define LEDGER_WAYPOINT_EVERY 64

/* ---- Memory ---- */

/* int64 -> small number; nothing is ever removed but by clearing. */
struct id_map {
    struct id_map_cell {
        id_t64 id;
        uint32_t value;
    } * cells;
    size_t capacity; /* power of two */
    size_t count;
};
#define ID_MAP_NONE UINT32_MAX
uint32_t id_map_get(const struct id_map *map, id_t64 id);
void id_map_put(struct id_map *map, id_t64 id, uint32_t value);
void id_map_clear(struct id_map *map);
void id_map_free(struct id_map *map);

/* A growing array of rows, contiguous for the bulk insert. */
struct queue {
    void *items;
    size_t count;
    size_t capacity;
    size_t item_size;
};
/* Zeroed. Pointers into the queue are good until the next push. */
void *queue_push(struct queue *queue);
static inline void *queue_at(const struct queue *queue, size_t index)
{
    return (char *)queue->items + index * queue->item_size;
}

void queue_free(struct queue *queue);

struct slot {
    struct ledger_account account;
    id_t64 head;
    int64_t entries;
    uint64_t epoch; /* in which it was remembered for undoing */
    bool present;   /* false: an opening that was taken back; load again */
    bool dirty;
};

struct hold {
    struct ledger_hold_ row;
    uint64_t epoch;
    bool present;
    bool dirty;
    bool fresh; /* not in the table yet */
};

struct tenant {
    id_t64 id;
    id_t64 next_transfer;
    id_t64 segment_end;
    int64_t journals;
    id_t64 last_journal;
    usec_t last_posted_at;
    int64_t version; /* as of our lock: the next one finds one more, or somebody was there */
    uint8_t hash[LEDGER_HASH_SIZE];
    uint64_t epoch;
    bool present;
    bool dirty;
};

enum undo_kind { UNDO_SLOT, UNDO_HOLD, UNDO_TENANT };
struct undo {
    enum undo_kind kind;
    uint32_t index;
    union {
        struct slot slot;
        struct hold hold;
        struct tenant tenant;
    };
};

/* Keys of queued journals and refusals, so that a key sent twice in a batch is seen. */
struct queued_key {
    id_t64 hash;
    uint32_t next;           /* in the bucket */
    uint32_t index;          /* of the journal or refusal in its queue */
    uint32_t transfer_index; /* first transfer of the journal; NO_TRANSFER: a refusal */
};
#define NO_TRANSFER UINT32_MAX

struct system_account {
    id_t64 tenant_id;
    int asset;
    int code;
    struct str sub_name;
    id_t64 account_id;
};

struct mark {
    size_t undo, transfers, journals, segments, waypoints, dated, refusals, keys;
};

/* Slots and holds are allocated in chunks so that pointers to them stay good while others are
 * loaded. */
#define CHUNK 1024
struct chunks {
    void **items;
    size_t count; /* elements in use */
    size_t item_size;
};
void *chunks_at(const struct chunks *chunks, size_t index);
void *chunks_add(struct chunks *chunks, uint32_t *ret_index); /* zeroed */
void chunks_free(struct chunks *chunks);

struct chain_hasher {
    void *context; /* EVP_MD_CTX */
};

struct ledger {
    struct sql *sql;
    bool keeps; /* the only writer: tenants need no lock, what is loaded stays good */
    bool in_batch;
    usec_t now;
    uint64_t epoch; /* rises with every mark: what was remembered in this one need not be again */
    struct arena *texts;   /* strings and hashes of queued rows; reset by ledger_begin */
    struct arena *scratch; /* rows being loaded */
    struct chain_hasher hasher;

    struct chunks slots, holds, tenants;
    struct id_map slot_map, hold_map, tenant_map;
    struct queue dirty_slots, dirty_holds, dirty_tenants; /* uint32_t; may name one twice */

    struct queue undo, marks;
    struct queue transfers, journals, segments, waypoints, dated, refusals; /* rows to insert */
    struct queue expected; /* id_t64: accounts that will be asked for */
    struct queue keys;
    uint32_t *key_buckets;
    size_t key_bucket_count;
    struct key_runs *key_runs; /* where it keeps what it loads */
    struct id_map free_keys;   /* elsewhere: hashes that were looked up together and are free */

    struct queue systems; /* struct system_account */
    struct arena *system_names;
    bool systems_uncertain; /* one was opened in this transaction */
};

/* batch.c */
int ledger_compare_ids(const void *a, const void *b); /* of rows that begin with their id */
struct mark ledger_here(struct ledger *ledger);
void ledger_rewind_to(struct ledger *ledger, const struct mark *mark);

/* accounts.c */
int ledger_slot(struct ledger *ledger, id_t64 account_id, struct slot **ret_slot,
                uint32_t *ret_index);
/* Before a change: remembers what it was and marks it dirty. */
void ledger_touch_slot(struct ledger *ledger, struct slot *slot, uint32_t index);
/* In order of id; those that do not exist are left out. Each id once. */
int ledger_load_many(struct sql *sql, struct arena *arena, const id_t64 *ids, size_t count,
                     struct ledger_loaded_ **ret_rows, size_t *ret_count);
void ledger_fill_slot(struct ledger *ledger, const struct ledger_loaded_ *row);
void ledger_forget(struct ledger *ledger);
/* Somebody else may have changed the tenant's books: its accounts and holds are read again. */
void ledger_distrust(struct ledger *ledger, id_t64 tenant_id);
void ledger_account_from_row(const struct ledger_loaded_ *row, struct ledger_account *ret_account);
int ledger_open_named(struct ledger *ledger, struct ledger_account *account, struct str sub_name);
/* The account if it is the tenant's, to change it; ERR_NOT_FOUND. */
int ledger_own_slot(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id,
                    struct slot **ret_slot, uint32_t *ret_index);

/* tenants.c */
int ledger_tenant(struct ledger *ledger, id_t64 tenant_id, struct tenant **ret_tenant,
                  uint32_t *ret_index);
void ledger_touch_tenant(struct ledger *ledger, struct tenant *tenant, uint32_t index);
/* `count` consecutive ids. */
int ledger_take_ids(struct ledger *ledger, struct tenant *tenant, size_t count, usec_t posted_at,
                    id_t64 *ret_first);

/* holds.c */
int ledger_hold(struct ledger *ledger, id_t64 tenant_id, id_t64 pending_id, struct hold **ret_hold,
                uint32_t *ret_index);
void ledger_fill_hold(struct ledger *ledger, const struct ledger_hold_ *row);
void ledger_add_hold(struct ledger *ledger, const struct ledger_hold_ *row);
void ledger_touch_hold(struct ledger *ledger, struct hold *hold, uint32_t index);
void ledger_resolve_hold(struct ledger *ledger, struct hold *hold, uint32_t index,
                         enum ledger_hold_state state, money_t posted_amount, id_t64 resolved_by);

/* rules.c: what a transfer will do, once every rule has been checked. */
struct movement {
    struct slot *debit, *credit;
    uint32_t debit_index, credit_index;
    struct hold *hold; /* post, void, expire */
    uint32_t hold_index;
    money_t amount;   /* to post or to hold; void: 0 */
    money_t released; /* of the hold */
};
int ledger_check(struct ledger *ledger, id_t64 tenant_id, const struct transfer *transfer,
                 struct movement *ret_movement);

/* keys.c */
/* What is known of a key. */
struct key_place {
    id_t64 hash;
    bool found;
    id_t64 journal_id; /* 0: refused with `error` */
    int error;
    uint8_t body_hash[LEDGER_HASH_SIZE];
    bool has_body_hash;
    size_t transfer_index; /* in the queue; NO_TRANSFER: in the table */
};
/* When the key is known: fills in the first outcome, or returns the refusal. */
int ledger_replay_key(struct ledger *ledger, struct journal *journal,
                      const uint8_t body_hash[LEDGER_HASH_SIZE], struct key_place *ret_place);
void ledger_queue_key(struct ledger *ledger, id_t64 hash, size_t journal_index,
                      size_t transfer_index);
/* Forgets the keys from this place of the queue on. */
void ledger_unqueue_keys(struct ledger *ledger, size_t key_count);
int ledger_flush_keys(struct ledger *ledger);
/* Looks up the keys of many journals together; forgotten by ledger_rewind and at the end of the
 * batch. */
int ledger_prefetch_keys(struct ledger *ledger, const struct journal *journals, size_t count);
/* In a read snapshot: the journal of a key, 0: none. */
int ledger_journal_of_key(struct sql *sql, struct arena *arena, id_t64 tenant_id, struct str key,
                          id_t64 *ret_journal);
/* Tests: after so many keys a run is made, whose merging is otherwise a matter of thousands. */
void ledger_spill_keys_at(struct ledger *ledger, size_t keys);

/* history.c */
struct ledger_chain {
    id_t64 tenant_id;
    id_t64 account_id;
    id_t64 head;
    int64_t entries;
};
/* ERR_NOT_FOUND: no such account of the tenant. */
int ledger_chain_of(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 account_id,
                    struct ledger_chain *ret_chain);
/* `limit` entries along the chain from `start` on, newest first; *ret_next: where it goes on, 0:
 * nowhere. */
int ledger_walk(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                id_t64 start, size_t limit, struct ledger_entry **ret_entries, size_t *ret_count,
                id_t64 *ret_next);
/* One transfer of the account and what is behind it; ERR_NOT_FOUND when it is not the account's. */
int ledger_own_transfer(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                        id_t64 transfer_id, struct ledger_entry *ret_entry, id_t64 *ret_next);
/* The transfer at place `entry` (1 is the oldest, chain->entries the newest) of the chain; 0: there
 * is none. */
int ledger_entry_at(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                    int64_t entry, id_t64 *ret_id);
/* ERR_LEDGER_JOURNAL_NOT_FOUND */
int ledger_journal_rows(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 journal_id,
                        struct ledger_transfer_ **ret_rows, size_t *ret_count);

/* prefetch.c */
int ledger_prefetch(struct ledger *ledger, const struct journal *journals, size_t count);
/* The accounts that were expected and are not known. */
int ledger_load_expected(struct ledger *ledger);

/* chain.c */
void chain_hasher_init(struct chain_hasher *hasher);
void chain_hasher_clear(struct chain_hasher *hasher);
/*
 * SHA-256 over the previous hash and the canonical bytes of a journal: what version 1 of
 * docs/ledger.md says. `expires_at` has one instant per transfer (0 unless pending); `said` NULL:
 * nothing is said about it.
 */
void chain_hash(struct chain_hasher *hasher, const uint8_t previous[LEDGER_HASH_SIZE],
                const struct ledger_transfer_ *transfers, const usec_t *expires_at, size_t count,
                const struct ledger_journal_ *said, uint8_t ret_hash[LEDGER_HASH_SIZE]);

/* 63 bits of SHA-256 of tenant and key; not 0. */
id_t64 ledger_key_hash(struct chain_hasher *hasher, id_t64 tenant_id, struct str key);
/* The journal's own body_hash, or ledger_journal_hash. */
void ledger_body_hash(const struct journal *journal, uint8_t ret_hash[LEDGER_HASH_SIZE]);

#endif
