/* The simulated Bridge: customers, wallets, virtual accounts, external accounts, transfers, and
 * RSA-signed events. */
#include <time.h>

#include "base/crypto.h"
#include "base/digest.h"
#include "sandbox/simulator.h"

#define OUR_CUSTOMER "cust_cambist"
#define OUR_WALLET "bw_cambist"
#define KEY_LIFETIME USEC_PER_DAY
#define INVALID "Please resubmit the following parameters"

static void settings(struct simulator *simulator, struct arena *arena)
{
    struct sim_record us = {.kind = STR("customer"),
                            .id = STR(OUR_CUSTOMER),
                            .json = STR("{\"id\":\"" OUR_CUSTOMER
                                        "\",\"status\":\"active\",\"kyc_status\":\"approved\","
                                        "\"type\":\"business\"}")};
    simulator->settings.api_key =
        arena_printf(arena, "sk-test-%.*s", STR_FMT(random_hex(arena, 20)));
    simulator->settings.merchant_id = STR(OUR_CUSTOMER);
    simulator->settings.wallet_id = STR(OUR_WALLET);
    sim_add_record(simulator, &us);
}

static bool authorised(const struct sim_call *call)
{
    return str_eq(call->header(call->context, "Api-Key"), call->simulator->settings.api_key);
}

static void refuse_as(struct sim_call *call, int status, const char *code, const char *message,
                      struct str id)
{
    struct buf out = json_object(call->arena);
    json_put(&out, "id", id);
    json_put(&out, "code", str_from(code));
    json_put(&out, "message", str_from(message));
    sim_reply(call, status, json_object_end(&out));
}

static void refuse(struct sim_call *call, int status, const char *message)
{
    refuse_as(call, status, status == 404 ? "not_found" : "invalid_parameters", message, STR_NONE);
}

static struct str raw(const struct sim_call *call, const char *name)
{
    const struct json *value = json_get(call->body, name);
    return json_count(value) ? json_print(call->arena, value) : STR("{}");
}

/*
 * The key of a POST. Absent after an answer that settles the call: none was sent, or a thing was
 * made with it more than a day ago.
 */
static struct str take_key(struct sim_call *call, usec_t made_at)
{
    struct str key = call->header(call->context, "Idempotency-Key");
    if (str_empty(key)) {
        refuse_as(call, 400, "missing_idempotency_key", "Idempotency-Key is required", STR_NONE);
        return STR_NONE;
    }
    if (made_at && clock_now() - made_at > KEY_LIFETIME) {
        refuse_as(call, 422, "idempotency_key_expired", "Idempotency-Key was used", STR_NONE);
        return STR_NONE;
    }
    return key;
}

/* ---- Customers ---- */

static void create_customer(struct sim_call *call)
{
    struct simulator *simulator = call->simulator;
    struct sim_record *known = sim_find_by_key(simulator, "kyc_link", call->reference);
    struct str key = take_key(call, known ? known->created_at : 0);
    if (!str_present(key))
        return;
    if (str_empty(sim_member(call, "email"))) {
        refuse(call, 400, "email is required");
        return;
    }
    if (known) {
        sim_reply(call, 200, known->json);
        return;
    }
    struct str id = sim_new_id(simulator, "cust_"), link = sim_new_id(simulator, "kyc_link_");
    struct buf out = json_object(call->arena);
    json_put(&out, "id", link);
    json_put(&out, "full_name", sim_member(call, "full_name"));
    json_put(&out, "email", sim_member(call, "email"));
    json_put(&out, "type", sim_member(call, "type"));
    json_put(&out, "kyc_link",
             arena_printf(call->arena, "https://bridge.withpersona.com/verify?reference-id=%.*s",
                          STR_FMT(id)));
    json_put(&out, "tos_link",
             arena_printf(call->arena,
                          "https://dashboard.bridge.xyz/accept-terms-of-service?customer_id=%.*s",
                          STR_FMT(id)));
    json_put(&out, "kyc_status", STR("not_started"));
    json_put(&out, "tos_status", STR("pending"));
    json_put(&out, "customer_id", id);
    struct sim_record made = {.kind = STR("kyc_link"),
                              .id = link,
                              .owner = id,
                              .key = key,
                              .json = json_object_end(&out)};
    sim_add_record(simulator, &made);
    struct buf customer = json_object(call->arena);
    json_put(&customer, "id", id);
    json_put(&customer, "email", sim_member(call, "email"));
    json_put(&customer, "type", sim_member(call, "type"));
    json_put(&customer, "status", STR("active"));
    json_put(&customer, "kyc_status", STR("approved"));
    struct sim_record person = {
        .kind = STR("customer"), .id = id, .key = key, .json = json_object_end(&customer)};
    sim_add_record(simulator, &person);
    sim_reply(call, 200, made.json);
}

