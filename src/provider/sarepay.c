/*
 * Sarepay: naira transfers to any Nigerian bank and name look-up.
 *
 * Paths, headers and members are those of its published API collection; what that leaves open
 * (status words, the callback's signature) is an assumption, listed in docs/providers.md. Money:
 * naira as decimal text. customer_reference is ours and unique; requery takes it.
 */
#include "base/digest.h"
#include "provider/connector.h"

enum operation { LOOKUP, PAYOUT, PAYOUT_STATUS };

static const char *const operations[] = {"lookup_account", "payout", "payout_status", NULL};

static const struct asset *naira(void)
{
    return asset_find(STR("NGN"));
}

/* ---- Requests ---- */

static int build_payout(struct arena *arena, const struct provider_settings *settings,
                        struct str reference, const struct json *body,
                        struct http_request *ret_request)
{
    money_t kobo;
    if (!str_is(connector_text(body, "currency"), "NGN") ||
        !connector_to_minor(json_get(body, "amount"), naira(), &kobo) ||
        str_empty(connector_text(body, "payee.account_number")) ||
        str_empty(connector_text(body, "payee.bank_code")))
        return ERR_REQUIRED;
    struct buf out = json_object(arena);
    json_put(&out, "customer_reference", reference);
    json_put(&out, "account_number", connector_text(body, "payee.account_number"));
    json_put(&out, "bank_code", connector_text(body, "payee.bank_code"));
    json_put(&out, "amount", decimal_print(arena, money_to_decimal(kobo, naira()), 2));
    json_put(&out, "narration", connector_either(connector_text(body, "narration"), reference));
    json_put(&out, "recipient_name", connector_text(body, "payee.name"));
    connector_request(arena, settings, "POST", STR("/disbursement/transact"), json_object_end(&out),
                      ret_request);
    return OK;
}

static int build_lookup(struct arena *arena, const struct provider_settings *settings,
                        const struct json *body, struct http_request *ret_request)
{
    struct buf out = json_object(arena);
    json_put(&out, "account_number", connector_text(body, "account_number"));
    json_put(&out, "bank_code", connector_text(body, "bank_code"));
    connector_request(arena, settings, "POST", STR("/disbursement/accounts/validate"),
                      json_object_end(&out), ret_request);
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
    case LOOKUP:
        error = build_lookup(arena, settings, body, ret_request);
        break;
    case PAYOUT:
        error = build_payout(arena, settings, reference, body, ret_request);
        break;
    case PAYOUT_STATUS:
        connector_request(arena, settings, "GET",
                          arena_printf(arena, "/disbursement/requery/%.*s",
                                       STR_FMT(connector_escape(arena, reference))),
                          STR_NONE, ret_request);
        break;
    }
    if (error)
        return error;
    connector_header(arena, ret_request, "api-key", settings->api_key);
    return OK;
}

/* ---- Answers ---- */

static void read_status(struct arena *arena, struct str status, struct str message,
                        struct provider_outcome *ret_outcome)
{
    static const struct {
        const char *word;
        enum provider_status status;
    } words[] = {
        {"successful", PROVIDER_SUCCEEDED}, {"success", PROVIDER_SUCCEEDED},
        {"completed", PROVIDER_SUCCEEDED},  {"pending", PROVIDER_PENDING},
        {"processing", PROVIDER_PENDING},   {"queued", PROVIDER_PENDING},
        {"initiated", PROVIDER_PENDING},    {"failed", PROVIDER_FAILED},
        {"reversed", PROVIDER_FAILED},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!str_eq_nocase(status, str_from(words[i].word)))
            continue;
        ret_outcome->status = words[i].status;
        if (words[i].status == PROVIDER_FAILED)
            connector_fail(ret_outcome, message);
        return;
    }
    connector_unknown(arena, ret_outcome, "status", status);
}

