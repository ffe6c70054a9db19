/* Endpoints and their secrets; recording events. */
#include "core/webhook/webhook.h"

#include "base/digest.h"
#include "core/app.h"
#include "core/outbox_dispatch.h"
#include "core/webhook/delivery.h"
#include "core/webhook/style.h"
#include "provider/http.h"
#include "store/sql.h"

#define ROW_SELF struct webhook_endpoint
ROW_TYPE(webhook_endpoint, WEBHOOK_ENDPOINT_ROW);
#undef ROW_SELF

#define WEBHOOK_EVENT_ROW(F)    \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(TEXT, event_type)         \
    F(JSON, data)               \
    F(INTEGER, created_at)
ROW_STRUCT(webhook_event, WEBHOOK_EVENT_ROW);
#define ROW_SELF struct webhook_event
ROW_TYPE(webhook_event, WEBHOOK_EVENT_ROW);
#undef ROW_SELF

#define URL_MAX 2048

const struct webhook_style *webhook_style_find(struct str name)
{
    for (size_t i = 0; webhook_styles[i]; i++)
        if (str_is(name, webhook_styles[i]->name))
            return webhook_styles[i];
    return NULL;
}

usec_t webhook_retry_for_a_day(unsigned attempts, usec_t first_attempt, usec_t now)
{
    usec_t delay = USEC_PER_MINUTE;
    for (unsigned i = 1; i < attempts && delay < 6 * USEC_PER_HOUR; i++)
        delay *= 2;
    if (delay > 6 * USEC_PER_HOUR)
        delay = 6 * USEC_PER_HOUR;
    usec_t next = now + delay, last = first_attempt + USEC_PER_DAY;
    if (now >= last)
        return 0;
    return next < last ? next : last;
}

int webhook_check_url(struct call *c, struct str url, const char *field)
{
    if (url.len > URL_MAX)
        return call_refuse(c, ERR_TOO_LONG, field);
    if (!http_url_allowed(url, c->app->sandbox == NULL))
        return call_refuse(c, ERR_URL_NOT_ALLOWED, field);
    return OK;
}

/* ---- Endpoints ---- */

static struct str new_secret(struct arena *arena)
{
    return arena_printf(arena, "whsec_%.*s", STR_FMT(random_hex(arena, 24)));
}

int webhook_register(struct call *c, struct webhook_endpoint *endpoint, const char *field)
{
    int64_t known;
    if (!webhook_style_find(endpoint->style))
        return call_refuse(c, ERR_NOT_ALLOWED, "dialect");
    if (!endpoint->organisation_id && !c->principal.staff)
        return call_refuse_text(c, ERR_FORBIDDEN, NULL, "The credential acts for no organisation.");
    TRY(sql_integer(c->sql, &known,
                    "SELECT COUNT(*) FROM webhook_endpoint"
                    " WHERE tenant_id = ? AND organisation_id = ? AND style = ? AND url = ?",
                    sql_int(c->principal.tenant_id), sql_int(endpoint->organisation_id),
                    sql_text(endpoint->style), sql_text(endpoint->url)));
    if (known)
        return call_refuse_text(c, ERR_DUPLICATE, field, "The URL is registered already.");
    /* Counted before it is there: a count too many costs a query, one too few an event. */
    if (c->app->outbox && atomic_load(&c->app->outbox->endpoints) >= 0)
        atomic_fetch_add(&c->app->outbox->endpoints, 1);
    endpoint->id = id_new();
    endpoint->tenant_id = c->principal.tenant_id;
    endpoint->secret = new_secret(c->arena);
    endpoint->status = STR("active");
    endpoint->created_at = c->now;
    endpoint->updated_at = c->now;
    return sql_insert(c->sql, "webhook_endpoint", &webhook_endpoint_row, endpoint);
}

/* The tenant's own endpoints are staff's; an organisation's are its members'. */
static bool may_see(const struct call *c, id_t64 organisation_id)
{
    return call_may_act_for_organisation(c, organisation_id);
}

int webhook_get(struct call *c, id_t64 endpoint_id, const char *field,
                struct webhook_endpoint *ret_endpoint)
{
    int error = sql_one(
        c->sql, c->arena, &webhook_endpoint_row, ret_endpoint,
        ROW_SELECT(WEBHOOK_ENDPOINT_ROW) " FROM webhook_endpoint WHERE tenant_id = ? AND id = ?",
        sql_int(c->principal.tenant_id), sql_int(endpoint_id));
    if (error == OK && !may_see(c, ret_endpoint->organisation_id))
        error = ERR_NOT_FOUND;
    return error == ERR_NOT_FOUND ? call_refuse(c, ERR_NOT_FOUND, field) : error;
}

int webhook_list(struct call *c, id_t64 organisation_id, const struct page *page,
                 struct webhook_endpoint **ret_rows, size_t *ret_count)
{
    return sql_all(c->sql, c->arena, &webhook_endpoint_row, ret_rows, ret_count,
                   ROW_SELECT(WEBHOOK_ENDPOINT_ROW) " FROM webhook_endpoint WHERE tenant_id = ? "
                                                    "AND (? = -1 OR organisation_id = ?)"
                                                    " AND id < ? ORDER BY id DESC LIMIT ?",
                   sql_int(c->principal.tenant_id), sql_int(organisation_id),
                   sql_int(organisation_id), sql_int(page->before), sql_int(page->limit + 1));
}

