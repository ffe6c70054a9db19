/*
 * Deposits that arrive on a chain. Starting one promises nothing: the entry is pending, its amount
 * (if the client named one) a pending credit, and only the provider's word makes it money. What
 * really arrived counts, not what was announced.
 */
#include "base/json_build.h"
#include "core/fee/fee.h"
#include "core/outbox.h"
#include "core/reasons.h"
#include "core/wallet/customer.h"
#include "core/wallet/events.h"
#include "core/wallet/funds.h"

/* PEG(token, currency): tokens that a provider takes and pays out one to one. */
static const struct peg {
    const char *token, *currency;
} pegs[] = {
    {"USDC", "USD"}, {"USDT", "USD"}, {"PYUSD", "USD"},
    {"DAI", "USD"},  {"CUSD", "USD"}, {"EURC", "EUR"},
};

bool wallet_takes_token(const struct asset *asset, const struct asset *token)
{
    if (asset == token)
        return token->kind == ASSET_CRYPTO;
    for (size_t i = 0; i < sizeof(pegs) / sizeof(pegs[0]); i++)
        if (strcmp(token->code, pegs[i].token) == 0 && strcmp(asset->code, pegs[i].currency) == 0)
            return true;
    return false;
}

static int check(struct call *c, const struct wallet_crypto_deposit *request, struct wallet *wallet)
{
    const struct asset *token;

    TRY(wallet_get_for_caller(c, request->wallet_id, "account_id", wallet));
    TRY(wallet_check_owner(c, wallet, request->user_id));
    TRY(wallet_require_movable(c, wallet, "account_id"));
    token = asset_find_any_case(request->currency);
    if (!token)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    if (!wallet_takes_token(wallet_asset(wallet), token))
        return call_refuse(c, ERR_CURRENCY_MISMATCH, "currency");
    if (str_empty(str_trim(request->payment_rail)))
        return call_refuse(c, ERR_REQUIRED, "payment_rail");
    return 0;
}

/* The announced amount as a pending credit: it counts in the ledger balance, not in the available
 * one. */
static int hold_credit(struct call *c, const struct wallet *wallet, struct wallet_entry *entry)
{
    id_t64 settlement;

    TRY(ledger_system_account(c->ledger, wallet->tenant_id, (int)wallet->asset, LEDGER_SETTLEMENT,
                              wallet_settlement_name(entry->provider), &settlement));
    struct transfer transfer = {.kind = TRANSFER_PENDING,
                                .debit_account = settlement,
                                .credit_account = wallet->id,
                                .amount = entry->amount,
                                .reason = REASON_DEPOSIT};
    TRY(wallet_post(c, &transfer, 1, entry->description, entry->reference, "amount",
                    &entry->journal_id));
    entry->hold_id = transfer.id;
    return 0;
}

static int instruct(struct call *c, const struct wallet_crypto_deposit *request,
                    const struct wallet *wallet, const struct wallet_entry *entry)
{
    const struct asset *asset = wallet_asset(wallet);
    struct buf body = json_object(c->arena);

    TRY(wallet_put_customer(c, &body, wallet));
    if (entry->amount)
        json_put(&body, "amount",
                 decimal_print(c->arena, money_to_decimal(entry->amount, asset), 0));
    json_put(&body, "currency", str_from(asset_find_any_case(request->currency)->code));
    json_put(&body, "network", request->payment_rail);
    if (asset->kind == ASSET_CRYPTO)
        json_put_unless_empty(&body, "wallet_id", wallet->provider_account_id);
    json_put_unless_empty(&body, "from_address", request->from_address);
    return outbox_instruct(c, "bridge", "crypto_deposit", entry->id, json_object_end(&body));
}

int wallet_start_crypto_deposit(struct call *c, const struct wallet_crypto_deposit *request,
                                struct wallet_entry *ret_entry)
{
    struct wallet wallet;
    money_t amount = 0;

    TRY(check(c, request, &wallet));
    if (request->has_amount)
        TRY(wallet_amount(c, request->amount, wallet_asset(&wallet), "amount", &amount));

    struct wallet_entry entry =
        wallet_entry_for(c, &wallet, "credit", "crypto_deposit", "pending", amount);
    entry.description = request->description;
    entry.payment_rail = request->payment_rail;
    entry.provider = STR("bridge");
    if (amount)
        TRY(hold_credit(c, &wallet, &entry));
    TRY(wallet_add_entries(c, &entry, 1));
    TRY(instruct(c, request, &wallet, &entry));
    TRY(wallet_entry_event(c, &entry));
    *ret_entry = entry;
    return 0;
}

/* ---- Outcomes ---- */

