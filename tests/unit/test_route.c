/* The generated routes: every operation is found under each of its paths, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/route.h"

static const struct route *find(struct arena *arena, enum http_method method, const char *path,
                                struct str *values, unsigned *ret_allowed)
{
    return route_find(method, str_from(path), arena, values, ret_allowed);
}

/* The path with v0, v1, ... in place of its parameters. */
static struct str fill_in(struct arena *arena, const char *path)
{
    struct buf out = buf_new(arena, 200);
    unsigned number = 0;
    for (const char *p = path; *p; p++) {
        if (*p != '{') {
            buf_add_char(&out, *p);
            continue;
        }
        buf_printf(&out, "v%u", number++);
        p = strchr(p, '}');
    }
    return buf_str(&out);
}

static void test_every_path_is_found(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 24);
    size_t documented = 0;
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        struct str values[ROUTE_MAX_PARAMETERS];
        unsigned allowed;
        struct str path = fill_in(arena, route->path);
        const struct route *found = route_find(route->method, path, arena, values, &allowed);
        assert_non_null(found);
        assert_string_equal(found->path, route->path);
        assert_int_equal(found->method, route->method);
        size_t parameters = 0;
        for (; parameters < found->parameter_count; parameters++) {
            if (found->parameters[parameters].place != IN_PATH)
                break;
            assert_true(str_eq(values[parameters], arena_printf(arena, "v%zu", parameters)));
        }
        assert_int_equal(strchr(found->path, '{') == NULL, parameters == 0);
        documented += route->dialect != DIALECT_PLATFORM &&
                      route == route_by_operation_id(str_from(route->operation_id));
    }
    assert_int_equal(documented, 428);
}

static void expect(enum http_method method, const char *path, const char *operation_id)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct str values[ROUTE_MAX_PARAMETERS];
    unsigned allowed;
    const struct route *route = find(arena, method, path, values, &allowed);
    assert_non_null(route);
    assert_string_equal(route->operation_id, operation_id);
}

static void test_literals_win(void **state)
{
    (void)state;
    expect(HTTP_GET, "/v1/payments/all", "pcx_list_all_payments");
    expect(HTTP_GET, "/v1/payments/pay_1", "pcx_get_payment");
    expect(HTTP_GET, "/v1/ping", "vp_ping");
    expect(HTTP_GET, "/v1/virtual-accounts/va_1/transactions", "pcx_list_account_transactions");
    expect(HTTP_GET, "/v1/virtual-accounts/transactions/txn_1",
           "pcx_get_virtual_account_transaction");
    expect(HTTP_POST, "/api/v6/services/transactionmanagement/create-transaction",
           "fc_create_transaction");
    expect(HTTP_POST, "/api/v6/services/transactionmanagement/create-transaction/",
           "fc_create_transaction_direct");
}

static void test_values_are_decoded(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct str values[ROUTE_MAX_PARAMETERS];
    unsigned allowed;
    const struct route *route =
        find(arena, HTTP_GET, "/v1/organizations/name/A%20%26%2fB%C3%a9", values, &allowed);
    assert_non_null(route);
    assert_true(str_is(values[0], "A &/B\u00e9"));
    assert_non_null(find(arena, HTTP_GET, "/v1/pay%6dents/all", values, &allowed));
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct str values[ROUTE_MAX_PARAMETERS];
    unsigned allowed;
    static const char *const paths[] = {
        "",
        "/",
        "v1",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1//payments",
        "/v1/payments/all/",
        "/v1/payments/",
        "/v1/payments/%zz",
        "/v1/payments/%",
        "/v1/payments/%00",
        "/v1/payments/%ff",
        "/v1/payments/a/b/c/d",
        "/api/v6/services/ledger",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_null(find(arena, HTTP_GET, paths[i], values, &allowed));
        assert_int_equal(allowed, 0);
    }
    assert_null(find(arena, HTTP_PUT, "/v1/payments", values, &allowed));
    assert_int_equal(allowed, 1u << HTTP_GET | 1u << HTTP_POST);
    /* The literal path exists, so the parameter beside it is not tried. */
    assert_null(find(arena, HTTP_PUT, "/v1/virtual-accounts/transfer", values, &allowed));
    assert_int_equal(allowed, 1u << HTTP_POST);
    assert_null(route_by_operation_id(STR("pcx_nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_path_is_found),
        cmocka_unit_test(test_literals_win),
        cmocka_unit_test(test_values_are_decoded),
        cmocka_unit_test(test_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
