/* AES-GCM, RS256 and OAEP against published vectors, and what comes from outside broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/digest.h"

static struct str from_hex(struct arena *arena, const char *text)
{
    struct str bytes;
    assert_true(hex_parse(arena, str_from(text), &bytes));
    return bytes;
}

static struct str from_base64url(struct arena *arena, const char *text)
{
    struct str bytes;
    assert_true(base64url_parse(arena, str_from(text), &bytes));
    return bytes;
}

/* McGrew & Viega, The Galois/Counter Mode of Operation, test cases 14 and 16. */
static void test_aes_gcm_vectors(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct str zeros =
        from_hex(arena, "0000000000000000000000000000000000000000000000000000000000000000");
    struct str sealed = aes_gcm_seal(arena, (const uint8_t *)zeros.ptr, (struct str){zeros.ptr, 12},
                                     STR_NONE, (struct str){zeros.ptr, 16});
    assert_true(str_eq(
        sealed,
        from_hex(arena, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")));

    struct str key =
        from_hex(arena, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    struct str iv = from_hex(arena, "cafebabefacedbaddecaf888");
    struct str context = from_hex(arena, "feedfacedeadbeeffeedfacedeadbeefabaddad2");
    struct str plain = from_hex(
        arena,
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e"
        "2449a6b525b16aedf5aa0de657ba637b39");
    sealed = aes_gcm_seal(arena, (const uint8_t *)key.ptr, iv, context, plain);
    assert_true(str_eq(
        sealed,
        from_hex(arena,
                 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb"
                 "3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b")));
    struct str opened;
    assert_true(aes_gcm_open(arena, (const uint8_t *)key.ptr, iv, context, sealed, &opened));
    assert_true(str_eq(opened, plain));
}

static void test_aes_gcm_refuses_every_changed_byte(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    uint8_t key[AES_KEY_SIZE];
    random_bytes(key, sizeof(key));
    struct str iv = STR("123456789012");
    struct str sealed = aes_gcm_seal(arena, key, iv, STR("context"), STR("hello"));
    struct str opened;
    for (size_t i = 0; i < sealed.len; i++) {
        struct str copy = arena_copy(arena, sealed);
        ((char *)(uintptr_t)copy.ptr)[i] ^= 1;
        assert_false(aes_gcm_open(arena, key, iv, STR("context"), copy, &opened));
    }
    assert_false(aes_gcm_open(arena, key, iv, STR("other"), sealed, &opened));
    assert_false(aes_gcm_open(arena, key, STR("123456789013"), STR("context"), sealed, &opened));
    assert_false(aes_gcm_open(arena, key, STR_NONE, STR("context"), sealed, &opened));
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(
            aes_gcm_open(arena, key, iv, STR("context"), (struct str){sealed.ptr, len}, &opened));
    assert_true(aes_gcm_open(arena, key, iv, STR("context"), sealed, &opened));
    struct str nothing = aes_gcm_seal(arena, key, iv, STR_NONE, STR(""));
    assert_int_equal(nothing.len, AES_TAG_SIZE);
    assert_true(aes_gcm_open(arena, key, iv, STR_NONE, nothing, &opened));
    assert_true(str_present(opened) && opened.len == 0);
}

/* RFC 7515, appendix A.2: a JWS signed with RS256. */
static const char jwk_n[] = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"
                            "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR"
                            "T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
                            "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXB"
                            "dQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"
                            "I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9ia"
                            "GNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
static const char jws_signed[] =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19"
    "yb290Ijp0cnVlfQ";
static const char jws_signature[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9"
    "uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB"
    "_eSN9383LcOLn6_dO--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq"
    "Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static void test_rs256_vector(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct rsa_key *key =
        rsa_from_numbers(from_base64url(arena, jwk_n), from_base64url(arena, "AQAB"));
    assert_non_null(key);
    assert_int_equal(rsa_bits(key), 2048);
    struct str signature = from_base64url(arena, jws_signature);
    assert_true(rsa_verify_sha256(key, str_from(jws_signed), signature));
    assert_false(rsa_verify_sha256(key, STR("something else"), signature));
    assert_false(rsa_verify_sha256(key, str_from(jws_signed), (struct str){signature.ptr, 255}));
    assert_false(rsa_verify_sha256(key, str_from(jws_signed), STR_NONE));

    struct str der = rsa_public_der(arena, key);
    assert_int_equal(der.len, 294); /* as the sample key of VaultsPay's pages */
    struct rsa_key *same = rsa_from_public_der(der);
    assert_non_null(same);
    assert_true(str_eq(rsa_modulus(arena, same), from_base64url(arena, jwk_n)));
    assert_true(str_eq(rsa_exponent(arena, same), STR("\x01\x00\x01")));
    assert_null(rsa_from_public_der((struct str){der.ptr, der.len - 1}));
    assert_null(rsa_from_public_der(STR("nonsense")));
    assert_null(rsa_from_numbers(STR("\x0f"), STR("\x03")));
    rsa_free(same);
    rsa_free(key);
}

static void test_rsa_key_pair(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct rsa_key *made = rsa_generate(2048);
    struct rsa_key *key = rsa_from_private_der(rsa_private_der(arena, made));
    assert_non_null(key);
    assert_null(rsa_from_private_der(STR("nonsense")));
    struct str signature = rsa_sign_sha256(arena, key, STR("a message"));
    assert_true(rsa_verify_sha256(made, STR("a message"), signature));

    static const enum rsa_padding paddings[] = {RSA_OAEP_SHA256, RSA_OAEP_SHA256_MGF1_SHA1,
                                                RSA_OAEP_SHA1, RSA_PKCS1};
    struct str opened;
    for (size_t i = 0; i < 4; i++) {
        struct str cipher = rsa_encrypt(arena, made, paddings[i], STR("Password@1"));
        assert_true(rsa_decrypt(arena, key, paddings[i], cipher, &opened));
        assert_true(str_is(opened, "Password@1"));
        if (i < 3)
            assert_false(rsa_decrypt(arena, key, paddings[(i + 1) % 3], cipher, &opened));
        assert_false(rsa_decrypt(arena, key, paddings[i], (struct str){cipher.ptr, 255}, &opened));
    }
    assert_false(rsa_decrypt(arena, key, RSA_OAEP_SHA256, STR_NONE, &opened));
    rsa_free(key);
    rsa_free(made);
}

/*
 * Made with another implementation (Debian's python3-cryptography 38, key and ciphertexts by its
 * own random numbers): SHA-256 for the label with either hash for MGF1.
 */
#include "oaep_vectors.h"

static void test_oaep_vectors(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct str der, cipher, opened;
    assert_true(base64_parse(arena, str_from(oaep_private_key), &der));
    struct rsa_key *key = rsa_from_private_der(der);
    assert_non_null(key);
    assert_true(base64_parse(arena, str_from(oaep_mgf1_sha256), &cipher));
    assert_true(rsa_decrypt(arena, key, RSA_OAEP_SHA256, cipher, &opened));
    assert_true(str_is(opened, "Password@1"));
    assert_false(rsa_decrypt(arena, key, RSA_OAEP_SHA256_MGF1_SHA1, cipher, &opened));
    assert_true(base64_parse(arena, str_from(oaep_mgf1_sha1), &cipher));
    assert_true(rsa_decrypt(arena, key, RSA_OAEP_SHA256_MGF1_SHA1, cipher, &opened));
    assert_true(str_is(opened, "Password@1"));
    rsa_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aes_gcm_vectors),
        cmocka_unit_test(test_aes_gcm_refuses_every_changed_byte),
        cmocka_unit_test(test_rs256_vector),
        cmocka_unit_test(test_rsa_key_pair),
        cmocka_unit_test(test_oaep_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
