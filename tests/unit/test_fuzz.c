/*
 * Random bytes at what reads bytes of strangers: JSON bodies of every operation, forms, paths, Base64, sealed
 * bodies and wrapped keys. Nothing is expected of them but that they come back; the sanitizers of `make sanitize`
 * watch. Inputs stand in memory of exactly their size, so that a byte too many is seen.
 *
 * FUZZ_ROUNDS and FUZZ_SEED change how many and which; a failure is found again with the seed that was printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/digest.h"
#include "base/json.h"
#include "core/route.h"
#include "server/form.h"

static uint64_t seed;

static uint64_t next(void)
{
    seed ^= seed << 13; /* Marsaglia's xorshift64 */
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static size_t below(size_t limit)
{
    return (size_t)(next() % limit);
}

static size_t rounds(size_t usual)
{
    const char *text = getenv("FUZZ_ROUNDS");
    return text ? (size_t)strtoull(text, NULL, 10) : usual;
}

/* What grammars are made of, so that changes get past the first character. */
static const char *const pieces[] = {
    "{",        "}",          "[",       "]",    ",",        ":",
    "\"",       "\\u0000",    "\\ud800", "\\",   "\xc3\x28", "\xf0\x9f",
    "1e999",    "-0",         "0.1",     "null", "true",     "\"\":",
    "%",        "%00",        "%ff",     "%2f",  "/",        "//",
    "\r\n",     "--",         "\r\n--b", "&",    "=",        "+",
    "name=",    ";",          "..",      "x",    "\x7f\x80", "99999999999999999999999999",
    "\r\n\r\n", "filename=\""};

/* The seed text after a few cuts, doublings, swaps and insertions; to be freed. */
static struct str spoil(struct str text)
{
    size_t room = text.len * 2 + 512, len = text.len;
    char *out = malloc(room);
    if (text.len)
        memcpy(out, text.ptr, text.len);
    for (size_t change = below(6) + 1; change; change--) {
        size_t at = below(len + 1);
        const char *piece = pieces[below(sizeof(pieces) / sizeof(pieces[0]))];
        size_t piece_len = strlen(piece), gone = below(8);
        switch (below(4)) {
        case 0: /* a byte */
            if (at < len)
                out[at] = (char)next();
            break;
        case 1: /* less */
            gone = gone < len - at ? gone : len - at;
            memmove(out + at, out + at + gone, len - at - gone);
            len -= gone;
            break;
        case 2: /* the rest is gone */
            len = at;
            break;
        default: /* more */
            memmove(out + at + piece_len, out + at, len - at);
            memcpy(out + at, piece, piece_len);
            len += piece_len;
        }
    }
    char *exact = malloc(len ? len : 1);
    memcpy(exact, out, len);
    free(out);
    return (struct str){exact, len};
}

static void drop(struct str text)
{
    free((void *)(uintptr_t)text.ptr);
}

/* ---- JSON ---- */

/* A value that the descriptor might take, by names and kinds alone. */
static void write_example(struct buf *out, const struct type_value *value, int depth)
{
    const struct type *type = value->object;
    switch ((int)value->kind) {
    case TYPE_OBJECT:
        buf_add_char(out, '{');
        for (size_t i = 0; depth < 4 && i < type->field_count; i++) {
            buf_printf(out, "%s\"%s\":", i ? "," : "", type->fields[i].name);
            write_example(out, &type->fields[i].value, depth + 1);
        }
        buf_add_char(out, '}');
        break;
    case TYPE_ARRAY:
        buf_add_char(out, '[');
        write_example(out, value->items, depth + 1);
        buf_add_char(out, ']');
        break;
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
        buf_printf(out, "%zu.%zu", below(100), below(100));
        break;
    case TYPE_BOOLEAN:
        buf_add_cstr(out, "true");
        break;
    default:
        buf_add_cstr(out, below(2) ? "\"text\"" : "\"2026-01-15T10:30:00Z\"");
    }
}

static void test_json_bodies(void **state)
{
    (void)state;
    for (size_t round = 0; round < rounds(20); round++)
        for (size_t i = 0; i < route_count; i++) {
            const struct route *route = &routes[i];
            if (!route->body_field)
                continue;
            struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
            struct buf example = buf_new(arena, 1024);
            struct json_problem *problems = NULL;
            const struct json *json;
            write_example(&example, &route->body_field->value, 0);
            struct str text = spoil(buf_str(&example));
            void *in = arena_alloc(arena, route->in->size);
            json_decode(arena, text, &route->body_field->value, type_at(in, route->body_field),
                        &problems);
            for (const struct json_problem *p = problems; p; p = p->next)
                assert_true(str_valid_utf8(p->path) && str_valid_utf8(p->detail));
            if (json_parse(arena, text, &json) == OK) {
                struct str once = json_print(arena, json);
                assert_int_equal(json_parse(arena, once, &json), OK);
                assert_true(str_eq(json_print(arena, json), once));
            }
            drop(text);
        }
}