static void reply_record(struct sim_call *call, const char *kind, struct str id)
{
    struct sim_record *record = sim_find_record(call->simulator, kind, id);
    if (record)
        sim_reply(call, 200, record->json);
    else
        refuse(call, 404, "Not found");
}

/* Scripts: "pending" is a review that has not ended yet. */
static void get_customer(struct sim_call *call)
{
    struct str id = call->parts[0];
    if (call->outcome->end != SIM_END_WAITING ||
        !sim_find_record(call->simulator, "customer", id)) {
        reply_record(call, "customer", id);
        return;
    }
    struct buf out = json_object(call->arena);
    json_put(&out, "id", id);
    json_put(&out, "status", STR("under_review"));
    json_put(&out, "kyc_status", STR("under_review"));
    sim_reply(call, 200, json_object_end(&out));
}

/* ---- What belongs to a customer ---- */

static struct str deposit_instructions(struct sim_call *call, struct str currency, struct str id)
{
    struct buf out = json_object(call->arena);
    unsigned long number = 0;
    for (size_t i = 0; i < id.len; i++)
        number = number * 31 + (unsigned char)id.ptr[i];
    struct str digits = arena_printf(call->arena, "%08lu", number % 100000000ul);
    json_put(&out, "currency", currency);
    if (str_is(currency, "eur")) {
        json_put(&out, "iban", arena_printf(call->arena, "IE29AIBK931152%.*s", STR_FMT(digits)));
        json_put(&out, "bic", STR("AIBKIE2D"));
        json_put(&out, "account_holder_name", STR("Bridge Building Sp. Z.o.o."));
        json_put(&out, "bank_name", STR("Modulr Finance"));
        json_put_json(&out, "payment_rails", STR("[\"sepa\"]"));
    } else if (str_is(currency, "gbp")) {
        json_put(&out, "account_number", digits);
        json_put(&out, "sort_code", STR("608371"));
        json_put(&out, "account_holder_name", STR("Bridge Building Limited"));
        json_put(&out, "bank_name", STR("ClearBank"));
        json_put_json(&out, "payment_rails", STR("[\"faster_payments\"]"));
    } else {
        json_put(&out, "bank_account_number", arena_printf(call->arena, "9%.*s", STR_FMT(digits)));
        json_put(&out, "bank_routing_number", STR("101019644"));
        json_put(&out, "bank_beneficiary_name", STR("Cambist Customer"));
        json_put(&out, "bank_name", STR("Lead Bank"));
        json_put_json(&out, "payment_rails", STR("[\"ach_push\",\"wire\"]"));
    }
    return json_object_end(&out);
}

static struct str virtual_account_json(struct sim_call *call, struct str customer, struct str id)
{
    struct buf out = json_object(call->arena);
    json_put(&out, "id", id);
    json_put(&out, "status", STR("activated"));
    json_put(&out, "customer_id", customer);
    json_put(&out, "created_at", sim_now(call->arena));
    json_put_json(&out, "source_deposit_instructions",
                  deposit_instructions(call, sim_member(call, "source.currency"), id));
    json_put_json(&out, "destination", raw(call, "destination"));
    return json_object_end(&out);
}

static struct str last_4(struct str number)
{
    return number.len > 4 ? (struct str){number.ptr + number.len - 4, 4} : number;
}

static struct str external_account_json(struct sim_call *call, struct str customer, struct str id)
{
    struct buf out = json_object(call->arena);
    struct str number = sim_member(call, "account.account_number");
    json_put(&out, "id", id);
    json_put(&out, "customer_id", customer);
    json_put(&out, "account_type", sim_member(call, "account_type"));
    json_put(&out, "currency", sim_member(call, "currency"));
    json_put(&out, "bank_name", sim_member(call, "bank_name"));
    json_put(&out, "account_owner_name", sim_member(call, "account_owner_name"));
    json_put(&out, "last_4", last_4(str_or(number, sim_member(call, "iban.account_number"))));
    json_put_boolean(&out, "active", true);
    json_put(&out, "created_at", sim_now(call->arena));
    return json_object_end(&out);
}

