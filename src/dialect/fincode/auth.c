/* FinCode log-ins: e-mail and password in, RS256 access token and single-use refresh token out. */
#include "core/app.h"
#include "core/identity/lockout.h"
#include "core/identity/session.h"
#include "core/identity/user.h"
#include "dialect/fincode/fincode.h"
#include "generated/fincode.h"

static struct str_array show_roles(struct call *c, const struct user *user)
{
    struct str_array out = {.items = ARENA_ARRAY(c->arena, struct str, 64)};
    static const struct {
        role_set role;
        const char *name;
    } names[] = {{ROLE_ADMIN, "ADMIN"},
                 {ROLE_MANAGER, "MANAGER"},
                 {ROLE_CASHIER, "CASHIER"},
                 {ROLE_AGENT, "AGENT"},
                 {ROLE_CUSTOMER, "CUSTOMER"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (user_roles(user->type, user->roles) & names[i].role)
            out.items[out.count++] = str_from(names[i].name);
    return out;
}

static struct fc_token_pair *show_tokens(struct call *c, const struct session_tokens *tokens)
{
    struct fc_token_pair *out = ARENA_NEW(c->arena, struct fc_token_pair);
    *out = (struct fc_token_pair){
        .access_token = tokens->access_token,
        .refresh_token = tokens->refresh_token,
        .token_type = STR("Bearer"),
        .has_expires_in = true,
        .expires_in = session_expires_in_s(tokens),
        .roles = show_roles(c, &tokens->user),
        .user_id = id_print_uuid(c->arena, ID_USER, tokens->user.id),
    };
    return out;
}

/* ---- Log-in ---- */

int fc_login_prepare(struct call *c, const struct fc_login_in *in)
{
    const struct fc_login_body *body = in->body;
    struct session_tokens *tokens = ARENA_NEW(c->arena, struct session_tokens);
    struct str password;
    struct user user;

    TRY(fincode_open_field(c, body->payload_encrypted, body->current_password, "currentPassword",
                           &password));
    int found = user_find_by_email(c, body->email, &user);
    if (found && found != ERR_NOT_FOUND)
        return found;
    int error = lockout_check_password(c, found ? NULL : &user, 0, password);
    /* An unknown address is 404, as documented, however often; it takes as long as a wrong password. */
    if (error)
        return call_refuse(c, found && error == ERR_WRONG_CREDENTIALS ? ERR_NOT_FOUND : error,
                           NULL);
    if (!user_may_sign_in(&user))
        return call_refuse_text(c, ERR_FORBIDDEN, NULL, "The account is not active.");
    TRY(session_prepare(c, SESSION_FINCODE, &user, NULL, tokens));
    c->prepared = tokens;
    return OK;
}

int fc_login(struct call *c, const struct fc_login_in *in, struct fc_login_out *out)
{
    const struct session_tokens *tokens = c->prepared;
    (void)in;
    TRY(lockout_clear(c, &tokens->user));
    TRY(session_start(c, tokens));
    out->message = STR("Login successful");
    out->data = show_tokens(c, tokens);
    out->access_token = tokens->access_token;
    out->refresh_token = tokens->refresh_token;
    return OK;
}

/* ---- Refresh ---- */

/* A refresh token of another tenant is none here. */
int fc_refresh_token(struct call *c, const struct fc_refresh_token_in *in,
                     struct fc_refresh_token_out *out)
{
    struct session_tokens tokens;
    id_t64 tenant_id = c->principal.tenant_id;
    struct session session;
    int error = session_find_by_refresh_token(c, in->body->refresh_token, &session);
    if (!error && session.tenant_id != tenant_id)
        error = ERR_INVALID_TOKEN;
    else
        error = session_refresh(c, SESSION_FINCODE, in->body->refresh_token, true, &tokens);
    c->principal.tenant_id = tenant_id;
    if (error)
        return call_refuse(c, error, NULL);
    out->message = STR("Token refreshed successfully");
    out->data = show_tokens(c, &tokens);
    out->access_token = tokens.access_token;
    out->refresh_token = tokens.refresh_token;
    return OK;
}

/* ---- Log-out ---- */

/* Either token is enough; the session they belong to ends, and with it both of them. */
int fc_logout(struct call *c, const struct fc_logout_in *in, struct fc_logout_out *out)
{
    struct session session;
    bool ended = false;
    if (in->body && !str_empty(in->body->refresh_token)) {
        int error = session_find_by_refresh_token(c, in->body->refresh_token, &session);
        if (error && error != ERR_NOT_FOUND)
            return error;
        ended = !error && session.tenant_id == c->principal.tenant_id;
        if (ended)
            TRY(session_revoke(c, session.id));
    }
    if (c->principal.credential_id) {
        TRY(session_revoke(c, c->principal.credential_id));
        ended = true;
    }
    if (!ended)
        return call_refuse(c, ERR_UNAUTHENTICATED, NULL);
    out->message = STR("Logged out successfully");
    return OK;
}
