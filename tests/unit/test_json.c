/* JSON to structs and back: exactness, every kind of refusal, the tree, the descriptors of real
 * contracts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "generated/fincode.h"
#include "generated/pcx.h"

struct leaf {
    struct str code;
    struct decimal amount;
};
struct leaf_array {
    struct leaf *items;
    size_t count;
};
struct sample {
    struct str name;
    bool has_age;
    int64_t age;
    bool has_rate;
    struct decimal rate;
    bool has_active;
    bool active;
    struct leaf *leaf;
    struct leaf_array leaves;
    struct str_array tags;
    struct type_map limits;
    struct str extra_data;
    struct str born;
    struct str mail;
    struct str id;
    struct str link;
    struct str instant;
    struct str pin;
    struct str colour;
    struct str note;
    struct str code;
};

static const struct type_field leaf_fields[] = {
    {.name = "code", .offset = offsetof(struct leaf, code), .has_offset = -1, .required = true},
    {.name = "amount",
     .offset = offsetof(struct leaf, amount),
     .has_offset = -1,
     .required = true,
     .value = {.kind = TYPE_DECIMAL, .has_minimum = true, .exclusive_minimum = true}},
};
static const struct type leaf_type = {.name = "leaf",
                                      .size = sizeof(struct leaf),
                                      .fields = leaf_fields,
                                      .field_count = 2,
                                      .open = false,
                                      .extra_offset = -1};
static const struct type_value leaf_value = {.kind = TYPE_OBJECT, .object = &leaf_type};
static const struct type_value string_value = {.kind = TYPE_STRING, .max_length = 5};
static const struct type_value number_value = {.kind = TYPE_DECIMAL};
static const char *const colours[] = {"red", "green", NULL};

#define PLAIN(member) .name = #member, .offset = offsetof(struct sample, member), .has_offset = -1
#define HAS(member)                                             \
    .name = #member, .offset = offsetof(struct sample, member), \
    .has_offset = offsetof(struct sample, has_##member)

static const struct type_field sample_fields[] = {
    {PLAIN(name), .required = true, .value = {.min_length = 2, .max_length = 6}},
    {HAS(age), .value = {.kind = TYPE_INTEGER,
                         .has_minimum = true,
                         .has_maximum = true,
                         .maximum = {150, 0}}},
    {HAS(rate), .value = {.kind = TYPE_DECIMAL, .nullable = true}},
    {HAS(active), .value = {.kind = TYPE_BOOLEAN}, .default_text = "true"},
    {PLAIN(leaf), .value = {.kind = TYPE_OBJECT, .object = &leaf_type}},
    {PLAIN(leaves), .value = {.kind = TYPE_ARRAY,
                              .items = &leaf_value,
                              .item_size = sizeof(struct leaf),
                              .wrapped_in = "leafList",
                              .max_length = 3}},
    {PLAIN(tags),
     .value = {.kind = TYPE_ARRAY, .items = &string_value, .item_size = sizeof(struct str)}},
    {PLAIN(limits), .value = {.kind = TYPE_MAP, .items = &number_value}},
    {PLAIN(extra_data), .value = {.kind = TYPE_JSON}},
    {PLAIN(born), .value = {.format = FORMAT_DATE}},
    {PLAIN(mail), .value = {.format = FORMAT_EMAIL}},
    {PLAIN(id), .value = {.format = FORMAT_UUID}},
    {PLAIN(link), .value = {.format = FORMAT_URI}},
    {PLAIN(instant), .value = {.format = FORMAT_DATE_TIME}},
    {PLAIN(pin), .value = {.sensitive = true, .pattern = "^[0-9]{4}$"}},
    {PLAIN(colour), .value = {.values = colours}, .default_text = "\"green\""},
    {PLAIN(note), .required = true, .value = {.nullable = true}, .default_text = "\"-\""},
    {PLAIN(code)},
};
static const char *const with_pin[] = {"pin", NULL};
static const char *const with_mail[] = {"mail", "id", NULL};
static const char *const *const alternatives[] = {with_pin, with_mail, NULL};
static const struct type sample_type = {.name = "sample",
                                        .size = sizeof(struct sample),
                                        .fields = sample_fields,
                                        .field_count =
                                            sizeof(sample_fields) / sizeof(sample_fields[0]),
                                        .open = true,
                                        .extra_offset = -1,
                                        .any_required = alternatives};

struct setting {
    struct arena *arena;
    struct sample sample;
    struct json_problem *problems;
    int error;
};

static struct setting decode(struct arena *arena, const char *text)
{
    struct setting s = {.arena = arena};
    s.error = json_decode_object(arena, str_from(text), &sample_type, &s.sample, &s.problems);
    return s;
}

static void expect_problem(const char *text, int error, const char *path)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct setting s = decode(arena, text);
    bool found = false;
    for (const struct json_problem *p = s.problems; p; p = p->next)
        found = found || (p->error == error && str_is(p->path, path));
    if (!found) {
        print_message("%s: expected %d at %s, got %d\n", text, error, path, s.error);
        for (const struct json_problem *p = s.problems; p; p = p->next)
            print_message("  %d at %.*s: %.*s\n", p->error, STR_FMT(p->path), STR_FMT(p->detail));
    }
    assert_true(found);
    assert_int_not_equal(s.error, 0);
}

static void expect_fine(const char *text)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct setting s = decode(arena, text);
    if (s.error)
        print_message("%s: %d at %.*s\n", text, s.error, STR_FMT(s.problems->path));
    assert_int_equal(s.error, 0);
    assert_null(s.problems);
}

#define BODY(members) "{\"name\":\"Ada\",\"pin\":\"1234\"," members "}"

static void test_decodes_every_kind(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct setting s = decode(
        arena,
        " {\"name\" : \"Ad\\u00e9\", \"age\":42, \"rate\":0.10, \"active\":false,\n"
        "\"leaf\":{\"code\":\"a\\\"b\\n\",\"amount\":12.50},\n"
        "\"leaves\":[{\"code\":\"x\",\"amount\":1},{\"amount\":2,\"code\":\"y\"}], \"tags\":[],\n"
        "\"limits\":{\"NGN\": 1.5, \"USD\":2}, \"extra_data\":{\"a\": [1, 2 ], \"b c\":\" \\\" "
        "\"},\n"
        "\"unknown\":[{}], \"pin\":\"0000\", \"note\":null} ");
    assert_int_equal(s.error, 0);
    assert_true(str_is(s.sample.name, "Ad\u00e9"));
    assert_true(s.sample.has_age && s.sample.age == 42);
    assert_true(s.sample.has_rate && s.sample.rate.coefficient == 1 && s.sample.rate.scale == 1);
    assert_true(s.sample.has_active && !s.sample.active);
    assert_true(str_is(s.sample.leaf->code, "a\"b\n"));
    assert_int_equal(s.sample.leaves.count, 2);
    assert_true(str_is(s.sample.leaves.items[1].code, "y"));
    assert_non_null(s.sample.tags.items);
    assert_int_equal(s.sample.tags.count, 0);
    assert_int_equal(s.sample.limits.count, 2);
    assert_true(str_is(s.sample.limits.items[0].json, "1.5"));
    assert_true(str_is(s.sample.extra_data, "{\"a\":[1,2],\"b c\":\" \\\" \"}"));
    assert_true(str_is(s.sample.colour, "green"));
    assert_false(str_present(s.sample.note)); /* null was said, so no default */
    assert_false(str_present(s.sample.code));
    assert_null(s.sample.mail.ptr);
}

