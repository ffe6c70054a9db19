/* AES-256-GCM and key derivation over a set of keys. Nonces are random: at most 2^32 values per
 * key. */
#include "store/cipher.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/error.h"
#include "store/why.h"

#define VERSION 1
#define HEADER_SIZE (1 + 4 + CIPHER_NONCE_SIZE)
#define MAX_KEYS 64

struct key {
    uint32_t id;
    uint8_t bytes[CIPHER_KEY_SIZE];
};

struct cipher {
    uint8_t root[CIPHER_KEY_SIZE];
    bool has_root;
    size_t key_count;
    struct key keys[MAX_KEYS]; /* by ascending id: the last one is current */
};

/* ---- Primitives ---- */

/* Lengths are bounded by the size of a request, far below INT_MAX. */
static int int_length(size_t length)
{
    assert(length < (1u << 30));
    return (int)length;
}

/* OpenSSL fails here only when it has no memory or no AES. */
static void must(int result)
{
    if (result != 1)
        abort();
}

void aes_256_gcm_seal(const uint8_t key[CIPHER_KEY_SIZE], const uint8_t nonce[CIPHER_NONCE_SIZE],
                      struct str context, struct str plain, uint8_t *ret_sealed)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int length;
    must(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce));
    if (context.len > 0)
        must(EVP_EncryptUpdate(ctx, NULL, &length, (const uint8_t *)context.ptr,
                               int_length(context.len)));
    if (plain.len > 0)
        must(EVP_EncryptUpdate(ctx, ret_sealed, &length, (const uint8_t *)plain.ptr,
                               int_length(plain.len)));
    must(EVP_EncryptFinal_ex(ctx, ret_sealed + plain.len, &length));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, CIPHER_TAG_SIZE, ret_sealed + plain.len));
    EVP_CIPHER_CTX_free(ctx);
}

bool aes_256_gcm_open(const uint8_t key[CIPHER_KEY_SIZE], const uint8_t nonce[CIPHER_NONCE_SIZE],
                      struct str context, struct str sealed, uint8_t *ret_plain)
{
    if (sealed.len < CIPHER_TAG_SIZE)
        return false;
    size_t plain_length = sealed.len - CIPHER_TAG_SIZE;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int length;
    must(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce));
    if (context.len > 0)
        must(EVP_DecryptUpdate(ctx, NULL, &length, (const uint8_t *)context.ptr,
                               int_length(context.len)));
    if (plain_length > 0)
        must(EVP_DecryptUpdate(ctx, ret_plain, &length, (const uint8_t *)sealed.ptr,
                               int_length(plain_length)));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, CIPHER_TAG_SIZE,
                             (char *)(uintptr_t)sealed.ptr + plain_length));
    bool authentic = EVP_DecryptFinal_ex(ctx, ret_plain + plain_length, &length) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!authentic)
        OPENSSL_cleanse(ret_plain, plain_length);
    return authentic;
}

void hkdf_sha256(struct str salt, struct str input_key, struct str info, uint8_t *ret_key,
                 size_t length)
{
    static const char zeros[SHA256_SIZE];
    uint8_t extracted[SHA256_SIZE], block[SHA256_SIZE] = {0};
    assert(length <= 255 * SHA256_SIZE);
    if (salt.len == 0)
        salt = (struct str){zeros, sizeof(zeros)};
    digest_hmac_sha256(salt, input_key, extracted);
    struct str key = {(const char *)extracted, sizeof(extracted)};
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    size_t done = 0, block_length = 0;
    char *message = arena_alloc(arena, SHA256_SIZE + info.len + 1);
    for (uint8_t number = 1; done < length; number++) {
        memcpy(message, block, block_length);
        if (info.len > 0)
            memcpy(message + block_length, info.ptr, info.len);
        message[block_length + info.len] = (char)number;
        digest_hmac_sha256(key, (struct str){message, block_length + info.len + 1}, block);
        block_length = SHA256_SIZE;
        size_t part = length - done < SHA256_SIZE ? length - done : SHA256_SIZE;
        memcpy(ret_key + done, block, part);
        done += part;
    }
    OPENSSL_cleanse(extracted, sizeof(extracted));
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(message, SHA256_SIZE);
}

/* ---- Keys ---- */

static bool parse_hex(struct str text, uint8_t ret_key[CIPHER_KEY_SIZE])
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct str bytes;
    if (!hex_parse(arena, text, &bytes) || bytes.len != CIPHER_KEY_SIZE)
        return false;
    memcpy(ret_key, bytes.ptr, CIPHER_KEY_SIZE);
    OPENSSL_cleanse((char *)(uintptr_t)bytes.ptr, bytes.len);
    return true;
}

static bool add_key(struct cipher *cipher, uint32_t id, struct str hex)
{
    struct key key = {.id = id};
    if (cipher->key_count == MAX_KEYS || !parse_hex(hex, key.bytes))
        return false;
    size_t at = cipher->key_count;
    while (at > 0 && cipher->keys[at - 1].id > id)
        at--;
    if (at > 0 && cipher->keys[at - 1].id == id)
        return false;
    memmove(&cipher->keys[at + 1], &cipher->keys[at],
            (cipher->key_count - at) * sizeof(struct key));
    cipher->keys[at] = key;
    cipher->key_count++;
    return true;
}

