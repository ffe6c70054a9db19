/*
 * SRP-6a with Cognito's conventions: numbers are hashed as big-endian bytes with a zero byte in
 * front when the first bit is set ("padHex" in its clients), u = H(A, B), x = H(salt, H(pool user
 * ":" password)).
 */
#include "core/identity/srp.h"

#include <assert.h>

#include <openssl/bn.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/digest.h"

/* RFC 5054, appendix A, the 3072-bit group; g = 2 there, as in Cognito. */
static const char group_prime[] = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
                                  "020BBEA63B139B22514A08798E3404DD"
                                  "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6"
                                  "F44C42E9A637ED6B0BFF5CB6F406B7ED"
                                  "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
                                  "98DA48361C55D39A69163FA8FD24CF5F"
                                  "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804"
                                  "F1746C08CA18217C32905E462E36CE3B"
                                  "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
                                  "3995497CEA956AE515D2261898FA0510"
                                  "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A"
                                  "8AEA71575D060C7DB3970F85A6E1E4C7"
                                  "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
                                  "D87602733EC86A64521F2B18177B200C"
                                  "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E"
                                  "4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
#define GENERATOR 2
#define PRIVATE_SIZE 64

struct group {
    BN_CTX *ctx;
    BIGNUM *n, *g, *k;
};

static void free_number(BIGNUM **number)
{
    BN_clear_free(*number);
}
#define NUMBER __attribute__((cleanup(free_number))) BIGNUM *

static void free_group(struct group *group)
{
    BN_free(group->n);
    BN_free(group->g);
    BN_free(group->k);
    BN_CTX_free(group->ctx);
}
#define GROUP __attribute__((cleanup(free_group))) struct group

/* The bytes of a number as they are hashed. */
static struct str padded(struct arena *arena, const BIGNUM *number)
{
    size_t len = (size_t)BN_num_bytes(number);
    bool sign_bit = len > 0 && BN_is_bit_set(number, (int)len * 8 - 1);
    size_t total = len + (sign_bit || len == 0 ? 1 : 0);
    unsigned char *bytes = arena_alloc(arena, total + 1);
    BN_bn2bin(number, bytes + (total - len));
    return (struct str){(char *)bytes, total};
}

static BIGNUM *hash_of(struct arena *arena, struct str first, struct str second)
{
    uint8_t digest[SHA256_SIZE];
    struct buf both = buf_new(arena, first.len + second.len + 1);
    buf_add_str(&both, first);
    buf_add_str(&both, second);
    digest_sha256(buf_str(&both), digest);
    return BN_bin2bn(digest, SHA256_SIZE, NULL);
}

static BIGNUM *from_hex(struct arena *arena, struct str text)
{
    struct str bytes;
    struct str even = text.len % 2 ? arena_printf(arena, "0%.*s", STR_FMT(text)) : text;
    if (text.len == 0 || text.len > 2048 || !hex_parse(arena, even, &bytes))
        return NULL;
    return BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
}

static struct str to_hex(struct arena *arena, const BIGNUM *number)
{
    struct str bytes = padded(arena, number);
    return hex_print(arena, bytes.ptr, bytes.len);
}

static struct group open_group(struct arena *arena)
{
    struct group group = {.ctx = BN_CTX_new(), .g = BN_new()};
    group.n = from_hex(arena, str_from(group_prime));
    assert(group.ctx && group.g && group.n);
    BN_set_word(group.g, GENERATOR);
    group.k = hash_of(arena, padded(arena, group.n), padded(arena, group.g));
    return group;
}

/* Not zero in front: clients drop leading zeros. */
static BIGNUM *read_salt(const uint8_t bytes[SRP_SALT_SIZE])
{
    uint8_t copy[SRP_SALT_SIZE];
    memcpy(copy, bytes, sizeof(copy));
    copy[0] |= 1;
    return BN_bin2bn(copy, sizeof(copy), NULL);
}

struct str srp_print_salt(struct arena *arena, const uint8_t bytes[SRP_SALT_SIZE])
{
    NUMBER salt = read_salt(bytes);
    return to_hex(arena, salt);
}

