/*
 * Accounts: opening, finding, changing what they allow. Invariant: a slot that is present equals
 * its rows plus what the batch has posted; the rare changes (flags, limits, liens, closing) are
 * written at once, under the savepoint of the call, and remembered for undoing like any other.
 */
#include "ledger/internal.h"

money_t ledger_balance(const struct ledger_account *account)
{
    return account->credits_posted - account->debits_posted;
}

money_t ledger_available(const struct ledger_account *account)
{
    return ledger_balance(account) - account->debits_pending - account->lien_total;
}

money_t ledger_overdrawn(const struct ledger_account *account)
{
    money_t balance = ledger_balance(account);
    return balance < 0 ? -balance : 0;
}

void ledger_account_from_row(const struct ledger_loaded_ *row, struct ledger_account *ret_account)
{
    *ret_account = (struct ledger_account){
        .id = row->id,
        .tenant_id = row->tenant_id,
        .asset = (int)row->asset,
        .code = (int)row->code,
        .flags = (unsigned)row->flags,
        .overdraft_limit = row->overdraft_limit,
        .minimum_balance = row->minimum_balance,
        .lien_total = row->lien_total,
        .debits_pending = row->debits_pending,
        .debits_posted = row->debits_posted,
        .credits_pending = row->credits_pending,
        .credits_posted = row->credits_posted,
        .created_at = row->created_at,
    };
}

/* The slot of an id, new and not present if there is none. */
static struct slot *slot_for(struct ledger *ledger, id_t64 id, uint32_t *ret_index)
{
    uint32_t index = id_map_get(&ledger->slot_map, id);
    if (index != ID_MAP_NONE) {
        *ret_index = index;
        return chunks_at(&ledger->slots, index);
    }
    struct slot *slot = chunks_add(&ledger->slots, ret_index);
    id_map_put(&ledger->slot_map, id, *ret_index);
    return slot;
}

void ledger_fill_slot(struct ledger *ledger, const struct ledger_loaded_ *row)
{
    uint32_t index;
    struct slot *slot = slot_for(ledger, row->id, &index);
    *slot = (struct slot){.head = row->head, .entries = row->entries, .present = true};
    ledger_account_from_row(row, &slot->account);
}

/*
 * By id alone, whoever's account it is: the ledger must be able to say that accounts belong to
 * different tenants. What comes back never leaves this module without a comparison of the tenant.
 */
int ledger_slot(struct ledger *ledger, id_t64 account_id, struct slot **ret_slot,
                uint32_t *ret_index)
{
    uint32_t index = account_id ? id_map_get(&ledger->slot_map, account_id) : ID_MAP_NONE;
    struct slot *slot = index == ID_MAP_NONE ? NULL : chunks_at(&ledger->slots, index);
    if ((!slot || !slot->present) && ledger->expected.count > 0) {
        TRY(ledger_load_expected(ledger));
        return ledger_slot(ledger, account_id, ret_slot, ret_index);
    }
    if (!slot || !slot->present) {
        if (account_id <= 0)
            return ERR_NOT_FOUND;
        struct ledger_loaded_ row;
        TRY(sql_one(ledger->sql, ledger->scratch, &ledger_loaded__row, &row,
                    LEDGER_LOADED_COLUMNS "WHERE a.id = ?", sql_int(account_id)));
        ledger_fill_slot(ledger, &row);
        index = id_map_get(&ledger->slot_map, account_id);
        slot = chunks_at(&ledger->slots, index);
    }
    *ret_slot = slot;
    *ret_index = index;
    return OK;
}

int ledger_own_slot(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id,
                    struct slot **ret_slot, uint32_t *ret_index)
{
    struct tenant *tenant;
    uint32_t tenant_index;
    TRY(ledger_tenant(ledger, tenant_id, &tenant, &tenant_index));
    TRY(ledger_slot(ledger, account_id, ret_slot, ret_index));
    return (*ret_slot)->account.tenant_id == tenant_id ? OK : ERR_NOT_FOUND;
}

