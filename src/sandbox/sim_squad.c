/* The simulated SquadCo: accounts at GTBank (058), deposits by event, payouts in kobo. */
#include "base/digest.h"
#include "sandbox/simulator.h"

static void settings(struct simulator *simulator, struct arena *arena)
{
    simulator->settings.api_key =
        arena_printf(arena, "sandbox_sk_%.*s", STR_FMT(random_hex(arena, 20)));
    simulator->settings.secret = simulator->settings.api_key;
    simulator->settings.merchant_id = STR("SBCAMBIST1");
}

static bool authorised(const struct sim_call *call)
{
    struct str header = call->header(call->context, "Authorization");
    return str_eq(header, arena_printf(call->arena, "Bearer %.*s",
                                       STR_FMT(call->simulator->settings.api_key)));
}

static void reply(struct sim_call *call, int status, const char *message, struct str data)
{
    struct buf out = json_object(call->arena);
    json_put_integer(&out, "status", status);
    json_put_boolean(&out, "success", status < 300);
    json_put(&out, "message", str_from(message));
    json_put_json(&out, "data", str_or(data, STR("{}")));
    call->status = status;
    call->answer = json_object_end(&out);
}

static struct str member(const struct sim_call *call, const char *name)
{
    return json_text(json_get(call->body, name));
}

/* ---- Virtual accounts ---- */

static struct str account_json(struct sim_call *call, struct str identifier, struct str number)
{
    struct buf out = json_object(call->arena);
    struct str now = time_print(call->arena, clock_now(), TIME_RFC3339);
    json_put(&out, "first_name", str_or(member(call, "first_name"), member(call, "business_name")));
    json_put(&out, "last_name", str_or(member(call, "last_name"), STR("")));
    json_put(&out, "bank_code", STR("058"));
    json_put(&out, "virtual_account_number", number);
    json_put(&out, "beneficiary_account", member(call, "beneficiary_account"));
    json_put(&out, "customer_identifier", identifier);
    json_put(&out, "created_at", now);
    json_put(&out, "updated_at", now);
    return json_object_end(&out);
}

/* Ten digits, as Nigerian accounts have. */
static struct str account_number(struct simulator *simulator)
{
    struct str number;
    do
        number = arena_printf(simulator->arena, "90%08lld",
                              (long long)(++simulator->next_number % 100000000));
    while (sim_find_by_key(simulator, "account", number));
    return number;
}

static void create_account(struct sim_call *call)
{
    bool rejected;
    struct str identifier = member(call, "customer_identifier");
    call->operation = STR("create_virtual_account");
    call->reference = identifier;
    if (!sim_proceed(call, "create_virtual_account", &rejected))
        return;
    if (rejected || str_empty(identifier)) {
        reply(call, 400, "Validation failure: customer_identifier or bvn", STR_NONE);
        return;
    }
    struct sim_record *record = sim_find_record(call->simulator, "account", identifier);
    if (!record) {
        struct str number = account_number(call->simulator);
        record = sim_add_record(call->simulator, "account", identifier, STR_NONE, number,
                                account_json(call, identifier, number));
    }
    reply(call, 200, "Success", record->json);
}

static void get_account(struct sim_call *call, struct str identifier)
{
    struct sim_record *record = sim_find_record(call->simulator, "account", identifier);
    call->operation = STR("get_virtual_account");
    if (record)
        reply(call, 200, "Success", record->json);
    else
        reply(call, 404, "Virtual account not found", STR_NONE);
}

static void list_records(struct sim_call *call, const char *kind, struct str owner)
{
    struct buf out = buf_new(call->arena, 1024);
    json_open(&out, NULL, '[');
    for (struct sim_record *at = call->simulator->records; at; at = at->next) {
        if (at->deleted || !str_is(at->kind, kind) ||
            (str_present(owner) && !str_eq(at->owner, owner)))
            continue;
        if (out.ptr[out.len - 1] != '[')
            buf_add_char(&out, ',');
        buf_add_str(&out, at->json);
    }
    json_close(&out, ']');
    reply(call, 200, "Success", buf_str(&out));
}

/* ---- Payouts ---- */

