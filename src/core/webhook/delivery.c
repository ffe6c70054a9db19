/* Sending deliveries, keeping their log, replaying them. */
#include "core/webhook/delivery.h"
#include "base/metrics.h"
#include "core/app.h"
#include "core/outbox.h"
#include "core/webhook/style.h"
#include "core/work.h"
#include "provider/http.h"
#include "store/sql.h"

#define TIMEOUT_MS 10000
#define SNIPPET_BYTES 1024

#define ROW_SELF struct webhook_delivery
ROW_TYPE(webhook_delivery, WEBHOOK_DELIVERY_ROW);
#undef ROW_SELF

#define EVENT_BODY_ROW(F) \
    F(TEXT, event_type)   \
    F(JSON, data)         \
    F(INTEGER, created_at)
ROW_STRUCT(event_body, EVENT_BODY_ROW);
#define ROW_SELF struct event_body
ROW_TYPE(event_body, EVENT_BODY_ROW);
#undef ROW_SELF

/* ---- The log ---- */

int webhook_get_delivery(struct call *c, id_t64 delivery_id, const char *field,
                         struct webhook_delivery *ret_delivery)
{
    int error = sql_one(
        c->sql, c->arena, &webhook_delivery_row, ret_delivery,
        ROW_SELECT(WEBHOOK_DELIVERY_ROW) " FROM webhook_delivery WHERE tenant_id = ? AND id = ?",
        sql_int(c->principal.tenant_id), sql_int(delivery_id));
    if (error == OK && !call_may_act_for_organisation(c, ret_delivery->organisation_id))
        error = ERR_NOT_FOUND;
    return error == ERR_NOT_FOUND ? call_refuse(c, ERR_NOT_FOUND, field) : error;
}

int webhook_list_deliveries(struct call *c, const struct webhook_filter *filter,
                            const struct page *page, struct webhook_delivery **ret_rows,
                            size_t *ret_count)
{
    id_t64 organisation_id = filter->organisation_id;
    if (!organisation_id && !c->principal.staff)
        organisation_id = c->principal.organisation_id ? c->principal.organisation_id : -1;
    struct str none = STR("");
    return sql_all(
        c->sql, c->arena, &webhook_delivery_row, ret_rows, ret_count,
        ROW_SELECT(
            WEBHOOK_DELIVERY_ROW) " FROM webhook_delivery WHERE tenant_id = ?"
                                  " AND (? = 0 OR organisation_id = ?) AND (? = 0 OR endpoint_id = "
                                  "?)"
                                  " AND (? = '' OR status = ?) AND (? = '' OR event_type = ?)"
                                  " AND created_at >= ? AND created_at < ? AND id < ? ORDER BY id "
                                  "DESC LIMIT ?",
        sql_int(c->principal.tenant_id), sql_int(organisation_id), sql_int(organisation_id),
        sql_int(filter->endpoint_id), sql_int(filter->endpoint_id),
        sql_text(str_or(filter->status, none)), sql_text(str_or(filter->status, none)),
        sql_text(str_or(filter->event_type, none)), sql_text(str_or(filter->event_type, none)),
        sql_int(filter->from), sql_int(filter->until ? filter->until : INT64_MAX),
        sql_int(page->before), sql_int(page->limit + 1));
}

/* ---- Sending ---- */

static int record_attempt(struct call *c, void *argument)
{
    struct webhook_delivery delivery = *(const struct webhook_delivery *)argument;
    delivery.updated_at = c->now;
    return sql_update(c->sql, "webhook_delivery", &webhook_delivery_row, &delivery);
}

static struct str previous_secret(const struct webhook_endpoint *endpoint)
{
    return endpoint->previous_until > clock_now() ? endpoint->previous_secret : STR_NONE;
}

static void post(struct call *c, const struct webhook_style *style,
                 const struct webhook_endpoint *endpoint, const struct webhook_occurrence *event,
                 struct str body, struct http_response *ret_response)
{
    struct header signature[WEBHOOK_MAX_HEADERS];
    struct provider_header headers[WEBHOOK_MAX_HEADERS + 1];
    /* Signed with the wall clock: receivers compare it with their own. */
    usec_t wall = clock_now() - clock_offset();
    size_t count = style->sign(c->arena, event, endpoint->secret, previous_secret(endpoint), wall,
                               body, signature);
    headers[0] = (struct provider_header){"Content-Type", STR("application/json")};
    for (size_t i = 0; i < count; i++)
        headers[i + 1] =
            (struct provider_header){arena_cstr(c->arena, signature[i].name), signature[i].value};
    struct http_request request = {.method = "POST",
                                   .url = endpoint->url,
                                   .headers = headers,
                                   .header_count = count + 1,
                                   .body = body,
                                   .timeout_ms = TIMEOUT_MS};
    struct http_policy policy = {
        .answer_limit = SNIPPET_BYTES, .cut_answer = true, .public_only = c->app->sandbox == NULL};
    http_perform(c->arena, &request, &policy, ret_response);
}

/* Only text is kept of what the receiver answered. */
static struct str snippet(struct str body)
{
    while (body.len && !str_valid_utf8(body))
        body.len--;
    return body.len && !memchr(body.ptr, '\0', body.len) ? body : STR_NONE;
}