static struct str wallet_json(struct sim_call *call, struct str customer, struct str id)
{
    struct buf out = json_object(call->arena);
    (void)customer;
    json_put(&out, "id", id);
    json_put(&out, "chain", sim_member(call, "chain"));
    json_put(&out, "address",
             arena_printf(call->arena, "0x%.*s", STR_FMT(random_hex(call->arena, 20))));
    json_put(&out, "created_at", sim_now(call->arena));
    json_put_json(&out, "balances", STR("[{\"balance\":\"0.0\",\"currency\":\"usdc\"}]"));
    return json_object_end(&out);
}

static const struct owned_kind {
    const char *kind, *prefix;
    struct str (*make)(struct sim_call *call, struct str customer, struct str id);
    const char *duplicate; /* the code that refuses a second one with the same details */
} virtual_accounts = {"virtual_account", "bva_", virtual_account_json, NULL},
  external_accounts = {"external_account", "ea_", external_account_json,
                       "duplicate_external_account"},
  wallets = {"wallet", "bw_", wallet_json, NULL};

/* The account proper, whatever kind it is of. */
static struct str account_details(struct sim_call *call)
{
    return arena_printf(call->arena, "%.*s%.*s%.*s%.*s", STR_FMT(raw(call, "account")),
                        STR_FMT(raw(call, "iban")), STR_FMT(raw(call, "clabe")),
                        STR_FMT(raw(call, "pix_key")));
}

static struct sim_record *find_duplicate(struct sim_call *call, const struct owned_kind *kind,
                                         struct str customer, struct str detail)
{
    for (struct sim_record *at = call->simulator->records; at && kind->duplicate; at = at->next)
        if (!at->deleted && str_is(at->kind, kind->kind) && str_eq(at->owner, customer) &&
            str_eq(at->detail, detail))
            return at;
    return NULL;
}

static void create_owned(struct sim_call *call, const struct owned_kind *kind)
{
    struct str customer = call->parts[0];
    struct sim_record *record = sim_find_by_key(call->simulator, kind->kind, call->reference);
    struct str key = take_key(call, record ? record->created_at : 0);
    if (!str_present(key))
        return;
    if (!sim_find_record(call->simulator, "customer", customer)) {
        refuse(call, 404, "Customer not found");
        return;
    }
    struct str detail = kind->duplicate ? account_details(call) : STR_NONE;
    struct sim_record *other = record ? NULL : find_duplicate(call, kind, customer, detail);
    if (other) {
        refuse_as(call, 400, kind->duplicate, "The same account was added before", other->id);
        return;
    }
    if (!record) {
        struct str id = sim_new_id(call->simulator, kind->prefix);
        struct sim_record wanted = {.kind = str_from(kind->kind),
                                    .id = id,
                                    .owner = customer,
                                    .key = key,
                                    .detail = detail,
                                    .json = kind->make(call, customer, id)};
        record = sim_add_record(call->simulator, &wanted);
    }
    sim_reply(call, 201, record->json);
}

static void list_owned(struct sim_call *call, const char *kind, struct str owner)
{
    struct buf out = json_object(call->arena);
    json_open(&out, "data", '[');
    int64_t count = sim_put_records(call, &out, kind, owner);
    json_close(&out, ']');
    json_put_integer(&out, "count", count);
    sim_reply(call, 200, json_object_end(&out));
}

static void create_virtual_account(struct sim_call *call)
{
    create_owned(call, &virtual_accounts);
}

static void get_virtual_account(struct sim_call *call)
{
    reply_record(call, "virtual_account", call->parts[1]);
}

static void list_virtual_accounts(struct sim_call *call)
{
    list_owned(call, "virtual_account", call->parts[0]);
}

static void list_activity(struct sim_call *call)
{
    list_owned(call, "activity", call->parts[1]);
}

static void create_external_account(struct sim_call *call)
{
    create_owned(call, &external_accounts);
}