static struct str transfer_json(struct arena *arena, const struct sim_transfer *transfer)
{
    struct buf out = json_object(arena);
    json_put(&out, "transaction_reference", transfer->reference);
    json_put(&out, "response_description", STR("Approved or completed successfully"));
    json_put(&out, "currency_id", STR("NGN"));
    json_put(&out, "amount", transfer->amount);
    json_put(&out, "nip_transaction_reference", transfer->id);
    json_put(&out, "account_number", transfer->account_number);
    json_put(&out, "account_name", transfer->account_name);
    json_put(&out, "destination_institution_name", STR("GTBank Plc"));
    return json_object_end(&out);
}

static void reply_transfer(struct sim_call *call, const struct sim_transfer *transfer)
{
    if (transfer->state == SIM_FAILED)
        reply(call, 412, "The transfer was reversed", STR_NONE);
    else if (transfer->state == SIM_DONE)
        reply(call, 200, "Success", transfer_json(call->arena, transfer));
    else if (str_present(transfer->state_word))
        reply(call, 418, "quarantined", STR_NONE);
    else
        reply(call, 424, "Timeout, please re-query", STR_NONE);
}

static void payout(struct sim_call *call)
{
    bool rejected;
    struct sim_transfer wanted = {
        .id = sim_new_id(call->simulator, "1100592509010535031591"),
        .reference = member(call, "transaction_reference"),
        .amount = member(call, "amount"),
        .currency = STR("NGN"),
        .account_number = member(call, "account_number"),
        .account_name = member(call, "account_name"),
        .bank_code = member(call, "bank_code"),
    };
    call->operation = STR("payout");
    call->reference = wanted.reference;
    if (!str_starts(wanted.reference, call->simulator->settings.merchant_id)) {
        reply(call, 400, "Bad ref format", STR_NONE);
        return;
    }
    struct sim_transfer *transfer = sim_begin_transfer(call, "payout", &wanted, &rejected);
    if (transfer)
        reply_transfer(call, transfer);
    else if (rejected)
        reply(call, 400, "Transfer not permitted", STR_NONE);
}

static void requery(struct sim_call *call)
{
    struct sim_transfer *transfer =
        sim_find_transfer(call->simulator, member(call, "transaction_reference"));
    call->operation = STR("payout_status");
    call->reference = member(call, "transaction_reference");
    if (transfer)
        reply_transfer(call, transfer);
    else
        reply(call, 404, "Transaction not found", STR_NONE);
}

static void lookup(struct sim_call *call)
{
    bool rejected;
    call->operation = STR("lookup_account");
    if (!sim_proceed(call, "lookup_account", &rejected))
        return;
    if (rejected || member(call, "account_number").len != 10) {
        reply(call, 400, "Account not found", STR_NONE);
        return;
    }
    struct buf out = json_object(call->arena);
    json_put(&out, "account_name", STR("JENNY SQUAD"));
    json_put(&out, "account_number", member(call, "account_number"));
    reply(call, 200, "Success", json_object_end(&out));
}

static void balance(struct sim_call *call)
{
    bool rejected;
    call->operation = STR("wallet_balance");
    if (!sim_proceed(call, "wallet_balance", &rejected))
        return;
    if (rejected) {
        reply(call, 400, "Merchant not found", STR_NONE);
        return;
    }
    reply(
        call, 200, "Success",
        STR("{\"balance\":\"2434503065\",\"currency_id\":\"NGN\",\"merchant_id\":\"SBCAMBIST1\"}"));
}