static void test_defaults_and_wrapping(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct setting s =
        decode(arena, BODY("\"leaves\":{\"leafList\":[{\"code\":\"x\",\"amount\":1}],\"more\":1}"));
    assert_int_equal(s.error, 0);
    assert_int_equal(s.sample.leaves.count, 1);
    assert_true(s.sample.has_active && s.sample.active);
    assert_true(str_is(s.sample.note, "-"));
    expect_problem(BODY("\"leaves\":{\"list\":[]}"), ERR_REQUIRED, "leaves.leafList");
    expect_problem(BODY("\"leaves\":{\"leafList\":{}}"), ERR_WRONG_TYPE, "leaves.leafList");
}

static void test_refusals_name_path_and_rule(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
        const char *path;
    } rows[] = {
        {"{\"pin\":\"1234\"}", ERR_REQUIRED, "name"},
        {"{\"name\":null,\"pin\":\"1234\"}", ERR_WRONG_TYPE, "name"},
        {"{\"name\":\"Ada\"}", ERR_REQUIRED, "pin"},
        {"{\"name\":\"Ada\",\"mail\":\"a@b\"}", ERR_REQUIRED, "pin"},
        {"{\"name\":\"A\",\"pin\":\"1234\"}", ERR_TOO_SHORT, "name"},
        {"{\"name\":\"Adalind\",\"pin\":\"1234\"}", ERR_TOO_LONG, "name"},
        {"{\"name\":\"a\\u0000b\",\"pin\":\"1234\"}", ERR_BAD_FORMAT, "name"},
        {BODY("\"age\":\"42\""), ERR_WRONG_TYPE, "age"},
        {BODY("\"age\":4.5"), ERR_WRONG_TYPE, "age"},
        {BODY("\"age\":1e2"), ERR_BAD_FORMAT, "age"},
        {BODY("\"age\":-1"), ERR_OUT_OF_RANGE, "age"},
        {BODY("\"age\":151"), ERR_OUT_OF_RANGE, "age"},
        {BODY("\"age\":99999999999999999999999"), ERR_OUT_OF_RANGE, "age"},
        {BODY("\"rate\":1e400"), ERR_BAD_FORMAT, "rate"},
        {BODY("\"rate\":1234567890123456789.5"), ERR_OUT_OF_RANGE, "rate"},
        {BODY("\"rate\":\"1.5\""), ERR_WRONG_TYPE, "rate"},
        {BODY("\"active\":\"true\""), ERR_WRONG_TYPE, "active"},
        {BODY("\"active\":1"), ERR_WRONG_TYPE, "active"},
        {BODY("\"leaf\":[]"), ERR_WRONG_TYPE, "leaf"},
        {BODY("\"leaf\":{\"code\":\"x\"}"), ERR_REQUIRED, "leaf.amount"},
        {BODY("\"leaf\":{\"code\":\"x\",\"amount\":0}"), ERR_OUT_OF_RANGE, "leaf.amount"},
        {BODY("\"leaf\":{\"code\":\"x\",\"amount\":1,\"z\":1}"), ERR_UNKNOWN_FIELD, "leaf.z"},
        {BODY("\"leaves\":[{\"code\":\"x\",\"amount\":1},{\"code\":\"x\",\"amount\":-1}]"),
         ERR_OUT_OF_RANGE, "leaves[1].amount"},
        {BODY("\"leaves\":[1]"), ERR_WRONG_TYPE, "leaves[0]"},
        {BODY("\"leaves\":[{\"code\":\"a\",\"amount\":1},{\"code\":\"a\",\"amount\":1},{\"code\":"
              "\"a\",\"amount\":1},{\"code\":\"a\",\"amount\":1}]"),
         ERR_TOO_LONG, "leaves"},
        {BODY("\"tags\":[\"ok\",\"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\"]"), ERR_TOO_LONG,
         "tags[1]"},
        {BODY("\"limits\":{\"NGN\":\"1\"}"), ERR_WRONG_TYPE, "limits.NGN"},
        {BODY("\"limits\":{\"NGN\":1,\"NGN\":2}"), ERR_DUPLICATE_FIELD, "limits.NGN"},
        {BODY("\"born\":\"2024-02-30\""), ERR_BAD_FORMAT, "born"},
        {BODY("\"born\":\"2024-1-3\""), ERR_BAD_FORMAT, "born"},
        {BODY("\"instant\":\"2024-01-03\""), ERR_BAD_FORMAT, "instant"},
        {BODY("\"mail\":\"nobody\""), ERR_BAD_FORMAT, "mail"},
        {BODY("\"mail\":\"a b@c.de\""), ERR_BAD_FORMAT, "mail"},
        {BODY("\"id\":\"123e4567-e89b-12d3-a456-42661417400\""), ERR_BAD_FORMAT, "id"},
        {BODY("\"link\":\"//no-scheme\""), ERR_BAD_FORMAT, "link"},
        {BODY("\"colour\":\"blue\""), ERR_NOT_ALLOWED, "colour"},
        {"{\"name\":\"Ada\",\"pin\":\"12345\"}", ERR_BAD_FORMAT, "pin"},
        {BODY("\"name\":\"Bob\""), ERR_DUPLICATE_FIELD, "name"},
        {BODY("\"zz\":1,\"zz\":1"), ERR_DUPLICATE_FIELD, "zz"},
        {BODY("\"\\u007az\":1,\"zz\":1"), ERR_DUPLICATE_FIELD, "zz"},
        {BODY("\"extra_data\":{\"deep\":[{\"q\":1,\"q\":2}]}"), ERR_DUPLICATE_FIELD,
         "extra_data.q"},
        {"[]", ERR_WRONG_TYPE, ""},
        {"null", ERR_WRONG_TYPE, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_problem(rows[i].text, rows[i].error, rows[i].path);
    expect_fine(
        "{\"name\":\"Ada\",\"mail\":\"a@b\",\"id\":\"123E4567-e89b-12d3-a456-426614174000\"}");
    expect_fine(BODY("\"age\":12.0,\"rate\":-0.0,\"instant\":\"2024-01-03T00:00:00.123+01:00\""));
    expect_fine(BODY("\"link\":\"https://a.example/x?y#z\",\"born\":\"2024-02-29\""));
}

static void test_collects_all_problems(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct setting s = decode(arena, "{\"age\":-1,\"leaf\":{},\"colour\":\"x\",\"pin\":\"1234\"}");
    static const char *const paths[] = {"age", "leaf.code", "leaf.amount", "colour", "name"};
    const struct json_problem *p = s.problems;
    for (size_t i = 0; i < 5; i++, p = p->next) {
        assert_non_null(p);
        assert_true(str_is(p->path, paths[i]));
    }
    assert_null(p);
    assert_int_equal(s.error, ERR_OUT_OF_RANGE);
}

static void test_refuses_what_is_no_json(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "{\"name\"}",
        "{\"name\":}",
        "{\"name\":\"Ada\",}",
        "{\"name\":\"Ada\"} x",
        "{name:1}",
        "{'name':1}",
        "{\"age\":01}",
        "{\"age\":+1}",
        "{\"age\":.5}",
        "{\"age\":1.}",
        "{\"age\":1e}",
        "{\"age\":NaN}",
        "{\"age\":Infinity}",
        "{\"age\":-}",
        "{\"age\":0x10}",
        "{\"age\":tru}",
        "{\"age\":nul}",
        "{\"name\":\"a\nb\"}",
        "{\"name\":\"\\x41\"}",
        "{\"name\":\"\\u12\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"name\":\"\\ud800\\u0041\"}",
        "{\"name\":\"\\udc00\"}",
        "{\"name\":\"\xff\"}",
        "{\"name\":\"\xc0\xaf\"}",
        "{\"name\":\"\xed\xa0\x80\"}",
        "{\"tags\":[1,]}",
        "{\"tags\":[1 2]}",
        "{\"tags\":[}",
        "{\"extra_data\":[1,{\"a\" 1}]}",
        "\xef\xbb\xbf{}",
        "{\"name\":\"Ada",
        "/* */ {}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
        struct setting s = decode(arena, texts[i]);
        if (s.error != ERR_MALFORMED_JSON)
            print_message("%s: %d\n", texts[i], s.error);
        assert_int_equal(s.error, ERR_MALFORMED_JSON);
        assert_null(s.problems->next);
        assert_true(str_is(s.problems->path, "body"));
        const struct json *json;
        /* "null" and the like are fine documents, just not these objects. */
        assert_int_equal(json_parse(arena, str_from(texts[i]), &json), ERR_MALFORMED_JSON);
    }
}

