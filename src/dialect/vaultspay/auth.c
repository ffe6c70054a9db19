/* VaultsPay app logins. The refresh token stays the same until it expires; only access tokens are
 * renewed. */
#include "core/identity/client_app.h"
#include "core/identity/lockout.h"
#include "core/identity/session.h"
#include "core/identity/user.h"
#include "generated/vaultspay.h"

static struct str wire_time(struct call *c, usec_t instant)
{
    return time_print(c->arena, instant, TIME_OFFSET_MILLIS);
}

/* The app that the credentials name, if they are right and the device header names it too. */
static int check_app(struct call *c, const struct vp_saas_login_body *body,
                     struct client_app *ret_app)
{
    int64_t device_id = 0;
    int error = lockout_check_address(c);
    if (error)
        return call_refuse(c, error, NULL);
    error = client_app_find(c, STR("saas"), body->client_id, ret_app);
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (error || !client_app_secret_matches(ret_app, body->client_secret)) {
        lockout_count_address(c);
        return call_refuse(c, ERR_WRONG_CREDENTIALS, NULL);
    }
    if (!str_to_i64(call_header(c, "x-device-id"), &device_id) || device_id != ret_app->id)
        return call_refuse(c, ERR_INVALID_HEADERS, NULL);
    return OK;
}

int vp_saas_login_prepare(struct call *c, const struct vp_saas_login_in *in)
{
    struct client_app app;
    struct user owner;
    struct session_tokens *tokens = ARENA_NEW(c->arena, struct session_tokens);

    TRY(check_app(c, in->body, &app));
    c->principal.tenant_id = app.tenant_id;
    TRY(user_get(c, app.owner_user_id, NULL, &owner));
    if (!user_may_sign_in(&owner))
        return call_refuse(c, ERR_WRONG_CREDENTIALS, NULL);
    TRY(session_prepare(c, SESSION_VAULTSPAY, &owner, &app, tokens));
    c->prepared = tokens;
    return OK;
}

int vp_saas_login(struct call *c, const struct vp_saas_login_in *in, struct vp_saas_login_out *out)
{
    const struct session_tokens *tokens = c->prepared;
    (void)in;
    *out = (struct vp_saas_login_out){
        .access_token = tokens->access_token,
        .access_token_expiry = wire_time(c, tokens->access_expires_at),
        .refresh_token = tokens->refresh_token,
        .refresh_token_expiry = wire_time(c, tokens->refresh_expires_at),
    };
    return session_start(c, tokens);
}

int vp_saas_refresh_token(struct call *c, const struct vp_saas_refresh_token_in *in,
                          struct vp_saas_refresh_token_out *out)
{
    struct session_tokens tokens;
    int error = session_refresh(c, SESSION_VAULTSPAY, in->body->refresh_token, false, &tokens);
    if (error)
        return call_refuse(c, error, NULL);
    out->data = ARENA_NEW(c->arena, struct vp_refresh_result);
    *out->data = (struct vp_refresh_result){
        .access_token = tokens.access_token,
        .access_token_expiry = wire_time(c, tokens.access_expires_at),
    };
    return OK;
}
