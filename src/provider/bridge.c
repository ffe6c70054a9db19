/*
 * Bridge (apidocs.bridge.xyz, API v0): customers, virtual accounts, external accounts and transfers
 * between fiat and crypto.
 *
 * Api-Key on every request, Idempotency-Key on every POST: the same key gives the first answer, so
 * a POST whose answer was lost is sent again. Money: decimal text in major units; currencies and
 * rails in lower case. A payout is a transfer with a fixed output (destination.amount), paid from
 * our own Bridge wallet to an external account; for crypto to an address. Callbacks:
 * X-Webhook-Signature "t=<ms>,v0=<base64>", RSA PKCS #1 v1.5 over the SHA-256 digest of the SHA-256
 * digest of "<t>.<body>" (that the digest is hashed once more is what the published test data
 * shows), refused when older than ten minutes.
 */
#include "base/crypto.h"
#include "base/digest.h"
#include "provider/connector.h"

#define SIGNATURE_TOLERANCE (10 * USEC_PER_MINUTE)

enum operation {
    CREATE_CUSTOMER,
    GET_CUSTOMER,
    CREATE_WALLET,
    CREATE_ACCOUNT,
    GET_ACCOUNT,
    LIST_ACCOUNTS,
    LIST_TRANSACTIONS,
    BALANCE,
    CREATE_EXTERNAL,
    DELETE_EXTERNAL,
    PAYOUT,
    PAYOUT_STATUS,
    CRYPTO_DEPOSIT,
};

static const char *const operations[] = {
    "create_customer",
    "get_customer",
    "create_wallet",
    "create_virtual_account",
    "get_virtual_account",
    "list_virtual_accounts",
    "list_transactions",
    "wallet_balance",
    "create_external_account",
    "delete_external_account",
    "payout",
    "payout_status",
    "crypto_deposit",
    NULL,
};

/* Fiat currencies: their rail, and the kind of external account that takes them. */
static const struct rail {
    const char *currency, *rail, *account_type;
} rails[] = {
    {"usd", "ach", "us"},     {"eur", "sepa", "iban"}, {"gbp", "faster_payments", "gb"},
    {"mxn", "spei", "clabe"}, {"brl", "pix", "pix"},
};

static const struct rail *find_rail(struct str currency)
{
    for (size_t i = 0; i < sizeof(rails) / sizeof(rails[0]); i++)
        if (str_eq_nocase(currency, str_from(rails[i].currency)))
            return &rails[i];
    return NULL;
}

static bool is_crypto(struct str currency)
{
    const struct asset *asset = asset_find_any_case(currency);
    return asset && asset->kind == ASSET_CRYPTO;
}

static struct str customer_of(const struct provider_settings *settings, const struct json *body)
{
    return connector_either(connector_text(body, "customer_id"), settings->merchant_id);
}

static struct str lower_text(struct arena *arena, const struct json *body, const char *path)
{
    return connector_lower(arena, connector_text(body, path));
}

/* ---- Requests ---- */

static int build_customer(struct arena *arena, const struct provider_settings *settings,
                          const struct json *body, struct http_request *ret_request)
{
    struct buf out = json_object(arena);
    json_put(&out, "full_name", connector_text(body, "full_name"));
    json_put(&out, "email", connector_text(body, "email"));
    json_put(&out, "type", str_or(connector_text(body, "customer_type"), STR("individual")));
    connector_request(arena, settings, "POST", STR("/kyc_links"), json_object_end(&out),
                      ret_request);
    return OK;
}

static int build_wallet(struct arena *arena, const struct provider_settings *settings,
                        const struct json *body, struct http_request *ret_request)
{
    struct buf out = json_object(arena);
    json_put(&out, "chain", str_or(lower_text(arena, body, "network"), STR("solana")));
    connector_request(arena, settings, "POST",
                      arena_printf(arena, "/customers/%.*s/wallets",
                                   STR_FMT(connector_escape(arena, customer_of(settings, body)))),
                      json_object_end(&out), ret_request);
    return OK;
}

