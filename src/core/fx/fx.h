/*
 * Foreign exchange: an organisation's rates and rate configurations, and quotes from them.
 *
 * A rate says how many units of `to` one unit of `from` is worth at mid-market. The spread is a percentage
 * of it: the customer converts at rate * (1 - spread / 100), and what the spread keeps is our income in the
 * target currency. At most one rate and one configuration per organisation and pair is active; adding
 * another makes the former inactive, never deletes it.
 */
#ifndef CORE_FX_FX_H
#define CORE_FX_FX_H

#include "core/call.h"
#include "store/row.h"

#define EXCHANGE_RATE_ROW(F)    \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(TEXT, from_currency)      \
    F(TEXT, to_currency)        \
    F(DECIMAL, rate)            \
    F(DECIMAL, spread)          \
    F(TEXT, provider)           \
    F(BOOLEAN, active)          \
    F(INTEGER, effective_from)  \
    F(INTEGER, effective_to)    \
    F(INTEGER, created_at)      \
    F(INTEGER, updated_at)
ROW_STRUCT(exchange_rate, EXCHANGE_RATE_ROW);

#define RATE_CONFIG_ROW(F)      \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(TEXT, from_currency)      \
    F(TEXT, to_currency)        \
    F(DECIMAL, spread)          \
    F(TEXT, provider)           \
    F(BOOLEAN, active)          \
    F(INTEGER, created_at)      \
    F(INTEGER, updated_at)
ROW_STRUCT(rate_config, RATE_CONFIG_ROW);

/*
 * Stores a new rate for its organisation and pair. Set by the caller: organisation_id, currencies, rate,
 * spread, provider, active, effective_from/_to (0: now / open-ended). Refuses with the field's name: unknown
 * or equal currencies, a rate that is not positive, a spread outside 0 <= spread < 100 or with too many decimals.
 */
int fx_add_rate(struct call *c, struct exchange_rate *rate);
/* For a rate that comes without a spread: the one of the organisation's active configuration of the pair, and its
 * provider where the rate names none. Nothing changes when there is no configuration. */
int fx_take_config(struct call *c, struct exchange_rate *rate);
int fx_get_rate(struct call *c, id_t64 rate_id, struct exchange_rate *ret_rate);
/* Active, and now is within its window: it may be quoted from. */
bool fx_is_in_effect(const struct call *c, const struct exchange_rate *rate);
/* The organisation's active rate whose effective window contains now; ERR_RATE_MISSING. */
int fx_find_active_rate(struct call *c, id_t64 organisation_id, struct str from, struct str to,
                        struct exchange_rate *ret_rate);
/* The same for who only asks: none is no error. */
int fx_look_up_rate(struct call *c, id_t64 organisation_id, struct str from, struct str to,
                    struct exchange_rate *ret_rate, size_t *ret_count);
int fx_deactivate_rate(struct call *c, id_t64 rate_id, struct exchange_rate *ret_rate);
int fx_delete_rate(struct call *c, id_t64 rate_id);
/* Newest first. */
int fx_list_rates(struct call *c, id_t64 organisation_id, bool only_active,
                  struct exchange_rate **ret_rates, size_t *ret_count);

int fx_add_config(struct call *c, struct rate_config *config);
int fx_get_config(struct call *c, id_t64 config_id, struct rate_config *ret_config);
int fx_update_config(struct call *c, struct rate_config *config);
int fx_list_configs(struct call *c, id_t64 organisation_id, bool only_active,
                    struct rate_config **ret_configs, size_t *ret_count);

struct fx_quote {
    money_t source_amount; /* minor units of `from` */
    money_t target_amount; /* minor units of `to`: what the payee gets */
    money_t spread_amount; /* minor units of `to`: kept as income */
};
/* Rounds in the house's favour by less than one minor unit: the target down, the spread takes the rest. */
int fx_quote(struct call *c, const struct exchange_rate *rate, money_t source_amount,
             struct fx_quote *ret_quote);

#endif
