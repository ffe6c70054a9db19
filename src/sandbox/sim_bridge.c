/* The simulated Bridge: customers, wallets, virtual accounts, external accounts, transfers, and
 * RSA-signed events. */
#include <time.h>

#include "base/crypto.h"
#include "base/digest.h"
#include "sandbox/simulator.h"

#define OUR_CUSTOMER "cust_cambist"
#define OUR_WALLET "bw_cambist"

static void settings(struct simulator *simulator, struct arena *arena)
{
    simulator->settings.api_key =
        arena_printf(arena, "sk-test-%.*s", STR_FMT(random_hex(arena, 20)));
    simulator->settings.merchant_id = STR(OUR_CUSTOMER);
    simulator->settings.wallet_id = STR(OUR_WALLET);
    sim_add_record(simulator, "customer", STR(OUR_CUSTOMER), STR_NONE, STR_NONE,
                   STR("{\"id\":\"" OUR_CUSTOMER "\",\"status\":\"active\",\"kyc_status\":"
                       "\"approved\",\"type\":\"business\"}"));
}

static bool authorised(const struct sim_call *call)
{
    return str_eq(call->header(call->context, "Api-Key"), call->simulator->settings.api_key);
}

static void refuse(struct sim_call *call, int status, const char *code, const char *message)
{
    struct buf out = json_object(call->arena);
    json_put(&out, "code", str_from(code));
    json_put(&out, "message", str_from(message));
    call->status = status;
    call->answer = json_object_end(&out);
}

static void reply(struct sim_call *call, int status, struct str json)
{
    call->status = status;
    call->answer = json;
}

static struct str member(const struct sim_call *call, const char *name)
{
    return json_text(json_get(call->body, name));
}

static struct str raw(const struct sim_call *call, const char *name)
{
    const struct json *value = json_get(call->body, name);
    return json_count(value) ? json_print(call->arena, value) : STR("{}");
}

static struct str now_text(struct arena *arena)
{
    return time_print(arena, clock_now(), TIME_RFC3339);
}

/* ---- Customers ---- */

static void create_customer(struct sim_call *call, struct str key)
{
    bool rejected;
    struct simulator *simulator = call->simulator;
    call->operation = STR("create_customer");
    if (!sim_proceed(call, "create_customer", &rejected))
        return;
    if (rejected || str_empty(member(call, "email"))) {
        refuse(call, 400, "invalid_parameters", "email is required");
        return;
    }
    struct sim_record *known = sim_find_by_key(simulator, "kyc_link", key);
    if (known) {
        reply(call, 200, known->json);
        return;
    }
    struct str id = sim_new_id(simulator, "cust_"), link = sim_new_id(simulator, "kyc_link_");
    struct buf out = json_object(call->arena);
    json_put(&out, "id", link);
    json_put(&out, "full_name", member(call, "full_name"));
    json_put(&out, "email", member(call, "email"));
    json_put(&out, "type", member(call, "type"));
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
    struct str json = json_object_end(&out);
    sim_add_record(simulator, "kyc_link", link, id, key, json);
    struct buf customer = json_object(call->arena);
    json_put(&customer, "id", id);
    json_put(&customer, "email", member(call, "email"));
    json_put(&customer, "type", member(call, "type"));
    json_put(&customer, "status", STR("active"));
    json_put(&customer, "kyc_status", STR("approved"));
    sim_add_record(simulator, "customer", id, STR_NONE, key, json_object_end(&customer));
    reply(call, 200, json);
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
    json_put(&out, "created_at", now_text(call->arena));
    json_put_json(&out, "source_deposit_instructions",
                  deposit_instructions(call, member(call, "source.currency"), id));
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
    struct str number = member(call, "account.account_number");
    json_put(&out, "id", id);
    json_put(&out, "customer_id", customer);
    json_put(&out, "account_type", member(call, "account_type"));
    json_put(&out, "currency", member(call, "currency"));
    json_put(&out, "bank_name", member(call, "bank_name"));
    json_put(&out, "account_owner_name", member(call, "account_owner_name"));
    json_put(&out, "last_4", last_4(str_or(number, member(call, "iban.account_number"))));
    json_put_boolean(&out, "active", true);
    json_put(&out, "created_at", now_text(call->arena));
    return json_object_end(&out);
}