static void delete_external_account(struct sim_call *call)
{
    struct sim_record *record =
        sim_find_record(call->simulator, "external_account", call->parts[1]);
    reply_record(call, "external_account", call->parts[1]);
    if (record) {
        record->deleted = true;
        sim_remember_record(call->simulator, record);
    }
}

static void create_wallet(struct sim_call *call)
{
    create_owned(call, &wallets);
}

static void get_wallet(struct sim_call *call)
{
    if (str_is(call->parts[1], OUR_WALLET))
        sim_reply(call, 200,
                  STR("{\"id\":\"" OUR_WALLET
                      "\",\"chain\":\"solana\",\"address\":\"9kV3ZMehKVyxfHKC\","
                      "\"balances\":[{\"balance\":\"1000000.0\",\"currency\":\"usdc\"}]}"));
    else
        reply_record(call, "wallet", call->parts[1]);
}

/* ---- Transfers ---- */

static struct str state_word(const struct sim_transfer *transfer)
{
    if (transfer->state == SIM_DONE)
        return STR("payment_processed");
    if (transfer->state == SIM_FAILED)
        return STR("returned");
    if (str_present(transfer->state_word))
        return transfer->state_word;
    return str_is(transfer->operation, "crypto_deposit") ? STR("awaiting_funds")
                                                         : STR("payment_submitted");
}

static struct str transfer_json(struct arena *arena, const struct sim_transfer *transfer)
{
    struct buf out = json_object(arena);
    json_put(&out, "id", transfer->id);
    json_put(&out, "client_reference_id", transfer->reference);
    json_put(&out, "state", state_word(transfer));
    json_put(&out, "amount", transfer->amount);
    json_put(&out, "currency", transfer->currency);
    json_put_json(&out, "source", transfer->source_json);
    json_put_json(&out, "destination", transfer->destination_json);
    if (transfer->state == SIM_DONE && str_present(transfer->amount)) {
        json_open(&out, "receipt", '{');
        json_put(&out, "initial_amount", transfer->amount);
        json_put(&out, "final_amount", transfer->amount);
        json_close(&out, '}');
    }
    if (str_is(transfer->operation, "crypto_deposit")) {
        json_open(&out, "source_deposit_instructions", '{');
        json_put(&out, "payment_rail", STR("ethereum"));
        json_put(&out, "amount", transfer->amount);
        json_put(&out, "to_address", STR("0x71C7656EC7ab88b098defB751B7401B5f6d8976F"));
        json_close(&out, '}');
    }
    json_put(&out, "created_at", time_print(arena, transfer->created_at, TIME_RFC3339));
    json_put(&out, "updated_at", time_print(arena, clock_now(), TIME_RFC3339));
    return json_object_end(&out);
}

static bool destination_exists(const struct sim_call *call)
{
    struct str external = sim_member(call, "destination.external_account_id");
    return str_empty(external) ||
           sim_find_record(call->simulator, "external_account", external) != NULL;
}

/* A key that was used gets the answer it got then, however the transfer fares meanwhile. */
static void reply_first(struct sim_call *call, const struct sim_transfer *transfer)
{
    struct sim_transfer then = *transfer;
    then.state = SIM_WAITING;
    sim_reply(call, 201, transfer_json(call->arena, &then));
}

static void create_transfer(struct sim_call *call)
{
    struct sim_transfer *known = sim_find_transfer(call->simulator, call->reference);
    struct str key = take_key(call, known ? known->created_at : 0);
    struct sim_transfer wanted = {
        .id = sim_new_id(call->simulator, "transfer_"),
        .reference = key,
        .amount = str_or(sim_member(call, "destination.amount"), sim_member(call, "amount")),
        .currency = sim_member(call, "destination.currency"),
        .source_json = raw(call, "source"),
        .destination_json = raw(call, "destination"),
    };
    if (!str_present(key))
        return;
    if (!destination_exists(call)) {
        refuse(call, 400, "external_account_id is not known");
        return;
    }
    struct sim_transfer *transfer = known ? known : sim_begin_transfer(call, &wanted);
    if (transfer)
        reply_first(call, transfer);
    else
        refuse(call, 400, "The beneficiary cannot be paid");
}

