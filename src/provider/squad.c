/*
 * SquadCo (Squad by HabariPay, docs.squadco.com): naira virtual accounts, deposits, account
 * look-up, payouts.
 *
 * Money: payouts and balances in kobo, as text; deposits and virtual account transactions in naira
 * with two decimals. A payout's transaction_reference is unique and begins with the merchant's id.
 * Error codes of a payout: 400 bad request, 404 not found, 412 reversed, 422 unprocessed and 424
 * timeout (both to be queried again). Callbacks: x-squad-signature, HMAC-SHA512 with the secret key
 * over six members joined by '|' (version 2 and 3), or over the whole body (version 1, where the
 * header may also be x-squad-encrypted-body).
 */
#include "base/digest.h"
#include "provider/connector.h"

enum operation {
    CREATE_ACCOUNT,
    GET_ACCOUNT,
    LIST_ACCOUNTS,
    LIST_TRANSACTIONS,
    BALANCE,
    LOOKUP,
    PAYOUT,
    PAYOUT_STATUS,
};

static const char *const operations[] = {
    "create_virtual_account",
    "get_virtual_account",
    "list_virtual_accounts",
    "list_transactions",
    "wallet_balance",
    "lookup_account",
    "payout",
    "payout_status",
    NULL,
};

static const struct asset *naira(void)
{
    return asset_find(STR("NGN"));
}

/* ---- Requests ---- */

/* YYYY-MM-DD -> DD/MM/YYYY, as the current documentation has it (the older one had the month
 * first). */
static struct str birth_date(struct arena *arena, struct str date)
{
    if (date.len < 10)
        return STR_NONE;
    return arena_printf(arena, "%.2s/%.2s/%.4s", date.ptr + 8, date.ptr + 5, date.ptr);
}

static struct str gender(struct str text)
{
    if (str_eq_nocase(text, STR("male")))
        return STR("1");
    return str_eq_nocase(text, STR("female")) ? STR("2") : STR_NONE;
}

static int build_account(struct arena *arena, const struct provider_settings *settings,
                         const struct json *body, struct http_request *ret_request)
{
    bool business = str_is(connector_text(body, "customer_type"), "business");
    struct str identifier = connector_text(body, "customer_identifier");
    if (str_empty(identifier))
        return ERR_REQUIRED;
    struct buf out = json_object(arena);
    json_put(&out, "customer_identifier", identifier);
    if (business) {
        json_put(&out, "business_name", connector_text(body, "business_name"));
    } else {
        json_put(&out, "first_name", connector_text(body, "first_name"));
        json_put(&out, "last_name", connector_text(body, "last_name"));
        json_put(&out, "middle_name", connector_text(body, "middle_name"));
        json_put(&out, "email", connector_text(body, "email"));
        json_put(&out, "dob", birth_date(arena, connector_text(body, "date_of_birth")));
        json_put(&out, "gender", gender(connector_text(body, "gender")));
        json_put(&out, "address", connector_text(body, "address"));
    }
    json_put(&out, "mobile_num", connector_text(body, "phone_number"));
    json_put(&out, "bvn", connector_text(body, "bvn"));
    json_put(&out, "beneficiary_account", connector_text(body, "beneficiary_account"));
    connector_request(arena, settings, "POST",
                      business ? STR("/virtual-account/business") : STR("/virtual-account"),
                      json_object_end(&out), ret_request);
    return OK;
}

static struct str payout_reference(struct arena *arena, const struct provider_settings *settings,
                                   struct str reference)
{
    return arena_printf(arena, "%.*s_%.*s", STR_FMT(settings->merchant_id), STR_FMT(reference));
}

