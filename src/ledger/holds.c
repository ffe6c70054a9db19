/*
 * Pending transfers and what becomes of them. Invariant: a hold leaves HOLD_OPEN once, by the
 * transfer that `resolved_by` names, and both accounts' pending counters contain exactly the open
 * holds.
 */
#include "ledger/internal.h"

static struct hold *hold_for(struct ledger *ledger, id_t64 id, uint32_t *ret_index)
{
    uint32_t index = id_map_get(&ledger->hold_map, id);
    if (index != ID_MAP_NONE) {
        *ret_index = index;
        return chunks_at(&ledger->holds, index);
    }
    struct hold *hold = chunks_add(&ledger->holds, ret_index);
    id_map_put(&ledger->hold_map, id, *ret_index);
    return hold;
}

void ledger_fill_hold(struct ledger *ledger, const struct ledger_hold_ *row)
{
    uint32_t index;
    struct hold *hold = hold_for(ledger, row->id, &index);
    *hold = (struct hold){.row = *row, .present = true};
}

static bool transfer_queued(const struct ledger *ledger, id_t64 tenant_id, id_t64 id)
{
    const struct ledger_transfer_ *queued = ledger->transfers.items;
    for (size_t i = ledger->transfers.count; i-- > 0;)
        if (queued[i].id == id && queued[i].tenant_id == tenant_id)
            return true;
    return false;
}

/* There is no such hold: is it because the id names a transfer of another kind? */
static int not_a_hold(struct ledger *ledger, id_t64 tenant_id, id_t64 id)
{
    if (transfer_queued(ledger, tenant_id, id))
        return ERR_LEDGER_PENDING_NOT_PENDING;
    int64_t kind;
    int error = sql_integer(ledger->sql, &kind,
                            "SELECT kind FROM ledger_transfers WHERE id = ? AND tenant_id = ?",
                            sql_int(id), sql_int(tenant_id));
    if (error == ERR_NOT_FOUND)
        return ERR_LEDGER_PENDING_NOT_FOUND;
    return error ? error : ERR_LEDGER_PENDING_NOT_PENDING;
}

int ledger_hold(struct ledger *ledger, id_t64 tenant_id, id_t64 pending_id, struct hold **ret_hold,
                uint32_t *ret_index)
{
    if (pending_id <= 0)
        return ERR_LEDGER_PENDING_NOT_FOUND;
    uint32_t index = id_map_get(&ledger->hold_map, pending_id);
    struct hold *hold = index == ID_MAP_NONE ? NULL : chunks_at(&ledger->holds, index);
    if (!hold || !hold->present) {
        struct ledger_hold_ row;
        int error = sql_one(ledger->sql, ledger->scratch, &ledger_hold__row, &row,
                            "SELECT id, tenant_id, debit_account, credit_account, amount, "
                            "expires_at, state, posted_amount, resolved_by "
                            "FROM ledger_holds WHERE id = ? AND tenant_id = ?",
                            sql_int(pending_id), sql_int(tenant_id));
        if (error == ERR_NOT_FOUND)
            return not_a_hold(ledger, tenant_id, pending_id);
        TRY(error);
        ledger_fill_hold(ledger, &row);
        index = id_map_get(&ledger->hold_map, pending_id);
        hold = chunks_at(&ledger->holds, index);
    }
    if (hold->row.tenant_id != tenant_id)
        return ERR_LEDGER_PENDING_NOT_FOUND;
    *ret_hold = hold;
    *ret_index = index;
    return OK;
}

void ledger_touch_hold(struct ledger *ledger, struct hold *hold, uint32_t index)
{
    if (hold->epoch != ledger->epoch) {
        struct undo *undo = queue_push(&ledger->undo);
        undo->kind = UNDO_HOLD;
        undo->index = index;
        undo->hold = *hold;
        hold->epoch = ledger->epoch;
    }
    if (!hold->dirty) {
        hold->dirty = true;
        *(uint32_t *)queue_push(&ledger->dirty_holds) = index;
    }
}

void ledger_add_hold(struct ledger *ledger, const struct ledger_hold_ *row)
{
    uint32_t index;
    struct hold *hold = hold_for(ledger, row->id, &index);
    assert(!hold->present);
    struct undo *undo = queue_push(&ledger->undo);
    undo->kind = UNDO_HOLD; /* not present */
    undo->index = index;
    *hold = (struct hold){
        .row = *row, .epoch = ledger->epoch, .present = true, .dirty = true, .fresh = true};
    *(uint32_t *)queue_push(&ledger->dirty_holds) = index;
}

