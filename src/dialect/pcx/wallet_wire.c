/* Wallets, entries and pages of them, as PCX shows them. */
#include "dialect/pcx/wallet_wire.h"

/* Both forms of an account share these members. */
#define FILL_ACCOUNT(wire, wallet, balances)                                                   \
    do {                                                                                       \
        const struct asset *asset_ = wallet_asset(wallet);                                     \
        (wire)->account_id = call_id(c, ID_ACCOUNT, (wallet)->id);                             \
        (wire)->org_id = pcx_write_optional_id(c, ID_ORGANISATION, (wallet)->organisation_id); \
        (wire)->user_id = pcx_write_optional_id(c, ID_USER, (wallet)->user_id);                \
        (wire)->customer_id = pcx_write_optional_id(c, ID_CUSTOMER, (wallet)->customer_id);    \
        (wire)->virtual_account_name = (wallet)->name;                                         \
        (wire)->currency = str_from(asset_->code);                                             \
        (wire)->has_balance = true;                                                            \
        (wire)->balance = money_to_decimal((balances)->available, asset_);                     \
        (wire)->has_ledger_balance = true;                                                     \
        (wire)->ledger_balance = money_to_decimal((balances)->ledger, asset_);                 \
        (wire)->status = (wallet)->status;                                                     \
        (wire)->account_type = (wallet)->kind;                                                 \
        (wire)->provider = (wallet)->provider;                                                 \
        (wire)->account_number = (wallet)->account_number;                                     \
        (wire)->bank_name = (wallet)->bank_name;                                               \
        (wire)->created_at = call_time(c, (wallet)->created_at);                               \
        (wire)->updated_at = call_time(c, (wallet)->updated_at);                               \
    } while (0)

int pcx_wallets(struct call *c, const struct wallet *wallets, size_t count,
                struct pcx_virtual_account_array *ret_wire)
{
    struct wallet_balances *balances;

    TRY(wallet_balances_of(c, wallets, count, &balances));
    ret_wire->items = ARENA_ARRAY(c->arena, struct pcx_virtual_account, count);
    ret_wire->count = count;
    for (size_t i = 0; i < count; i++)
        FILL_ACCOUNT(&ret_wire->items[i], &wallets[i], &balances[i]);
    return 0;
}

int pcx_wallet(struct call *c, const struct wallet *wallet, struct pcx_virtual_account **ret_wire)
{
    struct pcx_virtual_account_array wire;

    TRY(pcx_wallets(c, wallet, 1, &wire));
    *ret_wire = wire.items;
    return 0;
}

int pcx_wallet_details(struct call *c, const struct wallet_detail *details, size_t count,
                       struct pcx_admin_virtual_account_array *ret_wire)
{
    struct wallet *wallets = ARENA_ARRAY(c->arena, struct wallet, count);
    struct wallet_balances *balances;

    for (size_t i = 0; i < count; i++)
        wallets[i] = wallet_of_detail(&details[i]);
    TRY(wallet_balances_of(c, wallets, count, &balances));
    ret_wire->items = ARENA_ARRAY(c->arena, struct pcx_admin_virtual_account, count);
    ret_wire->count = count;
    for (size_t i = 0; i < count; i++) {
        struct pcx_admin_virtual_account *wire = &ret_wire->items[i];
        FILL_ACCOUNT(wire, &wallets[i], &balances[i]);
        wire->org_name = details[i].organisation_name;
        wire->user_email = details[i].user_email;
        wire->provider_account_id = details[i].provider_account_id;
        wire->last_transaction_at = call_time(c, details[i].last_entry_at);
        wire->has_transaction_count = true;
        wire->transaction_count = details[i].entry_count;
    }
    return 0;
}

static void fill_entry(struct call *c, const struct wallet_entry *entry,
                       struct pcx_virtual_account_transaction *wire)
{
    const struct asset *asset = asset_by_id((int)entry->asset);

    *wire = (struct pcx_virtual_account_transaction){
        .transaction_id = call_id(c, ID_ACCOUNT_ENTRY, entry->id),
        .account_id = call_id(c, ID_ACCOUNT, entry->wallet_id),
        .org_id = pcx_write_optional_id(c, ID_ORGANISATION, entry->organisation_id),
        .user_id = pcx_write_optional_id(c, ID_USER, entry->user_id),
        .type = entry->type,
        .status = entry->status,
        .has_amount = true,
        .amount = money_to_decimal(entry->amount, asset),
        .currency = str_from(asset->code),
        .has_fee = true,
        .fee = money_to_decimal(entry->fee, asset),
        .description = entry->description,
        .payment_rail = entry->payment_rail,
        .reference = entry->reference,
        .created_at = call_time(c, entry->created_at),
        .updated_at = call_time(c, entry->updated_at),
    };
}

struct pcx_virtual_account_transaction *pcx_entry(struct call *c, const struct wallet_entry *entry)
{
    struct pcx_virtual_account_transaction *wire =
        ARENA_NEW(c->arena, struct pcx_virtual_account_transaction);

    fill_entry(c, entry, wire);
    return wire;
}

struct pcx_virtual_account_transaction_array
pcx_entries(struct call *c, const struct wallet_entry *entries, size_t count)
{
    struct pcx_virtual_account_transaction_array wire = {
        .items = ARENA_ARRAY(c->arena, struct pcx_virtual_account_transaction, count),
        .count = count,
    };

    for (size_t i = 0; i < count; i++)
        fill_entry(c, &entries[i], &wire.items[i]);
    return wire;
}

/* ---- Pages ---- */

static int page_of(struct call *c, const struct pcx_page_request *request, struct page *ret_page)
{
    return call_page(c, request->name, request->cursor, "last_evaluated_key",
                     request->has_limit ? request->limit : PCX_PAGE_LIMIT, ret_page);
}

int pcx_wallet_page(struct call *c, const struct wallet_filter *filter,
                    const struct pcx_page_request *request,
                    struct pcx_virtual_account_array *ret_data, struct str *ret_cursor)
{
    struct wallet *wallets;
    struct page page;
    size_t count;

    TRY(page_of(c, request, &page));
    TRY(wallet_list(c, filter, &page, &wallets, &count));
    *ret_cursor = call_page_end(c, request->name, &page, wallets, &count);
    return pcx_wallets(c, wallets, count, ret_data);
}

int pcx_entry_page(struct call *c, const struct wallet_entry_filter *filter,
                   const struct pcx_page_request *request,
                   struct pcx_virtual_account_transaction_array *ret_data, struct str *ret_cursor)
{
    struct wallet_entry *entries;
    struct page page;
    size_t count;

    TRY(page_of(c, request, &page));
    TRY(wallet_entry_list(c, filter, &page, &entries, &count));
    *ret_cursor = call_page_end(c, request->name, &page, entries, &count);
    *ret_data = pcx_entries(c, entries, count);
    return 0;
}
