/* JSON text, member by member. */
#include "base/json_build.h"

static void separate(struct buf *out)
{
    char last = out->len ? out->ptr[out->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
        buf_add_char(out, ',');
}

static void put_name(struct buf *out, const char *name)
{
    separate(out);
    json_add_string(out, str_from(name));
    buf_add_char(out, ':');
}

struct buf json_object(struct arena *arena)
{
    struct buf out = buf_new(arena, 256);
    buf_add_char(&out, '{');
    return out;
}

struct str json_object_end(struct buf *out)
{
    buf_add_char(out, '}');
    return buf_str(out);
}

void json_put(struct buf *out, const char *name, struct str value)
{
    if (!str_present(value))
        return;
    put_name(out, name);
    json_add_string(out, value);
}

void json_put_unless_empty(struct buf *out, const char *name, struct str value)
{
    if (!str_empty(value))
        json_put(out, name, value);
}

void json_put_integer(struct buf *out, const char *name, int64_t value)
{
    put_name(out, name);
    buf_printf(out, "%lld", (long long)value);
}

void json_put_decimal(struct buf *out, const char *name, struct decimal value)
{
    char text[32];

    put_name(out, name);
    buf_add_str(out, (struct str){text, decimal_write(text, value, 0)});
}

void json_put_boolean(struct buf *out, const char *name, bool value)
{
    put_name(out, name);
    buf_add_cstr(out, value ? "true" : "false");
}

void json_put_json(struct buf *out, const char *name, struct str json)
{
    put_name(out, name);
    buf_add_str(out, str_or(json, STR("null")));
}

void json_open(struct buf *out, const char *name, char bracket)
{
    if (name)
        put_name(out, name);
    else
        separate(out);
    buf_add_char(out, bracket);
}

void json_close(struct buf *out, char bracket)
{
    buf_add_char(out, bracket);
}

void json_put_item(struct buf *out, struct str value)
{
    separate(out);
    json_add_string(out, value);
}
