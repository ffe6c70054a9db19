/* FinCode ledger: balances, postings, history, permissions. Accounts are shown by UUID and posted
 * by number. */
#include "ledger/ledger.h"
#include "core/identity/user.h"
#include "core/posting/posting.h"
#include "core/wallet/wallet.h"
#include "generated/fincode.h"

/* ---- Accounts ---- */

static const struct permission {
    const char *name;
    unsigned flags; /* of the ledger account */
} permissions[] = {
    {"READ_ONLY", LEDGER_READ_ONLY},
    {"DEBIT_ONLY", LEDGER_DEBIT_ONLY},
    {"CREDIT_ONLY", LEDGER_CREDIT_ONLY},
    {"FULL_ACCESS", 0},
};

#define PERMISSION_FLAGS (LEDGER_READ_ONLY | LEDGER_DEBIT_ONLY | LEDGER_CREDIT_ONLY)
#define PERMISSION_COUNT (sizeof(permissions) / sizeof(permissions[0]))

static struct str permission_of(const struct ledger_account *account)
{
    for (size_t i = 0; i < PERMISSION_COUNT; i++)
        if ((account->flags & PERMISSION_FLAGS) == permissions[i].flags)
            return str_from(permissions[i].name);
    return STR("READ_ONLY");
}

static struct str status_of(const struct wallet *wallet)
{
    if (str_is(wallet->status, "active"))
        return STR("ACTIVATED");
    return str_is(wallet->status, "inactive") ? STR("DEACTIVATED") : STR("SUSPENDED");
}

static void show_account(struct call *c, const struct wallet *wallet,
                         const struct ledger_account *account, struct fc_account *out)
{
    const struct asset *asset = wallet_asset(wallet);

    *out = (struct fc_account){
        .id = id_print_uuid(c->arena, ID_ACCOUNT, wallet->id),
        .account_number = wallet->account_number,
        .account_name = wallet->name,
        .account_owner_id = id_print_uuid(c->arena, ID_USER, wallet->user_id),
        .currency_code = str_from(asset->code),
        .account_status = status_of(wallet),
        .account_permission = permission_of(account),
        .has_account_balance = true,
        .account_balance = money_to_decimal(ledger_balance(account), asset),
        .has_available_balance = true,
        .available_balance = money_to_decimal(ledger_available(account), asset),
        .has_total_lien_amount = true,
        .total_lien_amount = money_to_decimal(account->lien_total, asset),
        .has_over_draft_limit = true,
        .over_draft_limit = money_to_decimal(account->overdraft_limit, asset),
        .has_new_over_draft_balance = true,
        .new_over_draft_balance = money_to_decimal(ledger_overdrawn(account), asset),
    };
}

/* One's own; with cashier authority, any. */
static int find_account(struct call *c, struct str uuid, const char *field,
                        struct wallet *ret_wallet)
{
    id_t64 id;

    *ret_wallet = (struct wallet){0};
    if (!id_parse_uuid(ID_ACCOUNT, uuid, &id))
        return call_refuse(c, ERR_NOT_FOUND, field);
    TRY(wallet_get(c, id, field, ret_wallet));
    return posting_may_see(c, ret_wallet) ? OK : call_refuse(c, ERR_FORBIDDEN, field);
}

int fc_ledger_account_balance(struct call *c, const struct fc_ledger_account_balance_in *in,
                              struct fc_ledger_account_balance_out *out)
{
    struct ledger_account account;
    struct fc_account shown;
    struct wallet wallet;

    TRY(find_account(c, in->account_id, "account_id", &wallet));
    TRY(ledger_read_account(c->sql, wallet.tenant_id, wallet.id, &account));
    show_account(c, &wallet, &account, &shown);
    out->data = ARENA_NEW(c->arena, struct fc_account_balance);
    *out->data = (struct fc_account_balance){
        .account_id = shown.id,
        .account_number = shown.account_number,
        .account_name = shown.account_name,
        .account_owner_id = shown.account_owner_id,
        .has_account_balance = true,
        .account_balance = shown.account_balance,
        .has_available_balance = true,
        .available_balance = shown.available_balance,
        .has_total_lien_amount = true,
        .total_lien_amount = shown.total_lien_amount,
        .has_over_draft_limit = true,
        .over_draft_limit = shown.over_draft_limit,
        .has_new_over_draft_balance = true,
        .new_over_draft_balance = shown.new_over_draft_balance,
        .account_status = shown.account_status,
        .currency_code = shown.currency_code,
    };
    return OK;
}

