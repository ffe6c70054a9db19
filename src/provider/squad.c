/*
 * SquadCo (Squad by HabariPay, docs.squadco.com): naira virtual accounts, deposits, account
 * look-up, payouts.
 *
 * Money: payouts and balances in kobo, as text; deposits and virtual account transactions in naira
 * with two decimals. A payout's transaction_reference is unique and begins with the merchant's id.
 * Codes of a payout: 400 bad request, 404 not found, 412 reversed, 422 unprocessed and 424 timeout
 * (both to be queried again). Callbacks: x-squad-signature, HMAC-SHA512 with the secret key over
 * six members joined by '|' (version 2 and 3), or over the whole body (version 1, where the header
 * may also be x-squad-encrypted-body).
 */
#include "provider/connector.h"

/* ---- Requests ---- */

/* YYYY-MM-DD -> DD/MM/YYYY, as the current documentation has it (the older one had the month
 * first). */
static struct str birth_date(struct arena *arena, struct str date)
{
    if (date.len < 10)
        return STR_NONE;
    return arena_printf(arena, "%.2s/%.2s/%.4s", date.ptr + 8, date.ptr + 5, date.ptr);
}

static struct str gender(struct arena *arena, struct str text)
{
    (void)arena;
    if (str_eq_nocase(text, STR("male")))
        return STR("1");
    return str_eq_nocase(text, STR("female")) ? STR("2") : STR_NONE;
}

static const struct connector_field individual[] = {
    {"customer_identifier", "customer_identifier", NULL, true},
    {"first_name", "first_name"},
    {"last_name", "last_name"},
    {"middle_name", "middle_name"},
    {"email", "email"},
    {"dob", "date_of_birth", birth_date},
    {"gender", "gender", gender},
    {"address", "address"},
    {"mobile_num", "phone_number"},
    {"bvn", "bvn"},
    {"beneficiary_account", "beneficiary_account"},
    {0},
};

static const struct connector_field business[] = {
    {"customer_identifier", "customer_identifier", NULL, true},
    {"business_name", "business_name"},
    {"mobile_num", "phone_number"},
    {"bvn", "bvn"},
    {"beneficiary_account", "beneficiary_account"},
    {0},
};

static bool is_business(const struct json *body)
{
    return str_is(json_text(json_get(body, "customer_type")), "business");
}

static const struct connector_field look_up[] = {
    {"bank_code", "bank_code", NULL, true},
    {"account_number", "account_number", NULL, true},
    {0},
};

static int put_reference(struct buf *out, const struct connector_source *source)
{
    json_put(out, "transaction_reference",
             arena_printf(source->arena, "%.*s_%.*s", STR_FMT(source->settings->merchant_id),
                          STR_FMT(source->reference)));
    return OK;
}

static const struct connector_field payout[] = {
    {"amount", "amount", connector_naira_to_kobo, true},
    {"bank_code", "payee.bank_code", NULL, true},
    {"account_number", "payee.account_number", NULL, true},
    {"account_name", "payee.name"},
    {"currency_id", "=NGN"},
    {"remark", "narration|$reference"},
    {0},
};

/* ---- Answers ---- */

/* Squad's virtual accounts are held at GTBank, whose code is 058; the answer has no name. */
static struct str bank_name(struct arena *arena, struct str code)
{
    (void)arena;
    return str_is(code, "058") ? STR("GTBank") : STR_NONE;
}

static struct str direction(struct arena *arena, struct str indicator)
{
    (void)arena;
    return str_is(indicator, "D") ? STR("debit") : STR("credit");
}

static const struct connector_field account[] = {
    {"account_number", "virtual_account_number"},
    {"account_name", "account_name|first_name+last_name"},
    {"bank_code", "bank_code"},
    {"bank_name", "bank_code", bank_name},
    {"customer_identifier", "customer_identifier"},
    {"account_id", "customer_identifier"},
    {"payment_rail", "=bank_transfer"},
    {0},
};

static const struct connector_field transaction[] = {
    {"reference", "transaction_reference"},
    {"amount", "principal_amount", connector_amount},
    {"currency", "currency|=NGN"},
    {"direction", "transaction_indicator|=C", direction},
    {"description", "remarks"},
    {"occurred_at", "transaction_date"},
    {"account_number", "virtual_account_number"},
    {0},
};

static const struct connector_field balance[] = {
    {"balance", "balance", connector_kobo_to_naira},
    {"currency", "currency_id|=NGN"},
    {0},
};

static const struct connector_field name[] = {
    {"account_number", "account_number"},
    {"account_name", "account_name"},
    {0},
};

static const struct connector_field transfer[] = {
    {"amount", "amount", connector_kobo_to_naira},
    {"currency", "currency_id"},
    {0},
};

/* ---- Tables ---- */

#define TRANSFER_ID "nip_transaction_reference|transaction_reference"