static void read_transfer(struct arena *arena, const struct json *data, struct str message,
                          struct provider_outcome *ret_outcome)
{
    struct buf out = json_object(arena);
    json_put(&out, "amount", connector_amount(arena, json_get(data, "amount")));
    json_put(&out, "currency", STR("NGN"));
    ret_outcome->data_json = json_object_end(&out);
    ret_outcome->provider_reference = json_text(json_get(data, "reference"));
    read_status(arena, json_text(json_get(data, "status")), message, ret_outcome);
}

static void read_name(struct arena *arena, const struct json *data,
                      struct provider_outcome *ret_outcome)
{
    struct buf out = json_object(arena);
    json_put(&out, "account_number", json_text(json_get(data, "account_number")));
    json_put(&out, "account_name", json_text(json_get(data, "account_name")));
    ret_outcome->data_json = json_object_end(&out);
    ret_outcome->status = PROVIDER_SUCCEEDED;
}

static int read(struct arena *arena, const char *operation, const struct http_response *response,
                struct provider_outcome *ret_outcome)
{
    int found = connector_find(operations, operation);
    if (found < 0)
        return ERR_NOT_FOUND;
    enum operation which = (enum operation)found;
    if (connector_transport(arena, response, which == PAYOUT, ret_outcome))
        return OK;
    const struct json *answer;
    if (json_parse(arena, response->body, &answer) != OK) {
        connector_unknown(arena, ret_outcome, "the answer is not JSON", STR_NONE);
        return OK;
    }
    bool success = false;
    json_boolean(json_get(answer, "success"), &success);
    struct str message = json_text(json_get(answer, "message"));
    if (success && response->status < 300) {
        if (which == LOOKUP)
            read_name(arena, json_get(answer, "data"), ret_outcome);
        else
            read_transfer(arena, json_get(answer, "data"), message, ret_outcome);
    } else if (which == PAYOUT_STATUS && response->status == 404) {
        ret_outcome->status = PROVIDER_RETRY; /* never heard of it: it can be sent again */
    } else if (which == PAYOUT_STATUS || response->status == 409) {
        /* A query that fails, or a reference that was used, says nothing of the transfer. */
        connector_unknown(arena, ret_outcome, "refused:", message);
    } else {
        connector_fail(ret_outcome, message);
    }
    return OK;
}

/* ---- Callbacks ---- */

static int verify(struct arena *arena, const struct provider_settings *settings,
                  struct str (*header)(void *context, const char *name), void *context,
                  struct str raw_body, struct provider_event *ret_event)
{
    struct str signature = header(context, "x-sarepay-signature");
    const struct json *event;
    if (str_empty(signature) || str_empty(settings->secret) ||
        !str_eq_secret(digest_hmac_sha512_hex(arena, settings->secret, raw_body),
                       connector_lower(arena, signature)))
        return ERR_UNAUTHENTICATED;
    if (json_parse(arena, raw_body, &event) != OK)
        return ERR_MALFORMED_JSON;

    struct str name = json_text(json_get(event, "event"));
    const struct json *data = json_get(event, "data");
    struct str reference = connector_either(json_text(json_get(data, "transaction_reference")),
                                            json_text(json_get(data, "reference")));
    *ret_event = (struct provider_event){
        .event_id = arena_printf(arena, "%.*s:%.*s", STR_FMT(name), STR_FMT(reference)),
        .provider_reference = reference,
    };
    if (str_starts(name, STR("disbursement."))) {
        ret_event->operation = "payout";
        ret_event->our_reference = json_text(json_get(data, "merchant_reference"));
        read_transfer(arena, data, json_text(json_get(event, "message")), &ret_event->outcome);
    } else if (str_is(name, "collection.virtualaccount.successful") &&
               connector_to_minor(json_get(data, "amount"), naira(), &ret_event->amount)) {
        ret_event->operation = "deposit";
        ret_event->currency = STR("NGN");
        ret_event->account_number = json_text(json_get(data, "account_number"));
        ret_event->account_id = json_text(json_get(data, "account_reference"));
        ret_event->outcome.status = PROVIDER_SUCCEEDED;
    }
    return OK;
}

const struct provider provider_sarepay = {
    .name = "sarepay", .build = build, .read = read, .verify = verify};