/* Where a virtual account's deposits go: the customer's wallet, or ours. */
static int build_account(struct arena *arena, const struct provider_settings *settings,
                         const struct json *body, struct http_request *ret_request)
{
    struct str currency = lower_text(arena, body, "currency");
    if (!find_rail(currency) && !is_crypto(currency))
        return ERR_NOT_FOUND;
    struct buf out = json_object(arena);
    json_open(&out, "source", '{');
    json_put(&out, "currency", currency);
    json_close(&out, '}');
    json_open(&out, "destination", '{');
    json_put(&out, "payment_rail", str_or(lower_text(arena, body, "network"), STR("solana")));
    json_put(&out, "currency", STR("usdc"));
    json_put_unless_empty(&out, "bridge_wallet_id",
                          connector_either(connector_text(body, "wallet_id"), settings->wallet_id));
    json_close(&out, '}');
    connector_request(arena, settings, "POST",
                      arena_printf(arena, "/customers/%.*s/virtual_accounts",
                                   STR_FMT(connector_escape(arena, customer_of(settings, body)))),
                      json_object_end(&out), ret_request);
    return OK;
}

static void put_owner(struct buf *out, const struct json *payee)
{
    struct str name = connector_text(payee, "name");
    bool business = str_is(connector_text(payee, "owner_type"), "business");
    json_put(out, "account_owner_name", name);
    json_put(out, "account_owner_type", business ? STR("business") : STR("individual"));
    if (business) {
        json_put(out, "business_name", name);
        return;
    }
    /* The last word is the family name; Bridge wants both. */
    struct str first = name, last = name;
    for (size_t i = name.len; i > 0; i--) {
        if (name.ptr[i - 1] != ' ')
            continue;
        first = (struct str){name.ptr, i - 1};
        last = (struct str){name.ptr + i, name.len - i};
        break;
    }
    json_put(out, "first_name", first);
    json_put(out, "last_name", last);
}

/* The account proper; `type` is Bridge's word for the kind of account. */
static void put_bank_details(struct buf *out, const char *type, const struct json *payee)
{
    struct str number = connector_text(payee, "account_number");
    if (strcmp(type, "iban") == 0) {
        json_open(out, "iban", '{');
        json_put(out, "account_number", connector_either(connector_text(payee, "iban"), number));
        json_put(out, "bic", connector_text(payee, "bic"));
        json_put(out, "country", connector_text(payee, "country"));
    } else {
        json_open(out, strcmp(type, "clabe") == 0 ? "clabe" : "account", '{');
        json_put(out, "account_number", number);
        json_put(out, "routing_number", connector_text(payee, "routing_number"));
        json_put(out, "sort_code", connector_text(payee, "sort_code"));
        json_put(out, "bic", connector_text(payee, "bic"));
        if (strcmp(type, "us") == 0)
            json_put(out, "checking_or_savings",
                     str_or(connector_text(payee, "checking_or_savings"), STR("checking")));
    }
    json_close(out, '}');
}

static void put_address(struct buf *out, const struct json *payee)
{
    if (str_empty(connector_text(payee, "street")))
        return;
    json_open(out, "address", '{');
    json_put(out, "street_line_1", connector_text(payee, "street"));
    json_put(out, "city", connector_text(payee, "city"));
    json_put(out, "state", connector_text(payee, "state"));
    json_put(out, "postal_code", connector_text(payee, "postal_code"));
    json_put(out, "country", connector_text(payee, "country"));
    json_close(out, '}');
}

static int build_external(struct arena *arena, const struct provider_settings *settings,
                          const struct json *body, struct http_request *ret_request)
{
    const struct json *payee = json_get(body, "payee");
    struct str currency = lower_text(arena, body, "currency");
    const struct rail *rail = find_rail(currency);
    /* Everything else goes by SWIFT, to an account of type "unknown". */
    const char *type = rail ? rail->account_type : "unknown";
    struct buf out = json_object(arena);
    json_put(&out, "currency", currency);
    json_put(&out, "account_type", str_from(type));
    json_put(&out, "bank_name", connector_text(payee, "bank_name"));
    put_owner(&out, payee);
    put_bank_details(&out, type, payee);
    put_address(&out, payee);
    connector_request(arena, settings, "POST",
                      arena_printf(arena, "/customers/%.*s/external_accounts",
                                   STR_FMT(connector_escape(arena, customer_of(settings, body)))),
                      json_object_end(&out), ret_request);
    return OK;
}