void ledger_touch_slot(struct ledger *ledger, struct slot *slot, uint32_t index)
{
    if (slot->epoch != ledger->epoch) {
        struct undo *undo = queue_push(&ledger->undo);
        undo->kind = UNDO_SLOT;
        undo->index = index;
        undo->slot = *slot;
        slot->epoch = ledger->epoch;
    }
    if (!slot->dirty) {
        slot->dirty = true;
        *(uint32_t *)queue_push(&ledger->dirty_slots) = index;
    }
}

int ledger_open_account(struct ledger *ledger, struct ledger_account *account)
{
    return ledger_open_named(ledger, account, STR(""));
}

int ledger_open_named(struct ledger *ledger, struct ledger_account *account, struct str sub_name)
{
    assert(ledger->in_batch && account->tenant_id && asset_by_id(account->asset));
    assert(!(account->flags & LEDGER_CLOSED));
    struct tenant *tenant;
    uint32_t tenant_index, index;
    TRY(ledger_tenant(ledger, account->tenant_id, &tenant, &tenant_index));
    if (!account->id)
        account->id = id_new();
    account->lien_total = 0;
    account->debits_pending = account->debits_posted = 0;
    account->credits_pending = account->credits_posted = 0;
    account->created_at = ledger->now;
    const struct ledger_account_ row = {
        .id = account->id,
        .tenant_id = account->tenant_id,
        .asset = account->asset,
        .code = account->code,
        .sub_name = sub_name,
        .flags = account->flags,
        .overdraft_limit = account->overdraft_limit,
        .minimum_balance = account->minimum_balance,
        .created_at = account->created_at,
    };
    const struct ledger_counters_ counters = {.id = account->id, .tenant_id = account->tenant_id};
    TRY(sql_insert(ledger->sql, "ledger_accounts", &ledger_account__row, &row));
    TRY(sql_insert(ledger->sql, "ledger_counters", &ledger_counters__row, &counters));
    struct slot *slot = slot_for(ledger, account->id, &index);
    struct undo *undo = queue_push(&ledger->undo);
    undo->kind = UNDO_SLOT; /* not present: a rewind makes it unknown again */
    undo->index = index;
    *slot = (struct slot){.account = *account, .present = true, .epoch = ledger->epoch};
    return OK;
}

int ledger_get_account(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id,
                       struct ledger_account *ret_account)
{
    struct slot *slot;
    uint32_t index;
    TRY(ledger_own_slot(ledger, tenant_id, account_id, &slot, &index));
    *ret_account = slot->account;
    return OK;
}

#define READ_TEXT LEDGER_LOADED_COLUMNS "WHERE a.id = ? AND a.tenant_id = ?"

int ledger_expect_read(struct sql *sql, id_t64 tenant_id, id_t64 account_id)
{
    return sql_expect(sql, READ_TEXT, sql_int(account_id), sql_int(tenant_id));
}

int ledger_read_account(struct sql *sql, id_t64 tenant_id, id_t64 account_id,
                        struct ledger_account *ret_account)
{
    struct arena *scratch ARENA_SCOPED = arena_new(4096);
    struct ledger_loaded_ row;
    TRY(sql_one(sql, scratch, &ledger_loaded__row, &row, READ_TEXT, sql_int(account_id),
                sql_int(tenant_id)));
    ledger_account_from_row(&row, ret_account);
    return OK;
}

int ledger_set_flags(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id, unsigned set,
                     unsigned clear)
{
    assert(!((set | clear) & LEDGER_CLOSED));
    struct slot *slot;
    uint32_t index;
    TRY(ledger_own_slot(ledger, tenant_id, account_id, &slot, &index));
    if (slot->account.flags & LEDGER_CLOSED)
        return ERR_LEDGER_ACCOUNT_CLOSED;
    unsigned flags = (slot->account.flags | set) & ~clear;
    if (flags == slot->account.flags)
        return OK;
    TRY(sql_run(ledger->sql, "UPDATE ledger_accounts SET flags = ? WHERE id = ? AND tenant_id = ?",
                sql_int((int64_t)flags), sql_int(account_id), sql_int(tenant_id)));
    ledger_touch_slot(ledger, slot, index);
    slot->account.flags = flags;
    return OK;
}