static struct str wallet_json(struct sim_call *call, struct str customer, struct str id)
{
    struct buf out = json_object(call->arena);
    (void)customer;
    json_put(&out, "id", id);
    json_put(&out, "chain", member(call, "chain"));
    json_put(&out, "address",
             arena_printf(call->arena, "0x%.*s", STR_FMT(random_hex(call->arena, 20))));
    json_put(&out, "created_at", now_text(call->arena));
    json_put_json(&out, "balances", STR("[{\"balance\":\"0.0\",\"currency\":\"usdc\"}]"));
    return json_object_end(&out);
}

static const struct owned_kind {
    const char *path, *kind, *operation, *prefix;
    const char *read_operation, *delete_operation;
    struct str (*make)(struct sim_call *call, struct str customer, struct str id);
} owned_kinds[] = {
    {"virtual_accounts", "virtual_account", "create_virtual_account", "bva_", "get_virtual_account",
     "delete_virtual_account", virtual_account_json},
    {"external_accounts", "external_account", "create_external_account", "ea_",
     "get_external_account", "delete_external_account", external_account_json},
    {"wallets", "wallet", "create_wallet", "bw_", "wallet_balance", "delete_wallet", wallet_json},
};

static void create_owned(struct sim_call *call, const struct owned_kind *kind, struct str customer,
                         struct str key)
{
    bool rejected;
    call->operation = str_from(kind->operation);
    if (!sim_proceed(call, kind->operation, &rejected))
        return;
    if (!sim_find_record(call->simulator, "customer", customer)) {
        refuse(call, 404, "not_found", "Customer not found");
        return;
    }
    if (rejected) {
        refuse(call, 400, "invalid_parameters", "Please resubmit the following parameters");
        return;
    }
    struct sim_record *record = sim_find_by_key(call->simulator, kind->kind, key);
    if (!record) {
        struct str id = sim_new_id(call->simulator, kind->prefix);
        record = sim_add_record(call->simulator, kind->kind, id, customer, key,
                                kind->make(call, customer, id));
    }
    reply(call, 201, record->json);
}

static void list_owned(struct sim_call *call, const char *kind, struct str owner)
{
    struct buf out = json_object(call->arena);
    int64_t count = 0;
    json_open(&out, "data", '[');
    for (struct sim_record *at = call->simulator->records; at; at = at->next) {
        if (at->deleted || !str_is(at->kind, kind) || !str_eq(at->owner, owner))
            continue;
        if (count++)
            buf_add_char(&out, ',');
        buf_add_str(&out, at->json);
    }
    json_close(&out, ']');
    json_put_integer(&out, "count", count);
    reply(call, 200, json_object_end(&out));
}

static void one_owned(struct sim_call *call, const char *kind, struct str id)
{
    struct sim_record *record = sim_find_record(call->simulator, kind, id);
    if (str_is(id, OUR_WALLET)) {
        reply(call, 200,
              STR("{\"id\":\"" OUR_WALLET
                  "\",\"chain\":\"solana\",\"address\":\"9kV3ZMehKVyxfHKC\","
                  "\"balances\":[{\"balance\":\"1000000.0\",\"currency\":\"usdc\"}]}"));
    } else if (!record) {
        refuse(call, 404, "not_found", "Not found");
    } else {
        record->deleted = str_is(call->method, "DELETE");
        if (record->deleted)
            sim_remember_record(call->simulator, record);
        reply(call, 200, record->json);
    }
}

