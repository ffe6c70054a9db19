/*
 * Encryption at rest: AES-256-GCM under one of several keys, and what is derived from the root key.
 *
 * A sealed value is: version (1 byte, 1) | key id (4 bytes, big-endian) | nonce (12) | ciphertext |
 * tag (16). The context is authenticated with it, so a value cannot be moved to another column.
 *
 * Key file, one key a line, '#' starts a comment:
 *     root <64 hexadecimal digits>    blind indexes and derived keys; never rotated
 *     1 <64 hexadecimal digits>       encrypts; the key with the highest number is the current one
 * Without a root line the root is derived from the key with the lowest number. In the environment
 * (CAMBIST_KEY) lines may be separated by commas, and 64 bare digits are key 1.
 */
#ifndef STORE_CIPHER_H
#define STORE_CIPHER_H

#include "base/arena.h"

#define CIPHER_KEY_SIZE 32
#define CIPHER_NONCE_SIZE 12
#define CIPHER_TAG_SIZE 16

struct cipher;

/* NULL, and *ret_why explains, when the text is malformed. Keys are wiped when it is freed. */
struct cipher *cipher_new(struct str key_file, struct str *ret_why);
struct cipher *cipher_free(struct cipher *cipher);

struct str cipher_seal(const struct cipher *cipher, struct arena *arena, struct str context,
                       struct str plain);
/* 0, or ERR_DECRYPT: another key, another context, or altered. */
int cipher_open(const struct cipher *cipher, struct arena *arena, struct str context,
                struct str sealed, struct str *ret_plain);
/* Is it sealed with the current key? */
bool cipher_is_current(const struct cipher *cipher, struct str sealed);
void cipher_derive(const struct cipher *cipher, const char *purpose,
                   uint8_t ret_key[CIPHER_KEY_SIZE]);
struct str cipher_blind_index(const struct cipher *cipher, struct arena *arena, struct str context,
                              struct str plain);

/* Makes a key file with a root and key 1, readable by its owner only; never overwrites one. */
int key_file_create(const char *path, struct str *ret_why);
/* Adds a new current key, in one step. Running servers read it at their next start. */
int key_file_add(const char *path, uint32_t *ret_key, struct str *ret_why);

/* The primitives, for tests against published vectors. `ret_sealed` takes plain.len + 16 bytes. */
void aes_256_gcm_seal(const uint8_t key[CIPHER_KEY_SIZE], const uint8_t nonce[CIPHER_NONCE_SIZE],
                      struct str context, struct str plain, uint8_t *ret_sealed);
/* `sealed` is ciphertext and tag; `ret_plain` takes sealed.len - 16 bytes. False: not authentic. */
bool aes_256_gcm_open(const uint8_t key[CIPHER_KEY_SIZE], const uint8_t nonce[CIPHER_NONCE_SIZE],
                      struct str context, struct str sealed, uint8_t *ret_plain);
/* RFC 5869 with SHA-256; at most 255 * 32 bytes. */
void hkdf_sha256(struct str salt, struct str input_key, struct str info, uint8_t *ret_key,
                 size_t length);

#endif