int ledger_set_limits(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id,
                      money_t overdraft_limit, money_t minimum_balance)
{
    struct slot *slot;
    uint32_t index;
    TRY(ledger_own_slot(ledger, tenant_id, account_id, &slot, &index));
    if (slot->account.flags & LEDGER_CLOSED)
        return ERR_LEDGER_ACCOUNT_CLOSED;
    if (overdraft_limit < 0 || overdraft_limit > MONEY_MAX || minimum_balance > MONEY_MAX ||
        minimum_balance < -MONEY_MAX)
        return ERR_LEDGER_AMOUNT_OVERFLOW;
    TRY(sql_run(ledger->sql,
                "UPDATE ledger_accounts SET overdraft_limit = ?, minimum_balance = ? "
                "WHERE id = ? AND tenant_id = ?",
                sql_int(overdraft_limit), sql_int(minimum_balance), sql_int(account_id),
                sql_int(tenant_id)));
    ledger_touch_slot(ledger, slot, index);
    slot->account.overdraft_limit = overdraft_limit;
    slot->account.minimum_balance = minimum_balance;
    return OK;
}

int ledger_close_account(struct ledger *ledger, id_t64 tenant_id, id_t64 account_id)
{
    struct slot *slot;
    uint32_t index;
    TRY(ledger_own_slot(ledger, tenant_id, account_id, &slot, &index));
    const struct ledger_account *account = &slot->account;
    if (account->flags & LEDGER_CLOSED)
        return OK;
    if (ledger_balance(account) != 0 || account->debits_pending != 0 ||
        account->credits_pending != 0 || account->lien_total != 0)
        return ERR_LEDGER_ACCOUNT_NOT_EMPTY;
    TRY(sql_run(ledger->sql, "UPDATE ledger_accounts SET flags = ? WHERE id = ? AND tenant_id = ?",
                sql_int((int64_t)(account->flags | LEDGER_CLOSED)), sql_int(account_id),
                sql_int(tenant_id)));
    ledger_touch_slot(ledger, slot, index);
    slot->account.flags |= LEDGER_CLOSED;
    return OK;
}

/* ---- System accounts ---- */

static const struct system_account *known_system(const struct ledger *ledger, id_t64 tenant_id,
                                                 int asset, int code, struct str sub_name)
{
    const struct system_account *systems = ledger->systems.items;
    for (size_t i = 0; i < ledger->systems.count; i++)
        if (systems[i].tenant_id == tenant_id && systems[i].asset == asset &&
            systems[i].code == code && str_eq(systems[i].sub_name, sub_name))
            return &systems[i];
    return NULL;
}

/* More than these would be looked up in the table instead of searched through. */
#define SYSTEMS_MAX 64

static void remember_system(struct ledger *ledger, id_t64 tenant_id, int asset, int code,
                            struct str sub_name, id_t64 account_id)
{
    if (ledger->systems.count >= SYSTEMS_MAX) {
        ledger->systems.count = 0;
        arena_reset(ledger->system_names);
    }
    *(struct system_account *)queue_push(&ledger->systems) = (struct system_account){
        .tenant_id = tenant_id,
        .asset = asset,
        .code = code,
        .sub_name = arena_copy(ledger->system_names, sub_name),
        .account_id = account_id,
    };
}

