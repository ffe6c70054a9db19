/*
 * The life of a batch: begin, mark, rewind, flush, end. Invariant: between ledger_begin and
 * ledger_flush the tables plus the queues plus the dirty memory are what the batch has done; after
 * ledger_flush the tables alone are; after ledger_end(false) memory is empty.
 */
#include "ledger/keys.h"

#include <stdlib.h>

/* What is kept between transactions is emptied when it grows beyond this: 150 bytes an account. */
#define KEEP_ACCOUNTS 400000
#define KEEP_HOLDS 200000

/* Builds for tests make and merge runs of keys all the time. */
#ifdef FAULT_HOOKS
#define KEYS_SPILL_AT 40
#else
#define KEYS_SPILL_AT 4096
#endif

#define TEXTS_MAX ((size_t)1 << 34) /* the batch is bounded by its callers, not here */

struct ledger *ledger_new(struct sql *sql)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    if (!ledger)
        abort();
    ledger->sql = sql;
    ledger->keeps = sql_engine(sql) == STORE_SQLITE;
    ledger->texts = arena_new(TEXTS_MAX);
    ledger->scratch = arena_new(TEXTS_MAX);
    ledger->system_names = arena_new(TEXTS_MAX);
    chain_hasher_init(&ledger->hasher);
    ledger->slots.item_size = sizeof(struct slot);
    ledger->holds.item_size = sizeof(struct hold);
    ledger->tenants.item_size = sizeof(struct tenant);
    ledger->dirty_slots.item_size = sizeof(uint32_t);
    ledger->dirty_holds.item_size = sizeof(uint32_t);
    ledger->dirty_tenants.item_size = sizeof(uint32_t);
    ledger->undo.item_size = sizeof(struct undo);
    ledger->marks.item_size = sizeof(struct mark);
    ledger->transfers.item_size = sizeof(struct ledger_transfer_);
    ledger->journals.item_size = sizeof(struct ledger_journal_);
    ledger->segments.item_size = sizeof(struct ledger_segment_);
    ledger->waypoints.item_size = sizeof(struct ledger_waypoint_);
    ledger->dated.item_size = sizeof(struct ledger_dated_);
    ledger->refusals.item_size = sizeof(struct ledger_refusal_);
    ledger->expected.item_size = sizeof(id_t64);
    ledger->keys.item_size = sizeof(struct queued_key);
    ledger->key_runs = ledger->keeps ? key_runs_new(sql, KEYS_SPILL_AT) : NULL;
    ledger->systems.item_size = sizeof(struct system_account);
    return ledger;
}

struct ledger *ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return NULL;
    struct queue *queues[] = {
        &ledger->dirty_slots, &ledger->dirty_holds, &ledger->dirty_tenants, &ledger->undo,
        &ledger->marks,       &ledger->transfers,   &ledger->journals,      &ledger->segments,
        &ledger->waypoints,   &ledger->dated,       &ledger->refusals,      &ledger->keys,
        &ledger->systems,     &ledger->expected,
    };
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
        queue_free(queues[i]);
    chunks_free(&ledger->slots);
    chunks_free(&ledger->holds);
    chunks_free(&ledger->tenants);
    id_map_free(&ledger->slot_map);
    id_map_free(&ledger->hold_map);
    id_map_free(&ledger->tenant_map);
    id_map_free(&ledger->free_keys);
    free(ledger->key_buckets);
    key_runs_free(ledger->key_runs);
    chain_hasher_clear(&ledger->hasher);
    arena_free(ledger->texts);
    arena_free(ledger->scratch);
    arena_free(ledger->system_names);
    free(ledger);
    return NULL;
}

/* Nothing in memory is trusted any more. */
void ledger_forget(struct ledger *ledger)
{
    chunks_free(&ledger->slots);
    chunks_free(&ledger->holds);
    chunks_free(&ledger->tenants);
    id_map_clear(&ledger->slot_map);
    id_map_clear(&ledger->hold_map);
    id_map_clear(&ledger->tenant_map);
}

void ledger_spill_keys_at(struct ledger *ledger, size_t keys)
{
    if (ledger->key_runs)
        ledger->key_runs->spill_at = keys;
}

static void forget_systems(struct ledger *ledger)
{
    ledger->systems.count = 0;
    ledger->systems_uncertain = false;
    arena_reset(ledger->system_names);
}