static int build_payout(struct arena *arena, const struct provider_settings *settings,
                        struct str reference, const struct json *body,
                        struct http_request *ret_request)
{
    money_t kobo;
    if (!str_is(connector_text(body, "currency"), "NGN") ||
        !connector_to_minor(json_get(body, "amount"), naira(), &kobo))
        return ERR_REQUIRED;
    struct buf out = json_object(arena);
    json_put(&out, "transaction_reference", payout_reference(arena, settings, reference));
    json_put(&out, "amount", arena_printf(arena, "%lld", (long long)kobo));
    json_put(&out, "bank_code", connector_text(body, "payee.bank_code"));
    json_put(&out, "account_number", connector_text(body, "payee.account_number"));
    json_put(&out, "account_name", connector_text(body, "payee.name"));
    json_put(&out, "currency_id", STR("NGN"));
    json_put(&out, "remark", connector_either(connector_text(body, "narration"), reference));
    connector_request(arena, settings, "POST", STR("/payout/transfer"), json_object_end(&out),
                      ret_request);
    return OK;
}

static int build_read(struct arena *arena, const struct provider_settings *settings,
                      enum operation operation, const struct json *body,
                      struct http_request *ret_request)
{
    struct str identifier = connector_escape(arena, connector_text(body, "customer_identifier"));
    struct str path;
    if (operation == BALANCE) {
        path = STR("/merchant/balance?currency_id=NGN");
    } else if (operation == LIST_ACCOUNTS) {
        path = arena_printf(arena, "/virtual-account/merchant/accounts?page=%.*s&perPage=%.*s",
                            STR_FMT(str_or(connector_text(body, "page"), STR("1"))),
                            STR_FMT(str_or(connector_text(body, "limit"), STR("100"))));
    } else {
        if (str_empty(identifier))
            return ERR_REQUIRED;
        path = arena_printf(arena, "/virtual-account/%s%.*s",
                            operation == LIST_TRANSACTIONS ? "customer/transactions/" : "",
                            STR_FMT(identifier));
    }
    connector_request(arena, settings, "GET", path, STR_NONE, ret_request);
    return OK;
}

static int build_lookup(struct arena *arena, const struct provider_settings *settings,
                        const struct json *body, struct http_request *ret_request)
{
    struct buf out = json_object(arena);
    json_put(&out, "bank_code", connector_text(body, "bank_code"));
    json_put(&out, "account_number", connector_text(body, "account_number"));
    connector_request(arena, settings, "POST", STR("/payout/account/lookup"), json_object_end(&out),
                      ret_request);
    return OK;
}

static int build_requery(struct arena *arena, const struct provider_settings *settings,
                         struct str reference, struct http_request *ret_request)
{
    struct buf out = json_object(arena);
    json_put(&out, "transaction_reference", payout_reference(arena, settings, reference));
    connector_request(arena, settings, "POST", STR("/payout/requery"), json_object_end(&out),
                      ret_request);
    return OK;
}

static int build(struct arena *arena, const struct provider_settings *settings,
                 const char *operation, struct str reference, const struct json *body,
                 struct http_request *ret_request)
{
    int which = connector_find(operations, operation);
    if (which < 0)
        return ERR_NOT_FOUND;
    int error = OK;
    switch ((enum operation)which) {
    case CREATE_ACCOUNT:
        error = build_account(arena, settings, body, ret_request);
        break;
    case PAYOUT:
        error = build_payout(arena, settings, reference, body, ret_request);
        break;
    case PAYOUT_STATUS:
        error = build_requery(arena, settings, reference, ret_request);
        break;
    case LOOKUP:
        error = build_lookup(arena, settings, body, ret_request);
        break;
    case GET_ACCOUNT:
    case LIST_ACCOUNTS:
    case LIST_TRANSACTIONS:
    case BALANCE:
        error = build_read(arena, settings, (enum operation)which, body, ret_request);
        break;
    }
    if (error)
        return error;
    connector_header(arena, ret_request, "Authorization",
                     arena_printf(arena, "Bearer %.*s", STR_FMT(settings->api_key)));
    return OK;
}

/* ---- Answers ---- */

