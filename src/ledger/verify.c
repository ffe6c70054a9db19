/*
 * Verification: everything that the tables say is computed again from the transfers alone, in one
 * pass in the order of ids, and compared. It trusts nothing that it checks: after a difference it
 * goes on from what is stored, so that one altered byte is one or two sentences and not a flood.
 */
#include "ledger/keys.h"

#include <stdlib.h>

#define VERIFY_ROW(F)        \
    LEDGER_TRANSFER_ROW(F)   \
    F(INTEGER, said_id)      \
    F(INTEGER, said_tenant)  \
    F(TEXT, key)             \
    F(BYTES, body_hash)      \
    F(TEXT, description)     \
    F(TEXT, reference)       \
    F(TEXT, interaction_id)  \
    F(TEXT, metadata)        \
    F(INTEGER, actor_id)     \
    F(INTEGER, effective_at) \
    F(INTEGER, reverses)     \
    F(INTEGER, hold_id)      \
    F(INTEGER, hold_tenant)  \
    F(INTEGER, hold_debit)   \
    F(INTEGER, hold_credit)  \
    F(INTEGER, hold_amount)  \
    F(INTEGER, hold_expires) \
    F(INTEGER, hold_state)   \
    F(INTEGER, hold_posted)  \
    F(INTEGER, hold_resolved)
ROW_STRUCT(ledger_verify_, VERIFY_ROW);
#define ROW_SELF struct ledger_verify_
ROW_TYPE(ledger_verify_, VERIFY_ROW);
#undef ROW_SELF

/* What an account should be, from its transfers so far, and what its rows say. */
struct tally {
    id_t64 id;
    id_t64 tenant_id;
    int asset;
    money_t debits_pending, debits_posted, credits_pending, credits_posted;
    id_t64 head;
    int64_t entries;
    uint64_t marks; /* sum of its waypoints and dated entries: expected less found */
    money_t liens;  /* lien_total less the liens in force */
    struct ledger_counters_ stored;
};

struct tenant_tally {
    struct ledger_tenant_ stored;
    uint8_t stored_hash[LEDGER_HASH_SIZE];
    uint8_t hash[LEDGER_HASH_SIZE];
    int64_t journals;
    id_t64 last_journal;
    usec_t last_posted_at;
};

struct verify {
    struct sql *sql;
    ledger_problem *problem;
    void *context;
    struct ledger_verified *result;
    struct arena *arena; /* for one sentence */
    struct chain_hasher hasher;
    struct chunks tallies, tenants;
    struct id_map tally_map, tenant_map;
    /* the journal being read */
    struct queue legs;     /* struct ledger_transfer_ */
    struct queue expiries; /* usec_t */
    struct ledger_journal_ said;
    struct arena *said_texts;
    uint8_t stored_hash[LEDGER_HASH_SIZE];
    bool has_said, has_hash;
    struct key_tally keys;
};

__attribute__((format(printf, 2, 3))) static void wrong(struct verify *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    arena_reset(v->arena);
    struct str text = arena_vprintf(v->arena, format, args);
    va_end(args);
    v->result->problems++;
    v->problem(v->context, text.ptr);
}

#define ID "%lld"
#define L(x) ((long long)(x))

static struct tally *tally_of(struct verify *v, id_t64 id)
{
    uint32_t index = id_map_get(&v->tally_map, id);
    return index == ID_MAP_NONE ? NULL : chunks_at(&v->tallies, index);
}

static struct tenant_tally *tenant_of(struct verify *v, id_t64 id)
{
    uint32_t index = id_map_get(&v->tenant_map, id);
    return index == ID_MAP_NONE ? NULL : chunks_at(&v->tenants, index);
}

/* ---- What there is: tenants and accounts ---- */

static int load_tenant(void *context, const void *row, struct arena *row_arena)
{
    (void)row_arena;
    struct verify *v = context;
    const struct ledger_tenant_ *stored = row;
    uint32_t index;
    struct tenant_tally *tenant = chunks_add(&v->tenants, &index);
    tenant->stored = *stored;
    if (stored->hash.len == LEDGER_HASH_SIZE)
        memcpy(tenant->stored_hash, stored->hash.ptr, LEDGER_HASH_SIZE);
    id_map_put(&v->tenant_map, stored->tenant_id, index);
    v->result->tenants++;
    return OK;
}

