/* Rates, rate configurations and quotes. Invariant: one active row per organisation and pair. */
#include "core/fx/fx.h"

#include "store/sql.h"

#define ROW_SELF struct exchange_rate
ROW_TYPE(exchange_rate, EXCHANGE_RATE_ROW);
#undef ROW_SELF
#define ROW_SELF struct rate_config
ROW_TYPE(rate_config, RATE_CONFIG_ROW);
#undef ROW_SELF

static int check_pair(struct call *c, struct str from, struct str to)
{
    if (!asset_find(from))
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "from_currency");
    if (!asset_find(to))
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "to_currency");
    if (str_eq(from, to))
        return call_refuse_text(c, ERR_INVALID, "to_currency", "must differ from from_currency");
    return OK;
}

/* Decimals of a spread that leave room for those of the share it keeps. */
#define SPREAD_DECIMALS 12

/* (100 - spread) / 100, exactly */
static struct decimal kept_share(struct decimal spread)
{
    int64_t hundred = 100;

    for (unsigned i = 0; i < spread.scale; i++)
        hundred *= 10;
    return (struct decimal){.coefficient = hundred - spread.coefficient,
                            .scale = (uint8_t)(spread.scale + 2)};
}

static int check_spread(struct call *c, struct decimal spread)
{
    if (spread.scale > SPREAD_DECIMALS)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "spread", "has more than %d decimals",
                                SPREAD_DECIMALS);
    if (spread.coefficient < 0 || decimal_compare(spread, decimal_from_i64(100)) >= 0)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "spread",
                                "must be a percentage of at least 0 and less than 100");
    return OK;
}

int fx_add_rate(struct call *c, struct exchange_rate *rate)
{
    TRY(check_pair(c, rate->from_currency, rate->to_currency));
    if (rate->rate.coefficient <= 0)
        return call_refuse(c, ERR_AMOUNT_NOT_POSITIVE, "rate");
    TRY(check_spread(c, rate->spread));
    rate->id = id_new();
    rate->tenant_id = c->principal.tenant_id;
    rate->effective_from = rate->effective_from ? rate->effective_from : c->now;
    if (rate->effective_to && rate->effective_to <= rate->effective_from)
        return call_refuse_text(c, ERR_INVALID, "effective_to", "must be after effective_from");
    rate->created_at = rate->updated_at = c->now;
    if (rate->active)
        TRY(sql_run(c->sql,
                    "UPDATE exchange_rate SET active = 0, effective_to = ?, updated_at = ?"
                    " WHERE tenant_id = ? AND organisation_id = ? AND from_currency = ?"
                    " AND to_currency = ? AND active = 1",
                    sql_int(c->now), sql_int(c->now), sql_int(rate->tenant_id),
                    sql_int(rate->organisation_id), sql_text(rate->from_currency),
                    sql_text(rate->to_currency)));
    return sql_insert(c->sql, "exchange_rate", &exchange_rate_row, rate);
}

