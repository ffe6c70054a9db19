/* The log of webhook deliveries, and replaying one. */
#include "core/webhook/webhook.h"
#include "generated/platform.h"

#define ANSWER_CHARACTERS 1000

static struct platform_delivery wire(struct call *c, const struct webhook_delivery *delivery)
{
    bool delivered = str_is(delivery->status, "delivered");
    return (struct platform_delivery){
        .delivery_id = call_id(c, ID_DELIVERY, delivery->id),
        .webhook_id = call_id(c, ID_WEBHOOK, delivery->endpoint_id),
        .event_id = call_id(c, ID_EVENT, delivery->event_id),
        .event_type = delivery->event_type,
        .url = delivery->url,
        .status = delivery->status,
        .attempts = delivery->attempts,
        .has_last_status_code = delivery->status_code != 0,
        .last_status_code = delivery->status_code,
        .last_error = delivery->error,
        .next_attempt_at = call_time(c, delivery->next_attempt_at),
        .delivered_at = call_time(c, delivered ? delivery->last_attempt_at : 0),
        .created_at = call_time(c, delivery->created_at),
    };
}

static int find(struct call *c, struct str delivery_id, struct webhook_delivery *ret_delivery)
{
    id_t64 id;
    TRY(call_parse_id(c, ID_DELIVERY, delivery_id, "delivery_id", &id));
    return webhook_get_delivery(c, id, "delivery_id", ret_delivery);
}

static int read_filter(struct call *c, const struct platform_list_webhook_deliveries_in *in,
                       struct webhook_filter *ret_filter)
{
    *ret_filter = (struct webhook_filter){.status = in->status, .event_type = in->event_type};
    if (str_present(in->webhook_id))
        TRY(call_parse_id(c, ID_WEBHOOK, in->webhook_id, "webhook_id", &ret_filter->endpoint_id));
    if (str_present(in->from) && !time_parse(in->from, &ret_filter->from))
        return call_refuse(c, ERR_BAD_FORMAT, "from");
    if (str_present(in->to) && !time_parse(in->to, &ret_filter->until))
        return call_refuse(c, ERR_BAD_FORMAT, "to");
    return OK;
}

/* Cursors are good for the list they came from: the filters and the caller's organisation are part
 * of its name. */
static struct str list_name(struct call *c, const struct platform_list_webhook_deliveries_in *in)
{
    return arena_printf(c->arena, "deliveries:%lld:%.*s:%.*s:%.*s:%.*s:%.*s",
                        (long long)(c->principal.staff ? 0 : c->principal.organisation_id),
                        STR_FMT(in->webhook_id), STR_FMT(in->status), STR_FMT(in->event_type),
                        STR_FMT(in->from), STR_FMT(in->to));
}

int platform_list_webhook_deliveries(struct call *c,
                                     const struct platform_list_webhook_deliveries_in *in,
                                     struct platform_list_webhook_deliveries_out *out)
{
    struct webhook_filter filter;
    struct webhook_delivery *rows;
    struct page page;
    size_t count;
    struct str list = list_name(c, in);
    TRY(read_filter(c, in, &filter));
    TRY(call_page(c, list, in->cursor, "cursor", in->limit, &page));
    TRY(webhook_list_deliveries(c, &filter, &page, &rows, &count));
    bool more = count > (size_t)page.limit;
    count = more ? (size_t)page.limit : count;
    out->data.items = ARENA_ARRAY(c->arena, struct platform_delivery, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        out->data.items[i] = wire(c, &rows[i]);
    out->meta = ARENA_NEW(c->arena, struct platform_page_meta);
    out->meta->count = (int64_t)count;
    out->meta->next_cursor = more ? call_page_cursor(c, list, rows[count - 1].id) : STR_NONE;
    return OK;
}

/* At most 1,000 characters, not cut inside one. */
static struct str beginning(struct str text)
{
    size_t characters = 0;
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] & 0xc0) != 0x80 && characters++ == ANSWER_CHARACTERS)
            return (struct str){text.ptr, i};
    return text;
}

int platform_get_webhook_delivery(struct call *c, const struct platform_get_webhook_delivery_in *in,
                                  struct platform_get_webhook_delivery_out *out)
{
    struct webhook_delivery delivery;
    struct str body;
    TRY(find(c, in->delivery_id, &delivery));
    TRY(webhook_delivery_body(c, &delivery, &body));
    const struct platform_delivery wired = wire(c, &delivery);
    out->data = ARENA_NEW(c->arena, struct platform_delivery_detail);
    *out->data = (struct platform_delivery_detail){
        .delivery_id = wired.delivery_id,
        .webhook_id = wired.webhook_id,
        .event_id = wired.event_id,
        .event_type = wired.event_type,
        .url = wired.url,
        .status = wired.status,
        .attempts = wired.attempts,
        .has_last_status_code = wired.has_last_status_code,
        .last_status_code = wired.last_status_code,
        .last_error = wired.last_error,
        .next_attempt_at = wired.next_attempt_at,
        .delivered_at = wired.delivered_at,
        .created_at = wired.created_at,
        .body = str_or(body, STR("")),
        .last_response_body = beginning(delivery.response),
    };
    return OK;
}

int platform_replay_webhook_delivery(struct call *c,
                                     const struct platform_replay_webhook_delivery_in *in,
                                     struct platform_replay_webhook_delivery_out *out)
{
    struct webhook_delivery delivery, again;
    TRY(find(c, in->delivery_id, &delivery));
    TRY(webhook_replay(c, &delivery, "delivery_id", &again));
    out->data = ARENA_NEW(c->arena, struct platform_delivery);
    *out->data = wire(c, &again);
    return OK;
}