#define ACCOUNTS_AT_ONCE 500

/* All of them: the list has no pages. */
static int read_accounts(struct call *c, id_t64 owner_id, struct fc_account_array *ret_accounts)
{
    struct page page = {.limit = ACCOUNTS_AT_ONCE, .before = INT64_MAX};
    size_t count, room = 0;

    do {
        struct ledger_account account;
        struct wallet *wallets;
        TRY(wallet_list(c, &(struct wallet_filter){.user_id = owner_id}, &page, &wallets, &count));
        size_t shown = count < ACCOUNTS_AT_ONCE ? count : ACCOUNTS_AT_ONCE;
        struct fc_account *items = ARENA_ARRAY(c->arena, struct fc_account, room + shown + 1);
        if (room)
            memcpy(items, ret_accounts->items, room * sizeof(*items));
        for (size_t i = 0; i < shown; i++) {
            TRY(ledger_read_account(c->sql, wallets[i].tenant_id, wallets[i].id, &account));
            show_account(c, &wallets[i], &account, &items[room++]);
            page.before = wallets[i].id;
        }
        *ret_accounts = (struct fc_account_array){items, room};
    } while (count > ACCOUNTS_AT_ONCE);
    return OK;
}

int fc_ledger_list_accounts(struct call *c, const struct fc_ledger_list_accounts_in *in,
                            struct fc_ledger_list_accounts_out *out)
{
    struct user owner;
    id_t64 owner_id;

    if (!id_parse_uuid(ID_USER, in->account_owner_id, &owner_id))
        return call_refuse(c, ERR_NOT_FOUND, "account-owner-id");
    TRY(user_get(c, owner_id, "account-owner-id", &owner));
    if (!posting_may_see(c, &(struct wallet){.user_id = owner_id}))
        return call_refuse(c, ERR_FORBIDDEN, "account-owner-id");
    return read_accounts(c, owner_id, &out->data);
}

/* A change of state behind a GET, as documented. */
int fc_ledger_change_account_permission(struct call *c,
                                        const struct fc_ledger_change_account_permission_in *in,
                                        struct fc_ledger_change_account_permission_out *out)
{
    const struct permission *permission = NULL;
    struct ledger_account account;
    struct wallet wallet;

    for (size_t i = 0; i < PERMISSION_COUNT; i++)
        if (str_is(in->permission, permissions[i].name))
            permission = &permissions[i];
    if (!permission)
        return call_refuse_text(c, ERR_NOT_ALLOWED, "permission",
                                "must be READ_ONLY, DEBIT_ONLY, CREDIT_ONLY or FULL_ACCESS");
    TRY(find_account(c, in->id, "id", &wallet));
    if (!call_may_act_for_user(c, wallet.user_id) && !call_has_role(c, ROLE_MANAGER))
        return call_refuse(c, ERR_FORBIDDEN, "id");
    TRY(ledger_set_flags(c->ledger, wallet.tenant_id, wallet.id, permission->flags,
                         PERMISSION_FLAGS & ~permission->flags));
    TRY(ledger_get_account(c->ledger, wallet.tenant_id, wallet.id, &account));
    out->data = ARENA_NEW(c->arena, struct fc_account);
    show_account(c, &wallet, &account, out->data);
    return OK;
}

/* ---- Entries ---- */

static struct str entry_status(enum transfer_kind kind)
{
    switch (kind) {
    case TRANSFER_POSTED:
    case TRANSFER_POST:
        return STR("PAID");
    case TRANSFER_PENDING:
        return STR("PENDING");
    case TRANSFER_VOID:
    case TRANSFER_EXPIRE:
        return STR("RELEASED");
    }
    __builtin_unreachable();
}

static void show_entry(struct call *c, const struct ledger_entry *entry, const struct asset *asset,
                       struct fc_ledger_entry *out)
{
    *out = (struct fc_ledger_entry){
        .transaction_id = id_print_uuid(c->arena, ID_ACCOUNT_ENTRY, entry->transfer_id),
        .account_id = id_print_uuid(c->arena, ID_ACCOUNT, entry->account_id),
        .has_transaction_amount = true,
        .transaction_amount = money_to_decimal(entry->amount, asset),
        .currency_code = str_from(asset->code),
        .ledger_type = entry->is_debit ? STR("DEBIT") : STR("CREDIT"),
        .status = entry_status(entry->kind),
        .has_previous_account_balance = true,
        .previous_account_balance = money_to_decimal(entry->balance_before, asset),
        .has_new_balance = true,
        .new_balance = money_to_decimal(entry->balance_after, asset),
        .idempotency_key = entry->key,
        .external_correlation_id = entry->interaction_id,
        .internal_correlation_id = id_print_uuid(c->arena, ID_JOURNAL, entry->journal_id),
        .posting_group_id = id_print_uuid(c->arena, ID_JOURNAL, entry->journal_id),
        .execution_date = call_time(c, entry->posted_at),
        .payment_reference = str_or(entry->reference, entry->description),
        .action_performed_by_user = id_print_uuid(c->arena, ID_USER, entry->actor_id),
    };
}