static struct str external_account_of(const struct json *body)
{
    return connector_either(connector_text(body, "external_account_id"),
                            connector_text(body, "payee.external_account_id"));
}

static const char *prerequisite(const char *operation, const struct json *body)
{
    bool needs_account = strcmp(operation, "payout") == 0 &&
                         !is_crypto(connector_text(body, "currency")) &&
                         str_empty(external_account_of(body));
    return needs_account ? "create_external_account" : NULL;
}

static void put_destination(struct buf *out, struct arena *arena, const struct json *body,
                            struct str currency)
{
    const struct rail *rail = find_rail(currency);
    struct str network = lower_text(arena, body, "payee.network");
    json_open(out, "destination", '{');
    json_put(out, "currency", currency);
    json_put(out, "amount", connector_amount(arena, json_get(body, "amount")));
    if (is_crypto(currency)) {
        json_put(out, "payment_rail", connector_either(network, STR("ethereum")));
        json_put(out, "to_address", connector_text(body, "payee.wallet_address"));
    } else {
        json_put(out, "payment_rail", rail ? str_from(rail->rail) : STR("swift"));
        json_put(out, "external_account_id", external_account_of(body));
    }
    json_close(out, '}');
}

static int build_payout(struct arena *arena, const struct provider_settings *settings,
                        struct str reference, const struct json *body,
                        struct http_request *ret_request)
{
    struct str currency = lower_text(arena, body, "currency");
    if (str_empty(currency) || str_empty(connector_amount(arena, json_get(body, "amount"))) ||
        prerequisite("payout", body) ||
        (is_crypto(currency) && str_empty(connector_text(body, "payee.wallet_address"))))
        return ERR_REQUIRED;
    struct buf out = json_object(arena);
    json_put(&out, "client_reference_id", reference);
    json_put(&out, "on_behalf_of", customer_of(settings, body));
    json_open(&out, "source", '{');
    json_put(&out, "payment_rail", STR("bridge_wallet"));
    json_put(&out, "currency", STR("usdc"));
    json_put(&out, "bridge_wallet_id",
             connector_either(connector_text(body, "wallet_id"), settings->wallet_id));
    json_close(&out, '}');
    put_destination(&out, arena, body, currency);
    connector_request(arena, settings, "POST", STR("/transfers"), json_object_end(&out),
                      ret_request);
    return OK;
}

static int build_deposit(struct arena *arena, const struct provider_settings *settings,
                         struct str reference, const struct json *body,
                         struct http_request *ret_request)
{
    struct str currency = lower_text(arena, body, "currency");
    struct buf out = json_object(arena);
    json_put(&out, "client_reference_id", reference);
    json_put(&out, "amount", connector_amount(arena, json_get(body, "amount")));
    json_put(&out, "on_behalf_of", customer_of(settings, body));
    json_open(&out, "source", '{');
    json_put(&out, "payment_rail", str_or(lower_text(arena, body, "network"), STR("ethereum")));
    json_put(&out, "currency", currency);
    json_close(&out, '}');
    json_open(&out, "destination", '{');
    json_put(&out, "payment_rail", STR("bridge_wallet"));
    json_put(&out, "currency", currency);
    json_put(&out, "bridge_wallet_id",
             connector_either(connector_text(body, "wallet_id"), settings->wallet_id));
    json_close(&out, '}');
    json_open(&out, "features", '{');
    json_put_boolean(&out, "allow_any_from_address", true);
    json_close(&out, '}');
    connector_request(arena, settings, "POST", STR("/transfers"), json_object_end(&out),
                      ret_request);
    return OK;
}