int fx_get_rate(struct call *c, id_t64 rate_id, struct exchange_rate *ret_rate)
{
    int error = sql_one(c->sql, c->arena, &exchange_rate_row, ret_rate,
                        "SELECT * FROM exchange_rate WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(rate_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, "org_rate_id") : error;
}

int fx_look_up_rate(struct call *c, id_t64 organisation_id, struct str from, struct str to,
                    struct exchange_rate *ret_rate, size_t *ret_count)
{
    int error = sql_one(c->sql, c->arena, &exchange_rate_row, ret_rate,
                        "SELECT * FROM exchange_rate WHERE tenant_id = ? AND organisation_id = ?"
                        " AND from_currency = ? AND to_currency = ? AND active = 1"
                        " AND effective_from <= ? AND (effective_to IS NULL OR effective_to = 0"
                        " OR effective_to > ?) ORDER BY id DESC LIMIT 1",
                        sql_int(c->principal.tenant_id), sql_int(organisation_id), sql_text(from),
                        sql_text(to), sql_int(c->now), sql_int(c->now));
    *ret_count = error == OK;
    return error == ERR_NOT_FOUND ? OK : error;
}

int fx_find_active_rate(struct call *c, id_t64 organisation_id, struct str from, struct str to,
                        struct exchange_rate *ret_rate)
{
    size_t count;

    TRY(fx_look_up_rate(c, organisation_id, from, to, ret_rate, &count));
    return count ? OK : call_refuse(c, ERR_RATE_MISSING, "target_currency");
}

bool fx_is_in_effect(const struct call *c, const struct exchange_rate *rate)
{
    return rate->active && rate->effective_from <= c->now &&
           (rate->effective_to == 0 || rate->effective_to > c->now);
}

int fx_take_config(struct call *c, struct exchange_rate *rate)
{
    struct rate_config config;
    int error = sql_one(c->sql, c->arena, &rate_config_row, &config,
                        "SELECT * FROM rate_config WHERE tenant_id = ? AND organisation_id = ?"
                        " AND from_currency = ? AND to_currency = ? AND active = 1"
                        " ORDER BY id DESC LIMIT 1",
                        sql_int(c->principal.tenant_id), sql_int(rate->organisation_id),
                        sql_text(rate->from_currency), sql_text(rate->to_currency));
    if (error)
        return error == ERR_NOT_FOUND ? OK : error;
    rate->spread = config.spread;
    rate->provider = str_or(rate->provider, config.provider);
    return OK;
}

int fx_deactivate_rate(struct call *c, id_t64 rate_id, struct exchange_rate *ret_rate)
{
    TRY(fx_get_rate(c, rate_id, ret_rate));
    if (!ret_rate->active)
        return OK;
    ret_rate->active = false;
    ret_rate->effective_to = ret_rate->updated_at = c->now;
    return sql_update(c->sql, "exchange_rate", &exchange_rate_row, ret_rate);
}

int fx_delete_rate(struct call *c, id_t64 rate_id)
{
    struct exchange_rate rate;
    TRY(fx_get_rate(c, rate_id, &rate));
    return sql_run(c->sql, "DELETE FROM exchange_rate WHERE tenant_id = ? AND id = ?",
                   sql_int(c->principal.tenant_id), sql_int(rate_id));
}

int fx_list_rates(struct call *c, id_t64 organisation_id, bool only_active,
                  struct exchange_rate **ret_rates, size_t *ret_count)
{
    return sql_all(c->sql, c->arena, &exchange_rate_row, ret_rates, ret_count,
                   "SELECT * FROM exchange_rate WHERE tenant_id = ? AND organisation_id = ?"
                   " AND active >= ? ORDER BY id DESC LIMIT 1000",
                   sql_int(c->principal.tenant_id), sql_int(organisation_id), sql_int(only_active));
}

static int retire_active_config(struct call *c, const struct rate_config *config)
{
    return sql_run(c->sql,
                   "UPDATE rate_config SET active = 0, updated_at = ? WHERE tenant_id = ?"
                   " AND organisation_id = ? AND from_currency = ? AND to_currency = ?"
                   " AND active = 1 AND id <> ?",
                   sql_int(c->now), sql_int(config->tenant_id), sql_int(config->organisation_id),
                   sql_text(config->from_currency), sql_text(config->to_currency),
                   sql_int(config->id));
}

int fx_add_config(struct call *c, struct rate_config *config)
{
    TRY(check_pair(c, config->from_currency, config->to_currency));
    TRY(check_spread(c, config->spread));
    config->id = id_new();
    config->tenant_id = c->principal.tenant_id;
    config->created_at = config->updated_at = c->now;
    if (config->active)
        TRY(retire_active_config(c, config));
    return sql_insert(c->sql, "rate_config", &rate_config_row, config);
}

int fx_get_config(struct call *c, id_t64 config_id, struct rate_config *ret_config)
{
    int error = sql_one(c->sql, c->arena, &rate_config_row, ret_config,
                        "SELECT * FROM rate_config WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(config_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, "config_id") : error;
}

int fx_update_config(struct call *c, struct rate_config *config)
{
    TRY(check_pair(c, config->from_currency, config->to_currency));
    TRY(check_spread(c, config->spread));
    config->updated_at = c->now;
    if (config->active)
        TRY(retire_active_config(c, config));
    return sql_update(c->sql, "rate_config", &rate_config_row, config);
}

int fx_list_configs(struct call *c, id_t64 organisation_id, bool only_active,
                    struct rate_config **ret_configs, size_t *ret_count)
{
    return sql_all(c->sql, c->arena, &rate_config_row, ret_configs, ret_count,
                   "SELECT * FROM rate_config WHERE tenant_id = ? AND organisation_id = ?"
                   " AND active >= ? ORDER BY id DESC LIMIT 1000",
                   sql_int(c->principal.tenant_id), sql_int(organisation_id), sql_int(only_active));
}

int fx_quote(struct call *c, const struct exchange_rate *rate, money_t source_amount,
             struct fx_quote *ret_quote)
{
    const struct asset *from = asset_find(rate->from_currency);
    const struct asset *to = asset_find(rate->to_currency);
    struct decimal kept = kept_share(rate->spread);
    money_t gross, net;

    if (money_convert(source_amount, from, rate->rate, to, ROUND_DOWN, &gross) ||
        money_convert_share(source_amount, from, rate->rate, to, kept, &net))
        return call_refuse(c, ERR_AMOUNT_OVERFLOW, "amount");
    if (net <= 0)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "amount",
                                "is worth less than the smallest unit of the target currency");
    ret_quote->source_amount = source_amount;
    ret_quote->target_amount = net;
    ret_quote->spread_amount = gross - net;
    return OK;
}