static int load_account(void *context, const void *row, struct arena *row_arena)
{
    (void)row_arena;
    struct verify *v = context;
    const struct ledger_loaded_ *stored = row;
    uint32_t index;
    struct tally *tally = chunks_add(&v->tallies, &index);
    *tally = (struct tally){
        .id = stored->id,
        .tenant_id = stored->tenant_id,
        .asset = (int)stored->asset,
        .liens = stored->lien_total,
        .stored = {.id = stored->id,
                   .tenant_id = stored->tenant_id,
                   .debits_pending = stored->debits_pending,
                   .debits_posted = stored->debits_posted,
                   .credits_pending = stored->credits_pending,
                   .credits_posted = stored->credits_posted,
                   .head = stored->head,
                   .entries = stored->entries},
    };
    id_map_put(&v->tally_map, stored->id, index);
    v->result->accounts++;
    return OK;
}

/* ---- Transfer by transfer ---- */

static uint64_t mark_of(id_t64 a, int64_t b, id_t64 c)
{
    uint64_t x = (uint64_t)a * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)b;
    x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9) ^ (uint64_t)c;
    return (x ^ x >> 29) * UINT64_C(0x94d049bb133111eb);
}

static void expect_links(struct tally *tally, const struct ledger_verify_ *row, bool is_debit)
{
    if (tally->entries % LEDGER_WAYPOINT_EVERY == 0)
        tally->marks += mark_of(row->id, tally->entries, row->posted_at);
    bool moves = row->kind == TRANSFER_POSTED || row->kind == TRANSFER_POST;
    if (row->said_id && row->effective_at && moves)
        tally->marks += mark_of(row->id, row->effective_at, is_debit ? -row->amount : row->amount);
}

static void check_side(struct verify *v, const struct ledger_verify_ *row, bool is_debit)
{
    id_t64 account_id = is_debit ? row->debit_account : row->credit_account;
    const char *side = is_debit ? "debit" : "credit";
    struct tally *tally = tally_of(v, account_id);
    if (!tally) {
        wrong(v, "transfer " ID ": its %s account " ID " does not exist", L(row->id), side,
              L(account_id));
        return;
    }
    if (tally->tenant_id != row->tenant_id)
        wrong(v, "transfer " ID " of tenant " ID ": its %s account " ID " is tenant " ID "'s",
              L(row->id), L(row->tenant_id), side, L(account_id), L(tally->tenant_id));
    id_t64 prev = is_debit ? row->debit_prev : row->credit_prev;
    if (prev != tally->head)
        wrong(v, "transfer " ID ": account " ID "'s transfer before it is " ID ", recorded is " ID,
              L(row->id), L(account_id), L(tally->head), L(prev));
    tally->head = row->id;
    tally->entries++;

    money_t held = row->kind == TRANSFER_PENDING  ? row->amount
                   : row->kind == TRANSFER_POSTED ? 0
                                                  : -row->hold_amount;
    money_t posted = row->kind == TRANSFER_POSTED || row->kind == TRANSFER_POST ? row->amount : 0;
    if (is_debit) {
        tally->debits_pending += held;
        tally->debits_posted += posted;
    } else {
        tally->credits_pending += held;
        tally->credits_posted += posted;
    }
    money_t balance = tally->credits_posted - tally->debits_posted;
    money_t recorded = is_debit ? row->debit_balance : row->credit_balance;
    if (balance != recorded)
        wrong(v,
              "transfer " ID ": the balance of its %s account " ID " after it is " ID
              ", recorded is " ID,
              L(row->id), side, L(account_id), L(balance), L(recorded));
    expect_links(tally, row, is_debit);
}

static void check_assets(struct verify *v, const struct ledger_verify_ *row)
{
    const struct tally *debit = tally_of(v, row->debit_account);
    const struct tally *credit = tally_of(v, row->credit_account);
    if (debit && credit && debit->asset != credit->asset)
        wrong(v, "transfer " ID " moves between different assets", L(row->id));
    if (row->debit_account == row->credit_account)
        wrong(v, "transfer " ID " has the same account on both sides", L(row->id));
    if (row->amount <= 0)
        wrong(v, "transfer " ID ": its amount is " ID, L(row->id), L(row->amount));
}