/* GET and DELETE: the path is all there is. */
static int build_path(struct arena *arena, const struct provider_settings *settings,
                      enum operation operation, const struct json *body,
                      struct http_request *ret_request)
{
    struct str customer = connector_escape(arena, customer_of(settings, body));
    struct str account = connector_escape(arena, connector_text(body, "account_id"));
    struct str path;
    const char *method = "GET";
    if (operation == GET_CUSTOMER) {
        path = arena_printf(arena, "/customers/%.*s", STR_FMT(customer));
    } else if (operation == BALANCE) {
        struct str wallet =
            connector_either(connector_text(body, "wallet_id"), settings->wallet_id);
        path = arena_printf(arena, "/customers/%.*s/wallets/%.*s", STR_FMT(customer),
                            STR_FMT(connector_escape(arena, wallet)));
    } else if (operation == LIST_ACCOUNTS) {
        path = arena_printf(arena, "/customers/%.*s/virtual_accounts", STR_FMT(customer));
    } else if (operation == GET_ACCOUNT || operation == LIST_TRANSACTIONS) {
        if (str_empty(account))
            return ERR_REQUIRED;
        path = arena_printf(arena, "/customers/%.*s/virtual_accounts/%.*s%s", STR_FMT(customer),
                            STR_FMT(account), operation == LIST_TRANSACTIONS ? "/history" : "");
    } else if (operation == DELETE_EXTERNAL) {
        method = "DELETE";
        path = arena_printf(arena, "/customers/%.*s/external_accounts/%.*s", STR_FMT(customer),
                            STR_FMT(connector_escape(arena, external_account_of(body))));
    } else {
        struct str transfer = connector_text(body, "provider_reference");
        if (str_empty(transfer))
            return ERR_REQUIRED;
        path = arena_printf(arena, "/transfers/%.*s", STR_FMT(connector_escape(arena, transfer)));
    }
    connector_request(arena, settings, method, path, STR_NONE, ret_request);
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
    case CREATE_CUSTOMER:
        error = build_customer(arena, settings, body, ret_request);
        break;
    case CREATE_WALLET:
        error = build_wallet(arena, settings, body, ret_request);
        break;
    case CREATE_ACCOUNT:
        error = build_account(arena, settings, body, ret_request);
        break;
    case CREATE_EXTERNAL:
        error = build_external(arena, settings, body, ret_request);
        break;
    case PAYOUT:
        error = build_payout(arena, settings, reference, body, ret_request);
        break;
    case CRYPTO_DEPOSIT:
        error = build_deposit(arena, settings, reference, body, ret_request);
        break;
    case GET_CUSTOMER:
    case GET_ACCOUNT:
    case LIST_ACCOUNTS:
    case LIST_TRANSACTIONS:
    case BALANCE:
    case DELETE_EXTERNAL:
    case PAYOUT_STATUS:
        error = build_path(arena, settings, (enum operation)which, body, ret_request);
        break;
    }
    if (error)
        return error;
    connector_header(arena, ret_request, "Api-Key", settings->api_key);
    if (strcmp(ret_request->method, "POST") == 0)
        connector_header(arena, ret_request, "Idempotency-Key", reference);
    return OK;
}

/* ---- Answers ---- */

static void read_state(struct arena *arena, struct str state, struct provider_outcome *ret_outcome)
{
    static const struct {
        const char *state;
        enum provider_status status;
        const char *reason;
    } states[] = {
        {"awaiting_funds", PROVIDER_PENDING, NULL},
        {"in_review", PROVIDER_PENDING, NULL},
        {"pending", PROVIDER_PENDING, NULL},
        {"funds_received", PROVIDER_PENDING, NULL},
        {"payment_submitted", PROVIDER_PENDING, NULL},
        {"payment_processed", PROVIDER_SUCCEEDED, NULL},
        {"returned", PROVIDER_FAILED, "The payment was returned."},
        {"refunded", PROVIDER_FAILED, "The payment was refunded."},
        {"canceled", PROVIDER_FAILED, "The transfer was canceled."},
    };
    /* undeliverable, missing_return_policy and error are not ends: somebody has to act there. */
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (!str_is(state, states[i].state))
            continue;
        ret_outcome->status = states[i].status;
        ret_outcome->reason = str_from(states[i].reason);
        return;
    }
    connector_unknown(arena, ret_outcome, "state", state);
}

