/*
 * Where each tenant's journals stand: ids, time and hash of the newest. Invariant: the row is
 * locked before anything of the tenant is read for posting, so that writers of one tenant go one
 * after the other, whatever process they are in, and never wait for each other in a circle.
 */
#include "ledger/internal.h"

static const char lock_text[] =
    "UPDATE ledger_tenants SET version = version + 1 WHERE tenant_id = ? "
    "RETURNING tenant_id, next_transfer, segment_end, journals, last_journal, "
    "last_posted_at, hash, version";

static int lock_tenant(struct ledger *ledger, id_t64 tenant_id, struct ledger_tenant_ *ret_row)
{
    return sql_one(ledger->sql, ledger->scratch, &ledger_tenant__row, ret_row, lock_text,
                   sql_int(tenant_id));
}

static int load_tenant(struct ledger *ledger, id_t64 tenant_id, struct ledger_tenant_ *ret_row)
{
    int error = lock_tenant(ledger, tenant_id, ret_row);
    if (error != ERR_NOT_FOUND)
        return error;
    static const uint8_t genesis[LEDGER_HASH_SIZE];
    TRY(sql_run(ledger->sql,
                "INSERT INTO ledger_tenants (tenant_id, next_transfer, segment_end, journals, "
                "last_journal, last_posted_at, hash, version) VALUES (?, 0, 0, 0, 0, 0, ?, 0) "
                "ON CONFLICT (tenant_id) DO NOTHING",
                sql_int(tenant_id),
                sql_bytes((struct str){(const char *)genesis, LEDGER_HASH_SIZE})));
    return lock_tenant(ledger, tenant_id, ret_row);
}

int ledger_tenant(struct ledger *ledger, id_t64 tenant_id, struct tenant **ret_tenant,
                  uint32_t *ret_index)
{
    assert(ledger->in_batch && tenant_id > 0);
    uint32_t index = id_map_get(&ledger->tenant_map, tenant_id);
    struct tenant *tenant = index == ID_MAP_NONE ? NULL : chunks_at(&ledger->tenants, index);
    if (!tenant || !tenant->present) {
        struct ledger_tenant_ row;
        TRY(load_tenant(ledger, tenant_id, &row));
        if (!tenant) {
            tenant = chunks_add(&ledger->tenants, &index);
            id_map_put(&ledger->tenant_map, tenant_id, index);
        }
        /* Loaded in a savepoint that may yet be rolled back together with the row: then load it
         * again. */
        struct undo *undo = queue_push(&ledger->undo);
        undo->kind = UNDO_TENANT;
        undo->index = index;
        undo->tenant = *tenant;
        if (!ledger->keeps && (!tenant->version || row.version != tenant->version + 1))
            ledger_distrust(ledger, tenant_id);
        *tenant = (struct tenant){
            .id = tenant_id,
            .next_transfer = row.next_transfer,
            .segment_end = row.segment_end,
            .journals = row.journals,
            .last_journal = row.last_journal,
            .last_posted_at = row.last_posted_at,
            .version = row.version,
            .present = true,
            .epoch = ledger->epoch,
        };
        assert(row.hash.len == LEDGER_HASH_SIZE);
        memcpy(tenant->hash, row.hash.ptr, LEDGER_HASH_SIZE);
    }
    *ret_tenant = tenant;
    *ret_index = index;
    return OK;
}

void ledger_touch_tenant(struct ledger *ledger, struct tenant *tenant, uint32_t index)
{
    if (tenant->epoch != ledger->epoch) {
        struct undo *undo = queue_push(&ledger->undo);
        undo->kind = UNDO_TENANT;
        undo->index = index;
        undo->tenant = *tenant;
        tenant->epoch = ledger->epoch;
    }
    if (!tenant->dirty) {
        tenant->dirty = true;
        *(uint32_t *)queue_push(&ledger->dirty_tenants) = index;
    }
}

static int new_segment(struct ledger *ledger, struct tenant *tenant, usec_t posted_at)
{
    int64_t last;
    TRY(sql_integer(ledger->sql, &last, "SELECT MAX(id) FROM ledger_segments"));
    const struct ledger_segment_ *queued = ledger->segments.items;
    for (size_t i = 0; i < ledger->segments.count; i++)
        if (queued[i].id > last)
            last = queued[i].id;
    struct ledger_segment_ *segment = queue_push(&ledger->segments);
    *segment =
        (struct ledger_segment_){.id = last + 1, .tenant_id = tenant->id, .posted_at = posted_at};
    tenant->next_transfer = (last + 1) << LEDGER_SEGMENT_BITS;
    tenant->segment_end = (last + 2) << LEDGER_SEGMENT_BITS;
    return OK;
}

/* The tenant has been touched by the caller. */
int ledger_take_ids(struct ledger *ledger, struct tenant *tenant, size_t count, usec_t posted_at,
                    id_t64 *ret_first)
{
    if (tenant->segment_end - tenant->next_transfer < (int64_t)count)
        TRY(new_segment(ledger, tenant, posted_at));
    *ret_first = tenant->next_transfer;
    tenant->next_transfer += (int64_t)count;
    return OK;
}

int ledger_expect_tenants(struct ledger *ledger, const id_t64 *tenant_ids, size_t count)
{
    for (size_t i = 0; i < count && !ledger->keeps; i++)
        TRY(sql_expect(ledger->sql, lock_text, sql_int(tenant_ids[i])));
    return OK;
}

int ledger_lock_tenants(struct ledger *ledger, const id_t64 *tenant_ids, size_t count)
{
    for (size_t i = 0; i < count && !ledger->keeps; i++) {
        struct tenant *tenant;
        uint32_t index;
        TRY(ledger_tenant(ledger, tenant_ids[i], &tenant, &index));
    }
    return OK;
}
