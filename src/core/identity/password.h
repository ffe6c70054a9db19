/*
 * Passwords: Argon2id (RFC 9106) through libsodium. Hashing takes tens of milliseconds and
 * megabytes, so it belongs on workers (the prepare step of slow operations), never in the writer.
 */
#ifndef CORE_IDENTITY_PASSWORD_H
#define CORE_IDENTITY_PASSWORD_H

#include "core/call.h"
#include "core/identity/user.h"

/* The sandbox takes less, for tests and a quick first start. Before threads start. */
void password_set_cost(uint64_t passes, size_t memory_bytes);

/* "$argon2id$v=19$m=...": parameters, salt and hash in one text. */
struct str password_hash(struct arena *arena, struct str password);
/*
 * Gives a person (id set, of the call's tenant) this password: the hash, and the verifier for
 * log-ins by SRP. In memory only; user_create or user_update stores it.
 */
void password_set(struct call *c, struct user *user, struct str password);
/* Constant time. An absent hash takes as long as a wrong password, so that unknown users cannot be
 * told apart. */
bool password_verify(struct str hash, struct str password);

/* ERR_WEAK_PASSWORD for `field` unless: 8 to 128 characters, upper, lower, digit, and one that is
 * none of these. */
int password_check_policy(struct call *c, struct str password, const char *field);
#define PASSWORD_MIN_LENGTH 8
#define PASSWORD_MAX_LENGTH 128

#endif
