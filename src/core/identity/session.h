/*
 * Sessions: a login and the refresh tokens that keep it alive. An access token is a JWT that names
 * the session (claim "sid"); it ends with the session, whatever its expiry says.
 *
 * A refresh token carries the session's id, its generation and a MAC, so that a made-up one is
 * known without a look-up, and one that was replaced is told from one that never was: presenting a
 * replaced token is taken for theft and ends the session (RFC 9700, 4.14.2).
 */
#ifndef CORE_IDENTITY_SESSION_H
#define CORE_IDENTITY_SESSION_H

#include "core/call.h"
#include "core/identity/client_app.h"
#include "core/identity/credentials.h"
#include "core/identity/user.h"
#include "store/row.h"

/* kind: cognito | fincode | vaultspay | console. */
#define SESSION_ROW(F)       \
    F(INTEGER, id)           \
    F(INTEGER, tenant_id)    \
    F(INTEGER, user_id)      \
    F(INTEGER, app_id)       \
    F(TEXT, kind)            \
    F(BYTES, token_hash)     \
    F(INTEGER, generation)   \
    F(TEXT, address)         \
    F(INTEGER, created_at)   \
    F(INTEGER, refreshed_at) \
    F(INTEGER, expires_at)   \
    F(INTEGER, revoked_at)
ROW_STRUCT(session, SESSION_ROW);

struct session_tokens {
    struct session session;
    struct user user;
    struct client_app app; /* id 0: none */
    struct str access_token;
    struct str id_token;      /* Cognito only */
    struct str refresh_token; /* absent when a refresh did not rotate it */
    usec_t issued_at;
    usec_t access_expires_at;
    usec_t refresh_expires_at;
};

/* How long tokens live, per kind; settings of the installation. */
usec_t session_access_lifetime(const struct app *app, enum session_kind kind);
usec_t session_refresh_lifetime(const struct app *app, enum session_kind kind);

/*
 * Makes the tokens of a new session; signs, so for workers. Nothing is stored before session_start,
 * which belongs in the writer. `app` may be NULL.
 */
int session_prepare(struct call *c, enum session_kind kind, const struct user *user,
                    const struct client_app *app, struct session_tokens *ret_tokens);
int session_start(struct call *c, const struct session_tokens *tokens);

/*
 * New access token (and with `rotate` a new refresh token) for a refresh token. For workers: it
 * signs, and writes by itself. ERR_INVALID_TOKEN: not one of ours; ERR_SESSION_EXPIRED: expired or
 * revoked; ERR_TOKEN_REUSED: replaced before, and the session has been ended for it. Not refused on
 * the call.
 */
int session_refresh(struct call *c, enum session_kind kind, struct str refresh_token, bool rotate,
                    struct session_tokens *ret_tokens);

/* ERR_NOT_FOUND is returned, not refused. */
int session_get(struct call *c, id_t64 session_id, struct session *ret_session);
/* Ends sessions at once. session_find_by_refresh_token takes current tokens only
 * (ERR_NOT_FOUND). */
int session_revoke(struct call *c, id_t64 session_id);
int session_revoke_all(struct call *c, id_t64 user_id);
int session_find_by_refresh_token(struct call *c, struct str refresh_token,
                                  struct session *ret_session);

/* How long the access token lives from its issue, in seconds: "expires_in". */
int64_t session_expires_in_s(const struct session_tokens *tokens);

/* Kind and name in the table. */
const char *session_kind_name(enum session_kind kind);

#endif