/* Scripts: "pending" is a review that has not ended yet. */
static void get_customer(struct sim_call *call, struct str id)
{
    struct sim_record *record = sim_find_record(call->simulator, "customer", id);
    struct buf out = json_object(call->arena);
    call->operation = STR("get_customer");
    enum sim_outcome outcome = sim_scripted(call->simulator, "get_customer");
    if (outcome == SIM_UNAVAILABLE) {
        refuse(call, 503, "unavailable", "Service unavailable");
    } else if (!record) {
        refuse(call, 404, "not_found", "Customer not found");
    } else if (outcome == SIM_PENDING) {
        json_put(&out, "id", id);
        json_put(&out, "status", STR("under_review"));
        json_put(&out, "kyc_status", STR("under_review"));
        reply(call, 200, json_object_end(&out));
    } else {
        reply(call, 200, record->json);
    }
}

/* /customers/{id}[/{kind}[/{id}[/history]]] */
static void customers(struct sim_call *call, struct str rest, struct str key)
{
    struct str customer = str_cut(&rest, '/');
    if (!str_present(rest)) {
        get_customer(call, customer);
        return;
    }
    struct str path = str_cut(&rest, '/');
    for (size_t i = 0; i < sizeof(owned_kinds) / sizeof(owned_kinds[0]); i++) {
        const struct owned_kind *kind = &owned_kinds[i];
        if (!str_is(path, kind->path))
            continue;
        struct str id = str_cut(&rest, '/');
        call->operation = str_from(str_is(call->method, "DELETE") ? kind->delete_operation
                                   : str_is(rest, "history")      ? "list_transactions"
                                                                  : kind->read_operation);
        if (str_is(call->method, "POST"))
            create_owned(call, kind, customer, key);
        else if (str_is(rest, "history"))
            list_owned(call, "activity", id);
        else if (!str_present(id))
            list_owned(call, kind->kind, customer);
        else
            one_owned(call, kind->kind, id);
        return;
    }
    refuse(call, 404, "not_found", "Not found");
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
    struct str external = member(call, "destination.external_account_id");
    return str_empty(external) ||
           sim_find_record(call->simulator, "external_account", external) != NULL;
}

static void create_transfer(struct sim_call *call, struct str key)
{
    bool rejected;
    bool incoming = !str_is(member(call, "source.payment_rail"), "bridge_wallet");
    struct str amount = str_or(member(call, "destination.amount"), member(call, "amount"));
    struct sim_transfer wanted = {
        .id = sim_new_id(call->simulator, "transfer_"),
        .reference = str_or(member(call, "client_reference_id"), key),
        .amount = amount,
        .currency = member(call, "destination.currency"),
        .source_json = raw(call, "source"),
        .destination_json = raw(call, "destination"),
    };
    const char *operation = incoming ? "crypto_deposit" : "payout";
    call->operation = str_from(operation);
    call->reference = wanted.reference;
    if (str_empty(key)) {
        refuse(call, 400, "missing_idempotency_key", "Idempotency-Key is required");
        return;
    }
    if (!destination_exists(call)) {
        refuse(call, 400, "invalid_parameters", "external_account_id is not known");
        return;
    }
    struct sim_transfer *transfer = sim_begin_transfer(call, operation, &wanted, &rejected);
    if (transfer)
        reply(call, 201, transfer_json(call->arena, transfer));
    else if (rejected)
        refuse(call, 400, "invalid_parameters", "The beneficiary cannot be paid");
}

static void get_transfer(struct sim_call *call, struct str id)
{
    bool rejected;
    struct sim_transfer *transfer = sim_find_transfer(call->simulator, id);
    call->operation = STR("payout_status");
    call->reference = transfer ? transfer->reference : id;
    if (!sim_proceed(call, "payout_status", &rejected))
        return;
    if (transfer)
        reply(call, 200, transfer_json(call->arena, transfer));
    else
        refuse(call, 404, "not_found", "Transfer not found");
}

