/* Hashes, MACs and their text forms. SHA-2 and HMAC are OpenSSL's (FIPS 180-4, RFC 2104). */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/arena.h"

#define SHA256_SIZE 32
#define SHA512_SIZE 64

void digest_sha256(struct str message, uint8_t ret_digest[SHA256_SIZE]);
void digest_hmac_sha256(struct str key, struct str message, uint8_t ret_mac[SHA256_SIZE]);
void digest_hmac_sha512(struct str key, struct str message, uint8_t ret_mac[SHA512_SIZE]);
/* The MAC as lower-case hexadecimal, as most webhook signatures are written. */
struct str digest_hmac_sha256_hex(struct arena *arena, struct str key, struct str message);
struct str digest_hmac_sha512_hex(struct arena *arena, struct str key, struct str message);

/* Lower-case hexadecimal; parsing takes either case and refuses an odd length. */
struct str hex_print(struct arena *arena, const void *bytes, size_t len);
bool hex_parse(struct arena *arena, struct str text, struct str *ret_bytes);

/* RFC 4648: base64 with padding, and the URL alphabet without. Parsing is strict: no white space,
 * right padding, no stray bits. */
struct str base64_print(struct arena *arena, struct str bytes);
bool base64_parse(struct arena *arena, struct str text, struct str *ret_bytes);
struct str base64url_print(struct arena *arena, struct str bytes);
bool base64url_parse(struct arena *arena, struct str text, struct str *ret_bytes);

/* The bytes of the first block of a PEM text (RFC 7468), whatever its label. */
bool pem_parse(struct arena *arena, struct str text, struct str *ret_der);

/* Random bytes fit for keys and tokens, and `bytes` of them as hexadecimal. Aborts when the system
 * has none. */
void random_bytes(void *out, size_t len);
struct str random_hex(struct arena *arena, size_t bytes);

#endif
