/*
 * Bridge (apidocs.bridge.xyz, API v0): customers, virtual accounts, external accounts and transfers
 * between fiat and crypto.
 *
 * Api-Key on every request, Idempotency-Key on every POST: for 24 hours the same key and body give
 * the first answer, so a POST whose answer was lost is sent again; later it is refused with 422,
 * which therefore says nothing of the thing. Money: decimal text in major units; currencies and
 * rails in lower case. A payout is a transfer from our own wallet (USDC) to an external account;
 * for crypto to an address. Callbacks: X-Webhook-Signature "t=<ms>,v0=<base64>", RSA PKCS #1 v1.5
 * over the SHA-256 digest of the SHA-256 digest of "<t>.<body>" (that the digest is hashed once
 * more is what the published test data shows), refused when older than ten minutes.
 */
#include "base/crypto.h"
#include "base/digest.h"
#include "provider/connector.h"

#define SIGNATURE_TOLERANCE (10 * USEC_PER_MINUTE)

/* ---- Currencies ---- */

static const struct connector_field us_account[], iban_account[], gb_account[], clabe_account[],
    pix_account[], other_account[];

/* Fiat currencies: the rail they are paid out on, the kind of external account that takes them and
 * its members, and the rails deposits come in on. */
static const struct currency {
    const char *code, *rail, *account_type;
    const struct connector_field *account;
    const char *deposit_rails;
} currencies[] = {
    {"usd", "ach", "us", us_account, "ach_push|ach|ach_same_day|wire|fednow"},
    {"eur", "sepa", "iban", iban_account, "sepa"},
    {"gbp", "faster_payments", "gb", gb_account, "faster_payments|bacs|chaps"},
    {"mxn", "spei", "clabe", clabe_account, "spei"},
    {"brl", "pix", "pix", pix_account, "pix"},
};

#define CURRENCY_COUNT (sizeof(currencies) / sizeof(currencies[0]))

/* Everything else goes by SWIFT, to an account of type "unknown". */
static const struct currency elsewhere = {"", "swift", "unknown", other_account, ""};

static const struct currency *find_currency(struct str code)
{
    for (size_t i = 0; i < CURRENCY_COUNT; i++)
        if (str_eq_nocase(code, str_from(currencies[i].code)))
            return &currencies[i];
    return &elsewhere;
}

static struct str rail_of(struct arena *arena, struct str currency)
{
    (void)arena;
    return str_from(find_currency(currency)->rail);
}

static struct str account_type_of(struct arena *arena, struct str currency)
{
    (void)arena;
    return str_from(find_currency(currency)->account_type);
}

/* A rail carries one currency: events name the rail where they leave out the currency. */
static struct str currency_on_rail(struct arena *arena, struct str rail)
{
    (void)arena;
    for (size_t i = 0; i < CURRENCY_COUNT; i++) {
        struct str rails = str_from(currencies[i].deposit_rails);
        while (str_present(rails))
            if (str_eq(str_cut(&rails, '|'), rail))
                return str_from(currencies[i].code);
    }
    return STR_NONE;
}

static bool is_crypto(const struct json *body)
{
    const struct asset *asset = asset_find_any_case(json_text(json_get(body, "currency")));
    return asset && asset->kind == ASSET_CRYPTO;
}

/* ---- Customers, wallets, virtual accounts ---- */

#define CUSTOMER "customer_id|$merchant_id"
#define WALLET "wallet_id|$wallet_id"

static const struct connector_field new_customer[] = {
    {"full_name", "full_name"},
    {"email", "email"},
    {"type", "customer_type|=individual"},
    {0},
};

static const struct connector_field kyc_link[] = {
    {"customer_id", "customer_id"},
    {"kyc_status", "kyc_status|status"},
    {"kyc_link", "kyc_link"},
    {"tos_link", "tos_link"},
    {"link_id", "id"},
    {0},
};

