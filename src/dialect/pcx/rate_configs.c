/* PCX rate configurations: the spread an organisation converts with, by pair of currencies. */
#include "core/fx/fx.h"
#include "core/identity/organisation.h"
#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

static void show(struct call *c, const struct rate_config *config, struct pcx_rate_config *out)
{
    *out = (struct pcx_rate_config){
        .config_id = call_id(c, ID_RATE_CONFIG, config->id),
        .org_id = call_id(c, ID_ORGANISATION, config->organisation_id),
        .from_currency = config->from_currency,
        .to_currency = config->to_currency,
        .has_spread = true,
        .spread = config->spread,
        .has_active = true,
        .active = config->active,
        .provider = config->provider,
        .created_at = call_time(c, config->created_at),
        .updated_at = call_time(c, config->updated_at),
    };
}

static struct pcx_rate_config *show_one(struct call *c, const struct rate_config *config)
{
    struct pcx_rate_config *out = ARENA_NEW(c->arena, struct pcx_rate_config);
    show(c, config, out);
    return out;
}

static int list(struct call *c, id_t64 organisation_id, bool only_active,
                struct pcx_rate_config_array *ret_configs)
{
    struct organisation organisation;
    struct rate_config *configs;

    TRY(organisation_get(c, organisation_id, "org_id", &organisation));
    if (!call_may_act_for_organisation(c, organisation_id))
        return call_refuse(c, ERR_FORBIDDEN, "org_id");
    TRY(fx_list_configs(c, organisation_id, only_active, &configs, &ret_configs->count));
    ret_configs->items = ARENA_ARRAY(c->arena, struct pcx_rate_config, ret_configs->count + 1);
    for (size_t i = 0; i < ret_configs->count; i++)
        show(c, &configs[i], &ret_configs->items[i]);
    return OK;
}

int pcx_add_rate_config(struct call *c, const struct pcx_add_rate_config_in *in,
                        struct pcx_add_rate_config_out *out)
{
    const struct pcx_add_rate_config_body *body = in->body;
    struct organisation organisation;
    struct rate_config config = {.from_currency = body->from_currency,
                                 .to_currency = body->to_currency,
                                 .spread = body->spread,
                                 .provider = body->provider,
                                 .active = body->has_active ? body->active : true};

    TRY(pcx_read_id(c, ID_ORGANISATION, body->org_id, "org_id", &config.organisation_id));
    TRY(organisation_get(c, config.organisation_id, "org_id", &organisation));
    TRY(fx_add_config(c, &config));
    out->data = show_one(c, &config);
    return OK;
}

int pcx_get_rate_configs(struct call *c, const struct pcx_get_rate_configs_in *in,
                         struct pcx_get_rate_configs_out *out)
{
    id_t64 organisation_id;

    TRY(call_parse_id(c, ID_ORGANISATION, in->org_id, "org_id", &organisation_id));
    return list(c, organisation_id, false, &out->data);
}

int pcx_get_active_rate_configs(struct call *c, const struct pcx_get_active_rate_configs_in *in,
                                struct pcx_get_active_rate_configs_out *out)
{
    id_t64 organisation_id;

    TRY(call_parse_id(c, ID_ORGANISATION, in->org_id, "org_id", &organisation_id));
    return list(c, organisation_id, true, &out->data);
}

/* Documented oddity: a GET whose parameter travels in a JSON body. For clients that cannot send one
 * the query takes it too. */
int pcx_get_active_configs_alt(struct call *c, const struct pcx_get_active_configs_alt_in *in,
                               struct pcx_get_active_configs_alt_out *out)
{
    id_t64 organisation_id;

    struct str org_id = in->body ? str_or(in->body->org_id, in->org_id) : in->org_id;

    if (str_empty(org_id))
        return call_refuse(c, ERR_REQUIRED, "org_id");
    TRY(pcx_read_id(c, ID_ORGANISATION, org_id, "org_id", &organisation_id));
    return list(c, organisation_id, true, &out->data);
}

/* The path names the organisation, the body its configuration: by id, else by pair, else the only
 * one. */
static int find(struct call *c, id_t64 organisation_id,
                const struct pcx_update_rate_config_body *body, struct rate_config *ret_config)
{
    struct rate_config *configs;
    size_t count, matches = 0;
    id_t64 config_id;

    TRY(pcx_read_optional_id(c, ID_RATE_CONFIG, body->config_id, "config_id", &config_id));
    TRY(fx_list_configs(c, organisation_id, false, &configs, &count));
    for (size_t i = 0; i < count; i++) {
        if (config_id ? configs[i].id != config_id
                      : (str_present(body->from_currency) &&
                         !str_eq(configs[i].from_currency, body->from_currency)) ||
                            (str_present(body->to_currency) &&
                             !str_eq(configs[i].to_currency, body->to_currency)))
            continue;
        if (matches == 0)
            *ret_config = configs[i]; /* the newest */
        matches++;
    }
    if (matches == 0)
        return call_refuse(c, ERR_NOT_FOUND, config_id ? "config_id" : "org_id");
    if (matches > 1 && (str_empty(body->from_currency) || str_empty(body->to_currency)))
        return call_refuse_text(c, ERR_REQUIRED, "config_id",
                                "or the pair of currencies is required: the organisation has"
                                " several configurations");
    return OK;
}

int pcx_update_rate_config(struct call *c, const struct pcx_update_rate_config_in *in,
                           struct pcx_update_rate_config_out *out)
{
    const struct pcx_update_rate_config_body *body = in->body;
    struct rate_config config;
    id_t64 organisation_id;

    TRY(call_parse_id(c, ID_ORGANISATION, in->org_id, "org_id", &organisation_id));
    TRY(find(c, organisation_id, body, &config));
    if (body->has_spread)
        config.spread = body->spread;
    if (body->has_active)
        config.active = body->active;
    config.from_currency = str_or(body->from_currency, config.from_currency);
    config.to_currency = str_or(body->to_currency, config.to_currency);
    config.provider = str_or(body->provider, config.provider);
    TRY(fx_update_config(c, &config));
    out->data = show_one(c, &config);
    return OK;
}