/* What arrived: as the provider says, else as announced. ERR_INVALID when neither is known: the
 * instruction stays pending, and somebody is told. */
static int arrived(struct call *c, const struct wallet_entry *entry,
                   const struct provider_outcome *outcome, money_t *ret_amount)
{
    const struct json *data = NULL;
    struct decimal amount;

    if (str_present(outcome->data_json))
        TRY(json_parse(c->arena, outcome->data_json, &data));
    if (!json_decimal(json_get(data, "amount"), &amount)) {
        *ret_amount = entry->amount;
        return entry->amount ? 0 : ERR_INVALID;
    }
    if (amount.coefficient < 0)
        return ERR_INVALID;
    /* A token has more decimals than the currency it is pegged to; what is below a cent is not
     * credited. */
    const struct asset *asset = asset_by_id((int)entry->asset);
    if (!decimal_multiply(amount, decimal_from_i64(1), asset->scale, ROUND_DOWN, &amount))
        return ERR_AMOUNT_OVERFLOW;
    return money_from_decimal(amount, asset, ret_amount);
}

/* Posts what was held of the amount, and credits the rest of what arrived. */
static int credit(struct call *c, struct wallet_entry *entry, money_t amount, money_t fee)
{
    struct transfer transfers[3];
    id_t64 settlement, income;
    size_t count = 0;

    TRY(ledger_system_account(c->ledger, entry->tenant_id, (int)entry->asset, LEDGER_SETTLEMENT,
                              wallet_settlement_name(entry->provider), &settlement));
    TRY(ledger_system_account(c->ledger, entry->tenant_id, (int)entry->asset, LEDGER_FEE_INCOME,
                              STR_NONE, &income));
    money_t held = !entry->hold_id ? 0 : amount < entry->amount ? amount : entry->amount;
    if (held)
        transfers[count++] = (struct transfer){.kind = TRANSFER_POST,
                                               .pending_id = entry->hold_id,
                                               .amount = held,
                                               .reason = REASON_DEPOSIT};
    if (amount > held)
        transfers[count++] = (struct transfer){.debit_account = settlement,
                                               .credit_account = entry->wallet_id,
                                               .amount = amount - held,
                                               .reason = REASON_DEPOSIT};
    if (fee)
        transfers[count++] = (struct transfer){.debit_account = entry->wallet_id,
                                               .credit_account = income,
                                               .amount = fee,
                                               .reason = REASON_FEE};
    return wallet_post(c, transfers, count, entry->description, entry->reference, NULL,
                       &entry->journal_id);
}

static int fail(struct call *c, struct wallet_entry *entry)
{
    TRY(wallet_void_hold(c, &(struct wallet_hold){.amount_id = entry->hold_id}, REASON_DEPOSIT,
                         entry->reference));
    return wallet_update_entry(c, entry, STR("failed"));
}

static int complete(struct call *c, struct wallet_entry *entry, money_t amount)
{
    const struct asset *asset = asset_by_id((int)entry->asset);
    struct wallet wallet;
    struct fee_quote quote;

    if (amount == 0) {
        entry->description = STR("What arrived is less than the smallest unit of the account");
        return fail(c, entry);
    }
    TRY(wallet_get(c, entry->wallet_id, NULL, &wallet));
    if (!str_is(wallet.status, "active")) {
        TRY(wallet_credit_suspense(c, &wallet, asset, amount, entry->provider, entry->reference,
                                   &entry->journal_id));
        return fail(c, entry);
    }
    TRY(fee_quote(c, asset, "crypto_deposit", amount, &quote));
    entry->fee = quote.fee < amount ? quote.fee : amount;
    TRY(credit(c, entry, amount, entry->fee));
    entry->amount = amount;
    return wallet_update_entry(c, entry, STR("completed"));
}

int wallet_apply_crypto_deposit(struct call *c, id_t64 entry_id,
                                const struct provider_outcome *outcome)
{
    struct wallet_entry entry;
    money_t amount;

    TRY(wallet_entry_get(c, entry_id, NULL, &entry));
    if (!str_is(entry.status, "pending"))
        return 0;
    if (str_present(outcome->data_json))
        entry.details = outcome->data_json;
    switch (outcome->status) {
    case PROVIDER_PENDING:
        return wallet_update_entry(c, &entry, entry.status);
    case PROVIDER_RETRY:
        return 0;
    case PROVIDER_SUCCEEDED:
        TRY(arrived(c, &entry, outcome, &amount));
        TRY(complete(c, &entry, amount));
        return wallet_entry_event(c, &entry);
    case PROVIDER_FAILED:
        TRY(fail(c, &entry));
        return wallet_entry_event(c, &entry);
    }
    return 0;
}