static void test_malformed_text_names_the_rule(void **state)
{
    (void)state;
    static const struct {
        const char *text, *detail;
    } rows[] = {
        {"{\"name\":\"\xff\"}", "must be UTF-8"},
        {"{\"age\":NaN}", "is not valid JSON near byte 7"},
        {"{\"extra_data\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
         "must not be nested deeper than 32 levels"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
        struct setting s = decode(arena, rows[i].text);
        assert_int_equal(s.error, ERR_MALFORMED_JSON);
        if (!str_is(s.problems->detail, rows[i].detail))
            fail_msg("%s: %.*s", rows[i].text, STR_FMT(s.problems->detail));
    }
}

static void test_depth(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    for (size_t depth = 31; depth <= 34; depth++) {
        struct buf text = buf_new(arena, 256);
        for (size_t i = 0; i < depth; i++)
            buf_add_char(&text, '[');
        for (size_t i = 0; i < depth; i++)
            buf_add_char(&text, ']');
        const struct json *json;
        assert_int_equal(json_parse(arena, buf_str(&text), &json),
                         depth <= JSON_MAX_DEPTH ? 0 : ERR_MALFORMED_JSON);
        struct type_value any = {.kind = TYPE_JSON};
        struct str copy = STR_NONE;
        struct json_problem *problems = NULL;
        assert_int_equal(json_decode(arena, buf_str(&text), &any, &copy, &problems),
                         depth <= JSON_MAX_DEPTH ? 0 : ERR_MALFORMED_JSON);
    }
}

static void test_encodes_trailing_zeros(void **state)
{
    (void)state;
    static const struct {
        struct decimal value;
        const char *text;
    } cases[] = {{{10000, 0}, "10000.00000000"},
                 {{-15, 1}, "-1.50000000"},
                 {{123456789012, 11}, "1.23456789012"},
                 {{0, 0}, "0"},
                 {{999999999999999999, 0}, "999999999999999999.00000000"}};
    struct type_value ledger_amount = {.kind = TYPE_DECIMAL, .min_fraction = 8};
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out = buf_new(arena, 16);
        json_encode(&out, &ledger_amount, &cases[i].value);
        assert_true(str_is(buf_str(&out), cases[i].text));
    }
}

