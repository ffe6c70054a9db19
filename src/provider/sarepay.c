/*
 * Sarepay: naira transfers to any Nigerian bank and name look-up.
 *
 * Paths, headers and members are those of its published API collection; what that leaves open
 * (status words, the callback's signature) is an assumption, listed in docs/providers.md. Money:
 * naira as decimal text. customer_reference is ours and unique; requery takes it.
 */
#include "provider/connector.h"

static const struct connector_field lookup[] = {
    {"account_number", "account_number", NULL, true},
    {"bank_code", "bank_code", NULL, true},
    {0},
};

static const struct connector_field name[] = {
    {"account_number", "account_number"},
    {"account_name", "account_name"},
    {0},
};

static const struct connector_field payout[] = {
    {"customer_reference", "$reference"},
    {"account_number", "payee.account_number", NULL, true},
    {"bank_code", "payee.bank_code", NULL, true},
    {"amount", "amount", connector_naira, true},
    {"narration", "narration|$reference"},
    {"recipient_name", "payee.name"},
    {0},
};

static const struct connector_field transfer[] = {
    {"amount", "amount", connector_amount},
    {"currency", "=NGN"},
    {0},
};

static const struct connector_operation operations[] = {
    {.name = "lookup_account",
     .effect = CONNECTOR_ASKS,
     .method = "POST",
     .path = "/disbursement/accounts/validate",
     .body = lookup,
     .answer = name},
    {.name = "payout",
     .effect = CONNECTOR_PAYS,
     .method = "POST",
     .path = "/disbursement/transact",
     .currency = "NGN",
     .body = payout,
     .answer = transfer,
     .id = "reference",
     .state = "status"},
    {.name = "payout_status",
     .effect = CONNECTOR_TRACES,
     .method = "GET",
     .path = "/disbursement/requery/{$reference}",
     .answer = transfer,
     .id = "reference",
     .state = "status"},
    {0},
};

static const struct connector_word words[] = {
    {"successful", PROVIDER_SUCCEEDED, NULL}, {"success", PROVIDER_SUCCEEDED, NULL},
    {"completed", PROVIDER_SUCCEEDED, NULL},  {"pending", PROVIDER_PENDING, NULL},
    {"processing", PROVIDER_PENDING, NULL},   {"queued", PROVIDER_PENDING, NULL},
    {"initiated", PROVIDER_PENDING, NULL},    {"failed", PROVIDER_FAILED, NULL},
    {"reversed", PROVIDER_FAILED, NULL},      {0},
};

static const struct connector_verdict verdicts[] = {
    {CONNECTOR_TRACES, 404, PROVIDER_RETRY, .absent = true},
    {0},
};

static const struct connector connector = {
    .operations = operations,
    .key_header = "api-key",
    .key_prefix = "",
    .root = "data",
    .success = "success",
    .words = words,
    .verdicts = verdicts,
};

/* ---- Callbacks ---- */

static int verify(struct arena *arena, const struct provider_settings *settings,
                  struct str (*header)(void *context, const char *name), void *context,
                  struct str raw_body, struct provider_event *ret_event)
{
    const struct json *event;
    if (!connector_hmac_is(arena, settings->secret, raw_body,
                           header(context, "x-sarepay-signature")))
        return ERR_UNAUTHENTICATED;
    if (json_parse(arena, raw_body, &event) != OK)
        return ERR_MALFORMED_JSON;

    struct connector_source source = {.arena = arena, .json = event};
    struct str what = connector_value(&source, "event");
    struct str reference = connector_value(&source, "data.transaction_reference|data.reference");
    *ret_event = (struct provider_event){
        .event_id = arena_printf(arena, "%.*s:%.*s", STR_FMT(what), STR_FMT(reference)),
        .provider_reference = reference,
    };
    if (str_starts(what, STR("disbursement."))) {
        ret_event->operation = "payout";
        ret_event->our_reference = connector_value(&source, "data.merchant_reference");
        connector_read_payout(arena, &connector, json_get(event, "data"),
                              connector_value(&source, "message"), &ret_event->outcome);
    } else if (str_is(what, "collection.virtualaccount.successful")) {
        ret_event->operation = "deposit";
        ret_event->currency = STR("NGN");
        ret_event->account_number = connector_value(&source, "data.account_number");
        ret_event->account_id = connector_value(&source, "data.account_reference");
        ret_event->outcome.status = PROVIDER_SUCCEEDED;
        connector_money(connector_value(&source, "data.amount"), ret_event->currency,
                        &ret_event->amount);
    }
    return OK;
}

const struct provider provider_sarepay = {
    .name = "sarepay", .connector = &connector, .verify = verify};