struct str srp_make_verifier(struct arena *arena, struct str pool, struct str user,
                             struct str password)
{
    GROUP group = open_group(arena);
    uint8_t salt_bytes[SRP_SALT_SIZE], digest[SHA256_SIZE];
    random_bytes(salt_bytes, sizeof(salt_bytes));
    NUMBER salt = read_salt(salt_bytes);
    struct str identity =
        arena_printf(arena, "%.*s%.*s:%.*s", STR_FMT(pool), STR_FMT(user), STR_FMT(password));
    digest_sha256(identity, digest);
    NUMBER x = hash_of(arena, padded(arena, salt), (struct str){(char *)digest, SHA256_SIZE});
    NUMBER v = BN_new();
    BN_set_flags(x, BN_FLG_CONSTTIME);
    int ok = v && BN_mod_exp(v, group.g, x, group.n, group.ctx);
    assert(ok);
    crypto_wipe((void *)(uintptr_t)identity.ptr, identity.len);
    struct str salt_text = to_hex(arena, salt), v_text = to_hex(arena, v);
    return arena_printf(arena, "%.*s:%.*s", STR_FMT(salt_text), STR_FMT(v_text));
}

static bool in_group(const BIGNUM *number, struct group *group)
{
    NUMBER rest = BN_new();
    int ok = rest && BN_mod(rest, number, group->n, group->ctx);
    assert(ok);
    return !BN_is_zero(rest);
}

bool srp_challenge(struct arena *arena, struct str verifier, struct str public_a,
                   struct srp_challenge *ret_challenge)
{
    GROUP group = open_group(arena);
    NUMBER a = from_hex(arena, public_a);
    if (!a || !in_group(a, &group))
        return false;
    struct str v_text = verifier;
    ret_challenge->salt = str_cut(&v_text, ':');
    NUMBER v = from_hex(arena, v_text);
    if (!v)
        return false;
    uint8_t secret[PRIVATE_SIZE];
    random_bytes(secret, sizeof(secret));
    NUMBER b = BN_bin2bn(secret, sizeof(secret), NULL);
    crypto_wipe(secret, sizeof(secret));
    NUMBER kv = BN_new();
    NUMBER public_b = BN_new();
    BN_set_flags(b, BN_FLG_CONSTTIME);
    int ok = kv && public_b && BN_mod_mul(kv, group.k, v, group.n, group.ctx) &&
             BN_mod_exp(public_b, group.g, b, group.n, group.ctx) &&
             BN_mod_add(public_b, public_b, kv, group.n, group.ctx);
    assert(ok);
    ret_challenge->private_b = to_hex(arena, b);
    ret_challenge->public_b = to_hex(arena, public_b);
    return true;
}

/* HKDF-SHA256 (RFC 5869) of one block, cut to 16 bytes. */
static void derive_key(struct str secret, struct str salt, uint8_t ret_key[16])
{
    uint8_t extracted[SHA256_SIZE], expanded[SHA256_SIZE];
    digest_hmac_sha256(salt, secret, extracted);
    digest_hmac_sha256((struct str){(char *)extracted, SHA256_SIZE}, STR("Caldera Derived Key\x01"),
                       expanded);
    memcpy(ret_key, expanded, 16);
}

bool srp_check(struct arena *arena, struct str verifier, struct str public_a,
               const struct srp_challenge *challenge, struct str pool, struct str user,
               struct str secret_block, struct str timestamp, struct str signature)
{
    GROUP group = open_group(arena);
    struct str v_text = verifier;
    str_cut(&v_text, ':');
    NUMBER v = from_hex(arena, v_text);
    NUMBER a = from_hex(arena, public_a);
    NUMBER b = from_hex(arena, challenge->private_b);
    NUMBER public_b = from_hex(arena, challenge->public_b);
    if (!v || !a || !b || !public_b || !in_group(a, &group))
        return false;
    NUMBER u = hash_of(arena, padded(arena, a), padded(arena, public_b));
    NUMBER s = BN_new();
    BN_set_flags(b, BN_FLG_CONSTTIME);
    /* S = (A * v^u) ^ b */
    int ok = s && BN_mod_exp(s, v, u, group.n, group.ctx) &&
             BN_mod_mul(s, s, a, group.n, group.ctx) && BN_mod_exp(s, s, b, group.n, group.ctx);
    assert(ok);
    uint8_t key[16], mac[SHA256_SIZE];
    derive_key(padded(arena, s), padded(arena, u), key);
    struct buf message = buf_new(arena, 2048);
    buf_add_str(&message, pool);
    buf_add_str(&message, user);
    buf_add_str(&message, secret_block);
    buf_add_str(&message, timestamp);
    digest_hmac_sha256((struct str){(char *)key, sizeof(key)}, buf_str(&message), mac);
    return !BN_is_zero(u) && str_eq_secret((struct str){(char *)mac, SHA256_SIZE}, signature);
}
