/* AES-GCM and RSA over OpenSSL's EVP interface. See crypto.h for what may fail and what aborts. */
#include "base/crypto.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/digest.h"

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)(s.ptr ? s.ptr : "");
}

void crypto_wipe(void *bytes, size_t len)
{
    OPENSSL_cleanse(bytes, len);
}

/* ---- AES-256-GCM ---- */

/* Looked up once: fetching an algorithm costs more than sealing a short text with it. */
static const EVP_CIPHER *aes_256_gcm(void)
{
    static EVP_CIPHER *cipher;
    EVP_CIPHER *known = __atomic_load_n(&cipher, __ATOMIC_ACQUIRE);
    if (known)
        return known;
    known = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    assert(known);
    EVP_CIPHER *first = NULL;
    if (!__atomic_compare_exchange_n(&cipher, &first, known, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        EVP_CIPHER_free(known);
        known = first;
    }
    return known;
}

struct str aes_gcm_seal(struct arena *arena, const uint8_t key[AES_KEY_SIZE], struct str iv,
                        struct str context, struct str plain)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char *out = arena_alloc(arena, plain.len + AES_TAG_SIZE + 1);
    int len = 0;
    int ok =
        ctx && EVP_EncryptInit_ex2(ctx, aes_256_gcm(), NULL, NULL, NULL) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_IVLEN, (int)iv.len, NULL) &&
        EVP_EncryptInit_ex2(ctx, NULL, key, bytes_of(iv), NULL) &&
        (context.len == 0 ||
         EVP_EncryptUpdate(ctx, NULL, &len, bytes_of(context), (int)context.len)) &&
        (plain.len == 0 || EVP_EncryptUpdate(ctx, out, &len, bytes_of(plain), (int)plain.len)) &&
        EVP_EncryptFinal_ex(ctx, out + plain.len, &len) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, AES_TAG_SIZE, out + plain.len);
    assert(ok);
    EVP_CIPHER_CTX_free(ctx);
    return (struct str){(char *)out, plain.len + AES_TAG_SIZE};
}

bool aes_gcm_open(struct arena *arena, const uint8_t key[AES_KEY_SIZE], struct str iv,
                  struct str context, struct str sealed, struct str *ret_plain)
{
    if (sealed.len < AES_TAG_SIZE || iv.len == 0 || iv.len > 64)
        return false;
    size_t plain_len = sealed.len - AES_TAG_SIZE;
    unsigned char tag[AES_TAG_SIZE];
    memcpy(tag, sealed.ptr + plain_len, AES_TAG_SIZE);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char *out = arena_alloc(arena, plain_len + 1);
    int len = 0;
    bool ok =
        ctx && EVP_DecryptInit_ex2(ctx, aes_256_gcm(), NULL, NULL, NULL) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_IVLEN, (int)iv.len, NULL) &&
        EVP_DecryptInit_ex2(ctx, NULL, key, bytes_of(iv), NULL) &&
        (context.len == 0 ||
         EVP_DecryptUpdate(ctx, NULL, &len, bytes_of(context), (int)context.len)) &&
        (plain_len == 0 || EVP_DecryptUpdate(ctx, out, &len, bytes_of(sealed), (int)plain_len)) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, AES_TAG_SIZE, tag) &&
        EVP_DecryptFinal_ex(ctx, out + plain_len, &len) > 0;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    if (!ok) {
        crypto_wipe(out, plain_len);
        return false;
    }
    *ret_plain = (struct str){(char *)out, plain_len};
    return true;
}

/* ---- RSA keys ---- */

/* An EVP_PKEY by another name: it is counted and locked inside, and never changed here. */
static EVP_PKEY *pkey(const struct rsa_key *key)
{
    return (EVP_PKEY *)(uintptr_t)key;
}

static struct rsa_key *accept_key(EVP_PKEY *key)
{
    ERR_clear_error();
    if (key && (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
                EVP_PKEY_get_bits(key) < RSA_MIN_BITS || EVP_PKEY_get_bits(key) > RSA_MAX_BITS)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return (struct rsa_key *)key;
}

struct rsa_key *rsa_generate(unsigned bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);
    assert(key);
    return (struct rsa_key *)key;
}

struct rsa_key *rsa_free(struct rsa_key *key)
{
    EVP_PKEY_free(pkey(key));
    return NULL;
}

unsigned rsa_bits(const struct rsa_key *key)
{
    return (unsigned)EVP_PKEY_get_bits(pkey(key));
}

struct rsa_key *rsa_from_public_der(struct str der)
{
    const unsigned char *at = bytes_of(der);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);
    if (key && at != bytes_of(der) + der.len) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return accept_key(key);
}

