/* Calls: refusals, headers, who may act for whom, ids and pages on the wire. */
#include "core/call.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/app.h"
#include "store/sql.h"

int call_refuse_at(struct call *c, int error, const char *field, const char *text,
                   const char *origin)
{
    if (!c->error) {
        c->error = error;
        c->error_origin = origin;
        c->error_text = text;
    }
    if (field) {
        struct json_problem *problem = ARENA_NEW(c->arena, struct json_problem);
        problem->error = error;
        problem->path = arena_copy(c->arena, str_from(field));
        if (text)
            problem->detail = str_from(text);
        struct json_problem **end = &c->problems;
        while (*end)
            end = &(*end)->next;
        *end = problem;
    }
    return error;
}

struct str call_header(const struct call *c, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < c->header_count; i++)
        if (str_eq_nocase(c->headers[i].name, wanted))
            return c->headers[i].value;
    return STR_NONE;
}

/* Capacity grows in powers of two from 4; the count alone tells when it is used up. */
void call_reply_header(struct call *c, const char *name, struct str value)
{
    size_t count = c->reply_header_count;
    if (count == 0 || (count >= 4 && (count & (count - 1)) == 0)) {
        struct header *grown = ARENA_ARRAY(c->arena, struct header, count ? count * 2 : 4);
        if (count)
            memcpy(grown, c->reply_headers, count * sizeof(*grown));
        c->reply_headers = grown;
    }
    c->reply_headers[count].name = str_from(name);
    c->reply_headers[count].value = value;
    c->reply_header_count = count + 1;
}

bool call_has_role(const struct call *c, role_set any_of)
{
    /* What only operators may do reaches beyond a tenant, so being its staff is not enough. */
    bool by_staff = c->principal.staff && any_of != ROLE_OPERATOR;
    return by_staff || (c->principal.roles & any_of) != 0;
}

bool call_may_act_for_organisation(const struct call *c, id_t64 organisation_id)
{
    if (c->principal.staff)
        return true;
    return organisation_id != 0 && c->principal.organisation_id == organisation_id;
}

bool call_may_act_for_user(const struct call *c, id_t64 user_id)
{
    if (c->principal.staff)
        return true;
    return user_id != 0 && c->principal.user_id == user_id;
}

int call_parse_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                  id_t64 *ret_id)
{
    if (id_parse(kind, text, ret_id))
        return OK;
    return call_refuse(c, ERR_NOT_FOUND, field);
}

int call_ledger_error(struct call *c, int error, const char *field)
{
    return error_is_ledger_rule(error) ? call_refuse(c, error, field) : error;
}

struct str call_time(const struct call *c, usec_t instant)
{
    return instant ? time_print(c->arena, instant, TIME_RFC3339) : STR_NONE;
}

/*
 * A cursor is 8 bytes of id and 12 of HMAC-SHA256 over tenant, list and id, in hexadecimal: it
 * works for the list it was made for and for nothing else.
 */
#define CURSOR_MAC_BYTES 12
#define CURSOR_BYTES (8 + CURSOR_MAC_BYTES)

static void cursor_bytes(const struct call *c, struct str list, id_t64 id,
                         uint8_t ret_bytes[CURSOR_BYTES])
{
    uint8_t key[32];
    store_derive_key(c->app->store, "cursor", key);
    struct buf message = buf_new(c->arena, list.len + 24);
    buf_add(&message, &c->principal.tenant_id, sizeof(c->principal.tenant_id));
    for (int i = 0; i < 8; i++)
        ret_bytes[i] = (uint8_t)((uint64_t)id >> (56 - 8 * i));
    buf_add(&message, ret_bytes, 8);
    buf_add_str(&message, list);
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    HMAC(EVP_sha256(), key, (int)sizeof(key), (const uint8_t *)message.ptr, message.len, mac,
         &mac_len);
    memcpy(ret_bytes + 8, mac, CURSOR_MAC_BYTES);
}

struct str call_page_cursor(struct call *c, struct str list, id_t64 last_id)
{
    uint8_t bytes[CURSOR_BYTES];
    cursor_bytes(c, list, last_id, bytes);
    char *text = arena_alloc(c->arena, (size_t)2 * CURSOR_BYTES + 1);
    for (size_t i = 0; i < CURSOR_BYTES; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    return (struct str){text, (size_t)2 * CURSOR_BYTES};
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

int call_page(struct call *c, struct str list, struct str cursor, const char *field, int64_t limit,
              struct page *ret_page)
{
    ret_page->limit = limit;
    ret_page->before = INT64_MAX;
    /* One bound at a time: most operations allow fewer than CALL_MAX_PAGE, which they check first. */
    if (limit < 1)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "limit", "must be at least 1");
    if (limit > CALL_MAX_PAGE)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "limit", "must be at most %d", CALL_MAX_PAGE);
    if (str_empty(cursor))
        return OK;
    if (cursor.len < 16)
        return call_refuse(c, ERR_BAD_CURSOR, field);
    uint64_t id = 0;
    for (size_t i = 0; i < 16; i++) {
        int digit = hex_digit(cursor.ptr[i]);
        if (digit < 0)
            return call_refuse(c, ERR_BAD_CURSOR, field);
        id = id << 4 | (uint64_t)digit;
    }
    if (!str_eq_secret(call_page_cursor(c, list, (id_t64)id), cursor))
        return call_refuse(c, ERR_BAD_CURSOR, field);
    ret_page->before = (id_t64)id;
    return OK;
}

struct str call_page_end_at(struct call *c, struct str list, const struct page *page, size_t *count,
                            id_t64 last_id)
{
    if (last_id == 0)
        return STR_NONE;
    *count = (size_t)page->limit;
    return call_page_cursor(c, list, last_id);
}
