/* Webhooks out, as PCX documents them: registration and manual dispatch. The rest is the
 * platform's. */
#include "core/identity/organisation.h"
#include "core/webhook/webhook.h"

#include "core/outbox.h"
#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

int pcx_register_webhook_prepare(struct call *c, const struct pcx_register_webhook_in *in)
{
    return webhook_check_url(c, in->body->endpoint_url, "endpoint_url");
}

int pcx_register_webhook(struct call *c, const struct pcx_register_webhook_in *in,
                         struct pcx_register_webhook_out *out)
{
    struct webhook_endpoint endpoint = {.organisation_id = c->principal.organisation_id,
                                        .style = STR("pcx"),
                                        .url = in->body->endpoint_url};
    TRY(webhook_register(c, &endpoint, "endpoint_url"));
    out->data = ARENA_NEW(c->arena, struct pcx_webhook_registered);
    *out->data = (struct pcx_webhook_registered){
        .webhook_id = call_id(c, ID_WEBHOOK, endpoint.id),
        .org_id = endpoint.organisation_id ? call_id(c, ID_ORGANISATION, endpoint.organisation_id)
                                           : STR(""),
        .endpoint_url = endpoint.url,
        .status = endpoint.status,
        .created_at = call_time(c, endpoint.created_at),
        .secret = endpoint.secret,
    };
    return OK;
}

/* "transaction.<status>"; without a status that can stand in a type, "transaction.updated". */
static const char *event_type(struct call *c, struct str transaction_data)
{
    const struct json *data;
    struct str status = STR_NONE;
    if (json_parse(c->arena, transaction_data, &data) == OK)
        status = json_string(json_get(data, "status"));
    for (size_t i = 0; i < status.len; i++)
        if (!((status.ptr[i] >= 'a' && status.ptr[i] <= 'z') || status.ptr[i] == '_'))
            status = STR_NONE;
    if (str_empty(status) || status.len > 40)
        status = STR("updated");
    return arena_printf(c->arena, "transaction.%.*s", STR_FMT(status)).ptr;
}

int pcx_notify_transaction_update(struct call *c, const struct pcx_notify_transaction_update_in *in,
                                  struct pcx_notify_transaction_update_out *out)
{
    id_t64 organisation_id;
    TRY(pcx_read_id(c, ID_ORGANISATION, in->body->org_id, "org_id", &organisation_id));
    TRY(organisation_require(c, organisation_id, ROLE_ANY, "org_id"));
    out->data = STR("{}");
    return outbox_event(c, organisation_id, event_type(c, in->body->transaction_data),
                        in->body->transaction_data);
}
