/* The pages are in the binary, complete and typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/pages.h"

static void test_pages_are_found(void **state)
{
    (void)state;
    struct page_file file;
    assert_true(page_find(STR("/docs"), &file));
    assert_string_equal(file.content_type, "text/html; charset=utf-8");
    assert_null(file.content_encoding);
    assert_memory_equal(file.body.ptr, "<!doctype html>", 15);

    assert_true(page_find(STR("/assets/redoc.standalone.js"), &file));
    assert_string_equal(file.content_type, "text/javascript; charset=utf-8");
    assert_string_equal(file.content_encoding, "gzip");
    assert_memory_equal(file.body.ptr, "\x1f\x8b", 2);
    assert_true(file.body.len > 100000);
}

static void test_other_paths_are_not(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",         "/",         "/docs/",          "/docsx",
        "/assets/", "/assets/.", "/assets/../docs", "/assets/nothing.js"};
    struct page_file file;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_false(page_find(str_from(paths[i]), &file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_are_found),
        cmocka_unit_test(test_other_paths_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
