/* Small conversions between PCX's JSON and the core's values. */
#include "dialect/pcx/wire.h"

void pcx_write_amount(bool *ret_has, struct decimal *ret_amount, money_t amount,
                      struct str currency)
{
    const struct asset *asset = asset_find(currency);
    if (!asset)
        return;
    *ret_has = true;
    *ret_amount = money_to_decimal(amount, asset);
}

struct str pcx_write_optional_id(struct call *c, enum id_kind kind, id_t64 id)
{
    return id ? call_id(c, kind, id) : STR_NONE;
}

int pcx_read_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                id_t64 *ret_id)
{
    if (id_parse(kind, text, ret_id))
        return OK;
    return call_refuse(c, ERR_BAD_FORMAT, field);
}

int pcx_read_optional_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                         id_t64 *ret_id)
{
    *ret_id = 0;
    return str_empty(text) ? OK : pcx_read_id(c, kind, text, field, ret_id);
}

int pcx_read_date_range(struct call *c, struct str from, const char *from_field, struct str to,
                        const char *to_field, usec_t *ret_from, usec_t *ret_until)
{
    *ret_from = 0;
    *ret_until = 0;
    if (!str_empty(from) && !time_parse(from, ret_from))
        return call_refuse(c, ERR_BAD_FORMAT, from_field);
    if (!str_empty(to)) {
        if (!time_parse(to, ret_until))
            return call_refuse(c, ERR_BAD_FORMAT, to_field);
        /* A plain date means the whole day, an instant the millisecond that we show. */
        *ret_until += to.len <= 10 ? USEC_PER_DAY : USEC_PER_MSEC;
        if (*ret_until <= *ret_from)
            return call_refuse_text(c, ERR_INVALID, to_field, "must not be before %s", from_field);
    }
    return OK;
}

struct pcx_page_meta *pcx_page_meta(struct call *c, size_t count, struct str cursor)
{
    struct pcx_page_meta *meta = ARENA_NEW(c->arena, struct pcx_page_meta);

    meta->last_evaluated_key = cursor;
    meta->has_count = true;
    meta->count = (int64_t)count;
    return meta;
}