static void clear_batch(struct ledger *ledger)
{
    ledger_unqueue_keys(ledger, 0);
    id_map_clear(&ledger->free_keys);
    ledger->dirty_slots.count = 0;
    ledger->dirty_holds.count = 0;
    ledger->dirty_tenants.count = 0;
    ledger->undo.count = 0;
    ledger->marks.count = 0;
    ledger->transfers.count = 0;
    ledger->journals.count = 0;
    ledger->segments.count = 0;
    ledger->waypoints.count = 0;
    ledger->dated.count = 0;
    ledger->refusals.count = 0;
    ledger->expected.count = 0;
    arena_reset(ledger->texts);
}

int ledger_begin(struct ledger *ledger, usec_t now)
{
    assert(!ledger->in_batch);
    /* With PostgreSQL there are several writers, each with a memory of its own. */
    size_t share = ledger->keeps ? 1 : 4;
    if (ledger->slots.count > KEEP_ACCOUNTS / share || ledger->holds.count > KEEP_HOLDS / share)
        ledger_forget(ledger);
    clear_batch(ledger);
    arena_reset(ledger->scratch);
    ledger->epoch++;
    ledger->now = now;
    ledger->in_batch = true;
    return OK;
}

void ledger_set_now(struct ledger *ledger, usec_t now)
{
    ledger->now = now;
}

struct mark ledger_here(struct ledger *ledger)
{
    ledger->epoch++;
    return (struct mark){
        .undo = ledger->undo.count,
        .transfers = ledger->transfers.count,
        .journals = ledger->journals.count,
        .segments = ledger->segments.count,
        .waypoints = ledger->waypoints.count,
        .dated = ledger->dated.count,
        .refusals = ledger->refusals.count,
        .keys = ledger->keys.count,
    };
}

size_t ledger_mark(struct ledger *ledger)
{
    assert(ledger->in_batch);
    *(struct mark *)queue_push(&ledger->marks) = ledger_here(ledger);
    return ledger->marks.count - 1;
}

void ledger_distrust(struct ledger *ledger, id_t64 tenant_id)
{
    for (size_t i = 0; i < ledger->slots.count; i++) {
        struct slot *slot = chunks_at(&ledger->slots, i);
        if (slot->account.tenant_id == tenant_id)
            slot->present = false;
    }
    for (size_t i = 0; i < ledger->holds.count; i++) {
        struct hold *hold = chunks_at(&ledger->holds, i);
        if (hold->row.tenant_id == tenant_id)
            hold->present = false;
    }
}

static void restore(struct ledger *ledger, const struct undo *undo)
{
    switch (undo->kind) {
    case UNDO_SLOT:
        *(struct slot *)chunks_at(&ledger->slots, undo->index) = undo->slot;
        break;
    case UNDO_HOLD:
        *(struct hold *)chunks_at(&ledger->holds, undo->index) = undo->hold;
        break;
    case UNDO_TENANT: {
        struct tenant *tenant = chunks_at(&ledger->tenants, undo->index);
        /* With the savepoint went the lock: others may write now. */
        if (!undo->tenant.present && !ledger->keeps)
            ledger_distrust(ledger, tenant->id);
        *tenant = undo->tenant;
        break;
    }
    }
}

void ledger_rewind_to(struct ledger *ledger, const struct mark *mark)
{
    while (ledger->undo.count > mark->undo)
        restore(ledger, queue_at(&ledger->undo, --ledger->undo.count));
    ledger_unqueue_keys(ledger, mark->keys);
    ledger->transfers.count = mark->transfers;
    ledger->journals.count = mark->journals;
    ledger->segments.count = mark->segments;
    ledger->waypoints.count = mark->waypoints;
    ledger->dated.count = mark->dated;
    ledger->refusals.count = mark->refusals;
}

void ledger_rewind(struct ledger *ledger, size_t mark)
{
    assert(ledger->in_batch && mark < ledger->marks.count);
    const struct mark to = *(struct mark *)queue_at(&ledger->marks, mark);
    ledger_rewind_to(ledger, &to);
    ledger->marks.count = mark + 1;
    id_map_clear(&ledger->free_keys);
    if (ledger->systems_uncertain)
        forget_systems(ledger);
}

int ledger_compare_ids(const void *a, const void *b)
{
    id_t64 left = *(const id_t64 *)a, right = *(const id_t64 *)b;
    return (left > right) - (left < right);
}