static const struct connector_field customer[] = {
    {"customer_id", "id"},
    {"kyc_status", "kyc_status|status"},
    {"kyc_link", "kyc_link"},
    {"tos_link", "tos_link"},
    {0},
};

static const struct connector_field new_wallet[] = {
    {"chain", "network|=solana", connector_lower},
    {0},
};

static const struct connector_field wallet[] = {
    {"wallet_id", "id"},
    {"wallet_address", "address"},
    {"network", "chain"},
    {"balance", "balances.0.balance", connector_amount},
    {"currency", "balances.0.currency", connector_upper},
    {0},
};

/* Deposits go to the customer's wallet, or ours. */
static const struct connector_field new_account[] = {
    {"source.currency", "currency", connector_lower, true},
    {"destination.payment_rail", "network|=solana", connector_lower},
    {"destination.currency", "=usdc"},
    {"destination.bridge_wallet_id", WALLET},
    {0},
};

static bool takes_deposits(const struct json *body)
{
    return is_crypto(body) || find_currency(json_text(json_get(body, "currency"))) != &elsewhere;
}

#define BANK "source_deposit_instructions."

static const struct connector_field account[] = {
    {"account_id", "id"},
    {"account_number",
     BANK "bank_account_number|" BANK "account_number|" BANK "iban|" BANK "clabe|" BANK "br_code"},
    {"account_name", BANK "bank_beneficiary_name|" BANK "account_holder_name"},
    {"bank_name", BANK "bank_name"},
    {"routing_number", BANK "bank_routing_number"},
    {"sort_code", BANK "sort_code"},
    {"iban", BANK "iban"},
    {"bic", BANK "bic"},
    {"payment_rail", BANK "payment_rails.0|" BANK "payment_rail"},
    {0},
};

static const struct connector_field activity[] = {
    {"reference", "deposit_id"},
    {"amount", "amount", connector_amount},
    {"currency", "currency", connector_upper},
    {"direction", "=credit"},
    {"description", "source.description"},
    {"occurred_at", "created_at"},
    {0},
};

/* ---- External accounts ---- */

static const struct connector_field us_account[] = {
    {"account.account_number", "payee.account_number"},
    {"account.routing_number", "payee.routing_number"},
    {"account.checking_or_savings", "payee.checking_or_savings|=checking"},
    {0},
};

static const struct connector_field iban_account[] = {
    {"iban.account_number", "payee.iban|payee.account_number"},
    {"iban.bic", "payee.bic"},
    {"iban.country", "payee.country"},
    {0},
};

static const struct connector_field gb_account[] = {
    {"account.account_number", "payee.account_number"},
    {"account.sort_code", "payee.sort_code"},
    {0},
};

static const struct connector_field clabe_account[] = {
    {"clabe.account_number", "payee.account_number"},
    {0},
};

static const struct connector_field pix_account[] = {
    {"pix_key.pix_key", "payee.account_number"},
    {0},
};

static const struct connector_field other_account[] = {
    {"account.account_number", "payee.account_number|payee.iban"},
    {"account.bic", "payee.bic"},
    {0},
};

static const struct connector_field new_external_account[] = {
    {"currency", "currency", connector_lower, true},
    {"account_type", "currency", account_type_of},
    {"bank_name", "payee.bank_name"},
    {"account_owner_name", "payee.name"},
    {0},
};

/* The last word is the family name; Bridge wants both, and takes the one name for both. */
static struct str first_name(struct arena *arena, struct str name)
{
    (void)arena;
    const char *blank = memrchr(name.ptr, ' ', name.len);
    return blank ? (struct str){name.ptr, (size_t)(blank - name.ptr)} : name;
}

static struct str last_name(struct arena *arena, struct str name)
{
    (void)arena;
    const char *blank = memrchr(name.ptr, ' ', name.len);
    return blank ? (struct str){blank + 1, (size_t)(name.ptr + name.len - blank - 1)} : name;
}