/* A pending transfer and its settlement must agree with the row of the hold. */
static void check_hold(struct verify *v, const struct ledger_verify_ *row)
{
    if (row->kind == TRANSFER_POSTED)
        return;
    if (!row->hold_id) {
        wrong(v, "transfer " ID ": its hold " ID " does not exist", L(row->id),
              L(row->kind == TRANSFER_PENDING ? row->id : row->pending_id));
        return;
    }
    if (row->hold_debit != row->debit_account || row->hold_credit != row->credit_account ||
        row->hold_tenant != row->tenant_id)
        wrong(v, "transfer " ID ": its hold " ID " is between other accounts", L(row->id),
              L(row->hold_id));
    if (row->kind == TRANSFER_PENDING) {
        v->result->holds++;
        if (row->hold_amount != row->amount)
            wrong(v, "hold " ID ": its amount is " ID ", its transfer's " ID, L(row->id),
                  L(row->hold_amount), L(row->amount));
        return;
    }
    if (row->hold_resolved != row->id || row->hold_state != row->kind - 1)
        wrong(v, "transfer " ID " settles hold " ID ", which says state " ID ", settled by " ID,
              L(row->id), L(row->hold_id), L(row->hold_state), L(row->hold_resolved));
    if (row->kind == TRANSFER_POST &&
        (row->hold_posted != row->amount || row->amount > row->hold_amount))
        wrong(v, "transfer " ID " posts " ID " of hold " ID ", which says " ID " of " ID,
              L(row->id), L(row->amount), L(row->hold_id), L(row->hold_posted),
              L(row->hold_amount));
    if (row->kind != TRANSFER_POST && row->amount != row->hold_amount)
        wrong(v, "transfer " ID " releases " ID " of hold " ID " over " ID, L(row->id),
              L(row->amount), L(row->hold_id), L(row->hold_amount));
}

/* ---- Journal by journal ---- */

static void finish_journal(struct verify *v)
{
    const struct ledger_transfer_ *first = v->legs.items;
    if (v->legs.count == 0)
        return;
    struct tenant_tally *tenant = tenant_of(v, first->tenant_id);
    v->result->journals++;
    if (!tenant) {
        wrong(v, "journal " ID ": its tenant " ID " has no row in ledger_tenants", L(first->id),
              L(first->tenant_id));
    } else if (first->legs != (int64_t)v->legs.count) {
        wrong(v, "journal " ID ": it has " ID " transfers, there are %zu", L(first->id),
              L(first->legs), v->legs.count);
    } else {
        uint8_t hash[LEDGER_HASH_SIZE];
        chain_hash(&v->hasher, tenant->hash, first, v->expiries.items, v->legs.count,
                   v->has_said ? &v->said : NULL, hash);
        if (!v->has_hash || memcmp(hash, v->stored_hash, LEDGER_HASH_SIZE) != 0)
            wrong(v,
                  "journal " ID " (tenant " ID "): its hash is not that of its content and of the "
                  "hash of journal " ID " before it",
                  L(first->id), L(first->tenant_id), L(tenant->last_journal));
    }
    if (tenant) {
        if (v->has_hash)
            memcpy(tenant->hash, v->stored_hash, LEDGER_HASH_SIZE);
        if (first->posted_at < tenant->last_posted_at)
            wrong(v, "journal " ID " was posted before journal " ID ", which precedes it",
                  L(first->id), L(tenant->last_journal));
        tenant->journals++;
        tenant->last_journal = first->id;
        tenant->last_posted_at = first->posted_at;
    }
    v->legs.count = 0;
    v->expiries.count = 0;
}

static void start_journal(struct verify *v, const struct ledger_verify_ *row)
{
    finish_journal(v);
    arena_reset(v->said_texts);
    v->has_hash = row->hash.len == LEDGER_HASH_SIZE;
    if (v->has_hash)
        memcpy(v->stored_hash, row->hash.ptr, LEDGER_HASH_SIZE);
    v->has_said = row->said_id != 0;
    v->said = (struct ledger_journal_){
        .id = row->said_id,
        .key = arena_copy(v->said_texts, row->key),
        .body_hash = arena_copy(v->said_texts, row->body_hash),
        .description = arena_copy(v->said_texts, row->description),
        .reference = arena_copy(v->said_texts, row->reference),
        .interaction_id = arena_copy(v->said_texts, row->interaction_id),
        .metadata = arena_copy(v->said_texts, row->metadata),
        .actor_id = row->actor_id,
        .effective_at = row->effective_at,
        .reverses = row->reverses,
    };
    if (str_present(row->key))
        key_tally_expect(&v->keys, row->said_tenant, row->key, row->said_id);
    if (v->has_said && row->said_tenant != row->tenant_id)
        wrong(v, "journal " ID ": its description belongs to tenant " ID, L(row->id),
              L(row->said_tenant));
}

