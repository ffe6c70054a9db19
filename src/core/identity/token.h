/*
 * JSON Web Tokens in compact form, signed with RS256 (RFC 7515, RFC 7519). Other algorithms, "none"
 * above all, are not read.
 */
#ifndef CORE_IDENTITY_TOKEN_H
#define CORE_IDENTITY_TOKEN_H

#include "base/crypto.h"
#include "base/json.h"

struct token {
    struct str kid; /* absent when the header has none */
    const struct json *claims;
    struct str signed_text; /* header.payload */
    struct str signature;
};

/* Three parts, a header with alg RS256, a payload that is an object. Says nothing about the
 * signature. */
bool token_read(struct arena *arena, struct str text, struct token *ret_token);
bool token_verify(const struct token *token, const struct rsa_key *key);
/* Claims as JSON text -> header.payload.signature. A millisecond: for workers. */
struct str token_sign(struct arena *arena, const struct rsa_key *key, struct str kid,
                      struct str claims);

/* exp (RFC 7519, 4.1.4) in microseconds; false when it is missing. */
bool token_expiry(const struct token *token, int64_t *ret_expires_at);

#endif