static const struct connector_field person[] = {
    {"account_owner_type", "=individual"},
    {"first_name", "payee.name", first_name},
    {"last_name", "payee.name", last_name},
    {0},
};

static const struct connector_field company[] = {
    {"account_owner_type", "=business"},
    {"business_name", "payee.name"},
    {0},
};

static const struct connector_field address[] = {
    {"address.street_line_1", "payee.street"}, {"address.city", "payee.city"},
    {"address.state", "payee.state"},          {"address.postal_code", "payee.postal_code"},
    {"address.country", "payee.country"},      {0},
};

static int put_external_account(struct buf *out, const struct connector_source *source)
{
    bool business = str_is(connector_value(source, "payee.owner_type"), "business");
    const struct currency *currency = find_currency(connector_value(source, "currency"));
    TRY(connector_put(out, source, business ? company : person));
    TRY(connector_put(out, source, currency->account));
    if (!str_empty(connector_value(source, "payee.street")))
        TRY(connector_put(out, source, address));
    return OK;
}

static const struct connector_field external_account[] = {
    {"external_account_id", "id"},
    {"last_4", "last_4"},
    {0},
};

#define EXTERNAL_ACCOUNT "external_account_id|payee.external_account_id"

static const char *prerequisite(const char *operation, const struct json *body)
{
    struct connector_source source = {.json = body};
    bool needs_account = strcmp(operation, "payout") == 0 && !is_crypto(body) &&
                         str_empty(connector_value(&source, EXTERNAL_ACCOUNT));
    return needs_account ? "create_external_account" : NULL;
}

/* ---- Transfers ---- */

/* Four shapes: to an account or an address, and the amount fixed at the one end or the other. */
#define FROM_OUR_WALLET                                                          \
    {"client_reference_id", "$reference"}, {"on_behalf_of", CUSTOMER},           \
        {"source.payment_rail", "=bridge_wallet"}, {"source.currency", "=usdc"}, \
    {                                                                            \
        "source.bridge_wallet_id", WALLET                                        \
    }
#define TO_ACCOUNT                                                      \
    {"destination.currency", "currency", connector_lower, true},        \
        {"destination.payment_rail", "currency", rail_of},              \
    {                                                                   \
        "destination.external_account_id", EXTERNAL_ACCOUNT, NULL, true \
    }
#define TO_ADDRESS                                                                \
    {"destination.currency", "currency", connector_lower, true},                  \
        {"destination.payment_rail", "payee.network|=ethereum", connector_lower}, \
    {                                                                             \
        "destination.to_address", "payee.wallet_address", NULL, true              \
    }
#define AMOUNT_OF_SOURCE                           \
    {                                              \
        "amount", "amount", connector_amount, true \
    }
#define AMOUNT_OF_DESTINATION                                  \
    {                                                          \
        "destination.amount", "amount", connector_amount, true \
    }

static const struct connector_field dollars_to_account[] = {
    FROM_OUR_WALLET, AMOUNT_OF_SOURCE, TO_ACCOUNT, {0}};
static const struct connector_field payout_to_account[] = {
    FROM_OUR_WALLET, TO_ACCOUNT, AMOUNT_OF_DESTINATION, {0}};
static const struct connector_field dollars_to_address[] = {
    FROM_OUR_WALLET, AMOUNT_OF_SOURCE, TO_ADDRESS, {0}};
static const struct connector_field payout_to_address[] = {
    FROM_OUR_WALLET, TO_ADDRESS, AMOUNT_OF_DESTINATION, {0}};

/* What is worth as much as the USDC it is paid from: the amount of the source is the one paid. In
 * other currencies the amount of the destination is fixed, which Bridge offers for those only. */
static bool is_dollars(const struct json *body)
{
    struct str currency = json_text(json_get(body, "currency"));
    return str_eq_nocase(currency, STR("usd")) || str_eq_nocase(currency, STR("usdc"));
}

static bool is_dollars_to_address(const struct json *body)
{
    return is_dollars(body) && is_crypto(body);
}