int fc_ledger_history(struct call *c, const struct fc_ledger_history_in *in,
                      struct fc_ledger_history_out *out)
{
    int64_t page = in->page > 0 ? in->page : 1; /* 0 and 1 are both the first page */
    struct ledger_entry *entries;
    struct wallet wallet;
    size_t count;

    if (in->size > CALL_MAX_PAGE)
        return call_refuse(c, ERR_OUT_OF_RANGE, "size");
    if (page > INT32_MAX)
        return call_refuse(c, ERR_OUT_OF_RANGE, "page");
    TRY(find_account(c, in->account_id, "account_id", &wallet));
    struct ledger_page wanted = {.skip = (size_t)((page - 1) * in->size),
                                 .limit = (size_t)in->size};
    TRY(ledger_read_history(c->sql, c->arena, wallet.tenant_id, wallet.id, wanted, &entries,
                            &count));
    TRY(ledger_count_history(c->sql, wallet.tenant_id, wallet.id, &out->total_elements));
    out->data.items = ARENA_ARRAY(c->arena, struct fc_ledger_entry, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        show_entry(c, &entries[i], wallet_asset(&wallet), &out->data.items[i]);
    out->has_page = out->has_size = out->has_total_elements = out->has_total_pages = true;
    out->page = in->page;
    out->size = in->size;
    out->total_pages = (out->total_elements + in->size - 1) / in->size;
    return OK;
}

/* The lists by key and interaction have no pages; what names more belongs into an account's
 * history. */
#define MAX_FOUND_JOURNALS 5000

/* Entries on accounts the caller may see. System accounts are nobody's to see. */
static int find_entries(struct call *c, enum ledger_text by, struct str text, const char *field,
                        struct fc_ledger_entry_array *ret_entries)
{
    struct journal *journals;
    struct wallet wallet;
    size_t count, places = 0;

    TRY(ledger_find_journals(c->sql, c->arena, c->principal.tenant_id, by, text, 0,
                             MAX_FOUND_JOURNALS + 1, &journals, &count));
    if (count > MAX_FOUND_JOURNALS)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, field, "names more than %d postings",
                                MAX_FOUND_JOURNALS);
    for (size_t i = 0; i < count; i++)
        places += 2 * journals[i].transfer_count;
    ret_entries->items = ARENA_ARRAY(c->arena, struct fc_ledger_entry, places + 1);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 2 * journals[i].transfer_count; k++) {
            struct ledger_entry entry = ledger_entry_of(&journals[i], k / 2, k % 2 == 0);
            int error = wallet_find(c, entry.account_id, &wallet);
            if (error && error != ERR_NOT_FOUND)
                return error;
            if (!error && posting_may_see(c, &wallet))
                show_entry(c, &entry, wallet_asset(&wallet),
                           &ret_entries->items[ret_entries->count++]);
        }
    return OK;
}

/* The header every call may carry is the search key of this one. */
int fc_ledger_history_by_interaction_id(struct call *c,
                                        const struct fc_ledger_history_by_interaction_id_in *in,
                                        struct fc_ledger_history_by_interaction_id_out *out)
{
    struct str interaction_id = call_header(c, "x-fapi-interaction-id");

    (void)in;
    if (str_empty(interaction_id))
        return call_refuse(c, ERR_REQUIRED, "x-fapi-interaction-id");
    return find_entries(c, LEDGER_BY_INTERACTION, interaction_id, "x-fapi-interaction-id",
                        &out->data);
}

int fc_ledger_history_by_idempotency_key(struct call *c,
                                         const struct fc_ledger_history_by_idempotency_key_in *in,
                                         struct fc_ledger_history_by_idempotency_key_out *out)
{
    return find_entries(c, LEDGER_BY_KEY, in->x_idempotency_key, "x-idempotency-key", &out->data);
}

/* ---- Posting ---- */

static void read_instruction(struct call *c, const struct fc_posting_instruction *from,
                             struct posting_instruction *to)
{
    const struct fc_insufficient_fund_handler *handler = from->insufficient_fund_handler;