static int check_transfer(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    struct verify *v = context;
    const struct ledger_verify_ *row = item;
    v->result->transfers++;
    if (row->leg == 0)
        start_journal(v, row);
    const struct ledger_transfer_ *first = v->legs.items;
    if (row->leg != (int64_t)v->legs.count ||
        (row->leg > 0 && (row->id != first->id + row->leg || row->tenant_id != first->tenant_id ||
                          row->posted_at != first->posted_at || row->legs != 0 || row->hash.ptr)))
        wrong(v, "transfer " ID ": it is not transfer " ID " of the journal before it", L(row->id),
              L(row->leg));
    struct ledger_transfer_ *leg = queue_push(&v->legs);
    *leg = (struct ledger_transfer_){
        .id = row->id,
        .tenant_id = row->tenant_id,
        .leg = row->leg,
        .legs = row->legs,
        .kind = row->kind,
        .flags = row->flags,
        .debit_account = row->debit_account,
        .credit_account = row->credit_account,
        .amount = row->amount,
        .pending_id = row->pending_id,
        .reason = row->reason,
        .debit_prev = row->debit_prev,
        .credit_prev = row->credit_prev,
        .debit_balance = row->debit_balance,
        .credit_balance = row->credit_balance,
        .posted_at = row->posted_at,
    };
    *(usec_t *)queue_push(&v->expiries) = row->kind == TRANSFER_PENDING ? row->hold_expires : 0;
    check_assets(v, row);
    check_hold(v, row);
    check_side(v, row, true);
    check_side(v, row, false);
    return OK;
}

static const char transfers_query[] =
    "SELECT " LEDGER_TRANSFER_COLUMNS ", j.id AS said_id, j.tenant_id AS said_tenant, j.key, "
    "j.body_hash, j.description, j.reference, j.interaction_id, j.metadata, j.actor_id, "
    "j.effective_at, j.reverses, h.id AS hold_id, h.tenant_id AS hold_tenant, "
    "h.debit_account AS hold_debit, h.credit_account AS hold_credit, h.amount AS hold_amount, "
    "h.expires_at AS hold_expires, h.state AS hold_state, h.posted_amount AS hold_posted, "
    "h.resolved_by AS hold_resolved FROM ledger_transfers t "
    "LEFT JOIN ledger_journals j ON j.id = t.id - t.leg "
    "LEFT JOIN ledger_holds h ON h.id = CASE WHEN t.kind = 1 THEN t.id ELSE t.pending_id END "
    "ORDER BY t.id";

/* ---- What the passes over the smaller tables find ---- */

static int find_waypoint(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    struct verify *v = context;
    const struct ledger_waypoint_ *row = item;
    struct tally *tally = tally_of(v, row->account_id);
    if (!tally || tally->tenant_id != row->tenant_id)
        wrong(v, "waypoint " ID " belongs to no account: " ID, L(row->entry), L(row->account_id));
    else
        tally->marks -= mark_of(row->transfer_id, row->entry, row->posted_at);
    return OK;
}

static int find_dated(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    struct verify *v = context;
    const struct ledger_dated_ *row = item;
    struct tally *tally = tally_of(v, row->account_id);
    if (!tally || tally->tenant_id != row->tenant_id)
        wrong(v, "dated entry " ID " belongs to no account: " ID, L(row->transfer_id),
              L(row->account_id));
    else
        tally->marks -= mark_of(row->transfer_id, row->effective_at, row->amount);
    return OK;
}

static int find_lien(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    struct verify *v = context;
    const struct ledger_lien_ *row = item;
    struct tally *tally = tally_of(v, row->account_id);
    if (!tally || tally->tenant_id != row->tenant_id)
        wrong(v, "lien " ID " is on no account: " ID, L(row->id), L(row->account_id));
    else if (!row->released_at)
        tally->liens -= row->amount;
    return OK;
}

#define STRAY_ROW(F) F(INTEGER, id)
ROW_STRUCT(ledger_stray_, STRAY_ROW);
#define ROW_SELF struct ledger_stray_
ROW_TYPE(ledger_stray_, STRAY_ROW);
#undef ROW_SELF