static void test_encodes(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct leaf leaves[] = {{STR("x"), {-25, 1}}, {STR("\x01\"\\/\t\u00e9"), {1000, 0}}};
    struct str tags[] = {STR("a"), STR("")};
    struct type_member limits[] = {{STR("N\"GN"), STR("1.5")}};
    struct sample sample = {.name = STR("Ada"),
                            .has_age = true,
                            .age = INT64_MIN,
                            .leaf = &leaves[0],
                            .leaves = {leaves, 2},
                            .tags = {tags, 2},
                            .limits = {limits, 1},
                            .extra_data = STR("[1]"),
                            .pin = STR("1234")};
    struct buf out = buf_new(arena, 16);
    json_encode_object(&out, &sample_type, &sample);
    assert_true(str_is(buf_str(&out),
                       "{\"name\":\"Ada\",\"age\":-9223372036854775808,"
                       "\"leaf\":{\"code\":\"x\",\"amount\":-2.5},\"leaves\":[{\"code\":\"x\","
                       "\"amount\":-2.5},{\"code\":\"\\u0001\\\"\\\\/\\t\u00e9\",\"amount\":1000}],"
                       "\"tags\":[\"a\",\"\"],\"limits\":{\"N\\\"GN\":1.5},\"extra_data\":[1],"
                       "\"pin\":\"1234\",\"note\":null}"));
    struct buf masked = buf_new(arena, 16);
    json_encode_masked(&masked, &sample_type, &sample);
    assert_non_null(strstr(arena_cstr(arena, buf_str(&masked)), "\"pin\":\"***\""));
    assert_null(strstr(arena_cstr(arena, buf_str(&masked)), "1234"));
    struct buf abridged = buf_new(arena, 16);
    sample.name = STR("Zo\u00eb\u00eb");
    json_encode_abridged(&abridged, &sample_type, &sample, 3, 1);
    assert_true(str_is(buf_str(&abridged),
                       "{\"name\":\"Zo... (6 bytes)\",\"age\":-9223372036854775808,"
                       "\"leaf\":{\"code\":\"x\",\"amount\":-2.5},\"leaves\":[{\"code\":\"x\","
                       "\"amount\":-2.5},\"... (1 more)\"],"
                       "\"tags\":[\"a\",\"... (1 more)\"],\"limits\":{\"N\\\"GN\":1.5},"
                       "\"extra_data\":[1],\"pin\":\"***\",\"note\":null}"));
    struct type_value whole = {.kind = TYPE_OBJECT, .object = &sample_type};
    const struct json_problem *problem = json_check(arena, buf_str(&out), &whole);
    assert_non_null(problem); /* the age is beyond its bounds, and the amount is not positive */
    assert_true(str_is(problem->path, "age"));
}

