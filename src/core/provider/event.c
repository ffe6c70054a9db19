/*
 * Callbacks of providers. Receiving one only checks the signature and stores it, once per event id;
 * its effect is a write call of the tenant it concerns, made by the outbox, because the caller of
 * the endpoint belongs to none.
 */
#include "base/json_build.h"
#include "base/log.h"
#include "core/app.h"
#include "core/provider/instruction.h"
#include "core/work.h"
#include "store/sql.h"

#define PROVIDER_EVENT_ROW(F) \
    F(INTEGER, id)            \
    F(INTEGER, tenant_id)     \
    F(TEXT, provider)         \
    F(TEXT, event_id)         \
    F(SECRET, body)           \
    F(TEXT, status)           \
    F(TEXT, error)            \
    F(INTEGER, created_at)    \
    F(INTEGER, updated_at)
ROW_STRUCT(provider_event_record, PROVIDER_EVENT_ROW);
#define ROW_SELF struct provider_event_record
ROW_TYPE(provider_event_record, PROVIDER_EVENT_ROW);
#undef ROW_SELF

typedef int find_tenant_function(struct call *c, const struct provider_event *event,
                                 id_t64 *ret_tenant_id);
typedef int apply_function(struct call *c, const struct provider_event *event);

#define PROVIDER_EVENT(name, find_tenant, apply) \
    find_tenant_function find_tenant;            \
    apply_function apply;
#include "core/provider_events.def"
#undef PROVIDER_EVENT

static const struct event_kind {
    const char *name;
    find_tenant_function *find_tenant;
    apply_function *apply;
} kinds[] = {
#define PROVIDER_EVENT(name, find_tenant, apply) {#name, find_tenant, apply},
#include "core/provider_events.def"
#undef PROVIDER_EVENT
};

static const struct event_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    return NULL;
}

static bool is_of_interest(const struct provider_event *event)
{
    return strcmp(event->operation, "payout") == 0 || find_kind(event->operation);
}

static struct str header_of_call(void *context, const char *name)
{
    return call_header(context, name);
}

/* Whose event is it? Events that belong to nobody stay with the tenant the callback came in for. */
static id_t64 find_tenant(struct call *c, const struct provider *provider,
                          const struct provider_event *event)
{
    struct provider_instruction instruction;
    id_t64 tenant_id = c->principal.tenant_id;
    if (strcmp(event->operation, "payout") == 0) {
        if (instruction_find(c, provider->name, event->our_reference, event->provider_reference,
                             &instruction) == OK)
            return instruction.tenant_id;
        return tenant_id;
    }
    const struct event_kind *kind = find_kind(event->operation);
    if (kind && kind->find_tenant(c, event, &tenant_id) != OK)
        tenant_id = c->principal.tenant_id;
    return tenant_id;
}

/* What verify learned, as JSON: the headers are gone when the event is applied. */
static struct str event_json(struct arena *arena, const struct provider_event *event)
{
    struct buf out = json_object(arena);
    json_put(&out, "operation", str_from(event->operation));
    json_put(&out, "event_id", event->event_id);
    json_put(&out, "provider_reference", event->provider_reference);
    json_put(&out, "our_reference", event->our_reference);
    json_put_integer(&out, "status", (int64_t)event->outcome.status);
    json_put_boolean(&out, "unknown", event->outcome.unknown);
    json_put(&out, "outcome_reference", event->outcome.provider_reference);
    json_put(&out, "reason", event->outcome.reason);
    json_put(&out, "data", event->outcome.data_json);
    json_put_integer(&out, "amount", event->amount);
    json_put(&out, "currency", event->currency);
    json_put(&out, "account_number", event->account_number);
    json_put(&out, "account_id", event->account_id);
    json_put(&out, "customer_id", event->customer_id);
    json_put(&out, "sender_name", event->sender_name);
    return json_object_end(&out);
}

static int event_from_json(struct arena *arena, struct str text, struct provider_event *ret_event)
{
    const struct json *json;
    int64_t status = PROVIDER_PENDING, amount = 0;
    TRY(json_parse(arena, text, &json));
    *ret_event = (struct provider_event){
        .operation = arena_cstr(arena, json_text(json_get(json, "operation"))),
        .event_id = json_string(json_get(json, "event_id")),
        .provider_reference = json_string(json_get(json, "provider_reference")),
        .our_reference = json_string(json_get(json, "our_reference")),
        .currency = json_string(json_get(json, "currency")),
        .account_number = json_string(json_get(json, "account_number")),
        .account_id = json_string(json_get(json, "account_id")),
        .customer_id = json_string(json_get(json, "customer_id")),
        .sender_name = json_string(json_get(json, "sender_name")),
        .outcome = {.provider_reference = json_string(json_get(json, "outcome_reference")),
                    .reason = json_string(json_get(json, "reason")),
                    .data_json = json_string(json_get(json, "data"))},
    };
    json_integer(json_get(json, "status"), &status);
    json_integer(json_get(json, "amount"), &amount);
    json_boolean(json_get(json, "unknown"), &ret_event->outcome.unknown);
    ret_event->outcome.status = (enum provider_status)status;
    ret_event->amount = amount;
    return OK;
}

