/* Encryption and key derivation against published vectors; key files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/error.h"
#include "store/cipher.h"

static struct arena *arena;

static struct str bytes_of(const char *hex)
{
    struct str bytes;
    assert_true(hex_parse(arena, str_from(hex), &bytes));
    return bytes;
}

/* "The Galois/Counter Mode of Operation" (McGrew, Viega), test cases 13 to 16, which NIST SP
 * 800-38D took over. */
static const struct {
    const char *key, *nonce, *context, *plain, *sealed, *tag;
} gcm[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void test_gcm_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(gcm) / sizeof(gcm[0]); i++) {
        struct str plain = bytes_of(gcm[i].plain), context = bytes_of(gcm[i].context);
        const uint8_t *key = (const uint8_t *)bytes_of(gcm[i].key).ptr;
        const uint8_t *nonce = (const uint8_t *)bytes_of(gcm[i].nonce).ptr;
        uint8_t sealed[128], opened[128];
        aes_256_gcm_seal(key, nonce, context, plain, sealed);
        size_t length = plain.len + CIPHER_TAG_SIZE;
        struct str expected = arena_printf(arena, "%s%s", gcm[i].sealed, gcm[i].tag);
        assert_true(str_eq(hex_print(arena, sealed, length), expected));
        struct str whole = {(const char *)sealed, length};
        assert_true(aes_256_gcm_open(key, nonce, context, whole, opened));
        assert_memory_equal(opened, plain.ptr, plain.len);
        for (size_t byte = 0; byte < length; byte++) {
            sealed[byte] ^= 1;
            assert_false(aes_256_gcm_open(key, nonce, context, whole, opened));
            sealed[byte] ^= 1;
        }
        assert_false(aes_256_gcm_open(key, nonce, STR("x"), whole, opened));
        assert_false(aes_256_gcm_open(key, nonce, context, STR("short"), opened));
    }
}

/* RFC 5869, A.1 to A.3 */
static const struct {
    const char *input, *salt, *info, *output;
} hkdf[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
     "404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
     "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
     "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
     "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
     "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
     "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static void test_hkdf_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hkdf) / sizeof(hkdf[0]); i++) {
        uint8_t key[128];
        size_t length = strlen(hkdf[i].output) / 2;
        hkdf_sha256(bytes_of(hkdf[i].salt), bytes_of(hkdf[i].input), bytes_of(hkdf[i].info), key,
                    length);
        assert_string_equal(hex_print(arena, key, length).ptr, hkdf[i].output);
    }
}

#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"

static void test_keys(void **state)
{
    (void)state;
    struct str why, plain;
    struct cipher *one = cipher_new(STR("root " TWOS "\n1 " ONES "\n"), &why);
    struct cipher *two = cipher_new(STR("# newer\n2 " TWOS "\n\nroot " TWOS "\n1 " ONES), &why);
    assert_non_null(one);
    assert_non_null(two);
    struct str old = cipher_seal(one, arena, STR("t.c"), STR("text"));
    struct str again = cipher_seal(one, arena, STR("t.c"), STR("text"));
    assert_false(str_eq(old, again));
    assert_true(cipher_is_current(one, old));
    assert_false(cipher_is_current(two, old));
    assert_int_equal(cipher_open(two, arena, STR("t.c"), old, &plain), 0);
    assert_true(str_is(plain, "text"));
    struct str fresh = cipher_seal(two, arena, STR("t.c"), STR(""));
    assert_int_equal(cipher_open(two, arena, STR("t.c"), fresh, &plain), 0);
    assert_true(str_present(plain) && str_empty(plain));
    assert_int_equal(cipher_open(one, arena, STR("t.c"), fresh, &plain), ERR_DECRYPT);
    assert_int_equal(cipher_open(one, arena, STR("t.d"), old, &plain), ERR_DECRYPT);
    for (size_t length = 0; length < old.len; length++)
        assert_int_equal(cipher_open(one, arena, STR("t.c"), (struct str){old.ptr, length}, &plain),
                         ERR_DECRYPT);
    /* The root decides the blind index, not the current key; the context counts. */
    struct str index = cipher_blind_index(one, arena, STR("t.c"), STR("text"));
    assert_int_equal(index.len, 64);
    assert_true(str_eq(index, cipher_blind_index(two, arena, STR("t.c"), STR("text"))));
    assert_false(str_eq(index, cipher_blind_index(one, arena, STR("t.d"), STR("text"))));
    uint8_t cursor[32], token[32];
    cipher_derive(one, "cursor", cursor);
    cipher_derive(one, "token", token);
    assert_memory_not_equal(cursor, token, 32);
    cipher_free(one);
    cipher_free(two);
}

static void test_key_texts(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "root " ONES,          /* nothing encrypts */
        "1 1111",              /* too short */
        "0 " ONES,             /* numbers start at 1 */
        "1 " ONES "\n1 " TWOS, /* twice */
        "root " ONES "\nroot " TWOS "\n1 " ONES,
        "key " ONES,
        "1 " ONES "1",
        "1 zz11111111111111111111111111111111111111111111111111111111111111",
    };
    struct str why;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(cipher_new(str_from(bad[i]), &why));
    /* As it stands in an environment variable. */
    struct cipher *bare = cipher_new(STR(ONES), &why);
    struct cipher *lines = cipher_new(STR("1 " ONES ",2 " TWOS), &why);
    struct str plain;
    assert_non_null(bare);
    assert_non_null(lines);
    struct str sealed = cipher_seal(bare, arena, STR("c"), STR("x"));
    assert_int_equal(cipher_open(lines, arena, STR("c"), sealed, &plain), 0);
    assert_true(str_eq(cipher_blind_index(bare, arena, STR("c"), STR("x")),
                       cipher_blind_index(lines, arena, STR("c"), STR("x"))));
    cipher_free(bare);
    cipher_free(lines);
}

int main(void)
{
    arena = arena_new(SIZE_MAX);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gcm_vectors),
        cmocka_unit_test(test_hkdf_vectors),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_key_texts),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