static void test_wipes_secrets(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct str body = arena_copy(arena, STR("{\"name\":\"Ada\",\"pin\":\"9876\"}"));
    struct sample sample = {0};
    struct json_problem *problems = NULL;
    assert_int_equal(json_decode_object(arena, body, &sample_type, &sample, &problems), 0);
    type_wipe(&sample_type, &sample);
    assert_null(strstr(body.ptr, "9876"));
    assert_false(str_present(sample.pin));
    assert_true(str_is(sample.name, "Ada"));
}

static void test_parameters(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    const struct type_field *age = type_find_field(&sample_type, STR("age"));
    const struct type_field *active = type_find_field(&sample_type, STR("active"));
    const struct type_field *name = type_find_field(&sample_type, STR("name"));
    struct sample sample = {0};
    struct json_problem *problems = NULL;
    assert_int_equal(json_decode_text(arena, STR("42"), age, &sample, &problems), 0);
    assert_true(sample.has_age && sample.age == 42);
    assert_int_equal(json_decode_text(arena, STR("false"), active, &sample, &problems), 0);
    assert_true(sample.has_active && !sample.active);
    assert_null(problems);
    assert_int_equal(json_decode_text(arena, STR("4x"), age, &sample, &problems), ERR_WRONG_TYPE);
    assert_int_equal(json_decode_text(arena, STR(""), age, &sample, &problems), ERR_WRONG_TYPE);
    assert_int_equal(json_decode_text(arena, STR("yes"), active, &sample, &problems),
                     ERR_WRONG_TYPE);
    assert_int_equal(json_decode_text(arena, STR("A"), name, &sample, &problems), ERR_TOO_SHORT);
    assert_int_equal(json_decode_absent(arena, name, &sample, &problems), ERR_REQUIRED);
    size_t count = 0;
    for (const struct json_problem *p = problems; p; p = p->next)
        count++;
    assert_int_equal(count, 5); /* they add up */
    memset(&sample, 0, sizeof(sample));
    assert_int_equal(json_decode_absent(arena, active, &sample, &problems), 0);
    assert_true(sample.has_active && sample.active);
}