int webhook_delete(struct call *c, const struct webhook_endpoint *endpoint)
{
    return sql_run(c->sql, "DELETE FROM webhook_endpoint WHERE tenant_id = ? AND id = ?",
                   sql_int(endpoint->tenant_id), sql_int(endpoint->id));
}

int webhook_set_status(struct call *c, struct webhook_endpoint *endpoint, const char *status)
{
    endpoint->status = str_from(status);
    endpoint->updated_at = c->now;
    return sql_update(c->sql, "webhook_endpoint", &webhook_endpoint_row, endpoint);
}

int webhook_rotate_secret(struct call *c, struct webhook_endpoint *endpoint)
{
    endpoint->previous_secret = endpoint->secret;
    endpoint->previous_until = c->now + WEBHOOK_SECRET_OVERLAP;
    endpoint->secret = new_secret(c->arena);
    endpoint->updated_at = c->now;
    return sql_update(c->sql, "webhook_endpoint", &webhook_endpoint_row, endpoint);
}

/* ---- Events ---- */

int webhook_add_delivery(struct call *c, id_t64 event_id, struct str event_type,
                         const struct webhook_endpoint *endpoint,
                         struct webhook_delivery *ret_delivery)
{
    *ret_delivery = (struct webhook_delivery){
        .id = id_new(),
        .tenant_id = c->principal.tenant_id,
        .organisation_id = endpoint->organisation_id,
        .endpoint_id = endpoint->id,
        .event_id = event_id,
        .event_type = event_type,
        .url = endpoint->url,
        .status = STR("pending"),
        .next_attempt_at = c->now,
        .created_at = c->now,
        .updated_at = c->now,
    };
    TRY(sql_append(c->sql, "webhook_delivery", &webhook_delivery_row, ret_delivery));
    return outbox_add(c, "delivery", NULL, ret_delivery->id, c->now);
}

static bool is_subscribed(struct call *c, const struct webhook_endpoint *endpoint,
                          struct str event_type)
{
    const struct json *events;
    if (!str_present(endpoint->events))
        return true;
    if (json_parse(c->arena, endpoint->events, &events) != OK)
        return false;
    for (size_t i = 0; i < json_count(events); i++)
        if (str_eq(json_string(json_at(events, i)), event_type))
            return true;
    return false;
}

static bool wants(struct call *c, const struct webhook_endpoint *endpoint,
                  const struct webhook_event *event)
{
    const struct webhook_style *style = webhook_style_find(endpoint->style);
    struct webhook_occurrence occurrence = {.event_id = event->id,
                                            .event_type = event->event_type,
                                            .data = event->data,
                                            .created_at = event->created_at};
    struct str body;
    return style && is_subscribed(c, endpoint, event->event_type) &&
           style->render(c->arena, &occurrence, &body);
}

/* There is no endpoint anywhere. False when that is not known. */
static bool nobody_listens(const struct call *c)
{
    return c->app->outbox && atomic_load(&c->app->outbox->endpoints) == 0;
}

int outbox_has_listeners(struct call *c, id_t64 organisation_id, bool *ret_any)
{
    int64_t count;

    *ret_any = false;
    if (nobody_listens(c))
        return OK;
    /* Two look-ups by key: IN and OR would build a temporary index each time. */
    TRY(sql_integer(c->sql, &count,
                    "SELECT (SELECT COUNT(*) FROM webhook_endpoint WHERE tenant_id = ?"
                    " AND organisation_id = ? AND status = 'active')"
                    " + (SELECT COUNT(*) FROM webhook_endpoint WHERE tenant_id = ?"
                    " AND organisation_id = 0 AND status = 'active')",
                    sql_int(c->principal.tenant_id), sql_int(organisation_id),
                    sql_int(c->principal.tenant_id)));
    *ret_any = count > 0;
    return OK;
}

int outbox_event(struct call *c, id_t64 organisation_id, const char *event_type,
                 struct str data_json)
{
    struct webhook_endpoint *endpoints;
    size_t count, deliveries = 0;
    struct webhook_delivery delivery;
    if (nobody_listens(c))
        return OK;
    TRY(sql_all(
        c->sql, c->arena, &webhook_endpoint_row, &endpoints, &count,
        ROW_SELECT(
            WEBHOOK_ENDPOINT_ROW) " FROM webhook_endpoint WHERE tenant_id = ? AND status = 'active'"
                                  " AND (organisation_id = ? OR organisation_id = 0)",
        sql_int(c->principal.tenant_id), sql_int(organisation_id)));
    struct webhook_event event = {
        .id = id_new(),
        .tenant_id = c->principal.tenant_id,
        .organisation_id = organisation_id,
        .event_type = arena_copy(c->arena, str_from(event_type)),
        .data = data_json,
        .created_at = c->now,
    };
    for (size_t i = 0; i < count; i++) {
        if (!wants(c, &endpoints[i], &event))
            continue;
        TRY(webhook_add_delivery(c, event.id, event.event_type, &endpoints[i], &delivery));
        deliveries++;
    }
    return deliveries ? sql_append(c->sql, "webhook_event", &webhook_event_row, &event) : OK;
}