static int store_event(struct call *c, const struct provider *provider,
                       const struct provider_event *event)
{
    struct provider_event_record known;
    int error = sql_one(
        c->sql, c->arena, &provider_event_record_row, &known,
        ROW_SELECT(PROVIDER_EVENT_ROW) " FROM provider_event WHERE provider = ? AND event_id = ?",
        sql_text(str_from(provider->name)), sql_text(event->event_id));
    if (!error && !str_eq(known.body, event_json(c->arena, event)))
        provider_alert(c->app, "an event came again and says something else", known.provider,
                       STR("event"), known.id, event->event_id);
    if (error != ERR_NOT_FOUND)
        return error;
    struct provider_event_record row = {
        .id = id_new(),
        .tenant_id = find_tenant(c, provider, event),
        .provider = str_from(provider->name),
        .event_id = event->event_id,
        .body = event_json(c->arena, event),
        .status = STR("received"),
        .created_at = c->now,
        .updated_at = c->now,
    };
    TRY(sql_insert(c->sql, "provider_event", &provider_event_record_row, &row));
    id_t64 caller_tenant = c->principal.tenant_id;
    c->principal.tenant_id = row.tenant_id;
    error = outbox_add(c, "provider_event", NULL, row.id, c->now);
    c->principal.tenant_id = caller_tenant;
    return error;
}

struct received {
    const struct provider *provider;
    struct provider_event event;
};

int provider_verify_event(struct call *c, struct str provider_name)
{
    struct provider_settings settings;
    struct received *received = ARENA_NEW(c->arena, struct received);
    if (providers_find(c->app, provider_name, &received->provider, &settings))
        return call_refuse(c, ERR_UNKNOWN_PROVIDER, "provider_name");
    int error = received->provider->verify(c->arena, &settings, header_of_call, c, c->raw_body,
                                           &received->event);
    if (error)
        return call_refuse(c, error, NULL);
    if (received->event.operation && str_empty(received->event.event_id))
        return call_refuse(c, ERR_REQUIRED, "event_id");
    c->prepared = received;
    return OK;
}

int provider_store_event(struct call *c)
{
    const struct received *received = c->prepared;
    if (!received->event.operation || !is_of_interest(&received->event))
        return OK;
    return store_event(c, received->provider, &received->event);
}

/* ---- The effect ---- */

static int apply_event(struct call *c, void *argument)
{
    const struct provider_event_record *record = argument;
    struct provider_event event;
    struct provider_instruction instruction;
    int error;
    TRY(event_from_json(c->arena, record->body, &event));
    event.provider = record->provider;
    if (strcmp(event.operation, "payout") == 0) {
        error = instruction_find(c, arena_cstr(c->arena, record->provider), event.our_reference,
                                 event.provider_reference, &instruction);
        if (!error && instruction.tenant_id != c->principal.tenant_id)
            error = ERR_NOT_FOUND;
        if (!error)
            error = instruction_apply(c, instruction.id, &event.outcome);
    } else {
        const struct event_kind *kind = find_kind(event.operation);
        error = kind ? kind->apply(c, &event) : ERR_NOT_FOUND;
    }
    if (error)
        return error;
    return sql_run(c->sql,
                   "UPDATE provider_event SET status = 'applied', updated_at = ?"
                   " WHERE tenant_id = ? AND id = ?",
                   sql_int(c->now), sql_int(record->tenant_id), sql_int(record->id));
}

/* Money or news that is nobody's, or not understood: kept for staff to look at. */
static int shelve_event(struct call *c, void *argument)
{
    const struct provider_event_record *record = argument;
    return sql_run(c->sql,
                   "UPDATE provider_event SET status = 'unmatched', updated_at = ?"
                   " WHERE tenant_id = ? AND id = ?",
                   sql_int(c->now), sql_int(record->tenant_id), sql_int(record->id));
}

int provider_perform_event(struct call *c, const struct outbox_row *row, usec_t *ret_due)
{
    (void)ret_due;
    struct provider_event_record record;
    TRY(sql_one(
        c->sql, c->arena, &provider_event_record_row, &record,
        ROW_SELECT(PROVIDER_EVENT_ROW) " FROM provider_event WHERE tenant_id = ? AND id = ?",
        sql_int(row->tenant_id), sql_int(row->subject_id)));
    if (!str_is(record.status, "received"))
        return OK;
    int error = writer_run(c, apply_event, &record);
    if (error == OK)
        return OK;
    /* Neither will be otherwise the next time. */
    bool hopeless = error == ERR_NOT_FOUND || error == ERR_INVALID;
    provider_alert(c->app,
                   error == ERR_NOT_FOUND ? "a provider's event belongs to nobody"
                                          : "a provider's event could not be applied",
                   record.provider, STR("event"), record.id, str_from(error_name(error)));
    return hopeless ? writer_run(c, shelve_event, &record) : error;
}

/* ---- Upkeep ---- */

int provider_prune_events(struct call *c, usec_t before, int64_t limit, int64_t *ret_count)
{
    return sql_change(c->sql, ret_count,
                      "DELETE FROM provider_event WHERE id IN (SELECT id FROM provider_event"
                      " WHERE id < ? AND status = 'applied' ORDER BY id LIMIT ?)",
                      sql_int(id_at(before)), sql_int(limit));
}
