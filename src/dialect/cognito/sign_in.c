/* Signing in: by password, by SRP, and with a refresh token. */
#include "base/crypto.h"
#include "base/digest.h"
#include "core/app.h"
#include "core/identity/lockout.h"
#include "core/identity/session.h"
#include "core/identity/srp.h"
#include "core/work.h"
#include "dialect/cognito/cognito.h"
#include "store/sql.h"

#define CHALLENGE_LIFETIME (3 * USEC_PER_MINUTE)

static int fail_sign_in(struct cognito *x, int error)
{
    switch (error) {
    case ERR_WRONG_CREDENTIALS:
        return cognito_fail(x, "NotAuthorizedException", "Incorrect username or password.");
    case ERR_LOCKED_OUT:
        return cognito_fail(x, "NotAuthorizedException", "Password attempts exceeded");
    case ERR_USER_NOT_CONFIRMED:
        return cognito_fail(x, "UserNotConfirmedException", "User is not confirmed.");
    case ERR_FORBIDDEN:
        return cognito_fail(x, "NotAuthorizedException", "User is disabled.");
    case ERR_INVALID_TOKEN:
        return cognito_fail(x, "NotAuthorizedException", "Invalid Refresh Token");
    case ERR_SESSION_EXPIRED:
    case ERR_TOKEN_REUSED:
        return cognito_fail(x, "NotAuthorizedException", "Refresh Token has been revoked");
    default:
        return error;
    }
}

static int reply_tokens(struct cognito *x, const struct session_tokens *tokens)
{
    struct buf out = json_object(x->c->arena);
    json_open(&out, "AuthenticationResult", '{');
    json_put(&out, "AccessToken", tokens->access_token);
    json_put_integer(&out, "ExpiresIn", session_expires_in_s(tokens));
    json_put(&out, "IdToken", tokens->id_token);
    json_put(&out, "RefreshToken", tokens->refresh_token);
    json_put(&out, "TokenType", STR("Bearer"));
    json_close(&out, '}');
    json_open(&out, "ChallengeParameters", '{');
    json_close(&out, '}');
    return cognito_reply(x, json_object_end(&out));
}

static int store_session(struct call *c, void *argument)
{
    const struct session_tokens *tokens = argument;
    TRY(lockout_clear(c, &tokens->user));
    return session_start(c, tokens);
}

/* Who has proved to be this person. */
static int start_session(struct cognito *x, const struct user *user)
{
    struct session_tokens tokens;
    if (!user_may_sign_in(user))
        return fail_sign_in(x, ERR_FORBIDDEN);
    if (!user->confirmed)
        return fail_sign_in(x, ERR_USER_NOT_CONFIRMED);
    TRY(session_prepare(x->c, SESSION_COGNITO, user, &x->app, &tokens));
    TRY(writer_run(x->c, store_session, &tokens));
    return reply_tokens(x, &tokens);
}

static int by_password(struct cognito *x)
{
    struct user user;
    struct str username = cognito_text(x, "AuthParameters.USERNAME");
    int found = cognito_find_user(x, username, &user);
    if (found && found != ERR_NOT_FOUND)
        return found;
    struct str password = cognito_text(x, "AuthParameters.PASSWORD");
    int error =
        lockout_check_password(x->c, found ? NULL : &user, user_nobody(x->c, username), password);
    return error ? fail_sign_in(x, error) : start_session(x, &user);
}

static int by_refresh_token(struct cognito *x)
{
    struct session_tokens tokens;
    struct str token = cognito_text(x, "AuthParameters.REFRESH_TOKEN");
    struct session session;
    int error = session_find_by_refresh_token(x->c, token, &session);
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (!error && session.app_id != x->app.id)
        return fail_sign_in(x, ERR_INVALID_TOKEN); /* another client's */
    error = session_refresh(x->c, SESSION_COGNITO, token, false, &tokens);
    return error ? fail_sign_in(x, error) : reply_tokens(x, &tokens);
}

/* ---- SRP ---- */

/*
 * What we have to remember between challenge and answer travels in SECRET_BLOCK, sealed: the
 * person's id (or nobody's: user_nobody), when it was made, and A and the challenge's numbers as
 * text. Its length does not tell who is known.
 */
struct srp_state {
    bool known;
    id_t64 user_id;
    usec_t made_at;
    struct str public_a;
    struct srp_challenge challenge;
};

#define BLOCK_CONTEXT STR("cognito.secret_block")

static struct str seal_state(struct call *c, const struct srp_state *state)
{
    struct str text = arena_printf(
        c->arena, "%d|%lld|%lld|%.*s|%.*s|%.*s|%.*s", state->known, (long long)state->user_id,
        (long long)state->made_at, STR_FMT(state->public_a), STR_FMT(state->challenge.salt),
        STR_FMT(state->challenge.public_b), STR_FMT(state->challenge.private_b));
    return base64_print(c->arena, store_encrypt(c->app->store, c->arena, BLOCK_CONTEXT, text));
}

