/* Tokens against RFC 7515's example, passwords, API key prefixes, and SRP between the two halves of
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "core/identity/api_key.h"
#include "core/identity/credentials.h"
#include "core/identity/password.h"
#include "core/identity/srp.h"
#include "core/identity/token.h"

/* RFC 7515, appendix A.2. */
static const char jws[] =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p"
    "c19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-"
    "0Qc_"
    "lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvk"
    "SjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2"
    "w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char jwk_n[] = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"
                            "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL"
                            "-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
                            "bSf63kpaSHSXndS5z5rexMdbBYUsLA"
                            "9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"
                            "I5IhlJH7aGhyxXFvUK-DWNmoudF8N"
                            "Aco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

static void test_token_vector(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct token token;
    struct str modulus;
    int64_t expires_at;
    assert_true(token_read(arena, str_from(jws), &token));
    assert_true(str_is(json_string(json_get(token.claims, "iss")), "joe"));
    assert_true(token_expiry(&token, &expires_at));
    assert_int_equal(expires_at, INT64_C(1300819380000000));
    assert_true(base64url_parse(arena, str_from(jwk_n), &modulus));
    struct rsa_key *key = rsa_from_numbers(modulus, STR("\x01\x00\x01"));
    assert_true(token_verify(&token, key));
    token.signed_text.len--;
    assert_false(token_verify(&token, key));
    rsa_free(key);
}

static struct str token_of(struct arena *arena, const char *header, const char *payload)
{
    struct str h = base64url_print(arena, str_from(header));
    struct str p = base64url_print(arena, str_from(payload));
    return arena_printf(arena, "%.*s.%.*s.c2ln", STR_FMT(h), STR_FMT(p));
}