static void judge(const struct webhook_style *style, const struct http_response *response,
                  struct webhook_delivery *delivery)
{
    usec_t now = clock_now();
    delivery->attempts++;
    delivery->last_attempt_at = now;
    if (!delivery->first_attempt_at)
        delivery->first_attempt_at = now;
    delivery->status_code = response->status;
    delivery->response = snippet(response->body);
    delivery->error = response->status ? STR_NONE : response->error;
    delivery->next_attempt_at = 0;
    if (response->status >= 200 && response->status < 300) {
        delivery->status = STR("delivered");
        return;
    }
    delivery->next_attempt_at =
        style->next_attempt((unsigned)delivery->attempts, delivery->first_attempt_at, now);
    delivery->status = delivery->next_attempt_at ? STR("pending") : STR("dead");
}

static int load(struct call *c, const struct webhook_delivery *delivery,
                struct webhook_endpoint *ret_endpoint, struct webhook_occurrence *ret_event)
{
    struct event_body event;
    TRY(sql_one(c->sql, c->arena, &webhook_endpoint_row, ret_endpoint,
                ROW_SELECT(WEBHOOK_ENDPOINT_ROW) " FROM webhook_endpoint WHERE tenant_id = ? AND "
                                                 "id = ? AND status = 'active'",
                sql_int(delivery->tenant_id), sql_int(delivery->endpoint_id)));
    TRY(sql_one(c->sql, c->arena, &event_body_row, &event,
                ROW_SELECT(EVENT_BODY_ROW) " FROM webhook_event WHERE tenant_id = ? AND id = ?",
                sql_int(delivery->tenant_id), sql_int(delivery->event_id)));
    *ret_event = (struct webhook_occurrence){.event_id = delivery->event_id,
                                             .event_type = event.event_type,
                                             .data = event.data,
                                             .created_at = event.created_at};
    return OK;
}

int webhook_delivery_body(struct call *c, const struct webhook_delivery *delivery,
                          struct str *ret_body)
{
    struct webhook_endpoint endpoint;
    struct webhook_occurrence event;
    int error = load(c, delivery, &endpoint, &event);
    *ret_body = STR_NONE;
    if (error)
        return error == ERR_NOT_FOUND ? OK : error;
    const struct webhook_style *style = webhook_style_find(endpoint.style);
    if (style && !style->render(c->arena, &event, ret_body))
        *ret_body = STR_NONE;
    return OK;
}

int webhook_replay(struct call *c, const struct webhook_delivery *delivery, const char *field,
                   struct webhook_delivery *ret_delivery)
{
    struct webhook_endpoint endpoint;
    struct webhook_occurrence event;
    int error = load(c, delivery, &endpoint, &event);
    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_WRONG_STATE, field, "The endpoint is gone or inactive.");
    TRY(error);
    return webhook_add_delivery(c, delivery->event_id, delivery->event_type, &endpoint,
                                ret_delivery);
}

/* ---- The outbox's work ---- */

int webhook_perform_delivery(struct call *c, const struct outbox_row *row, usec_t *ret_due)
{
    struct webhook_delivery delivery;
    struct webhook_endpoint endpoint;
    struct webhook_occurrence event;
    struct http_response response = {0};
    struct str body;
    int error = webhook_get_delivery(c, row->subject_id, "delivery_id", &delivery);
    if (error == ERR_NOT_FOUND || (!error && !str_is(delivery.status, "pending")))
        return OK;
    TRY(error);
    error = load(c, &delivery, &endpoint, &event);
    const struct webhook_style *style = error ? NULL : webhook_style_find(endpoint.style);
    if (error == ERR_NOT_FOUND || (!error && (!style || !style->render(c->arena, &event, &body)))) {
        delivery.status = STR("dead");
        delivery.error = STR("the endpoint is gone or inactive");
        delivery.next_attempt_at = 0;
        return writer_run(c, record_attempt, &delivery);
    }
    TRY(error);
    post(c, style, &endpoint, &event, body, &response);
    judge(style, &response, &delivery);
    bool delivered = str_is(delivery.status, "delivered");
    metrics_count(c->app->metrics, delivered ? METRIC_WEBHOOKS_DELIVERED : METRIC_WEBHOOKS_FAILED,
                  1);
    TRY(writer_run(c, record_attempt, &delivery));
    *ret_due = delivery.next_attempt_at;
    return str_is(delivery.status, "pending") ? OUTBOX_AGAIN : OK;
}

/* ---- Upkeep ---- */

int webhook_prune_deliveries(struct call *c, usec_t before, int64_t limit, int64_t *ret_count)
{
    return sql_change(c->sql, ret_count,
                      "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery"
                      " WHERE id < ? AND status <> 'pending' ORDER BY id LIMIT ?)",
                      sql_int(id_at(before)), sql_int(limit));
}

int webhook_prune_events(struct call *c, usec_t before, int64_t limit, int64_t *ret_count)
{
    return sql_change(c->sql, ret_count,
                      "DELETE FROM webhook_event WHERE id IN (SELECT id FROM webhook_event AS e"
                      " WHERE id < ? AND NOT EXISTS (SELECT 1 FROM webhook_delivery AS d"
                      " WHERE d.tenant_id = e.tenant_id AND d.event_id = e.id)"
                      " ORDER BY id LIMIT ?)",
                      sql_int(id_at(before)), sql_int(limit));
}
