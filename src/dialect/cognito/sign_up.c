/* Signing up, proving the address, and getting back in after a forgotten password. */
#include "core/identity/password.h"
#include "core/identity/session.h"
#include "core/identity/verification.h"
#include "core/outbox.h"
#include "core/work.h"
#include "dialect/cognito/cognito.h"

#define CONFIRMATION_LIFETIME USEC_PER_DAY
#define RESET_LIFETIME USEC_PER_HOUR

/* A user attribute as the SDKs send them: [{"Name": ..., "Value": ...}]. */
static struct str attribute(const struct cognito *x, const char *name)
{
    const struct json *list = json_get(x->body, "UserAttributes");
    for (size_t i = 0; i < json_count(list); i++)
        if (str_is(json_string(json_get(json_at(list, i), "Name")), name))
            return json_string(json_get(json_at(list, i), "Value"));
    return STR_NONE;
}

/* "a***@e***": enough to know one's own address by. */
static struct str mask_email(struct arena *arena, struct str email)
{
    struct str host = email;
    struct str name = str_cut(&host, '@');
    return arena_printf(arena, "%.*s***@%.*s***", name.len ? 1 : 0, name.ptr ? name.ptr : "",
                        host.len ? 1 : 0, host.ptr ? host.ptr : "");
}

static void put_delivery(struct cognito *x, struct buf *out, struct str email)
{
    json_open(out, "CodeDeliveryDetails", '{');
    json_put(out, "AttributeName", STR("email"));
    json_put(out, "DeliveryMedium", STR("EMAIL"));
    json_put(out, "Destination", mask_email(x->c->arena, email));
    json_close(out, '}');
}

struct code_mail {
    const char *purpose;
    const struct user *user;
};

/* In the writer. Purposes are "confirm" and "reset". */
static int mail_code(struct call *c, void *argument)
{
    const struct code_mail *mail = argument;
    bool confirm = mail->purpose[0] == 'c';
    struct str code;
    TRY(verification_create(c, mail->purpose, call_id(c, ID_USER, mail->user->id),
                            confirm ? CONFIRMATION_LIFETIME : RESET_LIFETIME, &code));
    return outbox_message(c, MESSAGE_EMAIL, mail->user->email,
                          confirm ? STR("Confirm your e-mail address") : STR("Reset your password"),
                          arena_printf(c->arena, "Your %s code is %.*s.",
                                       confirm ? "confirmation" : "password reset", STR_FMT(code)));
}

static int store_new_user(struct call *c, void *argument)
{
    struct user user = *(const struct user *)argument;
    TRY(user_create(c, &user));
    return mail_code(c, &(struct code_mail){"confirm", &user});
}

int cognito_sign_up(struct cognito *x)
{
    struct call *c = x->c;
    struct str username = cognito_text(x, "Username"), password = cognito_text(x, "Password");
    bool by_email = username.len && memchr(username.ptr, '@', username.len);
    struct user user = {.id = id_new(),
                        .username = by_email ? STR_NONE : username,
                        .email = str_or(attribute(x, "email"), by_email ? username : STR_NONE),
                        .first_name = attribute(x, "given_name"),
                        .last_name = attribute(x, "family_name"),
                        .phone = attribute(x, "phone_number")};
    if (!cognito_find_client(x))
        return OK;
    if (str_empty(username) || user_normalise_email(c, user.email, "email", &user.email))
        return cognito_fail(x, "InvalidParameterException", "Username and email are required.");
    if (password_check_policy(c, password, "Password"))
        return cognito_fail(x, "InvalidPasswordException",
                            "Password did not conform with policy: 8 characters or more with upper "
                            "case, lower case, numeric and symbol characters.");
    password_set(c, &user, password);
    int error = writer_run(c, store_new_user, &user);
    if (error == ERR_DUPLICATE || error == ERR_STORE_UNIQUE)
        return cognito_fail(x, "UsernameExistsException", "User already exists");
    TRY(error);
    struct buf out = json_object(c->arena);
    json_put_boolean(&out, "UserConfirmed", false);
    json_put(&out, "UserSub", id_print_uuid(c->arena, ID_USER, user.id));
    put_delivery(x, &out, user.email);
    return cognito_reply(x, json_object_end(&out));
}

static int fail_code(struct cognito *x, int error)
{
    if (error == ERR_CODE_MISMATCH)
        return cognito_fail(x, "CodeMismatchException",
                            "Invalid verification code provided, please try again.");
    if (error == ERR_CODE_EXPIRED)
        return cognito_fail(x, "ExpiredCodeException",
                            "Invalid code provided, please request a code again.");
    return error;
}

