/*
 * Money that comes in: from staff, from the opening of an account, from a provider's event. Always
 *
 *     settlement of the provider --amount--> wallet --fee--> fee income
 *
 * in one journal. What a provider reports has arrived at the provider whatever we think of it, so
 * an event is never refused: what no active wallet can take is booked to suspense and an operator
 * is told.
 */
#include "base/json_build.h"
#include "base/log.h"
#include "core/fee/fee.h"
#include "core/provider/providers.h"
#include "core/reasons.h"
#include "core/wallet/events.h"
#include "core/wallet/funds.h"

static int credit(struct call *c, const struct wallet *wallet, enum ledger_account_code source,
                  struct str sub_name, int reason, struct wallet_entry *entry, const char *field)
{
    struct transfer transfers[2];
    size_t count = 0;
    id_t64 from, income;

    TRY(ledger_system_account(c->ledger, wallet->tenant_id, (int)wallet->asset, source, sub_name,
                              &from));
    transfers[count++] = (struct transfer){.debit_account = from,
                                           .credit_account = wallet->id,
                                           .amount = entry->amount,
                                           .reason = reason};
    if (entry->fee) {
        TRY(ledger_system_account(c->ledger, wallet->tenant_id, (int)wallet->asset,
                                  LEDGER_FEE_INCOME, STR_NONE, &income));
        transfers[count++] = (struct transfer){.debit_account = wallet->id,
                                               .credit_account = income,
                                               .amount = entry->fee,
                                               .reason = REASON_FEE};
    }
    TRY(wallet_post(c, transfers, count, entry->description, entry->reference, field,
                    &entry->journal_id));
    TRY(wallet_add_entries(c, entry, 1));
    return wallet_entry_event(c, entry);
}

/* ---- Staff ---- */

int wallet_deposit(struct call *c, const struct wallet_deposit *request,
                   struct wallet_entry *ret_entry)
{
    struct wallet wallet;
    struct fee_quote quote;
    money_t amount;

    TRY(wallet_get_for_caller(c, request->wallet_id, "account_id", &wallet));
    if (request->user_id)
        TRY(wallet_check_owner(c, &wallet, request->user_id));
    TRY(wallet_require_active(c, &wallet, "account_id"));
    if (str_present(request->currency) &&
        asset_find_any_case(request->currency) != wallet_asset(&wallet))
        return call_refuse(c, ERR_CURRENCY_MISMATCH, "currency");
    TRY(wallet_amount(c, request->amount, wallet_asset(&wallet), "amount", &amount));
    TRY(fee_quote(c, wallet_asset(&wallet), "deposit", amount, &quote));
    if (quote.fee > amount)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "amount", "does not cover the deposit fee");

    struct wallet_entry entry =
        wallet_entry_for(c, &wallet, "credit", "deposit", "completed", amount);
    entry.fee = quote.fee;
    entry.description = request->description;
    entry.reference = str_or(request->reference, entry.reference);
    TRY(credit(c, &wallet, LEDGER_SETTLEMENT, wallet_settlement_name(wallet.provider),
               REASON_DEPOSIT, &entry, "amount"));
    *ret_entry = entry;
    return 0;
}

static int require_new_reference(struct call *c, struct str reference, struct str *ret_key)
{
    id_t64 used;

    *ret_key = arena_printf(c->arena, "deposit:%.*s", STR_FMT(reference));
    TRY(ledger_find_key(c->ledger, c->principal.tenant_id, *ret_key, STR_NONE, &used));
    return used ? call_refuse_text(c, ERR_DUPLICATE, "reference", "was used for another deposit")
                : 0;
}

int wallet_book_deposit(struct call *c, const struct wallet *wallet,
                        const struct wallet_deposit *request, struct wallet_entry *ret_entry)
{
    struct wallet_entry entry;
    struct transfer transfer = {.credit_account = wallet->id, .reason = REASON_DEPOSIT};
    struct journal journal = {.tenant_id = wallet->tenant_id,
                              .actor_id = c->principal.user_id,
                              .interaction_id = c->interaction_id,
                              .transfers = &transfer,
                              .transfer_count = 1};

    if (asset_find_any_case(request->currency) != wallet_asset(wallet))
        return call_refuse(c, ERR_CURRENCY_MISMATCH, "currency");
    TRY(wallet_amount(c, request->amount, wallet_asset(wallet), "amount", &transfer.amount));
    entry = wallet_entry_for(c, wallet, "credit", "deposit", "completed", transfer.amount);
    entry.description = request->description;
    if (str_present(request->reference)) {
        TRY(require_new_reference(c, request->reference, &journal.key));
        entry.reference = request->reference;
    }
    journal.description = entry.description;
    journal.reference = entry.reference;
    TRY(ledger_system_account(c->ledger, wallet->tenant_id, (int)wallet->asset, LEDGER_OPENING,
                              STR_NONE, &transfer.debit_account));
    int error = ledger_post_journal(c->ledger, &journal, NULL, NULL);
    if (error)
        return call_ledger_error(c, error, "account_id");
    entry.journal_id = journal.id;
    TRY(wallet_add_entries(c, &entry, 1));
    *ret_entry = entry;
    return wallet_entry_event(c, &entry);
}

