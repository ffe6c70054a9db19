/* Fund operations: deposit, withdrawal, transfer, the crypto rails, and the look-up of a Nigerian
 * account. */
#include "base/json_build.h"
#include "core/provider/providers.h"
#include "core/wallet/funds.h"
#include "core/wallet/withdrawal.h"
#include "dialect/pcx/wallet_wire.h"

int pcx_deposit_funds(struct call *c, const struct pcx_deposit_funds_in *in,
                      struct pcx_deposit_funds_out *out)
{
    const struct pcx_deposit_request *body = in->body;
    struct wallet_deposit request = {.amount = body->amount,
                                     .currency = body->currency,
                                     .description = body->description,
                                     .reference = body->reference};
    struct wallet_entry entry;

    TRY(pcx_read_id(c, ID_ACCOUNT, body->account_id, "account_id", &request.wallet_id));
    TRY(pcx_read_optional_id(c, ID_USER, body->user_id, "user_id", &request.user_id));
    TRY(wallet_deposit(c, &request, &entry));
    out->message = STR("Deposit accepted");
    out->data = pcx_entry(c, &entry);
    return 0;
}

int pcx_transfer_between_accounts_expect(struct call *c,
                                         const struct pcx_transfer_between_accounts_in *in)
{
    const struct pcx_transfer_request *body = in->body;
    id_t64 from, to;

    if (id_parse(ID_ACCOUNT, body->from_account_id, &from))
        TRY(wallet_expect(c, from));
    if (id_parse(ID_ACCOUNT, body->to_account_id, &to))
        TRY(wallet_expect(c, to));
    return OK;
}

int pcx_transfer_between_accounts(struct call *c, const struct pcx_transfer_between_accounts_in *in,
                                  struct pcx_transfer_between_accounts_out *out)
{
    const struct pcx_transfer_request *body = in->body;
    struct wallet_transfer request = {.amount = body->amount, .description = body->description};
    struct wallet_entry entry;

    TRY(pcx_read_id(c, ID_ACCOUNT, body->from_account_id, "from_account_id",
                    &request.from_wallet_id));
    TRY(pcx_read_id(c, ID_ACCOUNT, body->to_account_id, "to_account_id", &request.to_wallet_id));
    TRY(pcx_read_id(c, ID_USER, body->user_id, "user_id", &request.user_id));
    TRY(wallet_transfer(c, &request, &entry));
    out->message = STR("Transfer completed");
    out->data = pcx_entry(c, &entry);
    return 0;
}

int pcx_withdraw_funds(struct call *c, const struct pcx_withdraw_funds_in *in,
                       struct pcx_withdraw_funds_out *out)
{
    const struct pcx_withdraw_request *body = in->body;
    struct withdrawal_request request = {
        .amount = body->amount,
        .to = {.beneficiary_name = body->beneficiary_name,
               .bank_code = body->bank_code,
               .account_number = body->beneficiary_account_number},
    };
    struct wallet_entry entry;

    TRY(pcx_read_id(c, ID_ACCOUNT, body->account_id, "account_id", &request.wallet_id));
    TRY(pcx_read_id(c, ID_USER, body->user_id, "user_id", &request.user_id));
    TRY(pcx_read_optional_id(c, ID_EXTERNAL_ACCOUNT, body->external_account_id,
                             "external_account_id", &request.to.external_account_id));
    TRY(withdrawal_create(c, &request, &entry));
    out->message = STR("Withdrawal initiated");
    out->data = pcx_entry(c, &entry);
    return 0;
}

/* ---- Crypto rails ---- */

/* Token symbols are in lower case on this wire. */
static struct str token_symbol(struct call *c, struct str currency)
{
    char *text = arena_alloc(c->arena, currency.len + 1);

    for (size_t i = 0; i < currency.len; i++) {
        char letter = currency.ptr[i];
        text[i] = letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
    }
    return (struct str){text, currency.len};
}

