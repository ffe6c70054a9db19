/*
 * What a credential proves, cached: API keys and session tokens lead to a principal without the
 * database as long as nothing about them has changed. A look-up that hits costs one SHA-256 and one
 * short lock.
 *
 * Entries live at most half a minute (other processes may change the database), and die at once
 * when credentials_forget is called with any id they rest on: tenant, organisation, user, app, key
 * or session. It is called inside the transaction that makes the change, so for some seconds
 * afterwards look-ups of these ids go to the database every time: what was read before the commit
 * must not stay.
 */
#ifndef CORE_IDENTITY_CREDENTIALS_H
#define CORE_IDENTITY_CREDENTIALS_H

#include "core/call.h"

struct credentials;

/* `lifetime` is that of access tokens: how long a used nonce is remembered. */
struct credentials *credentials_new(usec_t lifetime);
struct credentials *credentials_free(struct credentials *credentials);
/* From any thread. NULL is fine (tools without a server). */
void credentials_forget(struct credentials *credentials, id_t64 id);

/* Kinds of session whose access tokens are taken; bits. */
enum session_kind {
    SESSION_COGNITO = 1,
    SESSION_FINCODE = 2,
    SESSION_VAULTSPAY = 4,
    SESSION_CONSOLE = 8,
};

/*
 * Fill *ret_principal, except for its dialect. ERR_UNAUTHENTICATED for what is unknown, revoked or
 * malformed; for tokens also ERR_TOKEN_EXPIRED (right in all else) and ERR_INVALID_TOKEN
 * (malformed, wrong signature). Nothing is refused on the call: the dialect does that.
 */
int credentials_check_api_key(struct call *c, struct str key, struct principal *ret_principal);
int credentials_check_token(struct call *c, struct str token, unsigned session_kinds,
                            struct principal *ret_principal);

/* What a person may do who has proved to be one in some other way: as after a log-in. */
int credentials_of_user(struct call *c, id_t64 user_id, struct principal *ret_principal);

/* The cache, for tokens that others have signed (core/identity/external_pool.c). What is remembered
 * has to have been read after `since` (monotonic). ERR_NOT_FOUND when nothing is; ERR_TOKEN_EXPIRED. */
int credentials_recall(struct call *c, struct str token, struct principal *ret_principal);
void credentials_remember(struct call *c, struct str token, const struct principal *principal,
                          usec_t expires_at, usec_t since);

/* "Bearer abc" -> "abc"; absent for other schemes and for an absent header. */
struct str credentials_bearer(struct str authorization);

/* The memory of used nonces (core/identity/replay.h). */
struct replay;
struct replay *credentials_replay(struct credentials *credentials);
/* The external pool (core/identity/external_pool.h); NULL: none. Set once, at start. */
struct external_pool;
struct external_pool *credentials_external_pool(struct credentials *credentials);
void credentials_set_external_pool(struct credentials *credentials, struct external_pool *pool);

/* Host labels of tenants (core/identity/tenant.c). */
bool credentials_tenant_of_label(struct credentials *credentials, struct str label,
                                 id_t64 *ret_tenant_id);
void credentials_remember_label(struct credentials *credentials, struct str label,
                                id_t64 tenant_id);

/* Failures per address within a window (core/identity/lockout.c). Returns the count including this
 * one. */
unsigned credentials_count_failure(struct credentials *credentials, struct str address, usec_t now,
                                   usec_t window, bool add);

/*
 * Failures of names that nobody has, counted as a person's are: `limit` in a row lock for `period`.
 * `key` must be unpredictable for who chooses names. The memory has a fixed size: a flood of names
 * displaces the oldest, and takes thousands of failures that count against its addresses.
 */
bool credentials_nobody_locked(struct credentials *credentials, uint64_t key, usec_t now);
void credentials_count_nobody(struct credentials *credentials, uint64_t key, usec_t now,
                              unsigned limit, usec_t period);

#endif
