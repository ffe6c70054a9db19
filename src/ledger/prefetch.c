/*
 * Loading what many journals need before the first is posted: on PostgreSQL a round trip for all
 * accounts and one for all holds instead of two per transfer. Where the ledger keeps what it loads
 * (SQLite) it would gain nothing and is left out.
 */
#include "ledger/internal.h"

static void wanted(struct queue *ids, id_t64 id)
{
    if (id > 0)
        *(id_t64 *)queue_push(ids) = id;
}

static bool slot_known(const struct ledger *ledger, id_t64 id)
{
    uint32_t index = id_map_get(&ledger->slot_map, id);
    return index != ID_MAP_NONE && ((struct slot *)chunks_at(&ledger->slots, index))->present;
}

static bool hold_known(const struct ledger *ledger, id_t64 id)
{
    uint32_t index = id_map_get(&ledger->hold_map, id);
    return index != ID_MAP_NONE && ((struct hold *)chunks_at(&ledger->holds, index))->present;
}

static int load_accounts(struct ledger *ledger, const struct queue *ids)
{
    struct ledger_loaded_ *rows;
    size_t count;
    if (ids->count == 0)
        return OK;
    TRY(ledger_load_many(ledger->sql, ledger->scratch, ids->items, ids->count, &rows, &count));
    for (size_t i = 0; i < count; i++)
        ledger_fill_slot(ledger, &rows[i]);
    return OK;
}

static int load_holds(struct ledger *ledger, const struct queue *ids, struct queue *accounts)
{
    struct ledger_hold_ *rows;
    size_t count;
    if (ids->count == 0)
        return OK;
    TRY(sql_find_many(ledger->sql, ledger->scratch, "ledger_holds", &ledger_hold__row, ids->items,
                      ids->count, false, (void **)&rows, &count));
    for (size_t i = 0; i < count; i++) {
        ledger_fill_hold(ledger, &rows[i]);
        wanted(accounts, rows[i].debit_account);
        wanted(accounts, rows[i].credit_account);
    }
    return OK;
}

/* Drops what is known already and what is named twice. */
static void narrow(struct ledger *ledger, struct queue *ids,
                   bool (*known)(const struct ledger *, id_t64))
{
    struct id_map seen = {0};
    id_t64 *items = ids->items;
    size_t kept = 0;
    for (size_t i = 0; i < ids->count; i++) {
        if (id_map_get(&seen, items[i]) != ID_MAP_NONE || known(ledger, items[i]))
            continue;
        id_map_put(&seen, items[i], 0);
        items[kept++] = items[i];
    }
    ids->count = kept;
    id_map_free(&seen);
}

static int prefetch(struct ledger *ledger, const struct journal *journals, size_t count,
                    struct queue *accounts, struct queue *holds)
{
    for (size_t i = 0; i < count; i++) {
        struct tenant *tenant; /* locked before its accounts are read */
        uint32_t tenant_index;
        TRY(ledger_tenant(ledger, journals[i].tenant_id, &tenant, &tenant_index));
        for (size_t j = 0; j < journals[i].transfer_count; j++) {
            const struct transfer *transfer = &journals[i].transfers[j];
            wanted(accounts, transfer->debit_account);
            wanted(accounts, transfer->credit_account);
            wanted(holds, transfer->pending_id);
        }
    }
    narrow(ledger, holds, hold_known);
    TRY(load_holds(ledger, holds, accounts));
    narrow(ledger, accounts, slot_known);
    return load_accounts(ledger, accounts);
}

int ledger_prefetch(struct ledger *ledger, const struct journal *journals, size_t count)
{
    if (ledger->keeps)
        return OK;
    struct queue accounts = {.item_size = sizeof(id_t64)};
    struct queue holds = {.item_size = sizeof(id_t64)};
    int error = prefetch(ledger, journals, count, &accounts, &holds);
    if (!error)
        error = ledger_prefetch_keys(ledger, journals, count);
    queue_free(&accounts);
    queue_free(&holds);
    return error;
}

void ledger_expect_account(struct ledger *ledger, id_t64 account_id)
{
    if (!ledger->keeps)
        wanted(&ledger->expected, account_id);
}

int ledger_load_expected(struct ledger *ledger)
{
    narrow(ledger, &ledger->expected, slot_known);
    int error = load_accounts(ledger, &ledger->expected);
    ledger->expected.count = 0;
    return error;
}

static bool is_store_error(int error)
{
    return error == ERR_INTERNAL || (error <= ERR_STORE && error >= ERR_DECRYPT);
}

int ledger_post_batch(struct ledger *ledger, struct journal *journals, size_t count,
                      int *ret_errors)
{
    TRY(ledger_prefetch(ledger, journals, count));
    for (size_t i = 0; i < count; i++) {
        ret_errors[i] = ledger_post_journal(ledger, &journals[i], NULL, NULL);
        if (is_store_error(ret_errors[i]))
            return ret_errors[i];
    }
    return OK;
}