static struct pcx_crypto_transaction *
crypto_transaction(struct call *c, const struct wallet_entry *entry, struct str currency)
{
    struct pcx_crypto_transaction *wire = ARENA_NEW(c->arena, struct pcx_crypto_transaction);
    const struct asset *asset = asset_by_id((int)entry->asset);

    wire->transaction_id = call_id(c, ID_ACCOUNT_ENTRY, entry->id);
    wire->account_id = call_id(c, ID_ACCOUNT, entry->wallet_id);
    wire->has_amount = entry->amount != 0;
    wire->amount = money_to_decimal(entry->amount, asset);
    wire->currency = token_symbol(c, currency);
    wire->payment_rail = entry->payment_rail;
    wire->created_at = call_time(c, entry->created_at);
    wire->updated_at = call_time(c, entry->updated_at);
    return wire;
}

int pcx_fund_account_crypto(struct call *c, const struct pcx_fund_account_crypto_in *in,
                            struct pcx_fund_account_crypto_out *out)
{
    const struct pcx_fund_crypto_request *body = in->body;
    struct wallet_crypto_deposit request = {.currency = body->currency,
                                            .payment_rail = body->payment_rail,
                                            .from_address = body->from_address,
                                            .has_amount = body->has_amount,
                                            .amount = body->amount,
                                            .description = body->description};
    struct wallet_entry entry;

    TRY(pcx_read_id(c, ID_ACCOUNT, body->account_id, "account_id", &request.wallet_id));
    TRY(pcx_read_id(c, ID_USER, body->user_id, "user_id", &request.user_id));
    TRY(wallet_start_crypto_deposit(c, &request, &entry));
    out->message = STR("Crypto funding initiated");
    out->data = crypto_transaction(c, &entry, body->currency);
    return 0;
}

int pcx_withdraw_funds_crypto(struct call *c, const struct pcx_withdraw_funds_crypto_in *in,
                              struct pcx_withdraw_funds_crypto_out *out)
{
    const struct pcx_withdraw_crypto_request *body = in->body;
    struct withdrawal_request request = {
        .amount = body->amount,
        .description = body->description,
        .to = {.to_address = body->to_address,
               .payment_rail = body->payment_rail,
               .currency = body->currency},
    };
    struct wallet_entry entry;

    TRY(pcx_read_id(c, ID_ACCOUNT, body->account_id, "account_id", &request.wallet_id));
    TRY(pcx_read_id(c, ID_USER, body->user_id, "user_id", &request.user_id));
    TRY(withdrawal_create_crypto(c, &request, &entry));
    out->message = STR("Crypto withdrawal initiated");
    out->data = crypto_transaction(c, &entry, body->currency);
    return 0;
}

/* ---- Look-up ---- */

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

int pcx_ngn_account_lookup(struct call *c, const struct pcx_ngn_account_lookup_in *in,
                           struct pcx_ngn_account_lookup_out *out)
{
    const struct pcx_ngn_account_lookup_request *body = in->body;
    struct provider_outcome outcome = {0};
    struct buf request = json_object(c->arena);
    const struct json *data = NULL;

    if (!is_digits(body->bank_code) || body->bank_code.len > 6)
        return call_refuse(c, ERR_BAD_FORMAT, "bank_code");
    if (!is_digits(body->account_number) || body->account_number.len != 10)
        return call_refuse_text(c, ERR_BAD_FORMAT, "account_number", "must be 10 digits");
    json_put(&request, "bank_code", body->bank_code);
    json_put(&request, "account_number", body->account_number);
    TRY(provider_require(c, STR("sarepay"), "lookup_account", provider_new_reference(c->arena),
                         json_object_end(&request), "account_number", &outcome));
    TRY(json_parse(c->arena, str_or(outcome.data_json, STR("{}")), &data));
    out->message = STR("Account details verified");
    out->data = ARENA_NEW(c->arena, struct pcx_ngn_account_details);
    out->data->bank_code = body->bank_code;
    out->data->account_number = body->account_number;
    out->data->account_name = json_text(json_get(data, "account_name"));
    return 0;
}