static void test_normal_form(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct setting s = decode(arena, "{\"name\":\"Ade\\u0301\",\"pin\":\"1234\"}");
    assert_true(str_is(s.sample.name, "Ad\u00e9"));
    s = decode(arena, "{\"name\":\"\\ud83d\\ude00a\",\"pin\":\"1234\"}");
    assert_true(str_is(s.sample.name, "\U0001F600a"));
}

static void test_tree(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    const struct json *json;
    struct str text =
        STR("{\"data\":{\"accounts\":[{\"id\":\"a1\",\"balance\":12.50,\"open\":true},"
            "{\"id\":7}],\"none\":null},\"s\":\"x\\ny\",\"n\":\"0.1\"}");
    assert_int_equal(json_parse(arena, text, &json), 0);
    assert_true(str_is(json_string(json_get(json, "data.accounts.0.id")), "a1"));
    assert_false(str_present(json_string(json_get(json, "data.accounts.1.id"))));
    assert_true(str_is(json_text(json_get(json, "data.accounts.1.id")), "7"));
    assert_true(str_is(json_text(json_get(json, "data.accounts.0.balance")), "12.50"));
    struct decimal amount;
    assert_true(json_decimal(json_get(json, "data.accounts.0.balance"), &amount));
    assert_true(amount.coefficient == 125 && amount.scale == 1);
    assert_true(json_decimal(json_get(json, "n"), &amount));
    bool open = false;
    assert_true(json_boolean(json_get(json, "data.accounts.0.open"), &open) && open);
    assert_int_equal(json_count(json_get(json, "data.accounts")), 2);
    assert_ptr_equal(json_get(json, "data.accounts.2.id"), JSON_ABSENT);
    assert_ptr_equal(json_get(json, "data.accounts.x"), JSON_ABSENT);
    assert_ptr_equal(json_get(JSON_ABSENT, "data"), JSON_ABSENT);
    assert_false(str_present(json_text(json_get(json, "data.none"))));
    assert_true(str_is(json_key_at(json, 1), "s"));
    assert_true(str_is(json_print(arena, json_get(json, "s")), "\"x\\ny\""));
    assert_true(str_is(json_print(arena, json_get(json, "data.accounts.1")), "{\"id\":7}"));
    assert_int_equal(json_parse(arena, STR("{\"a\":1,\"a\":2}"), &json), ERR_MALFORMED_JSON);
}