int wallet_open_balance(struct call *c, const struct wallet *wallet, struct decimal amount,
                        const char *field)
{
    struct wallet_entry entry;
    money_t money;

    if (decimal_is_zero(amount))
        return 0;
    TRY(wallet_amount(c, amount, wallet_asset(wallet), field, &money));
    if (!c->principal.staff)
        return call_refuse(c, ERR_FORBIDDEN, field);
    entry = wallet_entry_for(c, wallet, "credit", "opening", "completed", money);
    entry.description = STR("Opening balance");
    return credit(c, wallet, LEDGER_OPENING, STR_NONE, REASON_OPENING, &entry, field);
}

/* ---- Providers ---- */

#define DELETED_LAST " ORDER BY CASE WHEN status = 'deleted' THEN 1 ELSE 0 END, id DESC LIMIT 1"

/* Numbers and ids of accounts are the provider's and unique there; they are what tells the
 * tenant. */
static int find_credited(struct call *c, const struct provider_event *event,
                         struct wallet *ret_wallet)
{
    int error = ERR_NOT_FOUND;

    if (!str_empty(event->account_number))
        error = sql_one(c->sql, c->arena, &wallet_row, ret_wallet,
                        ROW_SELECT(WALLET_ROW) " FROM wallet WHERE account_number = ?" DELETED_LAST,
                        sql_text(event->account_number));
    if (error == ERR_NOT_FOUND && !str_empty(event->account_id))
        error = sql_one(
            c->sql, c->arena, &wallet_row, ret_wallet,
            ROW_SELECT(WALLET_ROW) " FROM wallet WHERE provider_account_id = ?" DELETED_LAST,
            sql_text(event->account_id));
    return error;
}

int wallet_find_deposit_tenant(struct call *c, const struct provider_event *event,
                               id_t64 *ret_tenant)
{
    struct wallet wallet;

    TRY(find_credited(c, event, &wallet));
    *ret_tenant = wallet.tenant_id;
    return 0;
}

/* False: this event was applied before. */
static int take_event(struct call *c, struct str provider, struct str reference, bool *ret_new)
{
    int64_t changed;

    TRY(sql_change(c->sql, &changed,
                   "INSERT INTO wallet_deposit_event (id, tenant_id, provider, event_reference,"
                   " wallet_id, entry_id, account_number, asset, amount, journal_id, created_at)"
                   " VALUES (?, ?, ?, ?, 0, 0, NULL, 0, 0, 0, ?)"
                   " ON CONFLICT (provider, event_reference) DO NOTHING",
                   sql_int(id_new()), sql_int(c->principal.tenant_id), sql_text(provider),
                   sql_text(reference), sql_int(c->now)));
    *ret_new = changed > 0;
    return 0;
}

static int remember(struct call *c, struct str provider, struct str reference,
                    const struct wallet *wallet, const struct wallet_entry *entry,
                    struct str account_number)
{
    return sql_run(
        c->sql,
        "UPDATE wallet_deposit_event SET wallet_id = ?, entry_id = ?, account_number = ?,"
        " asset = ?, amount = ?, journal_id = ?"
        " WHERE provider = ? AND event_reference = ?",
        sql_int(wallet->id), sql_int(entry->id), sql_text(account_number), sql_int(entry->asset),
        sql_int(entry->amount), sql_int(entry->journal_id), sql_text(provider),
        sql_text(reference));
}

#define KNOWN_DEPOSIT_ROW(F)    \
    F(INTEGER, wallet_id)       \
    F(INTEGER, organisation_id) \
    F(INTEGER, asset)           \
    F(INTEGER, amount)
ROW_STRUCT(known_deposit, KNOWN_DEPOSIT_ROW);
#define ROW_SELF struct known_deposit
ROW_TYPE(known_deposit, KNOWN_DEPOSIT_ROW);
#undef ROW_SELF

static struct str amount_text(struct call *c, money_t amount, const struct asset *asset)
{
    return decimal_print(c->arena, money_to_decimal(amount, asset), 0);
}