static void test_token_refuses(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct token token;
    static const char *const rows[][2] = {
        {"{\"alg\":\"none\"}", "{}"},       {"{\"alg\":\"HS256\"}", "{}"},
        {"{\"alg\":\"rs256\"}", "{}"},      {"{}", "{}"},
        {"{\"alg\":[\"RS256\"]}", "{}"},    {"{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", "{}"},
        {"{\"alg\":\"RS256\"}", "no json"}, {"no json", "{}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(token_read(arena, token_of(arena, rows[i][0], rows[i][1]), &token));
    assert_true(token_read(arena, token_of(arena, "{\"alg\":\"RS256\"}", "{}"), &token));
    static const char *const shapes[] = {
        "", ".", "..", "...", "a.b", "e30.e30.", "e30.e30.c2ln.c2ln"};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        assert_false(token_read(arena, str_from(shapes[i]), &token));
}

static void test_token_round_trip(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct rsa_key *key = rsa_generate(2048);
    struct str text = token_sign(arena, key, STR("kid1"), STR("{\"sub\":\"x\",\"exp\":10}"));
    struct token token;
    int64_t expires_at;
    assert_true(token_read(arena, text, &token));
    assert_true(str_is(token.kid, "kid1"));
    assert_true(token_verify(&token, key));
    assert_true(token_expiry(&token, &expires_at));
    assert_int_equal(expires_at, 10000000);
    rsa_free(key);
}

static void test_password_hashes(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    /* Argon2's own test vector for Argon2id v=19, m=65536, t=2, p=1 (phc-winner-argon2,
     * src/test.c). */
    static const char vector[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
                                 "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assert_true(password_verify(str_from(vector), STR("password")));
    assert_false(password_verify(str_from(vector), STR("passwore")));
    password_set_cost(1, 64u << 10);
    struct str first = password_hash(arena, STR("Passw0rd!")),
               second = password_hash(arena, STR("Passw0rd!"));
    assert_true(str_starts(first, STR("$argon2id$v=19$m=64,t=1,p=1$")));
    assert_false(str_eq(first, second));
    assert_true(password_verify(first, STR("Passw0rd!")));
    assert_false(password_verify(first, STR("Passw0rd")));
    assert_false(password_verify(STR_NONE, STR("Passw0rd!")));
    assert_false(password_verify(STR("$argon2id$rubbish"), STR("Passw0rd!")));
}

static void test_password_policy(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    static const struct {
        const char *password;
        int error;
    } rows[] = {
        {"Passw0rd!", OK},
        {"Pa0!567", ERR_WEAK_PASSWORD},
        {"passw0rd!", ERR_WEAK_PASSWORD},
        {"PASSW0RD!", ERR_WEAK_PASSWORD},
        {"Password!", ERR_WEAK_PASSWORD},
        {"Passw0rds", ERR_WEAK_PASSWORD},
        {"Pässw0rt", OK}, /* eight characters; one is no ASCII letter */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call c = {.arena = arena};
        assert_int_equal(password_check_policy(&c, str_from(rows[i].password), "password"),
                         rows[i].error);
    }
}

static void test_api_key_prefix(void **state)
{
    (void)state;
    assert_true(str_is(api_key_prefix(STR("pcx_abc12345_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef")),
                       "pcx_abc12345"));
    static const char *const bad[] = {"",
                                      "NONE",
                                      "pcx_",
                                      "pcx_abc12345_short",
                                      "abc_abc12345_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef",
                                      "pcx_abc123456ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(str_present(api_key_prefix(str_from(bad[i]))));
}

/* The whole exchange is tested against an independent client in
 * tests/scenario/identity/test_cognito.py. */
static void test_srp_refuses(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct str verifier = srp_make_verifier(arena, STR("pool"), STR("user"), STR("Passw0rd!"));
    struct srp_challenge challenge, other;
    assert_false(srp_challenge(arena, verifier, STR("0"), &challenge));
    assert_false(srp_challenge(arena, verifier, STR(""), &challenge));
    assert_false(srp_challenge(arena, verifier, STR("xyz"), &challenge));
    assert_true(srp_challenge(arena, verifier, STR("02"), &challenge));
    assert_true(srp_challenge(arena, verifier, STR("02"), &other));
    assert_false(str_eq(challenge.public_b, other.public_b));
    assert_true(str_eq(challenge.salt, other.salt));
    static const uint8_t zeros[32];
    assert_false(srp_check(arena, verifier, STR("02"), &challenge, STR("pool"), STR("user"),
                           STR("block"), STR("time"), (struct str){(const char *)zeros, 32}));
    assert_false(srp_check(arena, verifier, STR("02"), &challenge, STR("pool"), STR("user"),
                           STR("block"), STR("time"), STR_NONE));
}

/* Five in a row lock for the period, after it counting starts anew; and a flood of other names takes
 * no memory. */
static void test_nobody_is_locked(void **state)
{
    (void)state;
    struct credentials *credentials = credentials_new(USEC_PER_HOUR);
    usec_t now = USEC_PER_HOUR;
    for (int round = 0; round < 2; round++, now += 100) {
        for (int i = 0; i < 5; i++) {
            assert_false(credentials_nobody_locked(credentials, 7, now));
            credentials_count_nobody(credentials, 7, now, 5, 100);
        }
        assert_true(credentials_nobody_locked(credentials, 7, now + 99));
        assert_false(credentials_nobody_locked(credentials, 7, now + 100));
        assert_false(credentials_nobody_locked(credentials, 8, now));
    }
    for (uint64_t key = 1000; key < 100000; key++) {
        credentials_count_nobody(credentials, key, now, 1, 100);
        assert_true(credentials_nobody_locked(credentials, key, now));
    }
    assert_false(credentials_nobody_locked(credentials, 7, now));
    credentials_free(credentials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_vector),     cmocka_unit_test(test_token_refuses),
        cmocka_unit_test(test_token_round_trip), cmocka_unit_test(test_password_hashes),
        cmocka_unit_test(test_password_policy),  cmocka_unit_test(test_api_key_prefix),
        cmocka_unit_test(test_srp_refuses),      cmocka_unit_test(test_nobody_is_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