static void read_transfer(struct arena *arena, const struct json *transfer,
                          struct provider_outcome *ret_outcome)
{
    const struct json *amount = json_get(transfer, "destination.amount");
    struct str currency = json_text(json_get(transfer, "destination.currency"));
    const struct json *deposit = json_get(transfer, "source_deposit_instructions");
    if (str_empty(json_text(amount)))
        amount = json_get(transfer, "amount");
    struct buf out = json_object(arena);
    json_put(&out, "amount", connector_amount(arena, amount));
    json_put(&out, "currency", connector_upper(arena, currency));
    json_put(&out, "wallet_address", json_text(json_get(deposit, "to_address")));
    json_put(&out, "blockchain_memo", json_text(json_get(deposit, "blockchain_memo")));
    json_put(&out, "network", json_text(json_get(deposit, "payment_rail")));
    ret_outcome->data_json = json_object_end(&out);
    ret_outcome->provider_reference = json_text(json_get(transfer, "id"));
    read_state(arena, json_text(json_get(transfer, "state")), ret_outcome);
}

static void put_account(struct buf *out, const struct json *account)
{
    const struct json *bank = json_get(account, "source_deposit_instructions");
    struct str number = json_text(json_get(bank, "bank_account_number"));
    json_put(out, "account_id", json_text(json_get(account, "id")));
    json_put(out, "account_number",
             connector_either(connector_either(number, json_text(json_get(bank, "account_number"))),
                              json_text(json_get(bank, "iban"))));
    json_put(out, "account_name",
             connector_either(json_text(json_get(bank, "bank_beneficiary_name")),
                              json_text(json_get(bank, "account_holder_name"))));
    json_put(out, "bank_name", json_text(json_get(bank, "bank_name")));
    json_put(out, "routing_number", json_text(json_get(bank, "bank_routing_number")));
    json_put(out, "sort_code", json_text(json_get(bank, "sort_code")));
    json_put(out, "iban", json_text(json_get(bank, "iban")));
    json_put(out, "bic", json_text(json_get(bank, "bic")));
    json_put(out, "payment_rail",
             connector_either(json_text(json_get(bank, "payment_rails.0")),
                              json_text(json_get(bank, "payment_rail"))));
}