/* Told again is usual; told otherwise moves nothing, but a person has to look at it. */
static int compare_with_known(struct call *c, const struct provider_event *event,
                              const struct asset *asset, struct str reference)
{
    struct known_deposit known;
    struct buf metadata = json_object(c->arena);

    TRY(sql_one(c->sql, c->arena, &known_deposit_row, &known,
                "SELECT wallet_id, COALESCE((SELECT organisation_id FROM wallet WHERE wallet.id ="
                " wallet_deposit_event.wallet_id), 0) AS organisation_id, asset, amount"
                " FROM wallet_deposit_event WHERE provider = ? AND event_reference = ?",
                sql_text(event->provider), sql_text(reference)));
    if (known.asset == asset->id && known.amount == event->amount)
        return 0;
    const struct wallet wallet = {.id = known.wallet_id, .organisation_id = known.organisation_id};
    const struct asset *first = asset_by_id((int)known.asset);
    json_put(&metadata, "provider", event->provider);
    json_put(&metadata, "reference", reference);
    json_put(&metadata, "currency", str_from(first->code));
    json_put(&metadata, "amount", amount_text(c, known.amount, first));
    json_put(&metadata, "now_reported_currency", str_from(asset->code));
    json_put(&metadata, "now_reported", amount_text(c, event->amount, asset));
    log_error("a provider contradicts a deposit it told of before",
              LOG_STR("provider", event->provider), LOG_STR("reference", reference));
    return wallet_log(c, &wallet, "deposit.contradicted", "alert",
                      "The provider reported a deposit again, with another amount.",
                      json_object_end(&metadata));
}

static int credit_wallet(struct call *c, const struct wallet *wallet, struct str provider,
                         struct str reference, money_t amount, struct wallet_entry *entry)
{
    struct fee_quote quote;

    TRY(fee_quote(c, wallet_asset(wallet), "deposit", amount, &quote));
    *entry = wallet_entry_for(c, wallet, "credit", "deposit", "completed", amount);
    /* The money is there: a fee cannot be more than what came. */
    entry->fee = quote.fee < amount ? quote.fee : amount;
    entry->provider = provider;
    entry->reference = reference;
    entry->description = STR("Deposit");
    return credit(c, wallet, LEDGER_SETTLEMENT, provider, REASON_DEPOSIT, entry, NULL);
}

int wallet_credit_suspense(struct call *c, const struct wallet *wallet, const struct asset *asset,
                           money_t amount, struct str provider, struct str reference,
                           id_t64 *ret_journal)
{
    id_t64 from, suspense;
    struct buf metadata = json_object(c->arena);

    TRY(ledger_system_account(c->ledger, c->principal.tenant_id, asset->id, LEDGER_SETTLEMENT,
                              wallet_settlement_name(provider), &from));
    TRY(ledger_system_account(c->ledger, c->principal.tenant_id, asset->id, LEDGER_SUSPENSE,
                              STR_NONE, &suspense));
    struct transfer transfer = {.debit_account = from,
                                .credit_account = suspense,
                                .amount = amount,
                                .reason = REASON_UNIDENTIFIED};
    TRY(wallet_post(c, &transfer, 1, STR("Deposit that no account could take"), reference, NULL,
                    ret_journal));
    json_put(&metadata, "provider", provider);
    json_put(&metadata, "reference", reference);
    json_put(&metadata, "currency", str_from(asset->code));
    json_put(&metadata, "amount", amount_text(c, amount, asset));
    json_put(&metadata, "journal_id", call_id(c, ID_JOURNAL, *ret_journal));
    log_error("a deposit went to suspense: no active account could take it",
              LOG_STR("provider", provider), LOG_STR("reference", reference));
    return wallet_log(c, wallet, "deposit.suspended", "alert",
                      "A deposit that no active account could take was booked to suspense.",
                      json_object_end(&metadata));
}

int wallet_apply_deposit(struct call *c, const struct provider_event *event)
{
    const struct asset *asset = asset_find_any_case(event->currency);
    struct str reference = str_or(event->provider_reference, event->event_id);
    struct wallet wallet = {0};
    struct wallet_entry entry;
    bool is_new, found;

    if (!asset || event->amount <= 0)
        return ERR_INVALID;
    TRY(take_event(c, event->provider, reference, &is_new));
    if (!is_new)
        return compare_with_known(c, event, asset, reference);
    int error = find_credited(c, event, &wallet);
    if (error && error != ERR_NOT_FOUND)
        return error;
    found = !error && wallet.tenant_id == c->principal.tenant_id;
    if (!found)
        wallet = (struct wallet){0};
    if (found && str_is(wallet.status, "active") && wallet.asset == asset->id) {
        TRY(credit_wallet(c, &wallet, event->provider, reference, event->amount, &entry));
    } else {
        entry = (struct wallet_entry){.asset = asset->id, .amount = event->amount};
        TRY(wallet_credit_suspense(c, &wallet, asset, event->amount, event->provider, reference,
                                   &entry.journal_id));
    }
    return remember(c, event->provider, reference, &wallet, &entry, event->account_number);
}
