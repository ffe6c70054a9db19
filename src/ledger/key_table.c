/*
 * Keys in a table with an index, where several processes write for different tenants at once
 * (PostgreSQL). Rows are common to all of them without any agreement on runs and merges, which would
 * make the tenants' writers wait for each other; and PostgreSQL logs rows, not pages, so that a
 * random place costs it far less than it costs SQLite. Invariant: a tenant's keys are looked up and
 * added under the lock on the tenant (tenants.c), so nobody adds a key between the two.
 */
#include "ledger/keys.h"

int key_table_read(struct sql *sql, id_t64 hash, struct key_values *values)
{
    struct ledger_key_ *rows;
    size_t count;
    TRY(sql_all(sql, values->arena, &ledger_key__row, &rows, &count,
                "SELECT id, tenant_id, value FROM ledger_keys WHERE id = ?", sql_int(hash)));
    for (size_t i = 0; i < count; i++)
        key_values_add(values, rows[i].value);
    return OK;
}

int key_table_find(struct ledger *ledger, id_t64 hash, struct key_values *values)
{
    if (id_map_get(&ledger->free_keys, hash) != ID_MAP_NONE)
        return OK;
    return key_table_read(ledger->sql, hash, values);
}

int key_table_prefetch(struct ledger *ledger, const id_t64 *hashes, size_t count)
{
    struct ledger_key_ *taken;
    struct id_map taken_hashes = {0};
    size_t taken_count;
    if (count == 0)
        return OK;
    TRY(sql_find_many(ledger->sql, ledger->scratch, "ledger_keys", &ledger_key__row, hashes, count,
                      false, (void **)&taken, &taken_count));
    for (size_t i = 0; i < taken_count; i++)
        id_map_put(&taken_hashes, taken[i].id, 0);
    for (size_t i = 0; i < count; i++)
        if (id_map_get(&taken_hashes, hashes[i]) == ID_MAP_NONE)
            id_map_put(&ledger->free_keys, hashes[i], 0);
    id_map_free(&taken_hashes);
    return OK;
}

/* In order of hash, as they lie in the index. */
int key_table_add(struct ledger *ledger, const struct ledger_key_ *rows, size_t count)
{
    return sql_insert_many(ledger->sql, "ledger_keys", &ledger_key__row, rows, count);
}
