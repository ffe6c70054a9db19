/* VaultsPay end customers: made by an app, owned by the app's parent user. */
#include "core/identity/user.h"

#include <ctype.h>

#include "core/identity/client_app.h"
#include "generated/vaultspay.h"

static struct str wire_status(const struct user *user)
{
    if (user->disabled || str_is(user->status, "blocked") || str_is(user->status, "inactive"))
        return STR("BLOCK");
    return str_is(user->status, "active") ? STR("ACTIVE") : STR("PENDING");
}

static struct str stored_status(struct str wire)
{
    if (str_is(wire, "ACTIVE"))
        return STR("active");
    return str_is(wire, "BLOCK") ? STR("blocked") : STR("pending");
}

/* Owners of apps are merchants; whoever administers the installation is ADMIN. */
static struct str wire_type(const struct user *user)
{
    if (user_roles(user->type, user->roles) & (ROLE_INTERNAL_ADMIN | ROLE_ADMIN | ROLE_OPERATOR))
        return STR("ADMIN");
    return str_is(user->type, "merchant") ? STR("MERCHANT") : STR("USER");
}

/* The record keeps the whole number; the wire has dial code and subscriber number apart. */
static struct str local_phone(const struct user *user)
{
    struct str phone = user->phone;
    if (!str_present(phone) || !str_present(user->dial_code) || !str_starts(phone, user->dial_code))
        return phone;
    return (struct str){phone.ptr + user->dial_code.len, phone.len - user->dial_code.len};
}

static struct vp_user_ref *show_parent(struct call *c, const struct user *parent)
{
    struct vp_user_ref *out = ARENA_NEW(c->arena, struct vp_user_ref);
    *out = (struct vp_user_ref){
        .has_id = true,
        .id = parent->id,
        .first_name = parent->first_name,
        .last_name = parent->last_name,
        .user_type = wire_type(parent),
        .email = parent->email,
        .username = parent->username,
        .country_code = parent->dial_code,
        .phone = local_phone(parent),
        .status = wire_status(parent),
        .full_name = user_full_name(c->arena, parent),
        .phone_number = parent->phone,
    };
    return out;
}

static struct vp_user *show(struct call *c, const struct user *user, const struct user *parent)
{
    struct vp_user *out = ARENA_NEW(c->arena, struct vp_user);
    *out = (struct vp_user){
        .id = user->id,
        .parent_id = user->parent_id,
        .parent = show_parent(c, parent),
        .first_name = user->first_name,
        .last_name = user->last_name,
        .user_type = wire_type(user),
        .email = user->email,
        .username = user->username,
        .country_code = user->dial_code,
        .phone = local_phone(user),
        .status = wire_status(user),
        .full_name = user_full_name(c->arena, user),
        .phone_number = user->phone,
    };
    return out;
}

static bool digits_only(struct str text, size_t shortest, size_t longest)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isdigit((unsigned char)text.ptr[i]))
            return false;
    return text.len >= shortest && text.len <= longest;
}

/* `found` is what the search for another user of the same identifier ended with. */
static int refuse_duplicate(struct call *c, int found, const char *field)
{
    if (found)
        return found == ERR_NOT_FOUND ? OK : found;
    return call_refuse_text(c, ERR_INVALID, field, "belongs to another user");
}

static int check_name(struct call *c, struct str name, const char *field)
{
    return str_empty(str_trim(name)) ? call_refuse_text(c, ERR_INVALID, field, "must not be blank")
                                     : OK;
}

/* Either an e-mail address, or dial code and phone; both are fine. Duplicates are invalid payload
 * here. */
static int check_identifiers(struct call *c, const struct vp_create_user_request *body)
{
    struct user other;
    bool has_phone = !str_empty(body->phone) || !str_empty(body->country_code);
    if (str_empty(body->email) && !has_phone)
        return call_refuse_text(c, ERR_REQUIRED, "email", "or countryCode and phone are required");
    if (has_phone && !digits_only(body->country_code, 1, 4))
        return call_refuse_text(c, ERR_BAD_FORMAT, "countryCode",
                                "must be a dial code without plus");
    if (has_phone && !digits_only(body->phone, 4, 14))
        return call_refuse_text(c, ERR_BAD_FORMAT, "phone", "must be 4 to 14 digits");
    if (str_empty(body->email))
        return OK;
    return refuse_duplicate(c, user_find_by_email(c, body->email, &other), "email");
}

/* "khalid.raza.00dhewc5": readable, and unique by the id's digits. */
static struct str make_username(struct call *c, const struct vp_create_user_request *body,
                                id_t64 id)
{
    struct str tail = id_print(c->arena, ID_USER, id);
    struct buf out = buf_new(c->arena, 64);
    struct str names[] = {body->first_name, body->last_name};
    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; i < names[n].len && i < 20; i++)
            if (isalnum((unsigned char)names[n].ptr[i]))
                buf_add_char(&out, (char)tolower((unsigned char)names[n].ptr[i]));
        buf_add_char(&out, '.');
    }
    buf_add(&out, tail.ptr + 4, tail.len - 4);
    return buf_str(&out);
}

int vp_create_user(struct call *c, const struct vp_create_user_in *in,
                   struct vp_create_user_out *out)
{
    const struct vp_create_user_request *body = in->body;
    struct user parent, user = {
                            .id = id_new(),
                            .organisation_id = c->principal.organisation_id,
                            .parent_id = c->principal.user_id,
                            .app_id = c->principal.app_id,
                            .first_name = body->first_name,
                            .last_name = body->last_name,
                            .dial_code = body->country_code,
                            .status = stored_status(body->status),
                            .kyc_status = STR("pending"),
                            .created_by = c->principal.user_id,
                        };

    TRY(check_name(c, body->first_name, "firstName"));
    TRY(check_name(c, body->last_name, "lastName"));
    TRY(check_identifiers(c, body));
    if (!str_empty(body->email))
        user.email = body->email;
    if (!str_empty(body->phone)) {
        user.phone =
            arena_printf(c->arena, "%.*s%.*s", STR_FMT(body->country_code), STR_FMT(body->phone));
        struct user other;
        TRY(refuse_duplicate(c, user_find_by_phone(c, user.phone, &other), "phone"));
    }
    user.username = make_username(c, body, user.id);
    TRY(user_create(c, &user));
    TRY(user_get(c, user.parent_id, NULL, &parent));
    out->data = show(c, &user, &parent);
    return OK;
}