struct code_use {
    struct user *user;
    struct str code;
};

static int confirm(struct call *c, void *argument)
{
    const struct code_use *use = argument;
    struct user user;
    TRY(verification_consume(c, "confirm", call_id(c, ID_USER, use->user->id), use->code));
    TRY(user_get(c, use->user->id, NULL, &user));
    user.confirmed = true;
    return user_update(c, &user);
}

int cognito_confirm_sign_up(struct cognito *x)
{
    struct user user;
    struct code_use use = {&user, cognito_text(x, "ConfirmationCode")};
    if (!cognito_find_client(x))
        return OK;
    int error = cognito_find_user(x, cognito_text(x, "Username"), &user);
    if (error == ERR_NOT_FOUND)
        return fail_code(x, ERR_CODE_EXPIRED); /* as Cognito does */
    TRY(error);
    if (user.confirmed)
        return cognito_fail(x, "NotAuthorizedException",
                            "User cannot be confirmed. Current status is CONFIRMED");
    error = verification_check(x->c, "confirm", call_id(x->c, ID_USER, user.id), use.code);
    if (!error)
        error = writer_run(x->c, confirm, &use);
    return error ? fail_code(x, error) : cognito_reply(x, STR("{}"));
}

/* Where the code of somebody we do not know would have gone: what was typed if that is an address,
 * else the first letters of one that is always the same. */
static struct str simulated_address(struct cognito *x, struct str username)
{
    struct call *c = x->c;
    struct str email;
    uint8_t digest[SHA256_SIZE];
    if (user_normalise_email(c, username, "Username", &email) == OK)
        return email;
    c->error = OK;
    c->problems = NULL;
    cognito_disguise(x, "address", username, digest);
    return arena_printf(c->arena, "%c@%c", 'a' + digest[0] % 26, 'a' + digest[1] % 26);
}

/* Sends a code if there is somebody to send it to who was not sent enough; the answer does not say. */
static int send_code(struct cognito *x, const char *purpose)
{
    struct str username = cognito_text(x, "Username");
    struct user user;
    int error = cognito_find_user(x, username, &user);
    if (error && error != ERR_NOT_FOUND)
        return error;
    bool wanted = !error && (purpose[0] == 'r' ? user.confirmed : !user.confirmed);
    int sent = wanted ? writer_run(x->c, mail_code, &(struct code_mail){purpose, &user}) : OK;
    if (sent && sent != ERR_RATE_LIMITED)
        return sent;
    struct buf out = json_object(x->c->arena);
    put_delivery(x, &out, error ? simulated_address(x, username) : user.email);
    return cognito_reply(x, json_object_end(&out));
}

int cognito_resend_code(struct cognito *x)
{
    return cognito_find_client(x) ? send_code(x, "confirm") : OK;
}

int cognito_forgot_password(struct cognito *x)
{
    return cognito_find_client(x) ? send_code(x, "reset") : OK;
}

/* The new password ends every session and every lock-out. */
static int reset_password(struct call *c, void *argument)
{
    const struct code_use *use = argument;
    struct user user;
    TRY(verification_consume(c, "reset", call_id(c, ID_USER, use->user->id), use->code));
    TRY(user_get(c, use->user->id, NULL, &user));
    user.password_hash = use->user->password_hash;
    user.srp_verifier = use->user->srp_verifier;
    user.failed_logins = 0;
    user.locked_until = 0;
    TRY(session_revoke_all(c, user.id));
    return user_update(c, &user);
}

int cognito_confirm_forgot_password(struct cognito *x)
{
    struct call *c = x->c;
    struct user user;
    struct str password = cognito_text(x, "Password");
    struct code_use use = {&user, cognito_text(x, "ConfirmationCode")};
    if (!cognito_find_client(x))
        return OK;
    if (password_check_policy(c, password, "Password"))
        return cognito_fail(x, "InvalidPasswordException", "Password did not conform with policy");
    int found = cognito_find_user(x, cognito_text(x, "Username"), &user);
    if (found && found != ERR_NOT_FOUND)
        return found;
    /* For nobody the same is done as for somebody: neither answer nor time tells them apart. */
    int error = verification_check(c, "reset", found ? STR("nobody") : call_id(c, ID_USER, user.id),
                                   use.code);
    if (error)
        return fail_code(x, error);
    password_set(c, &user, password);
    error = writer_run(c, reset_password, &use);
    return error ? fail_code(x, error) : cognito_reply(x, STR("{}"));
}