/* In order of id: neighbours in the table are written together. */
static int flush_counters(struct ledger *ledger)
{
    struct ledger_counters_ *rows =
        ARENA_ARRAY(ledger->scratch, struct ledger_counters_, ledger->dirty_slots.count);
    size_t count = 0;
    for (size_t i = 0; i < ledger->dirty_slots.count; i++) {
        struct slot *slot =
            chunks_at(&ledger->slots, *(uint32_t *)queue_at(&ledger->dirty_slots, i));
        if (!slot->dirty || !slot->present)
            continue;
        slot->dirty = false;
        rows[count++] = (struct ledger_counters_){
            .id = slot->account.id,
            .tenant_id = slot->account.tenant_id,
            .debits_pending = slot->account.debits_pending,
            .debits_posted = slot->account.debits_posted,
            .credits_pending = slot->account.credits_pending,
            .credits_posted = slot->account.credits_posted,
            .head = slot->head,
            .entries = slot->entries,
        };
    }
    qsort(rows, count, sizeof(*rows), ledger_compare_ids);
    return sql_update_many(ledger->sql, "ledger_counters", &ledger_counters__row, rows, count);
}

static int flush_holds(struct ledger *ledger)
{
    size_t dirty = ledger->dirty_holds.count;
    struct ledger_hold_ *fresh = ARENA_ARRAY(ledger->scratch, struct ledger_hold_, dirty);
    struct ledger_hold_ *changed = ARENA_ARRAY(ledger->scratch, struct ledger_hold_, dirty);
    size_t fresh_count = 0, changed_count = 0;
    for (size_t i = 0; i < dirty; i++) {
        struct hold *hold =
            chunks_at(&ledger->holds, *(uint32_t *)queue_at(&ledger->dirty_holds, i));
        if (!hold->dirty || !hold->present)
            continue;
        if (hold->fresh)
            fresh[fresh_count++] = hold->row;
        else
            changed[changed_count++] = hold->row;
        hold->dirty = hold->fresh = false;
    }
    TRY(sql_insert_many(ledger->sql, "ledger_holds", &ledger_hold__row, fresh, fresh_count));
    qsort(changed, changed_count, sizeof(*changed), ledger_compare_ids);
    return sql_update_many(ledger->sql, "ledger_holds", &ledger_hold__row, changed, changed_count);
}

static int flush_tenants(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->dirty_tenants.count; i++) {
        struct tenant *tenant =
            chunks_at(&ledger->tenants, *(uint32_t *)queue_at(&ledger->dirty_tenants, i));
        if (!tenant->dirty || !tenant->present)
            continue;
        tenant->dirty = false;
        TRY(sql_run(
            ledger->sql,
            "UPDATE ledger_tenants SET next_transfer = ?, segment_end = ?, journals = ?, "
            "last_journal = ?, last_posted_at = ?, hash = ? WHERE tenant_id = ?",
            sql_int(tenant->next_transfer), sql_int(tenant->segment_end), sql_int(tenant->journals),
            sql_int(tenant->last_journal), sql_int(tenant->last_posted_at),
            sql_bytes((struct str){(char *)tenant->hash, LEDGER_HASH_SIZE}), sql_int(tenant->id)));
    }
    return OK;
}

static int insert_queue(struct ledger *ledger, const char *table, const struct type *type,
                        struct queue *queue)
{
    if (queue->count == 0)
        return OK;
    return sql_insert_many(ledger->sql, table, type, queue->items, queue->count);
}

int ledger_flush(struct ledger *ledger)
{
    assert(ledger->in_batch);
    arena_reset(ledger->scratch);
    TRY(insert_queue(ledger, "ledger_segments", &ledger_segment__row, &ledger->segments));
    TRY(insert_queue(ledger, "ledger_transfers", &ledger_transfer__row, &ledger->transfers));
    TRY(insert_queue(ledger, "ledger_journals", &ledger_journal__row, &ledger->journals));
    TRY(insert_queue(ledger, "ledger_refusals", &ledger_refusal__row, &ledger->refusals));
    TRY(ledger_flush_keys(ledger));
    TRY(insert_queue(ledger, "ledger_waypoints", &ledger_waypoint__row, &ledger->waypoints));
    TRY(insert_queue(ledger, "ledger_dated", &ledger_dated__row, &ledger->dated));
    TRY(flush_holds(ledger));
    TRY(flush_counters(ledger));
    TRY(flush_tenants(ledger));
    clear_batch(ledger);
    return OK;
}

void ledger_end(struct ledger *ledger, bool committed)
{
    ledger->in_batch = false;
    clear_batch(ledger);
    if (!committed)
        ledger_forget(ledger);
    /* The locks end with the transaction; the next one's answer tells whether the rest holds. */
    for (size_t i = 0; !ledger->keeps && i < ledger->tenants.count; i++)
        ((struct tenant *)chunks_at(&ledger->tenants, i))->present = false;
    if (!committed && ledger->key_runs)
        key_runs_forget(ledger->key_runs);
    if (!committed)
        forget_systems(ledger);
    ledger->systems_uncertain = false;
}