    *to = (struct posting_instruction){
        .key = from->instruction_idempotencykey,
        .account_number = from->primary_account_number,
        .currency = from->currency_code,
        .debit_primary = str_is(from->credit_debit_instruction_direction,
                                "DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_ACCOUNT"),
        .parties = ARENA_ARRAY(c->arena, struct posting_party, from->counter_parties.count),
        .party_count = from->counter_parties.count,
        .narration = from->narration,
    };
    for (size_t i = 0; i < to->party_count; i++) {
        const struct fc_counter_party *party = &from->counter_parties.items[i];
        to->parties[i] = (struct posting_party){.account_number = party->account_number,
                                                .currency = party->currency_code,
                                                .amount = party->amount,
                                                .narration = party->narration};
    }
    if (!handler)
        return;
    if (str_is(handler->insufficient_fund_authorization_mode, "ON_AVAILABLE_BALANCE"))
        to->funds = POSTING_FUNDS_AVAILABLE;
    if (str_is(handler->insufficient_fund_authorization_mode, "FORCE_ON_UNARRANGED_OVERDRAFT"))
        to->funds = POSTING_FUNDS_FORCE;
    to->overdraft_source = handler->over_draft_fund_originating_account_number_id;
}

/* Both sides of a posting are shown; the balance of somebody else's account is not. */
static int hide_balance(struct call *c, id_t64 account_id, struct fc_ledger_entry *entry)
{
    struct wallet wallet;

    if (call_has_role(c, ROLE_CASHIER | ROLE_MANAGER | ROLE_ADMIN))
        return OK;
    int error = wallet_find(c, account_id, &wallet);
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (error || !posting_may_see(c, &wallet))
        entry->has_previous_account_balance = entry->has_new_balance = false;
    return OK;
}

static int show_result(struct call *c, const struct posting_result *result,
                       const struct posting_instruction *instruction, struct fc_posting_result *out)
{
    const struct asset *asset = asset_find(instruction->currency);
    const struct journal *journal = &result->journal;

    out->instruction_idempotencykey = instruction->key;
    out->status = result->error ? STR("FAILED") : STR("PAID");
    if (result->error) {
        out->error_code = str_from(error_name(result->error));
        out->message = str_from(error_message(result->error));
        out->field = str_from(result->field);
        out->entries.items = ARENA_NEW(c->arena, struct fc_ledger_entry);
        return OK;
    }
    out->posting_group_id = id_print_uuid(c->arena, ID_JOURNAL, journal->id);
    out->entries.items =
        ARENA_ARRAY(c->arena, struct fc_ledger_entry, 2 * journal->transfer_count + 1);
    for (size_t k = 0; k < 2 * journal->transfer_count; k++) {
        struct ledger_entry entry = ledger_entry_of(journal, k / 2, k % 2 == 0);
        struct fc_ledger_entry *shown = &out->entries.items[out->entries.count++];
        show_entry(c, &entry, asset, shown);
        TRY(hide_balance(c, entry.account_id, shown));
    }
    return OK;
}

int fc_ledger_post_account_expect(struct call *c, const struct fc_ledger_post_account_in *in)
{
    for (size_t i = 0; i < in->body.count; i++) {
        const struct fc_posting_instruction *instruction = &in->body.items[i];
        TRY(wallet_expect_number(c, instruction->primary_account_number));
        for (size_t j = 0; j < instruction->counter_parties.count; j++)
            TRY(wallet_expect_number(c, instruction->counter_parties.items[j].account_number));
    }
    return OK;
}

int fc_ledger_post_account(struct call *c, const struct fc_ledger_post_account_in *in,
                           struct fc_ledger_post_account_out *out)
{
    size_t count = in->body.count, failed = 0;
    struct posting_instruction *instructions =
        ARENA_ARRAY(c->arena, struct posting_instruction, count);
    struct posting_result *results = ARENA_ARRAY(c->arena, struct posting_result, count);

    for (size_t i = 0; i < count; i++)
        read_instruction(c, &in->body.items[i], &instructions[i]);
    TRY(posting_execute(c, instructions, count, results));
    out->data.items = ARENA_ARRAY(c->arena, struct fc_posting_result, count);
    out->data.count = count;
    for (size_t i = 0; i < count; i++) {
        TRY(show_result(c, &results[i], &instructions[i], &out->data.items[i]));
        failed += results[i].error != OK;
    }
    out->status = failed == count ? STR("FAILED") : STR("SUCCESS");
    return OK;
}