int ledger_system_account(struct ledger *ledger, id_t64 tenant_id, int asset,
                          enum ledger_account_code code, struct str sub_name, id_t64 *ret_id)
{
    assert(code >= LEDGER_SETTLEMENT);
    sub_name = str_or(sub_name, STR(""));
    const struct system_account *known = known_system(ledger, tenant_id, asset, code, sub_name);
    if (known) {
        *ret_id = known->account_id;
        return OK;
    }
    struct tenant *tenant; /* locked, so that two writers do not both open the account */
    uint32_t tenant_index;
    TRY(ledger_tenant(ledger, tenant_id, &tenant, &tenant_index));
    int error =
        sql_integer(ledger->sql, ret_id,
                    "SELECT id FROM ledger_accounts WHERE tenant_id = ? AND asset = ? "
                    "AND code = ? AND sub_name = ? AND code >= 10",
                    sql_int(tenant_id), sql_int(asset), sql_int((int64_t)code), sql_text(sub_name));
    if (error == ERR_NOT_FOUND) {
        struct ledger_account account = {.tenant_id = tenant_id, .asset = asset, .code = (int)code};
        ledger->systems_uncertain = true;
        error = ledger_open_named(ledger, &account, sub_name);
        *ret_id = account.id;
    }
    if (!error)
        remember_system(ledger, tenant_id, asset, (int)code, sub_name, *ret_id);
    return error;
}

/* ---- Several at once ---- */

static struct ledger_loaded_ joined(const struct ledger_account_ *account,
                                    const struct ledger_counters_ *counters)
{
    return (struct ledger_loaded_){
        .id = account->id,
        .tenant_id = account->tenant_id,
        .asset = account->asset,
        .code = account->code,
        .flags = account->flags,
        .overdraft_limit = account->overdraft_limit,
        .minimum_balance = account->minimum_balance,
        .lien_total = account->lien_total,
        .created_at = account->created_at,
        .debits_pending = counters->debits_pending,
        .debits_posted = counters->debits_posted,
        .credits_pending = counters->credits_pending,
        .credits_posted = counters->credits_posted,
        .head = counters->head,
        .entries = counters->entries,
    };
}

int ledger_load_many(struct sql *sql, struct arena *arena, const id_t64 *ids, size_t count,
                     struct ledger_loaded_ **ret_rows, size_t *ret_count)
{
    struct ledger_account_ *accounts;
    struct ledger_counters_ *counters;
    size_t account_count, counters_count, counter = 0;
    TRY(sql_find_many(sql, arena, "ledger_accounts", &ledger_account__row, ids, count, false,
                      (void **)&accounts, &account_count));
    TRY(sql_find_many(sql, arena, "ledger_counters", &ledger_counters__row, ids, count, false,
                      (void **)&counters, &counters_count));
    *ret_rows = ARENA_ARRAY(arena, struct ledger_loaded_, account_count + 1);
    *ret_count = 0;
    /* Of somebody else's tenant, which is not locked, one may have been opened in between. */
    for (size_t i = 0; i < account_count; i++) {
        while (counter < counters_count && counters[counter].id < accounts[i].id)
            counter++;
        assert(counter < counters_count && counters[counter].id == accounts[i].id);
        (*ret_rows)[(*ret_count)++] = joined(&accounts[i], &counters[counter]);
    }
    return OK;
}

int ledger_read_accounts(struct sql *sql, struct arena *arena, id_t64 tenant_id,
                         const id_t64 *account_ids, size_t count,
                         struct ledger_account *ret_accounts)
{
    struct ledger_loaded_ *rows;
    struct id_map found = {0};
    size_t row_count;
    int error = ledger_load_many(sql, arena, account_ids, count, &rows, &row_count);
    for (size_t i = 0; !error && i < row_count; i++)
        if (rows[i].tenant_id == tenant_id)
            id_map_put(&found, rows[i].id, (uint32_t)i);
    for (size_t i = 0; !error && i < count; i++) {
        uint32_t row = id_map_get(&found, account_ids[i]);
        if (row == ID_MAP_NONE)
            error = ERR_NOT_FOUND;
        else
            ledger_account_from_row(&rows[row], &ret_accounts[i]);
    }
    id_map_free(&found);
    return error;
}
