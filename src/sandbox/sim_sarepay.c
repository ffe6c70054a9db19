/* The simulated Sarepay: name look-up and naira transfers, with a callback at the end of each. */
#include "base/digest.h"
#include "sandbox/simulator.h"

static void settings(struct simulator *simulator, struct arena *arena)
{
    simulator->settings.api_key =
        arena_printf(arena, "sk_test_%.*s", STR_FMT(random_hex(arena, 20)));
    simulator->settings.secret =
        arena_printf(arena, "wh_test_%.*s", STR_FMT(random_hex(arena, 20)));
}

static bool authorised(const struct sim_call *call)
{
    return str_eq(call->header(call->context, "api-key"), call->simulator->settings.api_key);
}

static void reply(struct sim_call *call, int status, const char *message, struct str data)
{
    struct buf out = json_object(call->arena);
    json_put_boolean(&out, "success", status < 300);
    json_put_json(&out, "data", data);
    json_put(&out, "message", str_from(message));
    call->status = status;
    call->answer = json_object_end(&out);
}

static struct str member(const struct sim_call *call, const char *name)
{
    return json_text(json_get(call->body, name));
}

static struct str status_word(const struct sim_transfer *transfer)
{
    if (transfer->state == SIM_DONE)
        return STR("successful");
    if (transfer->state == SIM_FAILED)
        return STR("failed");
    return str_or(transfer->state_word, STR("pending"));
}

static struct str transfer_json(struct arena *arena, const struct sim_transfer *transfer)
{
    struct buf out = json_object(arena);
    json_put(&out, "reference", transfer->id);
    json_put(&out, "amount", transfer->amount);
    json_put(&out, "charge", STR("10.00"));
    json_put(&out, "status", status_word(transfer));
    json_put(&out, "recipient_name", transfer->account_name);
    json_put(&out, "recipient_bank_code", transfer->bank_code);
    json_put(&out, "recipient_account_number", transfer->account_number);
    json_put_json(&out, "processor_reference", STR_NONE);
    json_put(&out, "merchant_reference", transfer->reference);
    return json_object_end(&out);
}

static void transact(struct sim_call *call)
{
    bool rejected;
    struct sim_transfer wanted = {
        .id = sim_new_id(call->simulator, "SP-TRF-"),
        .reference = member(call, "customer_reference"),
        .amount = member(call, "amount"),
        .currency = STR("NGN"),
        .account_number = member(call, "account_number"),
        .account_name = member(call, "recipient_name"),
        .bank_code = member(call, "bank_code"),
    };
    call->operation = STR("payout");
    call->reference = wanted.reference;
    if (str_empty(wanted.reference) || str_empty(wanted.amount)) {
        reply(call, 400, "customer_reference and amount are required", STR_NONE);
        return;
    }
    struct sim_transfer *transfer = sim_begin_transfer(call, "payout", &wanted, &rejected);
    if (transfer)
        reply(call, 200, "Transfer is being processed", transfer_json(call->arena, transfer));
    else if (rejected)
        reply(call, 400, "Beneficiary account cannot be credited", STR_NONE);
}

static void requery(struct sim_call *call, struct str reference)
{
    bool rejected;
    struct sim_transfer *transfer = sim_find_transfer(call->simulator, reference);
    call->operation = STR("payout_status");
    call->reference = reference;
    if (!sim_proceed(call, "payout_status", &rejected))
        return;
    if (transfer)
        reply(call, 200, "Transfer found", transfer_json(call->arena, transfer));
    else
        reply(call, 404, "Transfer not found", STR_NONE);
}

/* A name that depends on the number, so that look-ups differ and can be expected. */
static void validate(struct sim_call *call)
{
    static const char *const names[] = {
        "ADA OBI",      "CHIZOBA OKOYE",     "TUNDE BAKARE", "NGOZI EZE",  "EMEKA NWOSU",
        "FATIMA BELLO", "OLUWASEUN ADEYEMI", "IBRAHIM MUSA", "AMAKA UCHE", "VICTOR ADEBIYI"};
    bool rejected;
    struct str number = member(call, "account_number");
    call->operation = STR("lookup_account");
    call->reference = number;
    if (!sim_proceed(call, "lookup_account", &rejected))
        return;
    if (rejected || number.len != 10 || str_empty(member(call, "bank_code"))) {
        reply(call, 400, "Account could not be resolved", STR_NONE);
        return;
    }
    unsigned digit = (unsigned)(number.ptr[9] - '0');
    struct buf out = json_object(call->arena);
    json_put(&out, "account_number", number);
    json_put(&out, "account_name", str_from(names[digit < 10 ? digit : 0]));
    reply(call, 200, "Account validated", json_object_end(&out));
}

static void answer(struct sim_call *call)
{
    bool post = str_is(call->method, "POST");
    struct str query = STR("/disbursement/requery/");
    if (post && str_is(call->path, "/disbursement/transact"))
        transact(call);
    else if (post && str_is(call->path, "/disbursement/accounts/validate"))
        validate(call);
    else if (!post && str_starts(call->path, query))
        requery(call, (struct str){call->path.ptr + query.len, call->path.len - query.len});
    else
        reply(call, 404, "Not found", STR_NONE);
}

static struct str transfer_event(struct simulator *simulator, struct arena *arena,
                                 const struct sim_transfer *transfer)
{
    (void)simulator;
    struct buf out = json_object(arena);
    json_put(&out, "event",
             transfer->state == SIM_FAILED ? STR("disbursement.failed")
             : transfer->state == SIM_DONE ? STR("disbursement.successful")
                                           : STR("disbursement.pending"));
    json_put_json(&out, "data", transfer_json(arena, transfer));
    json_put(&out, "message",
             transfer->state == SIM_FAILED ? STR("Beneficiary bank rejected the transfer")
                                           : STR("Transfer processed"));
    return json_object_end(&out);
}

static struct str event(struct simulator *simulator, struct arena *arena, const struct json *event)
{
    (void)simulator;
    (void)arena;
    (void)event;
    return STR_NONE;
}

static void sign(struct simulator *simulator, struct arena *arena, struct str body,
                 struct provider_header *ret_header)
{
    ret_header->name = "x-sarepay-signature";
    ret_header->value = digest_hmac_sha512_hex(arena, simulator->settings.secret, body);
}

const struct simulation simulation_sarepay = {
    .name = "sarepay",
    .prefix = "/sarepay",
    .settings = settings,
    .authorised = authorised,
    .answer = answer,
    .transfer_event = transfer_event,
    .event = event,
    .sign = sign,
};