static void answer(struct sim_call *call)
{
    struct str rest = call->path;
    bool post = str_is(call->method, "POST");
    if (post && (str_is(rest, "/virtual-account") || str_is(rest, "/virtual-account/business"))) {
        create_account(call);
    } else if (post && str_is(rest, "/payout/transfer")) {
        payout(call);
    } else if (post && str_is(rest, "/payout/requery")) {
        requery(call);
    } else if (post && str_is(rest, "/payout/account/lookup")) {
        lookup(call);
    } else if (!post && str_is(rest, "/merchant/balance")) {
        balance(call);
    } else if (!post && str_is(rest, "/virtual-account/merchant/accounts")) {
        call->operation = STR("list_virtual_accounts");
        list_records(call, "account", STR_NONE);
    } else if (!post && str_starts(rest, STR("/virtual-account/customer/transactions/"))) {
        size_t skip = strlen("/virtual-account/customer/transactions/");
        call->operation = STR("list_transactions");
        list_records(call, "deposit", (struct str){rest.ptr + skip, rest.len - skip});
    } else if (!post && str_starts(rest, STR("/virtual-account/"))) {
        size_t skip = strlen("/virtual-account/");
        get_account(call, (struct str){rest.ptr + skip, rest.len - skip});
    } else {
        reply(call, 404, "Not found", STR_NONE);
    }
}

/* ---- Callbacks: deposits, in the form of version 3 ---- */

static struct str owner_of(struct simulator *simulator, struct str account_number)
{
    struct sim_record *record = sim_find_by_key(simulator, "account", account_number);
    return record ? record->id : STR("UNKNOWN");
}

/* event: account_number, amount (naira), reference, sender_name */
static struct str event(struct simulator *simulator, struct arena *arena, const struct json *event)
{
    struct str number = json_text(json_get(event, "account_number"));
    struct decimal amount;
    if (str_empty(number) || !json_decimal(json_get(event, "amount"), &amount))
        return STR_NONE;
    struct str naira = decimal_print(arena, amount, 2);
    struct str reference = json_text(json_get(event, "reference"));
    struct str sender = str_or(json_text(json_get(event, "sender_name")), STR("WILLIAM JAMES"));
    if (str_empty(reference))
        reference = sim_new_id(simulator, "REF20260424S");
    struct buf out = json_object(arena);
    json_put(&out, "transaction_reference", reference);
    json_put(&out, "virtual_account_number", number);
    json_put(&out, "principal_amount", naira);
    json_put(&out, "settled_amount", naira);
    json_put(&out, "fee_charged", STR("0.00"));
    json_put(&out, "transaction_date", time_print(arena, clock_now(), TIME_RFC3339));
    json_put(&out, "customer_identifier", owner_of(simulator, number));
    json_put(&out, "transaction_indicator", STR("C"));
    json_put(&out, "remarks", arena_printf(arena, "Transfer FROM %.*s", STR_FMT(sender)));
    json_put(&out, "currency", STR("NGN"));
    json_put(&out, "channel", STR("virtual-account"));
    json_put(&out, "sender_name", sender);
    json_put_json(&out, "meta",
                  STR("{\"freeze_transaction_ref\":null,\"reason_for_frozen_transaction\":null}"));
    json_put(&out, "version", STR("v3"));
    struct str body = json_object_end(&out);
    if (!sim_find_record(simulator, "deposit", reference))
        sim_add_record(simulator, "deposit", reference, owner_of(simulator, number), STR_NONE,
                       body);
    return body;
}

/* Squad tells of payouts only when it is asked. */
static struct str transfer_event(struct simulator *simulator, struct arena *arena,
                                 const struct sim_transfer *transfer)
{
    (void)simulator;
    (void)arena;
    (void)transfer;
    return STR_NONE;
}

static void sign(struct simulator *simulator, struct arena *arena, struct str body,
                 struct provider_header *ret_header)
{
    static const char *const members[] = {
        "transaction_reference", "virtual_account_number", "currency",
        "principal_amount",      "settled_amount",         "customer_identifier"};
    const struct json *json = NULL;
    struct buf text = buf_new(arena, 256);
    if (json_parse(arena, body, &json) != OK)
        json = NULL;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (i)
            buf_add_char(&text, '|');
        buf_add_str(&text, json_text(json_get(json, members[i])));
    }
    ret_header->name = "x-squad-signature";
    ret_header->value = digest_hmac_sha512_hex(arena, simulator->settings.secret, buf_str(&text));
}

const struct simulation simulation_squad = {
    .name = "squad",
    .prefix = "/squad",
    .settings = settings,
    .authorised = authorised,
    .answer = answer,
    .transfer_event = transfer_event,
    .event = event,
    .sign = sign,
};