static void test_many_names(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 28);
    struct buf text = buf_new(arena, 1 << 20);
    buf_add_cstr(&text, "{\"name\":\"Ada\",\"pin\":\"1234\"");
    for (int i = 0; i < 60000; i++)
        buf_printf(&text, ",\"k%d\":%d", i, i);
    struct str all = buf_str(&text);
    expect_fine(arena_cstr(arena, arena_printf(arena, "%.*s}", STR_FMT(all))));
    expect_problem(arena_cstr(arena, arena_printf(arena, "%.*s,\"k77\":1}", STR_FMT(all))),
                   ERR_DUPLICATE_FIELD, "k77");
}

static void test_contract_types(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    struct pcx_withdraw_request withdraw = {0};
    struct json_problem *problems = NULL;
    struct str body = STR("{\"account_id\":\"va_1\",\"amount\":100.25,\"user_id\":\"usr_1\","
                          "\"beneficiary_name\":\"Ada\",\"bank_code\":\"058\"}");
    assert_int_equal(
        json_decode_object(arena, body, &pcx_withdraw_request_type, &withdraw, &problems),
        ERR_REQUIRED);
    assert_true(str_is(problems->path, "external_account_id") ||
                str_is(problems->path, "beneficiary_account_number"));
    struct fc_ledger_post_account_in in = {0};
    problems = NULL;
    const struct type_field *field = type_find_field(&fc_ledger_post_account_in_type, STR("body"));
    body = STR("{\"accountPostings\":[{\"primaryAccountNumber\":\"1\",\"currencyCode\":\"NGN\","
               "\"creditDebitInstructionDirection\":\"DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_"
               "ACCOUNT\",\"counterParties\":[{\"accountNumber\":\"2\",\"currencyCode\":\"NGN\","
               "\"amount\":1000}],\"instructionIdempotencykey\":\"k\"}]}");
    assert_int_equal(json_decode(arena, body, &field->value, type_at(&in, field), &problems), 0);
    assert_int_equal(in.body.count, 1);
    assert_int_equal(in.body.items[0].counter_parties.items[0].amount.coefficient, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decodes_every_kind),
        cmocka_unit_test(test_defaults_and_wrapping),
        cmocka_unit_test(test_refusals_name_path_and_rule),
        cmocka_unit_test(test_collects_all_problems),
        cmocka_unit_test(test_refuses_what_is_no_json),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_malformed_text_names_the_rule),
        cmocka_unit_test(test_encodes),
        cmocka_unit_test(test_encodes_trailing_zeros),
        cmocka_unit_test(test_wipes_secrets),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_contract_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
