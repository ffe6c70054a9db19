/* The simulated Sarepay: name look-up and naira transfers, with a callback at the end of each. */
#include "base/digest.h"
#include "sandbox/simulator.h"

#define NO_ACCOUNT "Account could not be resolved"

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
    sim_reply(call, status, json_object_end(&out));
}

static void refuse(struct sim_call *call, int status, const char *message)
{
    reply(call, status, message, STR_NONE);
}

/* ---- Transfers ---- */

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
    struct sim_transfer wanted = {
        .id = sim_new_id(call->simulator, "SP-TRF-"),
        .reference = call->reference,
        .amount = sim_member(call, "amount"),
        .currency = STR("NGN"),
        .account_number = sim_member(call, "account_number"),
        .account_name = sim_member(call, "recipient_name"),
        .bank_code = sim_member(call, "bank_code"),
    };
    if (str_empty(wanted.reference) || str_empty(wanted.amount)) {
        refuse(call, 400, "customer_reference and amount are required");
        return;
    }
    if (sim_find_transfer(call->simulator, wanted.reference)) {
        refuse(call, 409, "customer_reference has been used");
        return;
    }
    struct sim_transfer *transfer = sim_begin_transfer(call, &wanted);
    if (transfer)
        reply(call, 200, "Transfer is being processed", transfer_json(call->arena, transfer));
    else
        refuse(call, 400, "Beneficiary account cannot be credited");
}

static void requery(struct sim_call *call)
{
    struct sim_transfer *transfer = sim_find_transfer(call->simulator, call->parts[0]);
    if (transfer)
        reply(call, 200, "Transfer found", transfer_json(call->arena, transfer));
    else
        refuse(call, 404, "Transfer not found");
}

/* A name that depends on the number, so that look-ups differ and can be expected. */
static void validate(struct sim_call *call)
{
    static const char *const names[] = {
        "ADA OBI",      "CHIZOBA OKOYE",     "TUNDE BAKARE", "NGOZI EZE",  "EMEKA NWOSU",
        "FATIMA BELLO", "OLUWASEUN ADEYEMI", "IBRAHIM MUSA", "AMAKA UCHE", "VICTOR ADEBIYI"};
    struct str number = sim_member(call, "account_number");
    if (number.len != 10 || str_empty(sim_member(call, "bank_code"))) {
        refuse(call, 400, NO_ACCOUNT);
        return;
    }
    unsigned digit = (unsigned)(number.ptr[9] - '0');
    struct buf out = json_object(call->arena);
    json_put(&out, "account_number", number);
    json_put(&out, "account_name", str_from(names[digit < 10 ? digit : 0]));
    reply(call, 200, "Account validated", json_object_end(&out));
}

static const struct sim_route routes[] = {
    {"POST", "/disbursement/transact", "payout", "customer_reference", transact},
    {"GET", "/disbursement/requery/{}", "payout_status", "{}", requery},
    {"POST", "/disbursement/accounts/validate", "lookup_account", "account_number", validate,
     NO_ACCOUNT},
    {0},
};

/* ---- Callbacks ---- */

static struct str transfer_event(struct simulator *simulator, struct arena *arena,
                                 const struct sim_transfer *transfer)
{
    (void)simulator;
    bool failed = transfer->state == SIM_FAILED;
    struct buf out = json_object(arena);
    json_put(&out, "event",
             failed                        ? STR("disbursement.failed")
             : transfer->state == SIM_DONE ? STR("disbursement.successful")
                                           : STR("disbursement.pending"));
    json_put_json(&out, "data", transfer_json(arena, transfer));
    json_put(&out, "message",
             failed ? STR("Beneficiary bank rejected the transfer") : STR("Transfer processed"));
    return json_object_end(&out);
}

static struct provider_header sign(struct simulator *simulator, struct arena *arena,
                                   struct str body)
{
    return (struct provider_header){
        "x-sarepay-signature", digest_hmac_sha512_hex(arena, simulator->settings.secret, body)};
}

const struct simulation simulation_sarepay = {
    .name = "sarepay",
    .prefix = "/sarepay",
    .routes = routes,
    .settings = settings,
    .authorised = authorised,
    .refuse = refuse,
    .transfer_event = transfer_event,
    .sign = sign,
};