static void put_account(struct buf *out, const struct json *account)
{
    struct str name = json_text(json_get(account, "account_name"));
    if (str_empty(name))
        name = arena_printf(out->arena, "%.*s%s%.*s",
                            STR_FMT(json_text(json_get(account, "first_name"))),
                            str_empty(json_text(json_get(account, "first_name"))) ? "" : " ",
                            STR_FMT(json_text(json_get(account, "last_name"))));
    struct str bank = json_text(json_get(account, "bank_code"));
    json_put(out, "account_number", json_text(json_get(account, "virtual_account_number")));
    json_put_unless_empty(out, "account_name", name);
    json_put(out, "bank_code", bank);
    /* Squad's virtual accounts are held at GTBank, whose code is 058; the answer has no name. */
    json_put(out, "bank_name", str_is(bank, "058") ? STR("GTBank") : STR_NONE);
    json_put(out, "customer_identifier", json_text(json_get(account, "customer_identifier")));
    json_put(out, "account_id", json_text(json_get(account, "customer_identifier")));
    json_put(out, "payment_rail", STR("bank_transfer"));
}

static void put_transaction(struct buf *out, const struct json *row)
{
    json_open(out, NULL, '{');
    json_put(out, "reference", json_text(json_get(row, "transaction_reference")));
    json_put(out, "amount", connector_amount(out->arena, json_get(row, "principal_amount")));
    json_put(out, "currency", str_or(json_text(json_get(row, "currency")), STR("NGN")));
    json_put(out, "direction",
             str_is(json_text(json_get(row, "transaction_indicator")), "D") ? STR("debit")
                                                                            : STR("credit"));
    json_put(out, "description", json_text(json_get(row, "remarks")));
    json_put(out, "occurred_at", json_text(json_get(row, "transaction_date")));
    json_put(out, "account_number", json_text(json_get(row, "virtual_account_number")));
    json_close(out, '}');
}

static void read_rows(struct buf *out, const char *name, const struct json *data,
                      void (*put)(struct buf *out, const struct json *row))
{
    /* Lists come bare, or as {count, rows}. */
    const struct json *rows = json_count(json_get(data, "rows")) ? json_get(data, "rows") : data;
    json_open(out, name, '[');
    for (size_t i = 0; i < json_count(rows); i++)
        put(out, json_at(rows, i));
    json_close(out, ']');
}

static void put_account_item(struct buf *out, const struct json *row)
{
    json_open(out, NULL, '{');
    put_account(out, row);
    json_close(out, '}');
}

static void read_data(struct arena *arena, enum operation operation, const struct json *data,
                      struct provider_outcome *ret_outcome)
{
    struct buf out = json_object(arena);
    switch (operation) {
    case CREATE_ACCOUNT:
    case GET_ACCOUNT:
        put_account(&out, data);
        ret_outcome->provider_reference = json_text(json_get(data, "customer_identifier"));
        break;
    case LIST_ACCOUNTS:
        read_rows(&out, "accounts", data, put_account_item);
        break;
    case LIST_TRANSACTIONS:
        read_rows(&out, "transactions", data, put_transaction);
        break;
    case BALANCE:
        json_put(&out, "balance", connector_from_minor(arena, json_get(data, "balance"), naira()));
        json_put(&out, "currency", str_or(json_text(json_get(data, "currency_id")), STR("NGN")));
        break;
    case LOOKUP:
        json_put(&out, "account_number", json_text(json_get(data, "account_number")));
        json_put(&out, "account_name", json_text(json_get(data, "account_name")));
        break;
    case PAYOUT:
    case PAYOUT_STATUS:
        json_put(&out, "amount", connector_from_minor(arena, json_get(data, "amount"), naira()));
        json_put(&out, "currency", json_text(json_get(data, "currency_id")));
        ret_outcome->provider_reference =
            connector_either(json_text(json_get(data, "nip_transaction_reference")),
                             json_text(json_get(data, "transaction_reference")));
        break;
    }
    ret_outcome->data_json = json_object_end(&out);
}