static int stray_journal(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    wrong(context, "journal " ID " has no transfers", L(((const struct ledger_stray_ *)item)->id));
    return OK;
}

static int stray_hold(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    wrong(context, "hold " ID ": there is no pending transfer or no settlement as it says",
          L(((const struct ledger_stray_ *)item)->id));
    return OK;
}

static int stray_counters(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    wrong(context, "account " ID " lacks its row or its counters",
          L(((const struct ledger_stray_ *)item)->id));
    return OK;
}

static int check_small_tables(struct verify *v)
{
    TRY(sql_each(v->sql, &ledger_waypoint__row, find_waypoint, v,
                 "SELECT account_id, entry, transfer_id, posted_at, tenant_id "
                 "FROM ledger_waypoints"));
    TRY(sql_each(v->sql, &ledger_dated__row, find_dated, v,
                 "SELECT account_id, effective_at, transfer_id, tenant_id, posted_at, amount "
                 "FROM ledger_dated"));
    TRY(sql_each(v->sql, &ledger_lien__row, find_lien, v,
                 "SELECT id, tenant_id, account_id, amount, reason, created_at, released_at "
                 "FROM ledger_liens"));
    TRY(key_verify(v->sql, &v->keys, v->problem, v->context, &v->result->problems));
    TRY(sql_each(v->sql, &ledger_stray__row, stray_journal, v,
                 "SELECT j.id FROM ledger_journals j LEFT JOIN ledger_transfers t ON t.id = j.id "
                 "WHERE t.id IS NULL OR t.leg <> 0"));
    TRY(sql_each(v->sql, &ledger_stray__row, stray_hold, v,
                 "SELECT h.id FROM ledger_holds h "
                 "LEFT JOIN ledger_transfers p ON p.id = h.id "
                 "LEFT JOIN ledger_transfers s ON s.id = h.resolved_by "
                 "WHERE p.id IS NULL OR p.kind <> 1 OR (h.state = 0 AND h.resolved_by <> 0) OR "
                 "(h.state <> 0 AND (s.id IS NULL OR s.pending_id <> h.id))"));
    return sql_each(v->sql, &ledger_stray__row, stray_counters, v,
                    "SELECT a.id FROM ledger_accounts a "
                    "LEFT JOIN ledger_counters c ON c.id = a.id "
                    "WHERE c.id IS NULL OR c.tenant_id <> a.tenant_id UNION ALL "
                    "SELECT c.id FROM ledger_counters c "
                    "LEFT JOIN ledger_accounts a ON a.id = c.id WHERE a.id IS NULL");
}

/* ---- The end: what was computed against what is stored ---- */

static void compare(struct verify *v, const struct tally *tally, const char *what, int64_t computed,
                    int64_t stored)
{
    if (computed != stored)
        wrong(v, "account " ID ": %s is " ID " by its transfers, recorded is " ID, L(tally->id),
              what, L(computed), L(stored));
}

static void check_account(struct verify *v, const struct tally *tally)
{
    const struct ledger_counters_ *stored = &tally->stored;
    compare(v, tally, "debits_posted", tally->debits_posted, stored->debits_posted);
    compare(v, tally, "credits_posted", tally->credits_posted, stored->credits_posted);
    compare(v, tally, "debits_pending", tally->debits_pending, stored->debits_pending);
    compare(v, tally, "credits_pending", tally->credits_pending, stored->credits_pending);
    compare(v, tally, "the newest transfer", tally->head, stored->head);
    compare(v, tally, "the number of entries", tally->entries, stored->entries);
    if (tally->marks != 0)
        wrong(v, "account " ID ": its waypoints or dated entries are not those of its transfers",
              L(tally->id));
    if (tally->liens != 0)
        wrong(v, "account " ID ": its lien total is off by " ID " from its liens in force",
              L(tally->id), L(tally->liens));
}

static void check_tenant(struct verify *v, const struct tenant_tally *tenant)
{
    long long id = L(tenant->stored.tenant_id);
    if (tenant->journals != tenant->stored.journals)
        wrong(v, "tenant %lld: there are " ID " journals, its head says " ID, id,
              L(tenant->journals), L(tenant->stored.journals));
    if (tenant->last_journal != tenant->stored.last_journal ||
        tenant->last_posted_at != tenant->stored.last_posted_at)
        wrong(v, "tenant %lld: its newest journal is " ID ", its head says " ID, id,
              L(tenant->last_journal), L(tenant->stored.last_journal));
    if (memcmp(tenant->hash, tenant->stored_hash, LEDGER_HASH_SIZE) != 0)
        wrong(v, "tenant %lld: the hash of its newest journal is not that of its head", id);
}