static const struct connector_field deposit[] = {
    {"client_reference_id", "$reference"},
    {"amount", "amount", connector_amount},
    {"on_behalf_of", CUSTOMER},
    {"source.payment_rail", "network|=ethereum", connector_lower},
    {"source.currency", "currency", connector_lower, true},
    {"destination.payment_rail", "=bridge_wallet"},
    {"destination.currency", "currency", connector_lower},
    {"destination.bridge_wallet_id", WALLET},
    {0},
};

static int put_features(struct buf *out, const struct connector_source *source)
{
    json_open(out, "features", '{');
    json_put_boolean(out, "allow_any_from_address", true);
    if (str_empty(connector_value(source, "amount")))
        json_put_boolean(out, "flexible_amount", true);
    json_close(out, '}');
    return OK;
}

static const struct connector_field transfer[] = {
    {"amount", "receipt.final_amount|destination.amount|amount", connector_amount},
    {"currency", "destination.currency", connector_upper},
    {"wallet_address", BANK "to_address"},
    {"blockchain_memo", BANK "blockchain_memo"},
    {"network", BANK "payment_rail"},
    {0},
};

/* ---- Tables ---- */

#define ACCOUNTS "/customers/{" CUSTOMER "}/virtual_accounts"

#define PAYOUT(condition, fields)                                                              \
    {                                                                                          \
        .name = "payout", .when = condition, .effect = CONNECTOR_PAYS, .method = "POST",       \
        .path = "/transfers", .body = fields, .answer = transfer, .id = "id", .state = "state" \
    }

static const struct connector_operation operations[] = {
    PAYOUT(is_dollars_to_address, dollars_to_address),
    PAYOUT(is_crypto, payout_to_address),
    PAYOUT(is_dollars, dollars_to_account),
    PAYOUT(NULL, payout_to_account),
    {.name = "payout_status",
     .effect = CONNECTOR_TRACES,
     .method = "GET",
     .path = "/transfers/{provider_reference}",
     .answer = transfer,
     .id = "id",
     .state = "state"},
    {.name = "crypto_deposit",
     .effect = CONNECTOR_MAKES,
     .method = "POST",
     .path = "/transfers",
     .body = deposit,
     .body_more = put_features,
     .answer = transfer,
     .id = "id",
     .state = "state"},
    {.name = "create_customer",
     .effect = CONNECTOR_MAKES,
     .method = "POST",
     .path = "/kyc_links",
     .body = new_customer,
     .answer = kyc_link,
     .id = "id"},
    {.name = "get_customer",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = "/customers/{" CUSTOMER "}",
     .answer = customer,
     .id = "id"},
    {.name = "create_wallet",
     .effect = CONNECTOR_MAKES,
     .method = "POST",
     .path = "/customers/{" CUSTOMER "}/wallets",
     .body = new_wallet,
     .answer = wallet,
     .id = "id"},
    {.name = "wallet_balance",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = "/customers/{" CUSTOMER "}/wallets/{" WALLET "}",
     .answer = wallet,
     .id = "id"},
    {.name = "create_virtual_account",
     .when = takes_deposits,
     .effect = CONNECTOR_MAKES,
     .method = "POST",
     .path = ACCOUNTS,
     .body = new_account,
     .answer = account,
     .id = "id"},
    {.name = "get_virtual_account",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = ACCOUNTS "/{account_id}",
     .answer = account,
     .id = "id"},
    {.name = "list_virtual_accounts",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = ACCOUNTS,
     .answer = account,
     .list = "accounts",
     .rows = "data"},
    {.name = "list_transactions",
     .effect = CONNECTOR_ASKS,
     .method = "GET",
     .path = ACCOUNTS "/{account_id}/history",
     .answer = activity,
     .list = "transactions",
     .rows = "data"},
    {.name = "create_external_account",
     .effect = CONNECTOR_MAKES,
     .method = "POST",
     .path = "/customers/{" CUSTOMER "}/external_accounts",
     .body = new_external_account,
     .body_more = put_external_account,
     .answer = external_account,
     .id = "id",
     .known = "duplicate_external_account"},
    {.name = "delete_external_account",
     .effect = CONNECTOR_MAKES,
     .method = "DELETE",
     .path = "/customers/{" CUSTOMER "}/external_accounts/{" EXTERNAL_ACCOUNT "}",
     .answer = external_account},
    {0},
};

