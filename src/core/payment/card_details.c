/* Keeps of card data what PCI DSS lets be shown. */
#include "core/payment/card_details.h"

#include <ctype.h>

static bool name_contains(struct str name, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= name.len; i++)
        if (str_eq_nocase((struct str){name.ptr + i, len}, (struct str){part, len}))
            return true;
    return false;
}

static bool is_secret(struct str name)
{
    static const char *const parts[] = {"cvv", "cvc", "cvn", "cid", "security", "pin", "track"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (name_contains(name, parts[i]))
            return true;
    return false;
}

/* A run of at least twelve digits, white space and dashes aside, is a card number wherever it
 * stands. */
static bool looks_like_pan(struct str text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (isdigit((unsigned char)text.ptr[i]))
            digits++;
        else if (text.ptr[i] != ' ' && text.ptr[i] != '-')
            return false;
    }
    return digits >= 12;
}

static void add_masked_pan(struct buf *out, struct str text)
{
    char last[5] = "";
    size_t kept = 0;
    for (size_t i = text.len; i > 0 && kept < 4; i--)
        if (isdigit((unsigned char)text.ptr[i - 1]))
            last[3 - kept++] = text.ptr[i - 1];
    buf_printf(out, "\"****%s\"", last);
}

static void add_value(struct call *c, struct buf *out, const struct json *value)
{
    struct str text = json_text(value);
    struct str printed = json_print(c->arena, value);
    bool object = printed.len > 0 && printed.ptr[0] == '{';
    bool array = printed.len > 0 && printed.ptr[0] == '[';

    if (!object && !array) {
        if (looks_like_pan(text))
            add_masked_pan(out, text);
        else
            buf_add_str(out, printed);
        return;
    }
    buf_add_char(out, object ? '{' : '[');
    bool first = true;
    for (size_t i = 0; i < json_count(value); i++) {
        if (object && is_secret(json_key_at(value, i)))
            continue;
        if (!first)
            buf_add_char(out, ',');
        first = false;
        if (object) {
            json_add_string(out, json_key_at(value, i));
            buf_add_char(out, ':');
        }
        add_value(c, out, json_at(value, i));
    }
    buf_add_char(out, object ? '}' : ']');
}

struct str card_details_masked(struct call *c, struct str card_json)
{
    const struct json *card;
    struct buf out;

    if (!str_present(card_json) || json_parse(c->arena, card_json, &card) != OK)
        return STR_NONE;
    out = buf_new(c->arena, card_json.len + 16);
    add_value(c, &out, card);
    return buf_str(&out);
}