static void answer(struct sim_call *call)
{
    bool post = str_is(call->method, "POST");
    struct str key = call->header(call->context, "Idempotency-Key");
    struct str customer = STR("/customers/"), transfer = STR("/transfers/"), path = call->path;
    call->reference = key;
    if (post && str_is(path, "/kyc_links"))
        create_customer(call, key);
    else if (post && str_is(path, "/transfers"))
        create_transfer(call, key);
    else if (str_starts(path, customer))
        customers(call, (struct str){path.ptr + customer.len, path.len - customer.len}, key);
    else if (!post && str_starts(path, transfer))
        get_transfer(call, (struct str){path.ptr + transfer.len, path.len - transfer.len});
    else
        refuse(call, 404, "not_found", "Not found");
}

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
    json_put(&out, "event_created_at", now_text(arena));
    return json_object_end(&out);
}

static struct str transfer_event(struct simulator *simulator, struct arena *arena,
                                 const struct sim_transfer *transfer)
{
    return wrap_event(simulator, arena, "transfer", "updated.status_transitioned", transfer->id,
                      state_word(transfer), transfer_json(arena, transfer));
}

/* event: account_id, customer_id, amount, currency, sender_name, reference */
static struct str deposit_event(struct simulator *simulator, struct arena *arena,
                                const struct json *event)
{
    struct str account = json_text(json_get(event, "account_id"));
    struct sim_record *record = sim_find_record(simulator, "virtual_account", account);
    struct str reference = json_text(json_get(event, "reference"));
    struct str id = sim_new_id(simulator, "vae_");
    struct decimal amount;
    if (!json_decimal(json_get(event, "amount"), &amount))
        return STR_NONE;
    struct buf out = json_object(arena);
    json_put(&out, "id", id);
    json_put(&out, "type", STR("payment_processed"));
    json_put(&out, "amount", decimal_print(arena, amount, 1));
    json_put(&out, "currency", STR("usdc"));
    json_put(&out, "customer_id",
             str_or(json_text(json_get(event, "customer_id")), record ? record->owner : STR_NONE));
    json_put(&out, "virtual_account_id", account);
    json_put(&out, "deposit_id", str_empty(reference) ? sim_new_id(simulator, "dep_") : reference);
    json_put(&out, "created_at", now_text(arena));
    json_open(&out, "source", '{');
    json_put(&out, "currency", str_or(json_text(json_get(event, "currency")), STR("usd")));
    json_put(&out, "payment_rail", STR("ach_push"));
    json_put(&out, "sender_name",
             str_or(json_text(json_get(event, "sender_name")), STR("Brown-Beer")));
    json_put(&out, "description", STR("Incoming transfer"));
    json_close(&out, '}');
    struct str object = json_object_end(&out);
    sim_add_record(simulator, "activity", id, account, STR_NONE, object);
    return wrap_event(simulator, arena, "virtual_account.activity", "created", id, STR_NONE,
                      object);
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
static void sign(struct simulator *simulator, struct arena *arena, struct str body,
                 struct provider_header *ret_header)
{
    const struct rsa_key *key = wait_for_key(simulator);
    long long now_ms = (long long)(clock_now() / USEC_PER_MSEC);
    uint8_t digest[SHA256_SIZE];
    digest_sha256(arena_printf(arena, "%lld.%.*s", now_ms, STR_FMT(body)), digest);
    struct str signature =
        rsa_sign_sha256(arena, key, (struct str){(char *)digest, sizeof(digest)});
    ret_header->name = "X-Webhook-Signature";
    ret_header->value =
        arena_printf(arena, "t=%lld,v0=%.*s", now_ms, STR_FMT(base64_print(arena, signature)));
}

const struct simulation simulation_bridge = {
    .name = "bridge",
    .prefix = "/bridge/v0",
    .settings = settings,
    .authorised = authorised,
    .answer = answer,
    .transfer_event = transfer_event,
    .event = event,
    .sign = sign,
};