/* The documented codes stand both as HTTP status and in the body, not always the same. */
static void read_payout_refusal(struct arena *arena, bool is_query, int64_t code,
                                struct str message, struct provider_outcome *ret_outcome)
{
    if (code == 412)
        connector_fail(ret_outcome, str_or(message, STR("The transfer was reversed.")));
    else if (code == 404 && is_query)
        ret_outcome->status = PROVIDER_RETRY;
    else if (code == 400 && !is_query)
        connector_fail(ret_outcome, message);
    else if (code == 422 || code == 424)
        ret_outcome->status = PROVIDER_PENDING;
    else
        connector_unknown(arena, ret_outcome, "status",
                          arena_printf(arena, "%lld", (long long)code));
}

static int read(struct arena *arena, const char *operation, const struct http_response *response,
                struct provider_outcome *ret_outcome)
{
    int found = connector_find(operations, operation);
    if (found < 0)
        return ERR_NOT_FOUND;
    enum operation which = (enum operation)found;
    bool changes = which == PAYOUT || which == CREATE_ACCOUNT;
    if (connector_transport(arena, response, changes, ret_outcome))
        return OK;
    const struct json *answer;
    if (json_parse(arena, response->body, &answer) != OK) {
        connector_unknown(arena, ret_outcome, "the answer is not JSON", STR_NONE);
        return OK;
    }
    bool success = false;
    int64_t code = response->status;
    json_boolean(json_get(answer, "success"), &success);
    json_integer(json_get(answer, "status"), &code);
    struct str message = json_text(json_get(answer, "message"));
    if (success && response->status < 300 && (code == 200 || code == 201)) {
        ret_outcome->status = PROVIDER_SUCCEEDED;
        read_data(arena, which, json_get(answer, "data"), ret_outcome);
    } else if (which == PAYOUT || which == PAYOUT_STATUS) {
        read_payout_refusal(arena, which == PAYOUT_STATUS, code, message, ret_outcome);
    } else {
        connector_fail(ret_outcome, message);
    }
    return OK;
}

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

static bool signature_is(struct arena *arena, struct str secret, struct str message,
                         struct str signature)
{
    struct str expected = digest_hmac_sha512_hex(arena, secret, message);
    return str_eq_secret(expected, connector_lower(arena, signature));
}

static int verify(struct arena *arena, const struct provider_settings *settings,
                  struct str (*header)(void *context, const char *name), void *context,
                  struct str raw_body, struct provider_event *ret_event)
{
    struct str signature = header(context, "x-squad-signature");
    if (str_empty(signature))
        signature = header(context, "x-squad-encrypted-body");
    const struct json *event;
    if (str_empty(signature) || str_empty(settings->secret))
        return ERR_UNAUTHENTICATED;
    bool readable = json_parse(arena, raw_body, &event) == OK;
    bool named_version = readable && str_present(json_text(json_get(event, "version")));
    struct str message = named_version ? six_members(arena, event) : raw_body;
    if (!signature_is(arena, settings->secret, message, signature))
        return ERR_UNAUTHENTICATED;
    if (!readable)
        return ERR_MALFORMED_JSON;

    *ret_event = (struct provider_event){
        .event_id = json_text(json_get(event, "transaction_reference")),
        .provider_reference = json_text(json_get(event, "transaction_reference")),
        .currency = json_text(json_get(event, "currency")),
        .account_number = json_text(json_get(event, "virtual_account_number")),
        .customer_id = json_text(json_get(event, "customer_identifier")),
        .sender_name = json_text(json_get(event, "sender_name")),
        .outcome = {.status = PROVIDER_SUCCEEDED},
    };
    bool credit = str_is(json_text(json_get(event, "transaction_indicator")), "C");
    if (credit && str_present(ret_event->event_id) && str_is(ret_event->currency, "NGN") &&
        connector_to_minor(json_get(event, "principal_amount"), naira(), &ret_event->amount))
        ret_event->operation = "deposit";
    return OK;
}

const struct provider provider_squad = {
    .name = "squad", .build = build, .read = read, .verify = verify};