static void get_transfer(struct sim_call *call)
{
    struct sim_transfer *transfer = sim_find_transfer(call->simulator, call->parts[0]);
    if (!transfer) {
        refuse(call, 404, "Transfer not found");
        return;
    }
    call->reference = transfer->reference;
    sim_reply(call, 200, transfer_json(call->arena, transfer));
}

/* What is paid into a Bridge wallet is a deposit of somebody else's; out of one, a payout. */
static bool is_deposit(const struct sim_call *call)
{
    return !str_is(sim_member(call, "source.payment_rail"), "bridge_wallet");
}

static const struct sim_route routes[] = {
    {"POST", "/kyc_links", "create_customer", NULL, create_customer, INVALID},
    {"POST", "/transfers", "crypto_deposit", NULL, create_transfer, NULL, is_deposit},
    {"POST", "/transfers", "payout", NULL, create_transfer},
    {"GET", "/transfers/{}", "payout_status", "{}", get_transfer},
    {"GET", "/customers/{}", "get_customer", "{}", get_customer},
    {"POST", "/customers/{}/virtual_accounts", "create_virtual_account", NULL,
     create_virtual_account, INVALID},
    {"GET", "/customers/{}/virtual_accounts", "list_virtual_accounts", "{}", list_virtual_accounts},
    {"GET", "/customers/{}/virtual_accounts/{}", "get_virtual_account", "{}", get_virtual_account},
    {"GET", "/customers/{}/virtual_accounts/{}/history", "list_transactions", "{}", list_activity},
    {"POST", "/customers/{}/external_accounts", "create_external_account", NULL,
     create_external_account, INVALID},
    {"DELETE", "/customers/{}/external_accounts/{}", "delete_external_account", "{}",
     delete_external_account},
    {"POST", "/customers/{}/wallets", "create_wallet", NULL, create_wallet, INVALID},
    {"GET", "/customers/{}/wallets/{}", "wallet_balance", "{}", get_wallet},
    {0},
};

/* ---- Events ---- */

static struct str wrap_event(struct simulator *simulator, struct arena *arena, const char *category,
                             const char *type, struct str object_id, struct str status,
                             struct str object)
{
    struct buf out = json_object(arena);
    json_put(&out, "api_version", STR("v0"));
    json_put(&out, "event_id", sim_new_id(simulator, "wh_"));
    json_put(&out, "event_category", str_from(category));
    json_put(&out, "event_type", arena_printf(arena, "%s.%s", category, type));
    json_put(&out, "event_object_id", object_id);
    json_put(&out, "event_object_status", status);
    json_put_json(&out, "event_object", object);
    json_put_json(&out, "event_object_changes", STR("{}"));
    json_put(&out, "event_created_at", sim_now(arena));
    return json_object_end(&out);
}

static struct str transfer_event(struct simulator *simulator, struct arena *arena,
                                 const struct sim_transfer *transfer)
{
    return wrap_event(simulator, arena, "transfer", "updated.status_transitioned", transfer->id,
                      state_word(transfer), transfer_json(arena, transfer));
}

/* How a deposit comes in, and what it is worth in USDC, which it is turned into. */
static const struct {
    const char *currency, *rail, *rate;
} deposit_rails[] = {
    {"usd", "ach_push", "1"}, {"eur", "sepa", "1.08"}, {"gbp", "faster_payments", "1.27"},
    {"mxn", "spei", "0.05"},  {"brl", "pix", "0.18"},
};

static size_t find_deposit_rail(struct str currency)
{
    size_t i = sizeof(deposit_rails) / sizeof(deposit_rails[0]);
    while (i > 1 && !str_eq_nocase(currency, str_from(deposit_rails[i - 1].currency)))
        i--;
    return i - 1;
}

static struct str delivered(struct arena *arena, struct decimal amount, const char *rate_text)
{
    struct decimal rate, value = amount;
    if (decimal_parse(str_from(rate_text), &rate))
        decimal_multiply(amount, rate, 6, ROUND_DOWN, &value);
    return decimal_print(arena, value, 1);
}

