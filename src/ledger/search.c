/*
 * Searching transfers by what they are. Ids rise with the time of posting, so a time is found by
 * bisecting ids and needs no index of its own; the other conditions are tried on what lies in
 * between.
 */
#include "ledger/internal.h"

#define LOOK_AT_MOST 100000

#define SEGMENT_MASK (((id_t64)1 << LEDGER_SEGMENT_BITS) - 1)

/* The tenant's newest segment that has nothing posted at or after `instant` before it. */
static int segment_of(struct sql *sql, id_t64 tenant_id, usec_t instant, id_t64 *ret_segment)
{
    int error = sql_integer(sql, ret_segment,
                            "SELECT id FROM ledger_segments WHERE tenant_id = ? AND posted_at < ? "
                            "ORDER BY id DESC LIMIT 1",
                            sql_int(tenant_id), sql_int(instant));
    if (error == ERR_NOT_FOUND)
        *ret_segment = 0;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The lowest id from which on everything was posted at or after `instant`. */
static int first_id_from(struct sql *sql, id_t64 tenant_id, usec_t instant, id_t64 *ret_id)
{
    id_t64 segment;
    TRY(segment_of(sql, tenant_id, instant, &segment));
    id_t64 low = segment << LEDGER_SEGMENT_BITS; /* before it: posted earlier */
    id_t64 high = low + SEGMENT_MASK + 1;
    while (segment && low < high) {
        id_t64 middle = low + (high - low) / 2;
        int64_t posted_at;
        int error = sql_integer(sql, &posted_at,
                                "SELECT posted_at FROM ledger_transfers WHERE tenant_id = ? "
                                "AND id >= ? AND id < ? ORDER BY id LIMIT 1",
                                sql_int(tenant_id), sql_int(middle), sql_int(high));
        if (error && error != ERR_NOT_FOUND)
            return error;
        if (error == ERR_NOT_FOUND || posted_at >= instant)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_id = low;
    return OK;
}

static struct ledger_transfer found_from_row(const struct ledger_transfer_ *row)
{
    return (struct ledger_transfer){
        .transfer = {.id = row->id,
                     .kind = (enum transfer_kind)row->kind,
                     .flags = (unsigned)row->flags,
                     .debit_account = row->debit_account,
                     .credit_account = row->credit_account,
                     .amount = row->amount,
                     .pending_id = row->pending_id,
                     .reason = (int)row->reason,
                     .debit_balance_after = row->debit_balance,
                     .credit_balance_after = row->credit_balance},
        .journal_id = row->id - row->leg,
        .posted_at = row->posted_at,
    };
}

/* Ids in [*low, before) of the tenant, moved up so that they span no more than may be looked at. */
static int narrow_range(struct sql *sql, id_t64 tenant_id, id_t64 before, id_t64 *low)
{
    id_t64 bound;
    int error =
        sql_integer(sql, &bound,
                    "SELECT id FROM ledger_transfers WHERE tenant_id = ? AND id < ? "
                    "AND id >= ? ORDER BY id DESC LIMIT 1 OFFSET ?",
                    sql_int(tenant_id), sql_int(before), sql_int(*low), sql_int(LOOK_AT_MOST));
    if (error == ERR_NOT_FOUND)
        return OK;
    TRY(error);
    *low = bound + 1;
    return OK;
}

int ledger_search(struct sql *sql, struct arena *arena, id_t64 tenant_id,
                  const struct ledger_search *search, struct ledger_transfer **ret_transfers,
                  size_t *ret_count, id_t64 *ret_next)
{
    id_t64 low = 0, high = INT64_MAX;
    if (search->from)
        TRY(first_id_from(sql, tenant_id, search->from, &low));
    if (search->to)
        TRY(first_id_from(sql, tenant_id, search->to, &high));
    if (search->before && search->before < high)
        high = search->before;
    id_t64 lowest = low;
    TRY(narrow_range(sql, tenant_id, high, &low));
    struct ledger_transfer_ *rows;
    unsigned kinds = search->kinds ? search->kinds : ~0u;
    TRY(sql_all(sql, arena, &ledger_transfer__row, &rows, ret_count,
                "SELECT " LEDGER_TRANSFER_COLUMNS " FROM ledger_transfers t "
                "WHERE t.tenant_id = ? AND t.id >= ? AND t.id < ? AND t.amount >= ? "
                "AND t.amount <= ? AND t.reason >= ? AND t.reason <= ? "
                "AND (CAST(? AS BIGINT) >> CAST(t.kind AS INTEGER)) & 1 = 1 "
                "ORDER BY t.id DESC LIMIT ?",
                sql_int(tenant_id), sql_int(low), sql_int(high), sql_int(search->least),
                sql_int(search->most ? search->most : INT64_MAX),
                sql_int(search->reason ? search->reason : INT32_MIN),
                sql_int(search->reason ? search->reason : INT32_MAX), sql_int((int64_t)kinds),
                sql_int((int64_t)search->limit)));
    *ret_transfers = ARENA_ARRAY(arena, struct ledger_transfer, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_transfers)[i] = found_from_row(&rows[i]);
    if (*ret_count == search->limit && *ret_count > 0)
        *ret_next = rows[*ret_count - 1].id;
    else
        *ret_next = low > lowest ? low : 0;
    return OK;
}

int ledger_read_seal(struct sql *sql, id_t64 tenant_id, id_t64 journal_id,
                     struct ledger_seal *ret_seal)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct ledger_transfer_ *rows;
    size_t count;
    *ret_seal = (struct ledger_seal){0};
    TRY(ledger_journal_rows(sql, arena, tenant_id, journal_id, &rows, &count));
    assert(rows[0].hash.len == LEDGER_HASH_SIZE);
    memcpy(ret_seal->hash, rows[0].hash.ptr, LEDGER_HASH_SIZE);
    int error = sql_integer(sql, &ret_seal->reversed_by,
                            "SELECT id FROM ledger_journals WHERE tenant_id = ? "
                            "AND reverses = ? AND reverses > 0",
                            sql_int(tenant_id), sql_int(journal_id));
    if (error == ERR_NOT_FOUND)
        ret_seal->reversed_by = 0;
    return error == ERR_NOT_FOUND ? OK : error;
}

int ledger_head(struct sql *sql, id_t64 tenant_id, struct ledger_head *ret_head)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct ledger_tenant_ row;
    TRY(sql_one(sql, arena, &ledger_tenant__row, &row,
                "SELECT tenant_id, next_transfer, segment_end, journals, last_journal, "
                "last_posted_at, hash, version FROM ledger_tenants "
                "WHERE tenant_id = ? AND journals > 0",
                sql_int(tenant_id)));
    *ret_head = (struct ledger_head){.journals = row.journals,
                                     .last_journal = row.last_journal,
                                     .posted_at = row.last_posted_at};
    memcpy(ret_head->hash, row.hash.ptr, LEDGER_HASH_SIZE);
    return OK;
}
