/* The parts of the server that need no socket: settings, forms, rate limits, metrics, error
 * shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/metrics.h"
#include "dialect/dialect.h"
#include "server/form.h"
#include "server/rate_limit.h"

/* ---- Settings ---- */

static enum config_result load(struct arena *arena, struct config *config, struct str *why,
                               const char *const *arguments)
{
    char *argv[16] = {"serve"};
    int argc = 1;
    for (; arguments[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    return config_load(arena, argc, argv, config, why);
}

static void test_flags_win_over_environment_over_file(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    char path[] = "/tmp/cambist-config-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "# comment\nhttp_threads = 3\nworker-threads=4\nnode = 5\n"
                               "provider.bridge.api_key = \"file key\"\n";
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    setenv("CAMBIST_WORKER_THREADS", "6", 1);
    setenv("CAMBIST_NODE", "7", 1);
    struct config config;
    struct str why = STR_NONE;
    const char *arguments[] = {"--config", path, "--node=9", "--sandbox", NULL};
    assert_int_equal(load(arena, &config, &why, arguments), CONFIG_OK);
    unsetenv("CAMBIST_WORKER_THREADS");
    unsetenv("CAMBIST_NODE");
    assert_int_equal(config.http_threads, 3);
    assert_int_equal(config.worker_threads, 6);
    assert_int_equal(config.node, 9);
    assert_true(config.sandbox);
    assert_false(config.log_access);
    assert_true(str_is(config.listen, "127.0.0.1:8080"));
    assert_true(str_is(config_extra(&config, "provider.bridge.api_key"), "file key"));
    setenv("CAMBIST_PROVIDER_BRIDGE_API_KEY", "environment key", 1);
    assert_true(str_is(config_extra(&config, "provider.bridge.api_key"), "environment key"));
    unsetenv("CAMBIST_PROVIDER_BRIDGE_API_KEY");
    assert_false(str_present(config_extra(&config, "provider.bridge.secret")));
    remove(path);
}

static void test_bad_settings_are_refused(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    static const char *const rows[][3] = {
        {"--no-such-option", NULL},       {"--http-threads", "-1", NULL},
        {"--http-threads", "many", NULL}, {"--http-threads", NULL},
        {"--sandbox=maybe", NULL},        {"stray", NULL},
        {"--config", "/nowhere", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config config;
        struct str why = STR_NONE;
        assert_int_equal(load(arena, &config, &why, rows[i]), CONFIG_BAD);
        assert_true(why.len > 0);
    }
}

/* ---- Forms ---- */

static void test_percent_decoding(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    static const struct {
        const char *in, *out;
        bool plus;
    } rows[] = {
        {"", "", true},         {"a%20b", "a b", false}, {"a+b", "a+b", false},
        {"a+b", "a b", true},   {"%4", "%4", true},      {"%zz", "%zz", true},
        {"100%", "100%", true}, {"%2F%2f", "//", true},  {"%C3%A9", "\xc3\xa9", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(
            str_is(form_percent_decode(arena, str_from(rows[i].in), rows[i].plus), rows[i].out));
}

struct sample {
    struct str name;
    bool has_age;
    int64_t age;
    struct str file;
};

static const struct type_field sample_fields[] = {
    {.name = "name",
     .offset = offsetof(struct sample, name),
     .has_offset = -1,
     .required = true,
     .value = {.kind = TYPE_STRING}},
    {.name = "age",
     .offset = offsetof(struct sample, age),
     .has_offset = offsetof(struct sample, has_age),
     .value = {.kind = TYPE_INTEGER}},
    {.name = "file",
     .offset = offsetof(struct sample, file),
     .has_offset = -1,
     .value = {.kind = TYPE_STRING, .format = FORMAT_BINARY}},
};
static const struct type sample_type = {.name = "sample",
                                        .size = sizeof(struct sample),
                                        .fields = sample_fields,
                                        .field_count = 3,
                                        .extra_offset = -1};
static const struct type_value sample_value = {.kind = TYPE_OBJECT, .object = &sample_type};

static int decode(struct arena *arena, const char *type, struct str body,
                  struct sample **ret_sample)
{
    struct json_problem *problems = NULL;
    return form_decode(arena, str_from(type), body, &sample_value, ret_sample, &problems);
}

/* Each of them would be searched past, and told of. */
static void test_form_of_many_problems(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 26);
    struct json_problem *problems = NULL;
    struct sample *sample;
    struct buf body = buf_new(arena, 1 << 20);
    for (int i = 0; i < 250000; i++)
        buf_add_cstr(&body, "age=x&");
    int error = form_decode(arena, STR("application/x-www-form-urlencoded"), buf_str(&body),
                            &sample_value, &sample, &problems);
    assert_int_equal(error, ERR_WRONG_TYPE);
    size_t count = 0;
    for (const struct json_problem *p = problems; p; p = p->next)
        count++;
    assert_int_equal(count, 50);
}

static void test_url_encoded_form(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    static const char type[] = "application/x-www-form-urlencoded; charset=utf-8";
    assert_true(form_is_form(str_from(type)));
    assert_false(form_is_form(STR("application/json")));
    struct sample *sample;
    assert_int_equal(decode(arena, type, STR("name=Ad%C3%A1+L&age=36"), &sample), OK);
    assert_true(str_is(sample->name, "Ad\xc3\xa1 L"));
    assert_true(sample->has_age);
    assert_int_equal(sample->age, 36);
    assert_int_equal(decode(arena, type, STR("age=1"), &sample), ERR_REQUIRED);
    assert_int_equal(decode(arena, type, STR("name=a&name=b"), &sample), ERR_DUPLICATE_FIELD);
    assert_int_equal(decode(arena, type, STR("name=a&other=b"), &sample), ERR_UNKNOWN_FIELD);
    assert_int_equal(decode(arena, type, STR("name=%00"), &sample), ERR_BAD_FORMAT);
    assert_int_not_equal(decode(arena, type, STR("name=a&age=old"), &sample), OK);
}

static void test_multipart_form(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    static const char type[] = "multipart/form-data; boundary=\"xx\"";
    static const char body[] =
        "--xx\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n"
        "--xx\r\ncontent-disposition: form-data; filename=\"a.bin\"; name=file\r\n"
        "Content-Type: application/octet-stream\r\n\r\n\0\r\n--x\xff\r\n--xx--\r\n";
    struct str whole = {body, sizeof(body) - 1};
    struct sample *sample;
    assert_int_equal(decode(arena, type, whole, &sample), OK);
    assert_true(str_is(sample->name, "Ada"));
    assert_int_equal(sample->file.len, 7);
    assert_memory_equal(sample->file.ptr, "\0\r\n--x\xff", 7);
    /* Cut anywhere, it is refused, not misread. */
    for (size_t cut = 0; cut + 4 < whole.len; cut++)
        assert_int_not_equal(decode(arena, type, (struct str){whole.ptr, cut}, &sample), OK);
    assert_int_not_equal(decode(arena, "multipart/form-data", whole, &sample), OK);
    /* A part without headers has no name, and is passed over. */
    assert_int_equal(decode(arena, type, STR("--xx\r\n\r\nx\r\n--xx--\r\n"), &sample),
                     ERR_REQUIRED);
}

/* ---- Rate limits ---- */

static void test_rate_limit_lets_a_burst_through(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(10);
    usec_t now = 1000 * USEC_PER_SEC;
    for (int i = 0; i < 10; i++)
        assert_int_equal(rate_limit_take(limit, 7, now), 0);
    assert_int_equal(rate_limit_take(limit, 7, now), USEC_PER_SEC / 10);
    assert_int_equal(rate_limit_take(limit, 8, now), 0);
    assert_int_equal(rate_limit_take(limit, 7, now + USEC_PER_SEC / 10), 0);
    assert_true(rate_limit_take(limit, 7, now + USEC_PER_SEC / 10) > 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(rate_limit_take(limit, 7, now + 2 * USEC_PER_SEC), 0);
    rate_limit_free(limit);
    limit = rate_limit_new(0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rate_limit_take(limit, 7, now), 0);
    rate_limit_free(limit);
}

/* ---- Metrics ---- */

static void name_of(size_t index, const char **ret_name, const char **ret_dialect)
{
    *ret_name = index ? "second" : "first";
    *ret_dialect = "pcx";
}

static void test_metrics_add_up(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct metrics *metrics = metrics_new(2, name_of);
    metrics_call(metrics, 1, CALL_DONE, 90);
    metrics_call(metrics, 1, CALL_REFUSED, 900);
    metrics_call(metrics, 1, CALL_FAILED, 90000000);
    metrics_observe(metrics, HISTOGRAM_BATCH_SIZE, 3);
    metrics_count(metrics, METRIC_COMMITS, 2);
    metrics_gauge_set(metrics, GAUGE_OUTBOX_DEPTH, 5);
    struct buf out = buf_new(arena, 1024);
    metrics_print(metrics, &out);
    buf_add_char(&out, 0);
    static const char *const lines[] = {
        "cambist_calls_total{operation=\"second\",dialect=\"pcx\"} 3\n",
        "cambist_call_errors_total{operation=\"second\",dialect=\"pcx\"} 1\n",
        "cambist_call_refusals_total{operation=\"second\",dialect=\"pcx\"} 1\n",
        "cambist_call_seconds_bucket{operation=\"second\",dialect=\"pcx\",le=\"0.000100\"} 1\n",
        "cambist_call_seconds_bucket{operation=\"second\",dialect=\"pcx\",le=\"0.001000\"} 2\n",
        "cambist_call_seconds_bucket{operation=\"second\",dialect=\"pcx\",le=\"+Inf\"} 3\n",
        "cambist_call_seconds_sum{operation=\"second\",dialect=\"pcx\"} 90.000990\n",
        "cambist_commits_total 2\n",
        "cambist_outbox_depth 5\n",
        "cambist_batch_calls_bucket{le=\"2\"} 0\ncambist_batch_calls_bucket{le=\"4\"} 1\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_non_null(strstr(out.ptr, lines[i]));
    assert_null(strstr(out.ptr, "first"));
    metrics_free(metrics);
}

/* ---- Errors in the shape of each dialect ---- */

static void test_errors_name_field_and_rule(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    static const struct {
        enum dialect dialect;
        int status;
        const char *body;
    } rows[] = {
        {DIALECT_PCX, 400,
         "{\"status\":\"error\",\"message\":\"amount is required\",\"errors\":"
         "[{\"field\":\"amount\",\"message\":\"is required\"}]}"},
        {DIALECT_VAULTSPAY, 422,
         "{\"code\":1000,\"message\":\"Invalid payload. Please check your request.\",\"type\":"
         "\"INVALID_PAYLOAD\",\"errors\":[{\"key\":\"amount\",\"reason\":\"is required\"}]}"},
        {DIALECT_FINCODE, 422,
         "{\"status\":\"FAILED\",\"message\":\"amount is required\",\"responseCode\":422,"
         "\"success\":false,\"error\":{\"code\":\"VALIDATION_ERROR\",\"message\":"
         "\"amount is required\",\"details\":[{\"field\":\"amount\",\"message\":\"is required\"}]},"
         "\"metadata\":{\"request_id\":\"r1\",\"timestamp\":\"1970-01-01T00:00:00.000Z\"}}"},
        {DIALECT_PLATFORM, 400,
         "{\"status\":\"error\",\"code\":\"REQUIRED\",\"message\":\"amount is required\","
         "\"errors\":[{\"field\":\"amount\",\"code\":\"REQUIRED\",\"message\":\"is required\"}],"
         "\"request_id\":\"r1\"}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call c = {.arena = arena, .request_id = STR("r1")};
        call_refuse(&c, ERR_REQUIRED, "amount");
        struct buf out = buf_new(arena, 256);
        assert_int_equal(dialects[rows[i].dialect]->render_error(&c, &out), rows[i].status);
        buf_add_char(&out, 0);
        assert_string_equal(out.ptr, rows[i].body);
    }
}

static void test_paths_belong_to_dialects(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum dialect dialect;
    } rows[] = {
        {"/v1/payments", DIALECT_PCX},
        {"/v1", DIALECT_PCX},
        {"/v1/ping", DIALECT_VAULTSPAY},
        {"/v1/pingpong", DIALECT_PCX},
        {"/v1/services/x", DIALECT_FINCODE},
        {"/be/api/v1/accounts", DIALECT_VAULTSPAY},
        {"/api/v6/services/x", DIALECT_FINCODE},
        {"/gateway/quote", DIALECT_FINCODE},
        {"/platform/v1/tenants", DIALECT_PLATFORM},
        {"/nothing", DIALECT_PLATFORM},
        {"", DIALECT_PLATFORM},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(dialect_of_path(str_from(rows[i].path)), rows[i].dialect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_win_over_environment_over_file),
        cmocka_unit_test(test_bad_settings_are_refused),
        cmocka_unit_test(test_percent_decoding),
        cmocka_unit_test(test_url_encoded_form),
        cmocka_unit_test(test_form_of_many_problems),
        cmocka_unit_test(test_multipart_form),
        cmocka_unit_test(test_rate_limit_lets_a_burst_through),
        cmocka_unit_test(test_metrics_add_up),
        cmocka_unit_test(test_errors_name_field_and_rule),
        cmocka_unit_test(test_paths_belong_to_dialects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
