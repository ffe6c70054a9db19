/* Liens. Invariant: an account's lien_total is the sum of its liens that are in force. */
#include "ledger/internal.h"

static int change_total(struct ledger *ledger, struct slot *slot, uint32_t index, money_t by)
{
    money_t total = slot->account.lien_total + by;
    assert(total >= 0);
    TRY(sql_run(ledger->sql,
                "UPDATE ledger_accounts SET lien_total = ? WHERE id = ? AND tenant_id = ?",
                sql_int(total), sql_int(slot->account.id), sql_int(slot->account.tenant_id)));
    ledger_touch_slot(ledger, slot, index);
    slot->account.lien_total = total;
    return OK;
}

int ledger_place_lien(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id, money_t amount,
                      struct str reason, id_t64 *ret_lien)
{
    struct slot *slot;
    uint32_t index;
    TRY(ledger_own_slot(ledger, tenant_id, account_id, &slot, &index));
    if (amount <= 0)
        return ERR_LEDGER_AMOUNT_NOT_POSITIVE;
    if (amount > MONEY_MAX - slot->account.lien_total)
        return ERR_LEDGER_AMOUNT_OVERFLOW;
    if (slot->account.flags & LEDGER_CLOSED)
        return ERR_LEDGER_ACCOUNT_CLOSED;
    const struct ledger_lien_ row = {
        .id = id_new(),
        .tenant_id = tenant_id,
        .account_id = account_id,
        .amount = amount,
        .reason = reason,
        .created_at = ledger->now,
    };
    TRY(sql_insert(ledger->sql, "ledger_liens", &ledger_lien__row, &row));
    TRY(change_total(ledger, slot, index, amount));
    *ret_lien = row.id;
    return OK;
}

int ledger_release_lien(struct ledger *ledger, id_t64 tenant_id, id_t64 lien_id)
{
    struct tenant *tenant; /* locked, so that a lien is released once */
    struct slot *slot;
    uint32_t index;
    struct ledger_lien_ row;
    TRY(ledger_tenant(ledger, tenant_id, &tenant, &index));
    int error = sql_one(ledger->sql, ledger->scratch, &ledger_lien__row, &row,
                        "SELECT id, tenant_id, account_id, amount, reason, created_at, released_at "
                        "FROM ledger_liens WHERE id = ? AND tenant_id = ?",
                        sql_int(lien_id), sql_int(tenant_id));
    if (error == ERR_NOT_FOUND)
        return ERR_LEDGER_LIEN_NOT_FOUND;
    TRY(error);
    if (row.released_at)
        return ERR_LEDGER_LIEN_RELEASED;
    TRY(ledger_own_slot(ledger, tenant_id, row.account_id, &slot, &index));
    TRY(sql_run(ledger->sql,
                "UPDATE ledger_liens SET released_at = ? WHERE id = ? AND tenant_id = ?",
                sql_int(ledger->now), sql_int(lien_id), sql_int(tenant_id)));
    return change_total(ledger, slot, index, -row.amount);
}

int ledger_list_liens(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 account_id,
                      struct ledger_lien **ret_liens, size_t *ret_count)
{
    struct ledger_lien_ *rows;
    TRY(sql_all(sql, arena, &ledger_lien__row, &rows, ret_count,
                "SELECT id, tenant_id, account_id, amount, reason, created_at, released_at "
                "FROM ledger_liens WHERE account_id = ? AND tenant_id = ? ORDER BY id",
                sql_int(account_id), sql_int(tenant_id)));
    *ret_liens = ARENA_ARRAY(arena, struct ledger_lien, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_liens)[i] = (struct ledger_lien){
            .id = rows[i].id,
            .account_id = rows[i].account_id,
            .amount = rows[i].amount,
            .reason = rows[i].reason,
            .created_at = rows[i].created_at,
            .released_at = rows[i].released_at,
        };
    return OK;
}