/* undeliverable, missing_return_policy and error are not ends: somebody has to act there. */
static const struct connector_word words[] = {
    {"awaiting_funds", PROVIDER_PENDING, NULL},
    {"in_review", PROVIDER_PENDING, NULL},
    {"pending", PROVIDER_PENDING, NULL},
    {"funds_received", PROVIDER_PENDING, NULL},
    {"payment_submitted", PROVIDER_PENDING, NULL},
    {"payment_processed", PROVIDER_SUCCEEDED, NULL},
    {"returned", PROVIDER_FAILED, "The payment was returned."},
    {"refunded", PROVIDER_FAILED, "The payment was refunded."},
    {"canceled", PROVIDER_FAILED, "The transfer was canceled."},
    {0},
};

static const struct connector connector = {
    .operations = operations,
    .key_header = "Api-Key",
    .key_prefix = "",
    .idempotency_header = "Idempotency-Key",
    .root = "",
    .words = words,
};

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

/*
 * The final event of a deposit; the earlier ones (funds_received ...) are only news. Its `amount`
 * is what was delivered, in the currency of the destination; what came in is subtotal_amount, in
 * the currency of the account, less the fees that were taken from it.
 */
static void read_deposit(struct connector_source *source, struct provider_event *ret_event)
{
    if (!str_is(connector_value(source, "type"), "payment_processed"))
        return;
    struct str currency = connector_value(source, "source.currency");
    if (str_empty(currency))
        currency = currency_on_rail(source->arena, connector_value(source, "source.payment_rail"));
    ret_event->operation = "deposit";
    ret_event->currency = connector_upper(source->arena, currency);
    ret_event->account_id = connector_value(source, "virtual_account_id");
    ret_event->customer_id = connector_value(source, "customer_id");
    ret_event->sender_name = connector_value(source, "source.sender_name");
    ret_event->provider_reference = connector_value(source, "deposit_id");
    ret_event->outcome.status = PROVIDER_SUCCEEDED;
    connector_money(connector_value(source, "subtotal_amount"), currency, &ret_event->amount);
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

static void read_customer(struct connector_source *source, const struct connector_field *fields,
                          struct provider_event *ret_event)
{
    ret_event->operation = "customer";
    ret_event->outcome.status = PROVIDER_SUCCEEDED;
    ret_event->outcome.data_json = connector_object(source, fields);
    ret_event->customer_id = connector_value(source, fields[0].from);
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
    struct connector_source source = {.arena = arena, .json = object};
    struct str category = json_text(json_get(event, "event_category"));
    *ret_event = (struct provider_event){
        .event_id = json_text(json_get(event, "event_id")),
        .provider_reference = json_text(json_get(event, "event_object_id")),
    };
    if (str_is(category, "transfer")) {
        ret_event->operation = "payout";
        ret_event->our_reference = connector_value(&source, "client_reference_id");
        connector_read_payout(arena, &connector, object, STR_NONE, &ret_event->outcome);
    } else if (str_is(category, "virtual_account.activity")) {
        read_deposit(&source, ret_event);
    } else if (str_is(category, "customer") && is_status_event(event)) {
        read_customer(&source, customer, ret_event);
    } else if (str_is(category, "kyc_link") && is_status_event(event)) {
        read_customer(&source, kyc_link, ret_event);
    }
    return OK;
}

const struct provider provider_bridge = {
    .name = "bridge", .connector = &connector, .verify = verify, .prerequisite = prerequisite};
