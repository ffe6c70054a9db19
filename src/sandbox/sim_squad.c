/* The simulated SquadCo: accounts at GTBank (058), deposits by event, payouts in kobo. It tells of
 * payouts only when it is asked. */
#include "base/digest.h"
#include "sandbox/simulator.h"

#define INVALID "Validation failure: customer_identifier or bvn"
#define NO_ACCOUNT "Account not found"

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
    sim_reply(call, status, json_object_end(&out));
}

static void refuse(struct sim_call *call, int status, const char *message)
{
    reply(call, status, message, STR_NONE);
}

/* ---- Virtual accounts ---- */

static struct str account_json(struct sim_call *call, struct str identifier, struct str number)
{
    struct buf out = json_object(call->arena);
    struct str now = sim_now(call->arena);
    json_put(&out, "first_name",
             str_or(sim_member(call, "first_name"), sim_member(call, "business_name")));
    json_put(&out, "last_name", str_or(sim_member(call, "last_name"), STR("")));
    json_put(&out, "bank_code", STR("058"));
    json_put(&out, "virtual_account_number", number);
    json_put(&out, "beneficiary_account", sim_member(call, "beneficiary_account"));
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
    struct str identifier = call->reference;
    if (str_empty(identifier)) {
        refuse(call, 400, INVALID);
        return;
    }
    struct sim_record *record = sim_find_record(call->simulator, "account", identifier);
    if (!record) {
        struct str number = account_number(call->simulator);
        struct sim_record wanted = {.kind = STR("account"),
                                    .id = identifier,
                                    .key = number,
                                    .json = account_json(call, identifier, number)};
        record = sim_add_record(call->simulator, &wanted);
    }
    reply(call, 200, "Success", record->json);
}

static void get_account(struct sim_call *call)
{
    struct sim_record *record = sim_find_record(call->simulator, "account", call->parts[0]);
    if (record)
        reply(call, 200, "Success", record->json);
    else
        refuse(call, 404, "Virtual account not found");
}

static void list(struct sim_call *call, const char *kind, struct str owner)
{
    struct buf out = buf_new(call->arena, 1024);
    json_open(&out, NULL, '[');
    sim_put_records(call, &out, kind, owner);
    json_close(&out, ']');
    reply(call, 200, "Success", buf_str(&out));
}

static void list_accounts(struct sim_call *call)
{
    list(call, "account", STR_NONE);
}

static void list_deposits(struct sim_call *call)
{
    list(call, "deposit", call->parts[0]);
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
        refuse(call, 412, "The transfer was reversed");
    else if (transfer->state == SIM_DONE)
        reply(call, 200, "Success", transfer_json(call->arena, transfer));
    else if (str_present(transfer->state_word))
        refuse(call, 418, "quarantined");
    else
        refuse(call, 424, "Timeout, please re-query");
}

static void payout(struct sim_call *call)
{
    struct sim_transfer wanted = {
        .id = sim_new_id(call->simulator, "1100592509010535031591"),
        .reference = call->reference,
        .amount = sim_member(call, "amount"),
        .currency = STR("NGN"),
        .account_number = sim_member(call, "account_number"),
        .account_name = sim_member(call, "account_name"),
        .bank_code = sim_member(call, "bank_code"),
    };
    if (!str_starts(wanted.reference, call->simulator->settings.merchant_id)) {
        refuse(call, 400, "Bad ref format");
        return;
    }
    if (sim_find_transfer(call->simulator, wanted.reference)) {
        refuse(call, 400, "Duplicate transaction reference");
        return;
    }
    struct sim_transfer *transfer = sim_begin_transfer(call, &wanted);
    if (transfer)
        reply_transfer(call, transfer);
    else
        refuse(call, 400, "Transfer not permitted");
}

static void requery(struct sim_call *call)
{
    struct sim_transfer *transfer = sim_find_transfer(call->simulator, call->reference);
    if (transfer)
        reply_transfer(call, transfer);
    else
        refuse(call, 404, "Transaction not found");
}

static void lookup(struct sim_call *call)
{
    if (sim_member(call, "account_number").len != 10) {
        refuse(call, 400, NO_ACCOUNT);
        return;
    }
    struct buf out = json_object(call->arena);
    json_put(&out, "account_name", STR("JENNY SQUAD"));
    json_put(&out, "account_number", sim_member(call, "account_number"));
    reply(call, 200, "Success", json_object_end(&out));
}

static void balance(struct sim_call *call)
{
    reply(
        call, 200, "Success",
        STR("{\"balance\":\"2434503065\",\"currency_id\":\"NGN\",\"merchant_id\":\"SBCAMBIST1\"}"));
}

static const struct sim_route routes[] = {
    {"POST", "/virtual-account", "create_virtual_account", "customer_identifier", create_account,
     INVALID},
    {"POST", "/virtual-account/business", "create_virtual_account", "customer_identifier",
     create_account, INVALID},
    {"GET", "/virtual-account/merchant/accounts", "list_virtual_accounts", NULL, list_accounts},
    {"GET", "/virtual-account/customer/transactions/{}", "list_transactions", "{}", list_deposits},
    {"GET", "/virtual-account/{}", "get_virtual_account", "{}", get_account},
    {"POST", "/payout/transfer", "payout", "transaction_reference", payout},
    {"POST", "/payout/requery", "payout_status", "transaction_reference", requery},
    {"POST", "/payout/account/lookup", "lookup_account", "account_number", lookup, NO_ACCOUNT},
    {"GET", "/merchant/balance", "wallet_balance", NULL, balance, "Merchant not found"},
    {0},
};

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
    json_put(&out, "transaction_date", sim_now(arena));
    json_put(&out, "customer_identifier", owner_of(simulator, number));
    json_put(&out, "transaction_indicator", STR("C"));
    json_put(&out, "remarks", arena_printf(arena, "Transfer FROM %.*s", STR_FMT(sender)));
    json_put(&out, "currency", STR("NGN"));
    json_put(&out, "channel", STR("virtual-account"));
    json_put(&out, "sender_name", sender);
    json_put_json(&out, "meta",
                  STR("{\"freeze_transaction_ref\":null,\"reason_for_frozen_transaction\":null}"));
    json_put(&out, "version", STR("v3"));
    struct sim_record deposit = {.kind = STR("deposit"),
                                 .id = reference,
                                 .owner = owner_of(simulator, number),
                                 .json = json_object_end(&out)};
    if (!sim_find_record(simulator, "deposit", reference))
        sim_add_record(simulator, &deposit);
    return deposit.json;
}

static struct provider_header sign(struct simulator *simulator, struct arena *arena,
                                   struct str body)
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
    return (struct provider_header){
        "x-squad-signature",
        digest_hmac_sha512_hex(arena, simulator->settings.secret, buf_str(&text))};
}

const struct simulation simulation_squad = {
    .name = "squad",
    .prefix = "/squad",
    .routes = routes,
    .settings = settings,
    .authorised = authorised,
    .refuse = refuse,
    .event = event,
    .sign = sign,
};