/* ---- Forms ---- */

static void test_forms(void **state)
{
    (void)state;
    static const char *const kinds[] = {"application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=b",
                                        "multipart/form-data; boundary=\"b\""};
    for (size_t round = 0; round < rounds(10); round++)
        for (size_t i = 0; i < route_count; i++) {
            const struct route *route = &routes[i];
            if (!route->body_field || route->body_field->value.kind != TYPE_OBJECT)
                continue;
            struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
            const struct type *type = route->body_field->value.object;
            struct buf body = buf_new(arena, 512);
            size_t kind = below(3);
            for (size_t f = 0; f < type->field_count; f++)
                buf_printf(&body,
                           kind ? "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\nv\r\n"
                                : "%s=%%41+b&",
                           type->fields[f].name);
            if (kind)
                buf_add_cstr(&body, "--b--\r\n");
            struct json_problem *problems = NULL;
            struct str text = spoil(buf_str(&body));
            struct str content_type =
                below(8) ? str_from(kinds[kind]) : spoil(str_from(kinds[kind]));
            void *in = arena_alloc(arena, route->in->size);
            form_decode(arena, content_type, text, &route->body_field->value,
                        type_at(in, route->body_field), &problems);
            if (content_type.ptr != kinds[kind])
                drop(content_type);
            drop(text);
        }
}

/* ---- Paths ---- */

static void test_paths(void **state)
{
    (void)state;
    for (size_t round = 0; round < rounds(40); round++)
        for (size_t i = 0; i < route_count; i++) {
            struct arena *arena ARENA_SCOPED = arena_new(1 << 18);
            struct str values[ROUTE_MAX_PARAMETERS], path = spoil(str_from(routes[i].path));
            unsigned allowed;
            const struct route *found = route_find((enum http_method)below(HTTP_METHOD_COUNT), path,
                                                   arena, values, &allowed);
            for (size_t p = 0; found && p < found->parameter_count; p++)
                if (found->parameters[p].place == IN_PATH)
                    assert_true(values[p].len > 0 && str_valid_utf8(values[p]));
            drop(path);
        }
}

/* ---- Sealed bodies ---- */

static void test_sealed_bodies(void **state)
{
    (void)state;
    static const char clear[] = "{\"clientId\":\"someone\",\"clientSecret\":\"secret\"}";
    static const uint8_t key[AES_KEY_SIZE] = {1, 2, 3};
    for (size_t round = 0; round < rounds(20000); round++) {
        struct arena *arena ARENA_SCOPED = arena_new(1 << 18);
        struct str sealed =
            aes_gcm_seal(arena, key, STR("twelve bytes"), STR_NONE, str_from(clear));
        struct str text = spoil(base64_print(arena, sealed)), bytes, plain;
        struct str iv = below(4) ? STR("twelve bytes") : spoil(STR("twelve bytes"));
        if (base64_parse(arena, text, &bytes) &&
            aes_gcm_open(arena, key, iv, STR_NONE, bytes, &plain))
            assert_true(str_is(plain, clear));
        if (iv.ptr != STR("twelve bytes").ptr)
            drop(iv);
        drop(text);
    }
}

static void test_wrapped_keys(void **state)
{
    (void)state;
    static const enum rsa_padding paddings[] = {RSA_OAEP_SHA256, RSA_OAEP_SHA256_MGF1_SHA1,
                                                RSA_PKCS1};
    struct rsa_key *key = rsa_generate(2048);
    for (size_t round = 0; round < rounds(200); round++) {
        struct arena *arena ARENA_SCOPED = arena_new(1 << 18);
        struct str wrapped = spoil(
            rsa_encrypt(arena, key, paddings[below(3)], STR("0123456789abcdef0123456789abcdef")));
        struct str clear;
        for (size_t p = 0; p < 3; p++)
            rsa_decrypt(arena, key, paddings[p], wrapped, &clear);
        drop(wrapped);
    }
    rsa_free(key);
}

int main(void)
{
    const char *text = getenv("FUZZ_SEED");
    seed = text ? strtoull(text, NULL, 10) | 1 : UINT64_C(88172645463325252);
    printf("FUZZ_SEED=%llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_bodies),  cmocka_unit_test(test_forms),
        cmocka_unit_test(test_paths),        cmocka_unit_test(test_sealed_bodies),
        cmocka_unit_test(test_wrapped_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
