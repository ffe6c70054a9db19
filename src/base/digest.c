/* Hashes and MACs through OpenSSL; hexadecimal and base64 by hand, because they have to be
 * strict. */
#include "base/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>

/* Fetched once: SHA256() looks the algorithm up for each message. */
static EVP_MD *sha256;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    assert(sha256);
}

void digest_sha256(struct str message, uint8_t ret_digest[SHA256_SIZE])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_sha256);
    int done =
        EVP_Digest(message.ptr ? message.ptr : "", message.len, ret_digest, NULL, sha256, NULL);
    assert(done);
}

static void hmac(const EVP_MD *algorithm, struct str key, struct str message, uint8_t *ret_mac,
                 unsigned size)
{
    unsigned len = size;
    const void *done =
        HMAC(algorithm, key.ptr ? key.ptr : "", (int)key.len,
             (const unsigned char *)(message.ptr ? message.ptr : ""), message.len, ret_mac, &len);
    assert(done && len == size);
}

void digest_hmac_sha256(struct str key, struct str message, uint8_t ret_mac[SHA256_SIZE])
{
    hmac(EVP_sha256(), key, message, ret_mac, SHA256_SIZE);
}

void digest_hmac_sha512(struct str key, struct str message, uint8_t ret_mac[SHA512_SIZE])
{
    hmac(EVP_sha512(), key, message, ret_mac, SHA512_SIZE);
}

struct str digest_hmac_sha256_hex(struct arena *arena, struct str key, struct str message)
{
    uint8_t mac[SHA256_SIZE];
    digest_hmac_sha256(key, message, mac);
    return hex_print(arena, mac, sizeof(mac));
}

struct str digest_hmac_sha512_hex(struct arena *arena, struct str key, struct str message)
{
    uint8_t mac[SHA512_SIZE];
    digest_hmac_sha512(key, message, mac);
    return hex_print(arena, mac, sizeof(mac));
}

struct str hex_print(struct arena *arena, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = bytes;
    char *out = arena_alloc(arena, 2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    return (struct str){out, 2 * len};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_parse(struct arena *arena, struct str text, struct str *ret_bytes)
{
    if (text.len % 2)
        return false;
    char *out = arena_alloc(arena, text.len / 2 + 1);
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (char)(high << 4 | low);
    }
    *ret_bytes = (struct str){out, text.len / 2};
    return true;
}

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str print_64(struct arena *arena, struct str bytes, const char *alphabet, bool pad)
{
    const uint8_t *in = (const uint8_t *)bytes.ptr;
    char *out = arena_alloc(arena, (bytes.len + 2) / 3 * 4 + 1);
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                         (left > 2 ? in[i + 2] : 0);
        out[len++] = alphabet[group >> 18 & 63];
        out[len++] = alphabet[group >> 12 & 63];
        if (left > 1 || pad)
            out[len++] = left > 1 ? alphabet[group >> 6 & 63] : '=';
        if (left > 2 || pad)
            out[len++] = left > 2 ? alphabet[group & 63] : '=';
    }
    return (struct str){out, len};
}

static bool parse_64(struct arena *arena, struct str text, const char *alphabet, bool pad,
                     struct str *ret_bytes)
{
    if (pad) {
        if (text.len % 4)
            return false;
        for (int i = 0; i < 2 && text.len && text.ptr[text.len - 1] == '='; i++)
            text.len--;
    }
    if (text.len % 4 == 1)
        return false;
    char *out = arena_alloc(arena, text.len / 4 * 3 + 4);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;
        if (!at)
            return false;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[len++] = (char)(bits >> count);
            bits &= (1u << count) - 1;
        }
    }
    if (bits)
        return false;
    *ret_bytes = (struct str){out, len};
    return true;
}

struct str base64_print(struct arena *arena, struct str bytes)
{
    return print_64(arena, bytes, base64_alphabet, true);
}

bool base64_parse(struct arena *arena, struct str text, struct str *ret_bytes)
{
    return parse_64(arena, text, base64_alphabet, true, ret_bytes);
}

struct str base64url_print(struct arena *arena, struct str bytes)
{
    return print_64(arena, bytes, base64url_alphabet, false);
}

bool base64url_parse(struct arena *arena, struct str text, struct str *ret_bytes)
{
    return parse_64(arena, text, base64url_alphabet, false, ret_bytes);
}

bool pem_parse(struct arena *arena, struct str text, struct str *ret_der)
{
    char *joined = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    bool inside = false;
    while (str_present(text)) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (str_starts(line, STR("-----"))) {
            if (inside)
                return base64_parse(arena, (struct str){joined, len}, ret_der);
            inside = true;
        } else if (inside && line.len) {
            memcpy(joined + len, line.ptr, line.len);
            len += line.len;
        }
    }
    return false;
}

void random_bytes(void *out, size_t len)
{
    int done = RAND_bytes(out, (int)len);
    assert(done == 1);
}

struct str random_hex(struct arena *arena, size_t bytes)
{
    uint8_t *raw = arena_alloc(arena, bytes);
    random_bytes(raw, bytes);
    return hex_print(arena, raw, bytes);
}
