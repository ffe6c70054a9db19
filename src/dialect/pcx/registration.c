/*
 * Registering over the open route, and confirming the address. Nobody gains rights here that nobody
 * gave: a privileged type or role, or a place in an existing organisation, needs a credential that
 * may grant it.
 */
#include "core/identity/organisation.h"
#include "core/identity/password.h"
#include "core/identity/verification.h"
#include "core/outbox.h"
#include "dialect/pcx/users.h"
#include "dialect/pcx/wire.h"

#define CONFIRMATION_LIFETIME USEC_PER_DAY

/* What only staff may hand out; `founder`: the body makes a new organisation. */
static int check_rights(struct call *c, const struct pcx_register_user_body *body, bool founder)
{
    bool plain_type = str_empty(body->type) || str_is(body->type, "user") ||
                      str_is(body->type, "merchant") ||
                      (founder && str_is(body->type, "org-admin"));
    bool plain_role = str_empty(body->role) || str_is(body->role, "retail") ||
                      str_is(body->role, "freelancer") || (founder && str_is(body->role, "admin"));
    if (c->principal.staff)
        return OK;
    if (!plain_type)
        return call_refuse(c, ERR_FORBIDDEN, "type");
    return plain_role ? OK : call_refuse(c, ERR_FORBIDDEN, "role");
}

int pcx_register_user_prepare(struct call *c, const struct pcx_register_user_in *in)
{
    TRY(password_check_policy(c, in->body->password, "password"));
    struct user *prepared = ARENA_NEW(c->arena, struct user);
    prepared->id = id_new();
    password_set(c, prepared, in->body->password);
    c->prepared = prepared;
    return OK;
}

/* Where the person belongs: a new organisation, an existing one, or none. */
static int place(struct call *c, const struct pcx_register_user_body *body, bool founder,
                 struct user *user, struct membership *ret_membership)
{
    if (founder) {
        struct organisation organisation = {
            .name = body->org_name, .country = body->country, .created_by = user->id};
        TRY(organisation_create(c, &organisation));
        user->organisation_id = organisation.id;
        user->type = str_or(body->type, STR("org-admin"));
        *ret_membership = (struct membership){.role = STR("admin")};
    } else if (user->organisation_id) {
        struct str role = str_or(body->org_member_role, pcx_member_role_of_type(body->type));
        if (!str_is(role, "admin") && !str_is(role, "staff") && !str_is(role, "user"))
            return call_refuse_text(c, ERR_NOT_ALLOWED, "org_member_role",
                                    "must be admin, staff or user");
        TRY(organisation_require(c, user->organisation_id, ROLE_ORG_ADMIN, "org_id"));
        *ret_membership = (struct membership){.role = role};
    }
    ret_membership->organisation_id = user->organisation_id;
    ret_membership->user_id = user->id;
    return OK;
}

static int send_code(struct call *c, const struct user *user)
{
    struct str code;
    TRY(verification_create(c, "confirm", call_id(c, ID_USER, user->id), CONFIRMATION_LIFETIME,
                            &code));
    return outbox_message(c, MESSAGE_EMAIL, user->email, STR("Confirm your e-mail address"),
                          arena_printf(c->arena,
                                       "Your confirmation code is %.*s. It is valid for 24 hours.",
                                       STR_FMT(code)));
}

int pcx_register_user(struct call *c, const struct pcx_register_user_in *in,
                      struct pcx_register_user_out *out)
{
    const struct pcx_register_user_body *body = in->body;
    bool founder = str_empty(body->org_id) && !str_empty(body->org_name);
    const struct user *prepared = c->prepared; /* id and password */
    struct membership membership = {0};
    struct user inviting;
    struct user user = {
        .id = prepared->id,
        .email = body->email,
        .first_name = body->fname,
        .last_name = body->lname,
        .date_of_birth = body->date_of_birth,
        .role = body->role,
        .type = body->type,
        .phone = body->phone_number,
        .address = body->address,
        .country = body->country,
        .id_type = body->id_type,
        .id_number = body->id_number,
        .additional_id_type = body->additional_id_type,
        .additional_id_number = body->additional_id_number,
        .password_hash = prepared->password_hash,
        .srp_verifier = prepared->srp_verifier,
        .created_by = c->principal.user_id,
    };

    TRY(pcx_check_name(c, body->fname, "fname"));
    TRY(pcx_check_name(c, body->lname, "lname"));
    TRY(pcx_check_birth(c, body->date_of_birth));
    TRY(check_rights(c, body, founder));
    TRY(pcx_read_optional_id(c, ID_ORGANISATION, body->org_id, "org_id", &user.organisation_id));
    TRY(pcx_read_optional_id(c, ID_USER, body->invited_by_user_id, "invited_by_user_id",
                             &membership.invited_by));
    id_t64 inviter = membership.invited_by;
    if (inviter)
        TRY(user_get(c, inviter, "invited_by_user_id", &inviting));
    TRY(place(c, body, founder, &user, &membership));
    TRY(user_create(c, &user));
    membership.invited_by = inviter ? inviter : c->principal.user_id;
    if (user.organisation_id)
        TRY(membership_add(c, &membership, "org_id"));
    TRY(send_code(c, &user));
    out->message = STR("User registered successfully");
    out->has_requires_confirmation = out->requires_confirmation = true;
    return pcx_show_new_user(c, &user, &out->user);
}

/* ---- Confirmation ---- */

static int find_unconfirmed(struct call *c, struct str email, struct user *ret_user)
{
    int error = user_find_by_email(c, email, ret_user);
    if (error)
        return error == ERR_NOT_FOUND ? call_refuse(c, error, "email") : error;
    if (ret_user->confirmed)
        return call_refuse_text(c, ERR_WRONG_STATE, "email", "The user is confirmed already.");
    return OK;
}

int pcx_confirm_user_prepare(struct call *c, const struct pcx_confirm_user_in *in)
{
    struct user user;
    TRY(find_unconfirmed(c, in->body->email, &user));
    int error =
        verification_check(c, "confirm", call_id(c, ID_USER, user.id), in->body->confirmation_code);
    return error ? call_refuse(c, error, "confirmation_code") : OK;
}

int pcx_confirm_user(struct call *c, const struct pcx_confirm_user_in *in,
                     struct pcx_confirm_user_out *out)
{
    struct user user;
    TRY(find_unconfirmed(c, in->body->email, &user));
    int error = verification_consume(c, "confirm", call_id(c, ID_USER, user.id),
                                     in->body->confirmation_code);
    if (error)
        return call_refuse(c, error, "confirmation_code");
    user.confirmed = true;
    out->message = STR("User confirmed successfully");
    return user_update(c, &user);
}
