/* What a person who is signed in may do: see herself, change the password, end sessions. */
#include "core/identity/lockout.h"
#include "core/identity/password.h"
#include "core/identity/session.h"
#include "core/identity/token.h"
#include "core/work.h"
#include "dialect/cognito/cognito.h"

/* The person of AccessToken; an id token does not do. False: failed, or an error in *ret_error. */
static bool find_signed_in(struct cognito *x, struct user *ret_user, int *ret_error)
{
    struct call *c = x->c;
    struct str text = cognito_text(x, "AccessToken");
    struct token token;
    *ret_error = OK;
    bool access = token_read(c->arena, text, &token) &&
                  str_is(json_string(json_get(token.claims, "token_use")), "access");
    int error = access ? credentials_check_token(c, text, SESSION_COGNITO, &c->principal)
                       : ERR_INVALID_TOKEN;
    if (!error)
        error = user_get(c, c->principal.user_id, NULL, ret_user);
    if (!error)
        return true;
    if (error == ERR_TOKEN_EXPIRED)
        cognito_fail(x, "NotAuthorizedException", "Access Token has expired");
    else if (error == ERR_UNAUTHENTICATED)
        cognito_fail(x, "NotAuthorizedException", "Access Token has been revoked");
    else if (error == ERR_INVALID_TOKEN || error == ERR_NOT_FOUND)
        cognito_fail(x, "NotAuthorizedException", "Invalid Access Token");
    else
        *ret_error = error;
    return false;
}

static void put_attribute(struct buf *out, const char *name, struct str value)
{
    if (str_empty(value))
        return;
    json_open(out, NULL, '{');
    json_put(out, "Name", str_from(name));
    json_put(out, "Value", value);
    json_close(out, '}');
}

int cognito_get_user(struct cognito *x)
{
    struct user user;
    int error;
    if (!find_signed_in(x, &user, &error))
        return error;
    struct buf out = json_object(x->c->arena);
    json_put(&out, "Username", user.username);
    json_open(&out, "UserAttributes", '[');
    put_attribute(&out, "sub", id_print_uuid(x->c->arena, ID_USER, user.id));
    put_attribute(&out, "email", user.email);
    put_attribute(&out, "email_verified", user.confirmed ? STR("true") : STR("false"));
    put_attribute(&out, "given_name", user.first_name);
    put_attribute(&out, "family_name", user.last_name);
    put_attribute(&out, "phone_number", user.phone);
    json_close(&out, ']');
    return cognito_reply(x, json_object_end(&out));
}

static int store_password(struct call *c, void *argument)
{
    const struct user *changed = argument;
    struct user user;
    TRY(user_get(c, changed->id, NULL, &user));
    user.password_hash = changed->password_hash;
    user.srp_verifier = changed->srp_verifier;
    user.failed_logins = 0;
    return user_update(c, &user);
}

int cognito_change_password(struct cognito *x)
{
    struct user user;
    struct str proposed = cognito_text(x, "ProposedPassword");
    int error;
    if (!find_signed_in(x, &user, &error))
        return error;
    error = lockout_check_password(x->c, &user, 0, cognito_text(x, "PreviousPassword"));
    if (error == ERR_LOCKED_OUT)
        return cognito_fail(x, "LimitExceededException",
                            "Attempt limit exceeded, please try after some time.");
    if (error == ERR_WRONG_CREDENTIALS)
        return cognito_fail(x, "NotAuthorizedException", "Incorrect username or password.");
    TRY(error);
    if (password_check_policy(x->c, proposed, "ProposedPassword"))
        return cognito_fail(x, "InvalidPasswordException", "Password did not conform with policy");
    password_set(x->c, &user, proposed);
    TRY(writer_run(x->c, store_password, &user));
    return cognito_reply(x, STR("{}"));
}

static int end_sessions(struct call *c, void *argument)
{
    return session_revoke_all(c, *(const id_t64 *)argument);
}

int cognito_global_sign_out(struct cognito *x)
{
    struct user user;
    int error;
    if (!find_signed_in(x, &user, &error))
        return error;
    TRY(writer_run(x->c, end_sessions, &user.id));
    return cognito_reply(x, STR("{}"));
}

static int end_session(struct call *c, void *argument)
{
    return session_revoke(c, *(const id_t64 *)argument);
}

/* RFC 7009: a token that is none of ours, or ended already, is no error. */
int cognito_revoke_token(struct cognito *x)
{
    struct session session;
    if (!cognito_find_client(x))
        return OK;
    int error = session_find_by_refresh_token(x->c, cognito_text(x, "Token"), &session);
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (!error && session.app_id != x->app.id)
        return cognito_fail(x, "UnauthorizedException", "The token belongs to another client.");
    if (!error)
        TRY(writer_run(x->c, end_session, &session.id));
    return cognito_reply(x, STR("{}"));
}