static bool open_state(struct call *c, struct str block, struct srp_state *ret_state)
{
    struct str sealed, text;
    if (!base64_parse(c->arena, block, &sealed) ||
        store_decrypt(c->app->store, c->arena, BLOCK_CONTEXT, sealed, &text))
        return false;
    ret_state->known = str_is(str_cut(&text, '|'), "1");
    bool numbers = str_to_i64(str_cut(&text, '|'), &ret_state->user_id) &&
                   str_to_i64(str_cut(&text, '|'), &ret_state->made_at);
    ret_state->public_a = str_cut(&text, '|');
    ret_state->challenge.salt = str_cut(&text, '|');
    ret_state->challenge.public_b = str_cut(&text, '|');
    ret_state->challenge.private_b = text;
    return numbers && c->now - ret_state->made_at <= CHALLENGE_LIFETIME;
}

/* Somebody we do not know gets a challenge too, one that cannot be met; the same id and salt every
 * time, as somebody real does. */
static struct str simulated_verifier(struct cognito *x, struct str user_id)
{
    struct arena *arena = x->c->arena;
    uint8_t digest[SHA256_SIZE];
    cognito_disguise(x, "salt", user_id, digest);
    struct str verifier =
        srp_make_verifier(arena, cognito_pool_name(x->c), user_id, random_hex(arena, 16));
    str_cut(&verifier, ':');
    struct str salt = srp_print_salt(arena, digest);
    return arena_printf(arena, "%.*s:%.*s", STR_FMT(salt), STR_FMT(verifier));
}

static int by_srp(struct cognito *x)
{
    struct call *c = x->c;
    struct user user = {0};
    struct srp_state state = {.made_at = c->now,
                              .public_a = cognito_text(x, "AuthParameters.SRP_A")};
    struct str username = cognito_text(x, "AuthParameters.USERNAME");
    int error = cognito_find_user(x, username, &user);
    if (error && error != ERR_NOT_FOUND)
        return error;
    state.user_id = error ? user_nobody(c, username) : user.id;
    struct str user_id = id_print_uuid(c->arena, ID_USER, state.user_id);
    struct str verifier = user.srp_verifier;
    state.known = !str_empty(verifier);
    if (!state.known)
        verifier = simulated_verifier(x, user_id);
    if (!srp_challenge(c->arena, verifier, state.public_a, &state.challenge))
        return cognito_fail(x, "InvalidParameterException", "SRP_A is not valid.");
    struct buf out = json_object(c->arena);
    json_put(&out, "ChallengeName", STR("PASSWORD_VERIFIER"));
    json_open(&out, "ChallengeParameters", '{');
    json_put(&out, "SALT", state.challenge.salt);
    json_put(&out, "SECRET_BLOCK", seal_state(c, &state));
    json_put(&out, "SRP_B", state.challenge.public_b);
    json_put(&out, "USERNAME", user_id);
    json_put(&out, "USER_ID_FOR_SRP", user_id);
    json_close(&out, '}');
    return cognito_reply(x, json_object_end(&out));
}

static bool srp_answer_is_right(struct cognito *x, const struct srp_state *state,
                                const struct user *user)
{
    struct call *c = x->c;
    struct str block = cognito_text(x, "ChallengeResponses.PASSWORD_CLAIM_SECRET_BLOCK");
    struct str bytes, signature;
    return base64_parse(c->arena, block, &bytes) &&
           base64_parse(c->arena, cognito_text(x, "ChallengeResponses.PASSWORD_CLAIM_SIGNATURE"),
                        &signature) &&
           srp_check(c->arena, user->srp_verifier, state->public_a, &state->challenge,
                     cognito_pool_name(c), id_print_uuid(c->arena, ID_USER, user->id), bytes,
                     cognito_text(x, "ChallengeResponses.TIMESTAMP"), signature);
}

int cognito_respond_to_challenge(struct cognito *x)
{
    struct srp_state state;
    struct user user;
    if (!cognito_find_client(x))
        return OK;
    if (!str_is(cognito_text(x, "ChallengeName"), "PASSWORD_VERIFIER"))
        return cognito_fail(x, "InvalidParameterException", "There is no such challenge.");
    struct str block = cognito_text(x, "ChallengeResponses.PASSWORD_CLAIM_SECRET_BLOCK");
    if (!open_state(x->c, block, &state))
        return cognito_fail(x, "NotAuthorizedException", "Invalid session for the user.");
    bool known = state.known && user_get(x->c, state.user_id, NULL, &user) == OK;
    int error = lockout_check_proof(x->c, known ? &user : NULL, state.user_id,
                                    known && srp_answer_is_right(x, &state, &user));
    return error ? fail_sign_in(x, error) : start_session(x, &user);
}

int cognito_initiate_auth(struct cognito *x)
{
    struct str flow = cognito_text(x, "AuthFlow");
    if (!cognito_find_client(x))
        return OK;
    if (str_is(flow, "USER_PASSWORD_AUTH"))
        return by_password(x);
    if (str_is(flow, "USER_SRP_AUTH"))
        return by_srp(x);
    if (str_is(flow, "REFRESH_TOKEN_AUTH") || str_is(flow, "REFRESH_TOKEN"))
        return by_refresh_token(x);
    return cognito_fail(x, "InvalidParameterException", "The flow is not enabled for this client.");
}
