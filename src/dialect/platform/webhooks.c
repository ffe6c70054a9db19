/* Webhook endpoints of any dialect: register, list, delete, rotate the secret. */
#include "core/webhook/webhook.h"

#include "base/json_build.h"
#include "generated/platform.h"

static struct str events_json(struct call *c, const struct platform_create_webhook_request *body)
{
    if (!body->events.items)
        return STR_NONE;
    struct buf out = buf_new(c->arena, 256);
    json_open(&out, NULL, '[');
    for (size_t i = 0; i < body->events.count; i++)
        json_put_item(&out, body->events.items[i]);
    json_close(&out, ']');
    return buf_str(&out);
}

static void wire_events(struct call *c, struct str json_text_of_events,
                        struct platform_webhook *ret_webhook)
{
    const struct json *events;
    if (!str_present(json_text_of_events) ||
        json_parse(c->arena, json_text_of_events, &events) != OK)
        return;
    ret_webhook->events.count = json_count(events);
    ret_webhook->events.items = ARENA_ARRAY(c->arena, struct str, json_count(events) + 1);
    for (size_t i = 0; i < json_count(events); i++)
        ret_webhook->events.items[i] = json_string(json_at(events, i));
}

static struct platform_webhook wire(struct call *c, const struct webhook_endpoint *endpoint,
                                    bool with_secret)
{
    struct platform_webhook webhook = {
        .webhook_id = call_id(c, ID_WEBHOOK, endpoint->id),
        .url = endpoint->url,
        .dialect = endpoint->style,
        .organisation_id = endpoint->organisation_id
                               ? call_id(c, ID_ORGANISATION, endpoint->organisation_id)
                               : STR_NONE,
        .status = endpoint->status,
        .secret = with_secret ? endpoint->secret : STR_NONE,
        .created_at = call_time(c, endpoint->created_at),
    };
    wire_events(c, endpoint->events, &webhook);
    return webhook;
}

/* Staff registers for anybody in the tenant, or for all of it; everybody else for the own
 * organisation. */
static int owner(struct call *c, struct str organisation, id_t64 *ret_organisation_id)
{
    *ret_organisation_id = c->principal.staff ? 0 : c->principal.organisation_id;
    if (str_present(organisation)) {
        TRY(call_parse_id(c, ID_ORGANISATION, organisation, "organisation_id",
                          ret_organisation_id));
        if (!call_may_act_for_organisation(c, *ret_organisation_id))
            return call_refuse(c, ERR_FORBIDDEN, "organisation_id");
    }
    if (!*ret_organisation_id && !c->principal.staff)
        return call_refuse(c, ERR_FORBIDDEN, "organisation_id");
    return OK;
}

int platform_create_webhook_prepare(struct call *c, const struct platform_create_webhook_in *in)
{
    return webhook_check_url(c, in->body->url, "url");
}

int platform_create_webhook(struct call *c, const struct platform_create_webhook_in *in,
                            struct platform_create_webhook_out *out)
{
    struct webhook_endpoint endpoint = {.style = str_or(in->body->dialect, STR("platform")),
                                        .url = in->body->url,
                                        .events = events_json(c, in->body)};
    TRY(owner(c, in->body->organisation_id, &endpoint.organisation_id));
    TRY(webhook_register(c, &endpoint, "url"));
    out->data = ARENA_NEW(c->arena, struct platform_webhook);
    *out->data = wire(c, &endpoint, true);
    return OK;
}

int platform_list_webhooks(struct call *c, const struct platform_list_webhooks_in *in,
                           struct platform_list_webhooks_out *out)
{
    struct webhook_endpoint *rows;
    struct page page;
    size_t count;
    id_t64 organisation_id = c->principal.staff ? -1 : c->principal.organisation_id;
    struct str list = arena_printf(c->arena, "webhooks:%lld", (long long)organisation_id);
    TRY(call_page(c, list, in->cursor, "cursor", in->limit, &page));
    TRY(webhook_list(c, organisation_id, &page, &rows, &count));
    bool more = count > (size_t)page.limit;
    count = more ? (size_t)page.limit : count;
    out->data.items = ARENA_ARRAY(c->arena, struct platform_webhook, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        out->data.items[i] = wire(c, &rows[i], false);
    out->meta = ARENA_NEW(c->arena, struct platform_page_meta);
    out->meta->count = (int64_t)count;
    out->meta->next_cursor = more ? call_page_cursor(c, list, rows[count - 1].id) : STR_NONE;
    return OK;
}

static int find(struct call *c, struct str webhook_id, struct webhook_endpoint *ret_endpoint)
{
    id_t64 id;
    TRY(call_parse_id(c, ID_WEBHOOK, webhook_id, "webhook_id", &id));
    return webhook_get(c, id, "webhook_id", ret_endpoint);
}

int platform_delete_webhook(struct call *c, const struct platform_delete_webhook_in *in,
                            struct platform_delete_webhook_out *out)
{
    struct webhook_endpoint endpoint;
    (void)out;
    TRY(find(c, in->webhook_id, &endpoint));
    return webhook_delete(c, &endpoint);
}

int platform_rotate_webhook_secret(struct call *c,
                                   const struct platform_rotate_webhook_secret_in *in,
                                   struct platform_rotate_webhook_secret_out *out)
{
    struct webhook_endpoint endpoint;
    TRY(find(c, in->webhook_id, &endpoint));
    TRY(webhook_rotate_secret(c, &endpoint));
    out->data = ARENA_NEW(c->arena, struct platform_webhook);
    *out->data = wire(c, &endpoint, true);
    return OK;
}
