/* Small conversions between PCX's JSON and the core's values. */
#include "dialect/pcx/wire.h"

#include "base/json_build.h"

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

bool pcx_sent_null(struct call *c, const char *member)
{
    const struct json *body;

    return json_parse(c->arena, c->raw_body, &body) == OK &&
           str_is(json_print(c->arena, json_get(body, member)), "null");
}

struct str pcx_change(struct call *c, const char *member, struct str sent, struct str stored)
{
    return pcx_sent_null(c, member) ? STR_NONE : str_or(sent, stored);
}

struct str pcx_write_token(struct call *c, struct str cursor)
{
    struct buf out = json_object(c->arena);

    if (str_empty(cursor))
        return STR_NONE;
    json_put(&out, "key", cursor);
    return json_object_end(&out);
}

int pcx_read_token(struct call *c, struct str token, const char *field, struct str *ret_cursor)
{
    const struct json *json;

    *ret_cursor = STR_NONE;
    if (str_empty(token))
        return OK;
    if (json_parse(c->arena, token, &json) == OK)
        *ret_cursor = json_string(json_get(json, "key"));
    return str_empty(*ret_cursor) ? call_refuse(c, ERR_BAD_CURSOR, field) : OK;
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
        /* A plain date means the whole day, an instant the whole millisecond: no more is shown. */
        if (to.len <= 10)
            *ret_until += USEC_PER_DAY;
        else
            *ret_until += USEC_PER_MSEC - *ret_until % USEC_PER_MSEC;
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
