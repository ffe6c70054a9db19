/*
 * Ciphers and key pairs, thin over OpenSSL 3: RSA (signatures, key transport) and AES-256-GCM.
 * Hashes and their text forms are in base/digest.h. Nothing here keeps state; a struct rsa_key is
 * immutable once made and may be used from any thread.
 *
 * What comes from outside (ciphertext, keys in DER) only ever makes a function return false; a
 * failure of the library on sound input aborts.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include "base/arena.h"

/* ---- AES-256-GCM (NIST SP 800-38D), 128-bit tag, no padding ---- */

#define AES_KEY_SIZE 32
#define AES_TAG_SIZE 16

/* ciphertext || tag. `iv` 1..64 bytes; never use one twice with a key. `context` is authenticated
 * only. */
struct str aes_gcm_seal(struct arena *arena, const uint8_t key[AES_KEY_SIZE], struct str iv,
                        struct str context, struct str plain);
/* False unless the tag is right. */
bool aes_gcm_open(struct arena *arena, const uint8_t key[AES_KEY_SIZE], struct str iv,
                  struct str context, struct str sealed, struct str *ret_plain);

/* ---- RSA (RFC 8017) ---- */

struct rsa_key;

/* Takes a fifth of a second for 2048 bits, with luck: not for a thread that others wait for. */
struct rsa_key *rsa_generate(unsigned bits);
/* Returns NULL; rsa_free(NULL) is fine. */
struct rsa_key *rsa_free(struct rsa_key *key);
unsigned rsa_bits(const struct rsa_key *key);

/* X.509 SubjectPublicKeyInfo and PKCS #8, both DER; NULL when the bytes are no RSA key of
 * 2048..8192 bits. */
struct rsa_key *rsa_from_public_der(struct str der);
struct rsa_key *rsa_from_private_der(struct str der);
/* Modulus and exponent, big-endian, as a JWK has them. */
struct rsa_key *rsa_from_numbers(struct str modulus, struct str exponent);
struct str rsa_public_der(struct arena *arena, const struct rsa_key *key);
struct str rsa_private_der(struct arena *arena, const struct rsa_key *key);
struct str rsa_modulus(struct arena *arena, const struct rsa_key *key);
struct str rsa_exponent(struct arena *arena, const struct rsa_key *key);

/* RSASSA-PKCS1-v1_5 with SHA-256: JWT's RS256 (RFC 7518, 3.3). Signing takes about a
 * millisecond. */
struct str rsa_sign_sha256(struct arena *arena, const struct rsa_key *key, struct str message);
bool rsa_verify_sha256(const struct rsa_key *key, struct str message, struct str signature);

enum rsa_padding {
    RSA_OAEP_SHA256, /* SHA-256 for the label and for MGF1: the default of most libraries */
    RSA_OAEP_SHA256_MGF1_SHA1, /* what Java's "OAEPWithSHA-256AndMGF1Padding" does unless told
                                  better */
    RSA_OAEP_SHA1,
    RSA_PKCS1, /* v1.5; OpenSSL answers bad padding with random bytes (implicit rejection) or a
                  failure */
};
struct str rsa_encrypt(struct arena *arena, const struct rsa_key *key, enum rsa_padding padding,
                       struct str plain);
bool rsa_decrypt(struct arena *arena, const struct rsa_key *key, enum rsa_padding padding,
                 struct str cipher, struct str *ret_plain);

/* Overwrites secrets in a way that the compiler keeps. */
void crypto_wipe(void *bytes, size_t len);

#endif
