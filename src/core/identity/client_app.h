/*
 * Programs known to us by a client id: VaultsPay's SaaS apps, the app clients of a Cognito pool,
 * Songhai partner systems. Secrets are random and kept as SHA-256.
 */
#ifndef CORE_IDENTITY_CLIENT_APP_H
#define CORE_IDENTITY_CLIENT_APP_H

#include "core/call.h"
#include "store/row.h"

/* kind: saas | pool | partner. status: active | inactive. A pool client has no secret.
 * owner_user_id: whose customers the users of the app are. */
#define CLIENT_APP_ROW(F)       \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(INTEGER, owner_user_id)   \
    F(TEXT, kind)               \
    F(TEXT, name)               \
    F(TEXT, client_id)          \
    F(BYTES, secret_hash)       \
    F(TEXT, status)             \
    F(INTEGER, created_at)      \
    F(INTEGER, updated_at)
ROW_STRUCT(client_app, CLIENT_APP_ROW);

/* Fills in id, tenant, client id (26 characters) and times; *ret_secret (NULL: no secret) is shown
 * once. */
int client_app_create(struct call *c, struct client_app *app, struct str *ret_secret);
int client_app_get(struct call *c, id_t64 app_id, const char *field, struct client_app *ret_app);
/* In any tenant, active ones only: the client id is what says which. ERR_NOT_FOUND is returned, not
 * refused. */
int client_app_find(struct call *c, struct str kind, struct str client_id,
                    struct client_app *ret_app);
/* Constant time; false when the app has no secret. */
bool client_app_secret_matches(const struct client_app *app, struct str secret);

#endif