struct rsa_key *rsa_from_private_der(struct str der)
{
    const unsigned char *at = bytes_of(der);
    return accept_key(d2i_AutoPrivateKey(NULL, &at, (long)der.len));
}

struct rsa_key *rsa_from_numbers(struct str modulus, struct str exponent)
{
    if (modulus.len < RSA_MIN_BITS / 8 || modulus.len > RSA_MAX_BITS / 8 + 1 || exponent.len == 0 ||
        exponent.len > 8)
        return NULL;
    BIGNUM *n = BN_bin2bn(bytes_of(modulus), (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn(bytes_of(exponent), (int)exponent.len, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    assert(n && e && builder);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    assert(params && ctx);
    if (EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return accept_key(key);
}

static struct str copy_der(struct arena *arena, unsigned char *der, int len)
{
    assert(len > 0);
    struct str copy = arena_copy(arena, (struct str){(char *)der, (size_t)len});
    OPENSSL_clear_free(der, (size_t)len);
    return copy;
}

struct str rsa_public_der(struct arena *arena, const struct rsa_key *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey(key), &der);
    return copy_der(arena, der, len);
}

struct str rsa_private_der(struct arena *arena, const struct rsa_key *key)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey(key));
    unsigned char *der = NULL;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return copy_der(arena, der, len);
}

static struct str key_number(struct arena *arena, const struct rsa_key *key, const char *name)
{
    BIGNUM *number = NULL;
    int ok = EVP_PKEY_get_bn_param(pkey(key), name, &number);
    assert(ok);
    size_t len = (size_t)BN_num_bytes(number);
    unsigned char *out = arena_alloc(arena, len + 1);
    BN_bn2bin(number, out);
    BN_free(number);
    return (struct str){(char *)out, len};
}

struct str rsa_modulus(struct arena *arena, const struct rsa_key *key)
{
    return key_number(arena, key, OSSL_PKEY_PARAM_RSA_N);
}

struct str rsa_exponent(struct arena *arena, const struct rsa_key *key)
{
    return key_number(arena, key, OSSL_PKEY_PARAM_RSA_E);
}

/* ---- RSA signatures ---- */

struct str rsa_sign_sha256(struct arena *arena, const struct rsa_key *key, struct str message)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = (size_t)EVP_PKEY_get_size(pkey(key));
    unsigned char *out = arena_alloc(arena, len + 1);
    int ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey(key)) > 0 &&
             EVP_DigestSign(ctx, out, &len, bytes_of(message), message.len) > 0;
    assert(ok);
    EVP_MD_CTX_free(ctx);
    return (struct str){(char *)out, len};
}

bool rsa_verify_sha256(const struct rsa_key *key, struct str message, struct str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey(key)) > 0 &&
             EVP_DigestVerify(ctx, bytes_of(signature), signature.len, bytes_of(message),
                              message.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

/* ---- RSA key transport ---- */

static int set_padding(EVP_PKEY_CTX *ctx, enum rsa_padding padding)
{
    if (padding == RSA_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    const EVP_MD *label_hash = padding == RSA_OAEP_SHA1 ? EVP_sha1() : EVP_sha256();
    const EVP_MD *mask_hash = padding == RSA_OAEP_SHA256 ? EVP_sha256() : EVP_sha1();
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, label_hash) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, mask_hash) > 0;
}

struct str rsa_encrypt(struct arena *arena, const struct rsa_key *key, enum rsa_padding padding,
                       struct str plain)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey(key), NULL);
    size_t len = (size_t)EVP_PKEY_get_size(pkey(key));
    unsigned char *out = arena_alloc(arena, len + 1);
    int ok = ctx && EVP_PKEY_encrypt_init(ctx) > 0 && set_padding(ctx, padding) &&
             EVP_PKEY_encrypt(ctx, out, &len, bytes_of(plain), plain.len) > 0;
    assert(ok);
    EVP_PKEY_CTX_free(ctx);
    return (struct str){(char *)out, len};
}

bool rsa_decrypt(struct arena *arena, const struct rsa_key *key, enum rsa_padding padding,
                 struct str cipher, struct str *ret_plain)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey(key), NULL);
    size_t len = (size_t)EVP_PKEY_get_size(pkey(key));
    unsigned char *out = arena_alloc(arena, len + 1);
    bool ok = cipher.len == len && ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
              set_padding(ctx, padding) &&
              EVP_PKEY_decrypt(ctx, out, &len, bytes_of(cipher), cipher.len) > 0;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (ok)
        *ret_plain = (struct str){(char *)out, len};
    return ok;
}