void ledger_resolve_hold(struct ledger *ledger, struct hold *hold, uint32_t index,
                         enum ledger_hold_state state, money_t posted_amount, id_t64 resolved_by)
{
    assert(hold->row.state == HOLD_OPEN && state != HOLD_OPEN);
    ledger_touch_hold(ledger, hold, index);
    hold->row.state = (int64_t)state;
    hold->row.posted_amount = posted_amount;
    hold->row.resolved_by = resolved_by;
}

int ledger_get_hold(struct ledger *ledger, id_t64 tenant_id, id_t64 pending_id,
                    struct ledger_hold *ret_hold)
{
    struct tenant *tenant;
    struct hold *hold;
    uint32_t index;
    TRY(ledger_tenant(ledger, tenant_id, &tenant, &index));
    TRY(ledger_hold(ledger, tenant_id, pending_id, &hold, &index));
    *ret_hold = (struct ledger_hold){
        .transfer_id = hold->row.id,
        .debit_account = hold->row.debit_account,
        .credit_account = hold->row.credit_account,
        .amount = hold->row.amount,
        .posted_amount = hold->row.posted_amount,
        .state = (enum ledger_hold_state)hold->row.state,
        .expires_at = hold->row.expires_at,
        .resolved_by = hold->row.resolved_by,
    };
    return OK;
}

#define EXPIRED_ROW(F) \
    F(INTEGER, id)     \
    F(INTEGER, tenant_id)
ROW_STRUCT(ledger_expired_, EXPIRED_ROW);
#define ROW_SELF struct ledger_expired_
ROW_TYPE(ledger_expired_, EXPIRED_ROW);
#undef ROW_SELF

#define TENANT_TO_EXPIRE_ROW(F) F(INTEGER, tenant_id)
ROW_STRUCT(tenant_to_expire, TENANT_TO_EXPIRE_ROW);
#define ROW_SELF struct tenant_to_expire
ROW_TYPE(tenant_to_expire, TENANT_TO_EXPIRE_ROW);
#undef ROW_SELF

int ledger_tenants_to_expire(struct sql *sql, struct arena *arena, usec_t now, id_t64 **ret_tenants,
                             size_t *ret_count)
{
    struct tenant_to_expire *rows;
    TRY(sql_all(sql, arena, &tenant_to_expire_row, &rows, ret_count,
                "SELECT DISTINCT tenant_id FROM ledger_holds WHERE state = 0 AND expires_at > 0 "
                "AND expires_at <= ? ORDER BY tenant_id",
                sql_int(now)));
    *ret_tenants = ARENA_ARRAY(arena, id_t64, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_tenants)[i] = rows[i].tenant_id;
    return OK;
}

int ledger_expire(struct ledger *ledger, id_t64 tenant_id, size_t limit, size_t *ret_expired)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct ledger_expired_ *due;
    size_t due_count;
    *ret_expired = 0;
    TRY(sql_all(ledger->sql, arena, &ledger_expired__row, &due, &due_count,
                "SELECT id, tenant_id FROM ledger_holds WHERE state = 0 AND expires_at > 0 "
                "AND expires_at <= ? AND (? = 0 OR tenant_id = ?) ORDER BY expires_at, id LIMIT ?",
                sql_int(ledger->now), sql_int(tenant_id), sql_int(tenant_id),
                sql_int((int64_t)limit)));
    for (size_t i = 0; i < due_count; i++) {
        struct transfer release = {.kind = TRANSFER_EXPIRE, .pending_id = due[i].id};
        struct journal journal = {
            .tenant_id = due[i].tenant_id, .transfers = &release, .transfer_count = 1};
        int error = ledger_post_journal(ledger, &journal, NULL, NULL);
        if (error == ERR_LEDGER_PENDING_ALREADY_POSTED ||
            error == ERR_LEDGER_PENDING_ALREADY_VOIDED || error == ERR_LEDGER_PENDING_EXPIRED)
            continue; /* settled earlier in this batch */
        TRY(error);
        ++*ret_expired;
    }
    return OK;
}