static void put_accounts(struct buf *out, const struct json *rows)
{
    json_open(out, "accounts", '[');
    for (size_t i = 0; i < json_count(rows); i++) {
        json_open(out, NULL, '{');
        put_account(out, json_at(rows, i));
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_transactions(struct buf *out, const struct json *rows)
{
    json_open(out, "transactions", '[');
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *row = json_at(rows, i);
        json_open(out, NULL, '{');
        json_put(out, "reference", json_text(json_get(row, "deposit_id")));
        json_put(out, "amount", connector_amount(out->arena, json_get(row, "amount")));
        json_put(out, "currency",
                 connector_upper(out->arena, json_text(json_get(row, "currency"))));
        json_put(out, "direction", STR("credit"));
        json_put(out, "description", json_text(json_get(row, "source.description")));
        json_put(out, "occurred_at", json_text(json_get(row, "created_at")));
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_customer(struct buf *out, const struct json *answer, bool is_link)
{
    struct str id = json_text(json_get(answer, is_link ? "customer_id" : "id"));
    json_put(out, "customer_id", id);
    json_put(out, "kyc_status",
             connector_either(json_text(json_get(answer, "kyc_status")),
                              json_text(json_get(answer, "status"))));
    json_put(out, "kyc_link", json_text(json_get(answer, "kyc_link")));
    json_put(out, "tos_link", json_text(json_get(answer, "tos_link")));
    if (is_link)
        json_put(out, "link_id", json_text(json_get(answer, "id")));
}

static void put_wallet(struct buf *out, const struct json *answer)
{
    const struct json *balance = json_get(answer, "balances.0");
    json_put(out, "wallet_id", json_text(json_get(answer, "id")));
    json_put(out, "wallet_address", json_text(json_get(answer, "address")));
    json_put(out, "network", json_text(json_get(answer, "chain")));
    json_put(out, "balance", connector_amount(out->arena, json_get(balance, "balance")));
    json_put(out, "currency",
             connector_upper(out->arena, json_text(json_get(balance, "currency"))));
}

static void read_data(struct arena *arena, enum operation operation, const struct json *answer,
                      struct provider_outcome *ret_outcome)
{
    struct buf out = json_object(arena);
    ret_outcome->status = PROVIDER_SUCCEEDED;
    ret_outcome->provider_reference = json_text(json_get(answer, "id"));
    switch (operation) {
    case CREATE_CUSTOMER:
    case GET_CUSTOMER:
        put_customer(&out, answer, operation == CREATE_CUSTOMER);
        break;
    case CREATE_WALLET:
    case BALANCE:
        put_wallet(&out, answer);
        break;
    case CREATE_ACCOUNT:
    case GET_ACCOUNT:
        put_account(&out, answer);
        break;
    case LIST_ACCOUNTS:
        put_accounts(&out, json_get(answer, "data"));
        break;
    case LIST_TRANSACTIONS:
        put_transactions(&out, json_get(answer, "data"));
        break;
    case CREATE_EXTERNAL:
    case DELETE_EXTERNAL:
        json_put(&out, "external_account_id", json_text(json_get(answer, "id")));
        json_put(&out, "last_4", json_text(json_get(answer, "last_4")));
        break;
    case PAYOUT:
    case PAYOUT_STATUS:
    case CRYPTO_DEPOSIT:
        read_transfer(arena, answer, ret_outcome);
        return;
    }
    ret_outcome->data_json = json_object_end(&out);
}

static bool is_change(enum operation operation)
{
    return operation == PAYOUT || operation == CRYPTO_DEPOSIT || operation == CREATE_CUSTOMER ||
           operation == CREATE_WALLET || operation == CREATE_ACCOUNT ||
           operation == CREATE_EXTERNAL || operation == DELETE_EXTERNAL;
}

static int read(struct arena *arena, const char *operation, const struct http_response *response,
                struct provider_outcome *ret_outcome)
{
    int found = connector_find(operations, operation);
    if (found < 0)
        return ERR_NOT_FOUND;
    enum operation which = (enum operation)found;
    if (connector_transport(arena, response, is_change(which), ret_outcome))
        return OK;
    const struct json *answer = NULL;
    bool empty_is_fine = which == DELETE_EXTERNAL && response->status < 300;
    if (!(empty_is_fine && str_empty(response->body)) &&
        json_parse(arena, response->body, &answer) != OK) {
        connector_unknown(arena, ret_outcome, "the answer is not JSON", STR_NONE);
        return OK;
    }
    if (response->status < 300)
        read_data(arena, which, answer, ret_outcome);
    else if (which == PAYOUT_STATUS || response->status == 409)
        connector_unknown(arena, ret_outcome, "refused:", json_text(json_get(answer, "message")));
    else
        connector_fail(ret_outcome, json_text(json_get(answer, "message")));
    return OK;
}

/* ---- Callbacks ---- */

static bool signature_is_right(struct arena *arena, const struct provider_settings *settings,
                               struct str timestamp, struct str signature_text, struct str body)
{
    struct str signature, der;
    uint8_t digest[SHA256_SIZE];
    if (!base64_parse(arena, signature_text, &signature) ||
        !pem_parse(arena, settings->public_key, &der))
        return false;
    digest_sha256(arena_printf(arena, "%.*s.%.*s", STR_FMT(timestamp), STR_FMT(body)), digest);
    struct rsa_key *key = rsa_from_public_der(der);
    bool right =
        key && rsa_verify_sha256(key, (struct str){(char *)digest, sizeof(digest)}, signature);
    rsa_free(key);
    return right;
}

static int check_signature(struct arena *arena, const struct provider_settings *settings,
                           struct str text, struct str body)
{
    struct str timestamp = STR_NONE, signature = STR_NONE;
    while (str_present(text)) {
        struct str part = str_trim(str_cut(&text, ','));
        struct str name = str_cut(&part, '=');
        if (str_is(name, "t"))
            timestamp = part;
        else if (str_is(name, "v0"))
            signature = part;
    }
    int64_t sent_ms;
    if (str_empty(signature) || !str_to_i64(timestamp, &sent_ms) || sent_ms < 0 ||
        sent_ms > INT64_MAX / USEC_PER_MSEC)
        return ERR_UNAUTHENTICATED;
    usec_t age = settings->now - sent_ms * USEC_PER_MSEC;
    if (age > SIGNATURE_TOLERANCE || age < -SIGNATURE_TOLERANCE)
        return ERR_UNAUTHENTICATED;
    return signature_is_right(arena, settings, timestamp, signature, body) ? OK
                                                                           : ERR_UNAUTHENTICATED;
}

/* The final event of a deposit; the earlier ones (funds_received ...) are only news. */
static void read_deposit(struct arena *arena, const struct json *object,
                         struct provider_event *ret_event)
{
    struct str currency = connector_either(json_text(json_get(object, "source.currency")),
                                           json_text(json_get(object, "currency")));
    const struct asset *asset = asset_find_any_case(currency);
    if (!str_is(json_text(json_get(object, "type")), "payment_processed") || !asset ||
        !connector_to_minor(json_get(object, "amount"), asset, &ret_event->amount))
        return;
    ret_event->operation = "deposit";
    ret_event->currency = connector_upper(arena, currency);
    ret_event->account_id = json_text(json_get(object, "virtual_account_id"));
    ret_event->customer_id = json_text(json_get(object, "customer_id"));
    ret_event->sender_name = json_text(json_get(object, "source.sender_name"));
    ret_event->provider_reference = json_text(json_get(object, "deposit_id"));
    ret_event->outcome.status = PROVIDER_SUCCEEDED;
}

/* News about the review; that the record was made or changed otherwise is none of our business. With
 * or without the category in front. */
static bool is_status_event(const struct json *event)
{
    static const char wanted[] = "updated.status_transitioned";
    struct str type = json_text(json_get(event, "event_type"));
    size_t len = sizeof(wanted) - 1;
    return type.len >= len && str_is((struct str){type.ptr + type.len - len, len}, wanted);
}

static void read_customer(struct arena *arena, const struct json *event, bool is_link,
                          struct provider_event *ret_event)
{
    const struct json *object = json_get(event, "event_object");
    struct buf out = json_object(arena);
    if (!is_status_event(event))
        return;
    put_customer(&out, object, is_link);
    ret_event->operation = "customer";
    ret_event->outcome.status = PROVIDER_SUCCEEDED;
    ret_event->outcome.data_json = json_object_end(&out);
    ret_event->customer_id = json_text(json_get(object, is_link ? "customer_id" : "id"));
}

static int verify(struct arena *arena, const struct provider_settings *settings,
                  struct str (*header)(void *context, const char *name), void *context,
                  struct str raw_body, struct provider_event *ret_event)
{
    int error = check_signature(arena, settings, header(context, "x-webhook-signature"), raw_body);
    const struct json *event;
    if (error)
        return ERR_UNAUTHENTICATED;
    if (json_parse(arena, raw_body, &event) != OK)
        return ERR_MALFORMED_JSON;
    const struct json *object = json_get(event, "event_object");
    struct str category = json_text(json_get(event, "event_category"));
    *ret_event = (struct provider_event){
        .event_id = json_text(json_get(event, "event_id")),
        .provider_reference = json_text(json_get(event, "event_object_id")),
    };
    if (str_is(category, "transfer")) {
        ret_event->operation = "payout";
        ret_event->our_reference = json_text(json_get(object, "client_reference_id"));
        read_transfer(arena, object, &ret_event->outcome);
    } else if (str_is(category, "virtual_account.activity")) {
        read_deposit(arena, object, ret_event);
    } else if (str_is(category, "customer") || str_is(category, "kyc_link")) {
        read_customer(arena, event, str_is(category, "kyc_link"), ret_event);
    }
    return OK;
}

const struct provider provider_bridge = {
    .name = "bridge", .build = build, .read = read, .verify = verify, .prerequisite = prerequisite};
