/* PCX exchange rates: an organisation's rates by pair of currencies. */
#include "core/fx/fx.h"
#include "core/identity/organisation.h"
#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

static void show(struct call *c, const struct exchange_rate *rate, struct pcx_exchange_rate *out)
{
    *out = (struct pcx_exchange_rate){
        .org_rate_id = call_id(c, ID_RATE, rate->id),
        .org_id = call_id(c, ID_ORGANISATION, rate->organisation_id),
        .has_rate = true,
        .rate = rate->rate,
        .from_currency = rate->from_currency,
        .to_currency = rate->to_currency,
        .has_spread = true,
        .spread = rate->spread,
        .has_active = true,
        .active = rate->active,
        .provider = rate->provider,
        .effective_from = call_time(c, rate->effective_from),
        .effective_to = call_time(c, rate->effective_to),
        .created_at = call_time(c, rate->created_at),
        .updated_at = call_time(c, rate->updated_at),
    };
}

static struct pcx_exchange_rate *show_one(struct call *c, const struct exchange_rate *rate)
{
    struct pcx_exchange_rate *out = ARENA_NEW(c->arena, struct pcx_exchange_rate);
    show(c, rate, out);
    return out;
}

static int require_organisation(struct call *c, id_t64 organisation_id, const char *field)
{
    struct organisation organisation;

    TRY(organisation_get(c, organisation_id, field, &organisation));
    return call_may_act_for_organisation(c, organisation_id) ? OK
                                                             : call_refuse(c, ERR_FORBIDDEN, field);
}

static int list(struct call *c, struct str org_id, bool only_active,
                struct pcx_exchange_rate_array *ret_rates)
{
    struct exchange_rate *rates;
    id_t64 organisation_id;

    TRY(call_parse_id(c, ID_ORGANISATION, org_id, "org_id", &organisation_id));
    TRY(require_organisation(c, organisation_id, "org_id"));
    TRY(fx_list_rates(c, organisation_id, only_active, &rates, &ret_rates->count));
    ret_rates->items = ARENA_ARRAY(c->arena, struct pcx_exchange_rate, ret_rates->count + 1);
    for (size_t i = 0; i < ret_rates->count; i++)
        show(c, &rates[i], &ret_rates->items[i]);
    return OK;
}

static int read_instant(struct call *c, struct str text, const char *field, usec_t *ret_instant)
{
    if (str_empty(text) || time_parse(text, ret_instant))
        return OK;
    return call_refuse(c, ERR_BAD_FORMAT, field);
}

int pcx_add_rate(struct call *c, const struct pcx_add_rate_in *in, struct pcx_add_rate_out *out)
{
    const struct pcx_add_rate_body *body = in->body;
    struct organisation organisation;
    struct exchange_rate rate = {.from_currency = body->from_currency,
                                 .to_currency = body->to_currency,
                                 .rate = body->rate,
                                 .spread = body->spread,
                                 .provider = body->provider,
                                 .active = body->has_active ? body->active : true};

    TRY(pcx_read_id(c, ID_ORGANISATION, body->org_id, "org_id", &rate.organisation_id));
    TRY(organisation_get(c, rate.organisation_id, "org_id", &organisation));
    if (!body->has_spread)
        TRY(fx_take_config(c, &rate));
    TRY(read_instant(c, body->effective_from, "effective_from", &rate.effective_from));
    TRY(read_instant(c, body->effective_to, "effective_to", &rate.effective_to));
    TRY(fx_add_rate(c, &rate));
    out->data = show_one(c, &rate);
    return OK;
}

/* Documented without a role; it changes prices, so it takes one (DECISIONS 3). */
int pcx_add_active_rate(struct call *c, const struct pcx_add_active_rate_in *in,
                        struct pcx_add_active_rate_out *out)
{
    const struct pcx_add_active_rate_body_rate_data *data = in->body->rate_data;
    const struct pcx_add_active_rate_body_rate_config *settings = in->body->rate_config;
    struct organisation organisation;
    struct exchange_rate rate = {.from_currency = data->from_currency,
                                 .to_currency = data->to_currency,
                                 .rate = data->rate,
                                 .spread = settings->spread,
                                 .provider = str_or(data->provider, settings->provider),
                                 .active = true};
    struct rate_config config = {.from_currency = data->from_currency,
                                 .to_currency = data->to_currency,
                                 .spread = settings->spread,
                                 .provider = str_or(settings->provider, data->provider),
                                 .active = true};

    TRY(pcx_read_id(c, ID_ORGANISATION, data->org_id, "rate_data.org_id", &rate.organisation_id));
    TRY(organisation_get(c, rate.organisation_id, "rate_data.org_id", &organisation));
    config.organisation_id = rate.organisation_id;
    TRY(fx_add_rate(c, &rate));
    TRY(fx_add_config(c, &config));
    out->data = ARENA_NEW(c->arena, struct pcx_add_active_rate_out_data);
    out->data->rate_id = call_id(c, ID_RATE, rate.id);
    out->data->message = STR("Active rate added");
    return OK;
}

int pcx_get_exchange_rate(struct call *c, const struct pcx_get_exchange_rate_in *in,
                          struct pcx_get_exchange_rate_out *out)
{
    struct exchange_rate rate;
    id_t64 organisation_id;

    TRY(pcx_read_id(c, ID_ORGANISATION, in->org_id, "orgId", &organisation_id));
    TRY(require_organisation(c, organisation_id, "orgId"));
    TRY(fx_look_up_rate(c, organisation_id, in->from_currency, in->to_currency, &rate,
                        &out->data.count));
    out->data.items = ARENA_ARRAY(c->arena, struct pcx_exchange_rate, 1);
    if (out->data.count)
        show(c, &rate, &out->data.items[0]);
    return OK;
}

int pcx_get_org_rates(struct call *c, const struct pcx_get_org_rates_in *in,
                      struct pcx_get_org_rates_out *out)
{
    return list(c, in->org_id, false, &out->data);
}

int pcx_get_org_active_rates(struct call *c, const struct pcx_get_org_active_rates_in *in,
                             struct pcx_get_org_active_rates_out *out)
{
    return list(c, in->org_id, true, &out->data);
}

int pcx_deactivate_rate(struct call *c, const struct pcx_deactivate_rate_in *in,
                        struct pcx_deactivate_rate_out *out)
{
    struct exchange_rate rate;
    id_t64 rate_id;

    TRY(call_parse_id(c, ID_RATE, in->org_rate_id, "org_rate_id", &rate_id));
    TRY(fx_deactivate_rate(c, rate_id, &rate));
    out->data = show_one(c, &rate);
    return OK;
}

int pcx_delete_rate(struct call *c, const struct pcx_delete_rate_in *in,
                    struct pcx_delete_rate_out *out)
{
    id_t64 rate_id;

    TRY(call_parse_id(c, ID_RATE, in->org_rate_id, "org_rate_id", &rate_id));
    TRY(fx_delete_rate(c, rate_id));
    out->data = STR("{}");
    return OK;
}
