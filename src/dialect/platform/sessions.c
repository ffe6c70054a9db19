/* Platform sessions: log-ins of the console and of scripts. */
#include "core/app.h"
#include "core/identity/lockout.h"
#include "core/identity/organisation.h"
#include "core/identity/session.h"
#include "core/identity/tenant.h"
#include "core/identity/user.h"
#include "generated/platform.h"

static struct str_array show_roles(struct call *c, role_set roles)
{
    static const struct {
        role_set role;
        const char *name;
    } names[] = {
#define ROLE(symbol, bit, name, meaning) {ROLE_##symbol, name},
#include "core/roles.def"
#undef ROLE
    };
    size_t count = sizeof(names) / sizeof(names[0]);
    struct str_array out = {.items = ARENA_ARRAY(c->arena, struct str, count)};
    for (size_t i = 0; i < count; i++)
        if (roles & names[i].role)
            out.items[out.count++] = str_from(names[i].name);
    return out;
}

static int show(struct call *c, const struct user *user, role_set roles, usec_t expires_at,
                struct platform_session **ret_session)
{
    struct tenant tenant;
    TRY(tenant_get(c, user->tenant_id, NULL, &tenant));
    *ret_session = ARENA_NEW(c->arena, struct platform_session);
    **ret_session = (struct platform_session){
        .expires_at = call_time(c, expires_at),
        .user_id = call_id(c, ID_USER, user->id),
        .email = user->email,
        .name = user_full_name(c->arena, user),
        .tenant_id = call_id(c, ID_TENANT, tenant.id),
        .tenant = tenant.host_label,
        .organisation_id =
            user->organisation_id ? call_id(c, ID_ORGANISATION, user->organisation_id) : STR_NONE,
        .roles = show_roles(c, roles),
    };
    return OK;
}

/* ---- Log-in ---- */

/* ERR_NOT_FOUND: *ret_nobody stands for who was named. */
static int find_person(struct call *c, const struct platform_create_session_request *body,
                       struct user *ret_user, id_t64 *ret_nobody)
{
    if (!str_empty(body->tenant)) {
        struct tenant tenant;
        *ret_nobody = user_nobody(
            c, arena_printf(c->arena, "%.*s %.*s", STR_FMT(body->tenant), STR_FMT(body->email)));
        TRY(tenant_find_by_label(c, body->tenant, &tenant));
        /* Nobody yet: who sent credentials beside the log-in is no one in that tenant, nor of its audit trail. */
        c->principal = (struct principal){.tenant_id = tenant.id, .dialect = DIALECT_PLATFORM};
    }
    *ret_nobody = user_nobody(c, body->email);
    return user_find_by_email(c, body->email, ret_user);
}

int platform_create_session_prepare(struct call *c, const struct platform_create_session_in *in)
{
    struct session_tokens *tokens = ARENA_NEW(c->arena, struct session_tokens);
    struct user user;
    id_t64 nobody;
    int found = find_person(c, in->body, &user, &nobody);
    if (found && found != ERR_NOT_FOUND)
        return found;
    int error = lockout_check_password(c, found ? NULL : &user, nobody, in->body->password);
    if (!error && !user_may_sign_in(&user))
        error = ERR_WRONG_CREDENTIALS;
    if (!error && !user.confirmed)
        error = ERR_USER_NOT_CONFIRMED;
    if (error)
        return call_refuse(c, error, NULL);
    TRY(session_prepare(c, SESSION_CONSOLE, &user, NULL, tokens));
    c->prepared = tokens;
    return OK;
}

/* The browser keeps it out of reach of scripts and sends it to this site only. */
static void set_cookie(struct call *c, struct str token, int64_t max_age_s)
{
    bool tls = str_starts(c->app->base_url, STR("https://"));
    call_reply_header(
        c, "Set-Cookie",
        arena_printf(c->arena,
                     "cambist_session=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                     STR_FMT(token), (long long)max_age_s, tls ? "; Secure" : ""));
}

int platform_create_session(struct call *c, const struct platform_create_session_in *in,
                            struct platform_create_session_out *out)
{
    const struct session_tokens *tokens = c->prepared;
    struct principal principal;
    (void)in;
    TRY(lockout_clear(c, &tokens->user));
    TRY(session_start(c, tokens));
    TRY(credentials_of_user(c, tokens->user.id, &principal));
    TRY(show(c, &tokens->user, principal.roles, tokens->access_expires_at, &out->data));
    out->data->token = tokens->access_token;
    set_cookie(c, tokens->access_token, session_expires_in_s(tokens));
    return OK;
}

/* ---- Who am I, and log-out ---- */

int platform_get_current_session(struct call *c, const struct platform_get_current_session_in *in,
                                 struct platform_get_current_session_out *out)
{
    struct session session;
    struct user user;
    (void)in;
    TRY(user_get(c, c->principal.user_id, NULL, &user));
    int error = session_get(c, c->principal.credential_id, &session);
    if (error && error != ERR_NOT_FOUND)
        return error;
    return show(c, &user, c->principal.roles, error ? 0 : session.expires_at, &out->data);
}

int platform_delete_current_session(struct call *c,
                                    const struct platform_delete_current_session_in *in,
                                    struct platform_delete_current_session_out *out)
{
    struct session session;
    (void)in, (void)out;
    int error = session_get(c, c->principal.credential_id, &session);
    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_WRONG_STATE, NULL, "An API key has no session to end.");
    TRY(error);
    set_cookie(c, STR(""), 0);
    return session_revoke(c, session.id);
}