static const struct connector_operation operations[] = {
    {.name = "create_virtual_account",
     .when = is_business,
     .effect = CONNECTOR_MAKES,
     .method = "POST",
     .path = "/virtual-account/business",
     .body = business,
     .answer = account,
     .id = "customer_identifier"},
    {.name = "create_virtual_account",
     .effect = CONNECTOR_MAKES,
     .method = "POST",
     .path = "/virtual-account",
     .body = individual,
     .answer = account,
     .id = "customer_identifier"},
    {.name = "get_virtual_account",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = "/virtual-account/{customer_identifier}",
     .answer = account,
     .id = "customer_identifier"},
    {.name = "list_virtual_accounts",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = "/virtual-account/merchant/accounts?page={page|=1}&perPage={limit|=100}",
     .answer = account,
     .list = "accounts",
     .rows = "data.rows|data"},
    {.name = "list_transactions",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = "/virtual-account/customer/transactions/{customer_identifier}",
     .answer = transaction,
     .list = "transactions",
     .rows = "data.rows|data"},
    {.name = "wallet_balance",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = "/merchant/balance?currency_id=NGN",
     .answer = balance},
    {.name = "lookup_account",
     .effect = CONNECTOR_ASKS,
     .method = "POST",
     .path = "/payout/account/lookup",
     .body = look_up,
     .answer = name},
    {.name = "payout",
     .effect = CONNECTOR_PAYS,
     .method = "POST",
     .path = "/payout/transfer",
     .currency = "NGN",
     .body = payout,
     .body_more = put_reference,
     .answer = transfer,
     .id = TRANSFER_ID},
    {.name = "payout_status",
     .effect = CONNECTOR_TRACES,
     .method = "POST",
     .path = "/payout/requery",
     .body_more = put_reference,
     .answer = transfer,
     .id = TRANSFER_ID},
    {0},
};

/* The documented codes stand both as HTTP status and in the body, not always the same. 404 to a
 * transfer is not among the rows: it is a refusal as any other. */
static const struct connector_verdict verdicts[] = {
    {CONNECTOR_PAYS, 412, PROVIDER_FAILED, false},
    {CONNECTOR_PAYS, 422, PROVIDER_PENDING, false},
    {CONNECTOR_PAYS, 424, PROVIDER_PENDING, false},
    {CONNECTOR_TRACES, 412, PROVIDER_FAILED, false},
    {CONNECTOR_TRACES, 422, PROVIDER_PENDING, false},
    {CONNECTOR_TRACES, 424, PROVIDER_PENDING, false},
    {CONNECTOR_TRACES, 404, PROVIDER_RETRY, .absent = true},
    {0},
};

static const struct connector connector = {
    .operations = operations,
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .root = "data",
    .success = "success",
    .code = "status",
    .verdicts = verdicts,
};

/* ---- Callbacks ---- */

static struct str six_members(struct arena *arena, const struct json *event)
{
    static const char *const members[] = {
        "transaction_reference", "virtual_account_number", "currency",
        "principal_amount",      "settled_amount",         "customer_identifier"};
    struct buf out = buf_new(arena, 256);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (i)
            buf_add_char(&out, '|');
        buf_add_str(&out, json_text(json_get(event, members[i])));
    }
    return buf_str(&out);
}

static int verify(struct arena *arena, const struct provider_settings *settings,
                  struct str (*header)(void *context, const char *name), void *context,
                  struct str raw_body, struct provider_event *ret_event)
{
    struct str signature = header(context, "x-squad-signature");
    const struct json *event = JSON_ABSENT;
    if (str_empty(signature))
        signature = header(context, "x-squad-encrypted-body");
    bool readable = json_parse(arena, raw_body, &event) == OK;
    struct connector_source source = {.arena = arena, .json = event};
    bool named_version = readable && str_present(connector_value(&source, "version"));
    struct str message = named_version ? six_members(arena, event) : raw_body;
    if (!connector_hmac_is(arena, settings->secret, message, signature))
        return ERR_UNAUTHENTICATED;
    if (!readable)
        return ERR_MALFORMED_JSON;

    *ret_event = (struct provider_event){
        .event_id = connector_value(&source, "transaction_reference"),
        .provider_reference = connector_value(&source, "transaction_reference"),
        .currency = connector_value(&source, "currency"),
        .account_number = connector_value(&source, "virtual_account_number"),
        .customer_id = connector_value(&source, "customer_identifier"),
        .sender_name = connector_value(&source, "sender_name"),
        .outcome = {.status = PROVIDER_SUCCEEDED},
    };
    if (str_is(connector_value(&source, "transaction_indicator"), "C"))
        ret_event->operation = "deposit";
    connector_money(connector_value(&source, "principal_amount"), ret_event->currency,
                    &ret_event->amount);
    return OK;
}

const struct provider provider_squad = {.name = "squad", .connector = &connector, .verify = verify};
