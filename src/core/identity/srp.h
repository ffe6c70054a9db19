/*
 * Secure Remote Password as Amazon Cognito's clients speak it (SRP-6a over the 3072-bit group of
 * RFC 5054, SHA-256, a 128-bit session key by HKDF with the info "Caldera Derived Key"): a log-in
 * that never sends the password.
 *
 * A verifier is made when a password is set. Guessing a password from it is cheaper than from
 * Argon2id, so it is kept encrypted. Each function takes some ten milliseconds: for workers.
 */
#ifndef CORE_IDENTITY_SRP_H
#define CORE_IDENTITY_SRP_H

#include "base/arena.h"

/* "salt:verifier" in hexadecimal. `pool` is the part of the pool's id after the underscore. */
struct str srp_make_verifier(struct arena *arena, struct str pool, struct str user,
                             struct str password);

/* A salt as verifiers and challenges show it. */
#define SRP_SALT_SIZE 16
struct str srp_print_salt(struct arena *arena, const uint8_t bytes[SRP_SALT_SIZE]);

struct srp_challenge {
    struct str salt;      /* hexadecimal, to the client */
    struct str public_b;  /* hexadecimal, to the client */
    struct str private_b; /* hexadecimal; keep it secret until the answer */
};

/* False unless A (hexadecimal) is a number of the group other than zero. */
bool srp_challenge(struct arena *arena, struct str verifier, struct str public_a,
                   struct srp_challenge *ret_challenge);
/* Is `signature` (32 bytes) the MAC of pool, user, secret block and timestamp under the session's
 * key? */
bool srp_check(struct arena *arena, struct str verifier, struct str public_a,
               const struct srp_challenge *challenge, struct str pool, struct str user,
               struct str secret_block, struct str timestamp, struct str signature);

#endif