/* event: account_id, customer_id, amount, currency, sender_name, reference */
static struct str deposit_event(struct simulator *simulator, struct arena *arena,
                                const struct json *event)
{
    struct str account = json_text(json_get(event, "account_id"));
    struct sim_record *record = sim_find_record(simulator, "virtual_account", account);
    struct str reference = json_text(json_get(event, "reference"));
    struct str id = sim_new_id(simulator, "vae_");
    size_t rail = find_deposit_rail(json_text(json_get(event, "currency")));
    struct decimal amount;
    if (!json_decimal(json_get(event, "amount"), &amount))
        return STR_NONE;
    struct buf out = json_object(arena);
    json_put(&out, "id", id);
    json_put(&out, "type", STR("payment_processed"));
    json_put(&out, "amount", delivered(arena, amount, deposit_rails[rail].rate));
    json_put(&out, "currency", STR("usdc"));
    json_put(&out, "subtotal_amount", decimal_print(arena, amount, 1));
    json_put(&out, "exchange_fee_amount", STR("0.0"));
    json_put(&out, "developer_fee_amount", STR("0.0"));
    json_put(&out, "gas_fee", STR("0.0"));
    json_put(&out, "customer_id",
             str_or(json_text(json_get(event, "customer_id")), record ? record->owner : STR_NONE));
    json_put(&out, "virtual_account_id", account);
    json_put(&out, "deposit_id", str_empty(reference) ? sim_new_id(simulator, "dep_") : reference);
    json_put(&out, "created_at", sim_now(arena));
    json_open(&out, "source", '{');
    json_put(&out, "payment_rail", str_from(deposit_rails[rail].rail));
    json_put(&out, "sender_name",
             str_or(json_text(json_get(event, "sender_name")), STR("Brown-Beer")));
    json_put(&out, "description", STR("Incoming transfer"));
    json_close(&out, '}');
    struct sim_record activity = {
        .kind = STR("activity"), .id = id, .owner = account, .json = json_object_end(&out)};
    sim_add_record(simulator, &activity);
    return wrap_event(simulator, arena, "virtual_account.activity", "created", id, STR_NONE,
                      activity.json);
}

/* event: customer_id, kyc_status, event_type (without the category in front) */
static struct str customer_event(struct simulator *simulator, struct arena *arena,
                                 const struct json *event)
{
    struct str id = json_text(json_get(event, "customer_id"));
    struct str status = str_or(json_text(json_get(event, "kyc_status")), STR("active"));
    struct buf out = json_object(arena);
    json_put(&out, "id", id);
    json_put(&out, "status", status);
    json_put(&out, "kyc_status", status);
    struct str type =
        str_or(json_text(json_get(event, "event_type")), STR("updated.status_transitioned"));
    return wrap_event(simulator, arena, "customer", arena_cstr(arena, type), id, status,
                      json_object_end(&out));
}

static struct str event(struct simulator *simulator, struct arena *arena, const struct json *event)
{
    struct str type = json_text(json_get(event, "type"));
    return str_is(type, "customer") ? customer_event(simulator, arena, event)
                                    : deposit_event(simulator, arena, event);
}

/* It is made in the background of the start. */
static const struct rsa_key *wait_for_key(struct simulator *simulator)
{
    for (;;) {
        pthread_mutex_lock(&simulator->lock);
        const struct rsa_key *key = simulator->signing_key;
        pthread_mutex_unlock(&simulator->lock);
        if (key)
            return key;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

/* The digest of the digest, as Bridge does it. */
static struct provider_header sign(struct simulator *simulator, struct arena *arena,
                                   struct str body)
{
    const struct rsa_key *key = wait_for_key(simulator);
    long long now_ms = (long long)(clock_now() / USEC_PER_MSEC);
    uint8_t digest[SHA256_SIZE];
    digest_sha256(arena_printf(arena, "%lld.%.*s", now_ms, STR_FMT(body)), digest);
    struct str signature =
        rsa_sign_sha256(arena, key, (struct str){(char *)digest, sizeof(digest)});
    return (struct provider_header){
        "X-Webhook-Signature",
        arena_printf(arena, "t=%lld,v0=%.*s", now_ms, STR_FMT(base64_print(arena, signature)))};
}

const struct simulation simulation_bridge = {
    .name = "bridge",
    .prefix = "/bridge/v0",
    .routes = routes,
    .settings = settings,
    .authorised = authorised,
    .refuse = refuse,
    .transfer_event = transfer_event,
    .event = event,
    .sign = sign,
};
