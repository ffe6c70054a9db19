/*
 * The part of Amazon Cognito's API that an SDK needs for signing people up and in: JSON calls at
 * POST /cognito with the action in X-Amz-Target, and key sets for those who check tokens. PCX's
 * tokens come from here.
 *
 * A pool is a tenant (its id is the pool's), an app client a client_app of kind "pool". Everything
 * runs on a worker; what is written is written with writer_run. Errors are Cognito's: {"__type",
 * "message"}, status 400.
 */
#ifndef DIALECT_COGNITO_COGNITO_H
#define DIALECT_COGNITO_COGNITO_H

#include "base/digest.h"
#include "base/json_build.h"
#include "core/identity/client_app.h"
#include "core/identity/user.h"
#include "core/mount.h"

struct cognito {
    struct call *c;
    const struct json *body;
    struct client_app app; /* the client of ClientId, where the action has one */
    struct mount_reply *reply;
};

/* An action: answers with cognito_reply or cognito_fail; an error is one of ours (500). */
typedef int cognito_action(struct cognito *x);
#define COGNITO_ACTION(name, function) cognito_action function;
#include "dialect/cognito/actions.def"
#undef COGNITO_ACTION

int cognito_reply(struct cognito *x, struct str json);
/* `type` "NotAuthorizedException" and its like. */
int cognito_fail(struct cognito *x, const char *type, const char *message);
/* A member of the body; absent unless a string. */
struct str cognito_text(const struct cognito *x, const char *path);
/* False, and failed, unless ClientId names a client; sets x->app and the tenant. */
bool cognito_find_client(struct cognito *x);
/* The person of a name typed into a form. ERR_NOT_FOUND is not failed: it must not show
 * everywhere. */
int cognito_find_user(struct cognito *x, struct str username, struct user *ret_user);
/* What to make up about a person we do not know: the same each time for the same name, in any case, and
 * nothing that the name alone tells. */
void cognito_disguise(const struct cognito *x, const char *purpose, struct str username,
                      uint8_t ret_digest[SHA256_SIZE]);
/* "tnt_000..." -> the part after the underscore, which SRP hashes. */
struct str cognito_pool_name(struct call *c);

#endif