static bool parse_line(struct cipher *cipher, struct str line)
{
    if (line.len == 2 * CIPHER_KEY_SIZE)
        return add_key(cipher, 1, line);
    struct str rest = line;
    struct str name = str_cut(&rest, ' ');
    rest = str_trim(rest);
    if (str_is(name, "root")) {
        bool first = !cipher->has_root;
        cipher->has_root = true;
        return first && parse_hex(rest, cipher->root);
    }
    int64_t id;
    return str_to_i64(name, &id) && id > 0 && id <= UINT32_MAX &&
           add_key(cipher, (uint32_t)id, rest);
}

struct cipher *cipher_new(struct str key_file, struct str *ret_why)
{
    struct cipher *cipher = calloc(1, sizeof(*cipher));
    if (!cipher)
        abort();
    unsigned number = 0;
    struct str lines = key_file;
    while (str_present(lines)) {
        struct str one_line = str_cut(&lines, '\n');
        number++;
        while (str_present(one_line)) {
            struct str line = str_trim(str_cut(&one_line, ','));
            if (line.len == 0 || line.ptr[0] == '#')
                continue;
            if (!parse_line(cipher, line)) {
                why(ret_why, ERR_STORE,
                    "line %u is neither `root` nor a number and 64 "
                    "hexadecimal digits, or comes twice",
                    number);
                return cipher_free(cipher);
            }
        }
    }
    if (cipher->key_count == 0) {
        why(ret_why, ERR_STORE, "there is no key");
        return cipher_free(cipher);
    }
    if (!cipher->has_root)
        hkdf_sha256(STR("cambist"),
                    (struct str){(const char *)cipher->keys[0].bytes, CIPHER_KEY_SIZE}, STR("root"),
                    cipher->root, sizeof(cipher->root));
    return cipher;
}

struct cipher *cipher_free(struct cipher *cipher)
{
    if (cipher) {
        OPENSSL_cleanse(cipher, sizeof(*cipher));
        free(cipher);
    }
    return NULL;
}

/* ---- Values ---- */

static uint32_t read_id(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static const struct key *find_key(const struct cipher *cipher, uint32_t id)
{
    for (size_t i = 0; i < cipher->key_count; i++)
        if (cipher->keys[i].id == id)
            return &cipher->keys[i];
    return NULL;
}

struct str cipher_seal(const struct cipher *cipher, struct arena *arena, struct str context,
                       struct str plain)
{
    const struct key *key = &cipher->keys[cipher->key_count - 1];
    size_t length = HEADER_SIZE + plain.len + CIPHER_TAG_SIZE;
    uint8_t *sealed = arena_alloc(arena, length);
    sealed[0] = VERSION;
    for (unsigned i = 0; i < 4; i++)
        sealed[1 + i] = (uint8_t)(key->id >> (24 - 8 * i));
    random_bytes(sealed + 5, CIPHER_NONCE_SIZE);
    aes_256_gcm_seal(key->bytes, sealed + 5, context, plain, sealed + HEADER_SIZE);
    return (struct str){(const char *)sealed, length};
}

int cipher_open(const struct cipher *cipher, struct arena *arena, struct str context,
                struct str sealed, struct str *ret_plain)
{
    const uint8_t *bytes = (const uint8_t *)sealed.ptr;
    *ret_plain = STR_NONE;
    if (sealed.len < HEADER_SIZE + CIPHER_TAG_SIZE || bytes[0] != VERSION)
        return ERR_DECRYPT;
    const struct key *key = find_key(cipher, read_id(bytes + 1));
    if (!key)
        return ERR_DECRYPT;
    struct str rest = {sealed.ptr + HEADER_SIZE, sealed.len - HEADER_SIZE};
    size_t length = rest.len - CIPHER_TAG_SIZE;
    uint8_t *plain = arena_alloc(arena, length + 1);
    if (!aes_256_gcm_open(key->bytes, bytes + 5, context, rest, plain))
        return ERR_DECRYPT;
    *ret_plain = (struct str){(const char *)plain, length};
    return 0;
}

bool cipher_is_current(const struct cipher *cipher, struct str sealed)
{
    return sealed.len >= HEADER_SIZE &&
           read_id((const uint8_t *)sealed.ptr + 1) == cipher->keys[cipher->key_count - 1].id;
}

void cipher_derive(const struct cipher *cipher, const char *purpose,
                   uint8_t ret_key[CIPHER_KEY_SIZE])
{
    hkdf_sha256(STR("cambist"), (struct str){(const char *)cipher->root, CIPHER_KEY_SIZE},
                str_from(purpose), ret_key, CIPHER_KEY_SIZE);
}

struct str cipher_blind_index(const struct cipher *cipher, struct arena *arena, struct str context,
                              struct str plain)
{
    uint8_t key[CIPHER_KEY_SIZE];
    cipher_derive(cipher, "blind index", key);
    char *message = arena_alloc(arena, context.len + 1 + plain.len);
    memcpy(message, context.ptr, context.len);
    if (plain.len > 0)
        memcpy(message + context.len + 1, plain.ptr, plain.len);
    size_t length = context.len + 1 + plain.len;
    struct str index = digest_hmac_sha256_hex(arena, (struct str){(const char *)key, sizeof(key)},
                                              (struct str){message, length});
    OPENSSL_cleanse(message, length);
    OPENSSL_cleanse(key, sizeof(key));
    return index;
}