/* Debits and credits per tenant and asset, from the stored counters: what a trial balance shows. */
struct sums {
    id_t64 tenant_id;
    int asset;
    money_t posted, pending;
};

static struct sums *sums_of(struct verify *v, struct queue *all, struct id_map *places,
                            const struct tally *tally)
{
    /* Tenants by their number here, so that tenant and asset fit into one key; 0: no such tenant.
     */
    uint32_t number = id_map_get(&v->tenant_map, tally->tenant_id) + 1;
    id_t64 place = ((id_t64)number << 24 | tally->asset) + 1;
    uint32_t index = id_map_get(places, place);
    if (index == ID_MAP_NONE) {
        index = (uint32_t)all->count;
        id_map_put(places, place, index);
        *(struct sums *)queue_push(all) =
            (struct sums){.tenant_id = tally->tenant_id, .asset = tally->asset};
    }
    return queue_at(all, index);
}

static void check_sums(struct verify *v)
{
    struct queue all = {.item_size = sizeof(struct sums)};
    struct id_map places = {0};
    for (size_t i = 0; i < v->tallies.count; i++) {
        const struct tally *tally = chunks_at(&v->tallies, i);
        struct sums *sums = sums_of(v, &all, &places, tally);
        sums->posted += tally->stored.debits_posted - tally->stored.credits_posted;
        sums->pending += tally->stored.debits_pending - tally->stored.credits_pending;
    }
    for (size_t i = 0; i < all.count; i++) {
        const struct sums *sums = queue_at(&all, i);
        const struct asset *asset = asset_by_id(sums->asset);
        if (sums->posted != 0 || sums->pending != 0)
            wrong(v, "tenant " ID ", %s: debits exceed credits by " ID " posted and " ID " pending",
                  L(sums->tenant_id), asset ? asset->code : "unknown asset", L(sums->posted),
                  L(sums->pending));
    }
    queue_free(&all);
    id_map_free(&places);
}

static int verify_all(struct verify *v)
{
    TRY(sql_each(v->sql, &ledger_tenant__row, load_tenant, v,
                 "SELECT tenant_id, next_transfer, segment_end, journals, last_journal, "
                 "last_posted_at, hash, version FROM ledger_tenants"));
    TRY(sql_each(v->sql, &ledger_loaded__row, load_account, v, LEDGER_LOADED_COLUMNS));
    TRY(sql_each(v->sql, &ledger_verify__row, check_transfer, v, transfers_query));
    finish_journal(v);
    TRY(check_small_tables(v));
    for (size_t i = 0; i < v->tallies.count; i++)
        check_account(v, chunks_at(&v->tallies, i));
    for (size_t i = 0; i < v->tenants.count; i++)
        check_tenant(v, chunks_at(&v->tenants, i));
    check_sums(v);
    return OK;
}

int ledger_verify(struct sql *sql, ledger_problem *problem, void *context,
                  struct ledger_verified *ret_verified)
{
    *ret_verified = (struct ledger_verified){0};
    struct verify v = {
        .sql = sql,
        .problem = problem,
        .context = context,
        .result = ret_verified,
        .arena = arena_new(SIZE_MAX),
        .said_texts = arena_new(SIZE_MAX),
        .tallies = {.item_size = sizeof(struct tally)},
        .tenants = {.item_size = sizeof(struct tenant_tally)},
        .legs = {.item_size = sizeof(struct ledger_transfer_)},
        .expiries = {.item_size = sizeof(usec_t)},
    };
    chain_hasher_init(&v.hasher);
    v.keys.hasher = &v.hasher;
    int error = verify_all(&v);
    chain_hasher_clear(&v.hasher);
    arena_free(v.arena);
    arena_free(v.said_texts);
    chunks_free(&v.tallies);
    chunks_free(&v.tenants);
    id_map_free(&v.tally_map);
    id_map_free(&v.tenant_map);
    queue_free(&v.legs);
    queue_free(&v.expiries);
    return error;
}
