/* Hashes against RFC 4231 vectors, base64 against RFC 4648. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/digest.h"

static struct arena *arena;

static void assert_str(struct str s, const char *text)
{
    assert_string_equal(arena_cstr(arena, s), text);
}

static void test_hmac(void **state)
{
    (void)state;
    /* RFC 4231 test case 2 */
    struct str key = STR("Jefe"), message = STR("what do ya want for nothing?");
    assert_str(digest_hmac_sha256_hex(arena, key, message),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_str(digest_hmac_sha512_hex(arena, key, message),
               "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    uint8_t digest[SHA256_SIZE];
    digest_sha256(STR("abc"), digest);
    assert_str(hex_print(arena, digest, sizeof(digest)),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_base64(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str bytes;
        assert_str(base64_print(arena, str_from(rows[i][0])), rows[i][1]);
        assert_true(base64_parse(arena, str_from(rows[i][1]), &bytes));
        assert_str(bytes, rows[i][0]);
    }
    struct str bytes;
    assert_str(base64url_print(arena, STR("\xff\xfe\xfd\xfc")), "__79_A");
    assert_true(base64url_parse(arena, STR("__79_A"), &bytes));
    assert_true(str_eq(bytes, STR("\xff\xfe\xfd\xfc")));
    static const char *const bad[] = {"Zg", "Zg=", "Z===", "Zh==", "Zm9v\n", "Zm 9", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(base64_parse(arena, str_from(bad[i]), &bytes));
}

static void test_hex(void **state)
{
    (void)state;
    struct str bytes;
    assert_true(hex_parse(arena, STR("00fFa1"), &bytes));
    assert_str(hex_print(arena, bytes.ptr, bytes.len), "00ffa1");
    assert_false(hex_parse(arena, STR("0"), &bytes));
    assert_false(hex_parse(arena, STR("0g"), &bytes));
}

int main(void)
{
    arena = arena_new(1 << 20);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hmac), cmocka_unit_test(test_base64),
                                       cmocka_unit_test(test_hex)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
