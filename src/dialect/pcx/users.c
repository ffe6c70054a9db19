/* PCX people: the record, its profile and its status. Most answers of this group have no
 * envelope. */
#include "dialect/pcx/users.h"

#include "core/identity/kyc.h"
#include "core/identity/organisation.h"
#include "core/identity/session.h"
#include "core/wallet/wallet.h"
#include "dialect/pcx/wire.h"

#define WALLETS_AT_ONCE 100

/* PCX has no word for somebody another dialect has blocked. */
static struct str wire_status(struct str status)
{
    return str_is(status, "blocked") ? STR("inactive") : status;
}

/* Oneself, an administrator of the person's own organisation, staff: they see identity numbers and
 * change the profile. */
static int may_manage(struct call *c, const struct user *user, bool *ret_yes)
{
    *ret_yes = call_may_act_for_user(c, user->id);
    return *ret_yes ? OK : organisation_allows(c, user->organisation_id, ROLE_ORG_ADMIN, ret_yes);
}

int pcx_show_user(struct call *c, const struct user *user, struct pcx_user *out)
{
    struct membership *memberships;
    size_t count;
    bool numbers;

    TRY(may_manage(c, user, &numbers));
    TRY(membership_list_of_user(c, user->id, &memberships, &count));
    *out = (struct pcx_user){
        .user_id = call_id(c, ID_USER, user->id),
        .email = user->email,
        .fname = user->first_name,
        .lname = user->last_name,
        .date_of_birth = user->date_of_birth,
        .cognito_username = user->username,
        .bridge_customer_id = user->bridge_customer_id,
        .kyc_submitted_at = call_time(c, user->kyc_submitted_at),
        .kyc_approved_at = call_time(c, user->kyc_approved_at),
        .kyc_failure_reason = user->kyc_failure_reason,
        .role = user->role,
        .status = wire_status(user->status),
        .type = user->type,
        .created_by = pcx_write_optional_id(c, ID_USER, user->created_by),
        .org_id = pcx_write_optional_id(c, ID_ORGANISATION, user->organisation_id),
        .phone_number = user->phone,
        .address = user->address,
        .country = user->country,
        .id_type = user->id_type,
        .id_number = numbers ? user->id_number : STR_NONE,
        .additional_id_type = user->additional_id_type,
        .additional_id_number = numbers ? user->additional_id_number : STR_NONE,
        .kyc_session_id = user->kyc_session_id,
        .kyc_status = user->kyc_status,
        .created_at = call_time(c, user->created_at),
        .updated_at = call_time(c, user->updated_at),
    };
    out->org_ids.items = ARENA_ARRAY(c->arena, struct str, count + 1);
    out->org_ids.count = count;
    for (size_t i = 0; i < count; i++)
        out->org_ids.items[i] = call_id(c, ID_ORGANISATION, memberships[i].organisation_id);
    return OK;
}

int pcx_show_new_user(struct call *c, const struct user *user, struct pcx_user **ret_user)
{
    *ret_user = ARENA_NEW(c->arena, struct pcx_user);
    return pcx_show_user(c, user, *ret_user);
}

/* The two operations that answer a bare person have the schema's members one by one. */
_Static_assert(sizeof(struct pcx_get_user_out) == sizeof(struct pcx_user), "the bare person");
_Static_assert(sizeof(struct pcx_get_user_by_email_or_username_out) == sizeof(struct pcx_user),
               "the bare person");

int pcx_check_name(struct call *c, struct str name, const char *field)
{
    bool blank = str_present(name) && str_empty(str_trim(name));
    return blank ? call_refuse_text(c, ERR_TOO_SHORT, field, "must not be empty") : OK;
}

int pcx_check_birth(struct call *c, struct str date)
{
    usec_t instant;
    if (!str_present(date))
        return OK;
    if (date.len != 10 || !time_parse(date, &instant) || instant > c->now)
        return call_refuse_text(c, ERR_BAD_FORMAT, "date_of_birth", "must be a date (YYYY-MM-DD)");
    return OK;
}

static int check_person(struct call *c, struct str first_name, struct str last_name,
                        struct str birth)
{
    TRY(pcx_check_name(c, first_name, "fname"));
    TRY(pcx_check_name(c, last_name, "lname"));
    return pcx_check_birth(c, birth);
}

struct str pcx_member_role_of_type(struct str type)
{
    if (str_is(type, "org-admin"))
        return STR("admin");
    return str_is(type, "staff") ? STR("staff") : STR("user");
}

/* ---- Making and finding ---- */

/* Before user_create does, which calls the second one "username". */
static int refuse_taken(struct call *c, struct str email, struct str username)
{
    struct user other;
    int error = user_find_by_email(c, email, &other);
    if (!error)
        return call_refuse(c, ERR_DUPLICATE, "email");
    if (error == ERR_NOT_FOUND)
        error = user_find_by_username(c, username, &other);
    if (!error)
        return call_refuse(c, ERR_DUPLICATE, "cognito_username");
    return error == ERR_NOT_FOUND ? OK : error;
}

int pcx_create_user_internal(struct call *c, const struct pcx_create_user_internal_in *in,
                             struct pcx_create_user_internal_out *out)
{
    const struct pcx_create_user_internal_body *body = in->body;
    struct user user = {
        .email = body->email,
        .username = body->cognito_username,
        .role = body->role,
        .type = body->type,
        .status = body->status,
        .first_name = body->fname,
        .last_name = body->lname,
        .date_of_birth = body->date_of_birth,
        .phone = body->phone_number,
        .address = body->address,
        .country = body->country,
        .id_type = body->id_type,
        .id_number = body->id_number,
        .additional_id_type = body->additional_id_type,
        .additional_id_number = body->additional_id_number,
        .created_by = c->principal.user_id,
        .confirmed = true, /* the identity provider has seen to it */
    };
    struct organisation organisation;

    TRY(check_person(c, body->fname, body->lname, body->date_of_birth));
    TRY(pcx_read_optional_id(c, ID_ORGANISATION, body->org_id, "org_id", &user.organisation_id));
    if (user.organisation_id)
        TRY(organisation_get(c, user.organisation_id, "org_id", &organisation));
    TRY(refuse_taken(c, user.email, user.username));
    TRY(user_create(c, &user));
    if (user.organisation_id) {
        struct membership membership = {.organisation_id = user.organisation_id,
                                        .user_id = user.id,
                                        .role = pcx_member_role_of_type(user.type),
                                        .invited_by = c->principal.user_id};
        TRY(membership_add(c, &membership, "org_id"));
    }
    out->message = STR("User created successfully");
    return pcx_show_new_user(c, &user, &out->user);
}

/* To who may not see the person there is none: the answer must not tell who is a customer. */
static int show_found(struct call *c, const struct user *found, void *out)
{
    struct user user;
    int error = user_get_for_caller(c, found->id, NULL, &user);
    if (error == ERR_FORBIDDEN) {
        c->error = OK;
        return call_refuse(c, ERR_NOT_FOUND, NULL);
    }
    return error ? error : pcx_show_user(c, &user, out);
}

int pcx_get_user_by_email_or_username(struct call *c,
                                      const struct pcx_get_user_by_email_or_username_in *in,
                                      struct pcx_get_user_by_email_or_username_out *out)
{
    struct user user;
    if (str_empty(in->email) == str_empty(in->cognito_username))
        return call_refuse_text(c, ERR_REQUIRED, "email",
                                "or cognito_username is required, and only one of them");
    int error = str_empty(in->email) ? user_find_by_username(c, in->cognito_username, &user)
                                     : user_find_by_email(c, in->email, &user);
    if (error)
        return error == ERR_NOT_FOUND ? call_refuse(c, error, NULL) : error;
    return show_found(c, &user, out);
}

int pcx_get_user(struct call *c, const struct pcx_get_user_in *in, struct pcx_get_user_out *out)
{
    struct user user;
    id_t64 user_id;
    TRY(call_parse_id(c, ID_USER, in->user_id, "user_id", &user_id));
    TRY(user_get_for_caller(c, user_id, "user_id", &user));
    return pcx_show_user(c, &user, (struct pcx_user *)out);
}

int pcx_list_users(struct call *c, const struct pcx_list_users_in *in,
                   struct pcx_list_users_out *out)
{
    struct user_filter filter = {.status = in->status, .role = in->role, .type = in->type};
    struct user *users;
    struct page page;
    size_t count;

    TRY(pcx_read_optional_id(c, ID_ORGANISATION, in->org_id, "org_id", &filter.organisation_id));
    struct str list =
        arena_printf(c->arena, "users|%lld|%.*s|%.*s|%.*s", (long long)filter.organisation_id,
                     STR_FMT(filter.status), STR_FMT(filter.role), STR_FMT(filter.type));
    TRY(call_page(c, list, in->last_evaluated_key, "last_evaluated_key", in->limit, &page));
    TRY(user_list(c, &filter, &page, &users, &count, &out->total));
    out->last_evaluated_key = call_page_end(c, list, &page, users, &count);
    out->users.items = ARENA_ARRAY(c->arena, struct pcx_user, count + 1);
    out->users.count = count;
    for (size_t i = 0; i < count; i++)
        TRY(pcx_show_user(c, &users[i], &out->users.items[i]));
    out->count = (int64_t)count;
    out->has_total = true;
    return OK;
}

/* ---- Changing ---- */

/* Oneself, an administrator of the person's organisation, or staff. */
static int get_to_change(struct call *c, struct str text, struct user *ret_user)
{
    id_t64 user_id;
    bool may;
    TRY(call_parse_id(c, ID_USER, text, "user_id", &user_id));
    TRY(user_get_for_caller(c, user_id, "user_id", ret_user));
    TRY(may_manage(c, ret_user, &may));
    return may ? OK : call_refuse(c, ERR_FORBIDDEN, NULL);
}

/* Copies what was sent; counts it. */
static size_t take(struct str sent, struct str *member)
{
    if (!str_present(sent))
        return 0;
    *member = sent;
    return 1;
}

int pcx_update_user_profile(struct call *c, const struct pcx_update_user_profile_in *in,
                            struct pcx_update_user_profile_out *out)
{
    const struct pcx_update_user_profile_body *body = in->body;
    struct user user;

    TRY(check_person(c, body->fname, body->lname, body->date_of_birth));
    TRY(get_to_change(c, in->user_id, &user));
    size_t count = take(body->fname, &user.first_name) + take(body->lname, &user.last_name) +
                   take(body->date_of_birth, &user.date_of_birth) +
                   take(body->phone_number, &user.phone) + take(body->address, &user.address) +
                   take(body->country, &user.country) + take(body->id_type, &user.id_type) +
                   take(body->id_number, &user.id_number) +
                   take(body->additional_id_type, &user.additional_id_type) +
                   take(body->additional_id_number, &user.additional_id_number);
    if (count == 0)
        return call_refuse_text(c, ERR_REQUIRED, NULL,
                                "The request needs at least one profile field.");
    TRY(user_update(c, &user));
    out->message = STR("User profile updated successfully");
    return pcx_show_new_user(c, &user, &out->user);
}

/* The accounts stay the person's, so there has to be a person while there is money in them. */
static int refuse_owner_of_money(struct call *c, id_t64 user_id)
{
    const struct wallet_filter filter = {.user_id = user_id};
    struct page page = {.limit = WALLETS_AT_ONCE, .before = INT64_MAX};
    struct wallet_balances *balances;
    struct wallet *wallets;
    size_t count;

    do {
        TRY(wallet_list(c, &filter, &page, &wallets, &count));
        TRY(wallet_balances_of(c, wallets, count, &balances));
        for (size_t i = 0; i < count; i++) {
            if (balances[i].ledger || balances[i].available)
                return call_refuse_text(c, ERR_CONFLICT, "user_id",
                                        "owns accounts that hold money");
            page.before = wallets[i].id;
        }
    } while (count > (size_t)page.limit);
    return OK;
}

int pcx_delete_user(struct call *c, const struct pcx_delete_user_in *in,
                    struct pcx_delete_user_out *out)
{
    struct user user;
    id_t64 user_id;
    TRY(call_parse_id(c, ID_USER, in->user_id, "user_id", &user_id));
    TRY(user_get_for_caller(c, user_id, "user_id", &user));
    if (!call_may_act_for_user(c, user_id))
        return call_refuse(c, ERR_FORBIDDEN, NULL);
    TRY(refuse_owner_of_money(c, user_id));
    TRY(user_delete(c, &user));
    out->message = STR("User deleted successfully");
    return OK;
}

static int get_for_staff(struct call *c, struct str text, struct user *ret_user)
{
    id_t64 user_id;
    TRY(call_parse_id(c, ID_USER, text, "user_id", &user_id));
    return user_get(c, user_id, "user_id", ret_user);
}

/* Any of the four words; `active` lifts a deactivation. */
static int set_status(struct call *c, struct str text, struct str status,
                      struct pcx_user **ret_user)
{
    struct user user;
    TRY(get_for_staff(c, text, &user));
    user.status = status;
    if (str_is(status, "active"))
        user.disabled = false;
    TRY(user_update(c, &user));
    return pcx_show_new_user(c, &user, ret_user);
}

int pcx_admin_change_user_status(struct call *c, const struct pcx_admin_change_user_status_in *in,
                                 struct pcx_admin_change_user_status_out *out)
{
    out->message = STR("User status updated successfully");
    return set_status(c, in->user_id, in->body->status, &out->user);
}

int pcx_update_user_status(struct call *c, const struct pcx_update_user_status_in *in,
                           struct pcx_update_user_status_out *out)
{
    out->message = STR("User status updated successfully");
    return set_status(c, in->user_id, in->body->status, &out->user);
}

/* The documented word is `rejected`; that the person is also shut out is what deactivation
 * means. */
int pcx_deactivate_user(struct call *c, const struct pcx_deactivate_user_in *in,
                        struct pcx_deactivate_user_out *out)
{
    struct user user;
    TRY(get_for_staff(c, in->user_id, &user));
    user.status = STR("rejected");
    user.disabled = true;
    TRY(session_revoke_all(c, user.id));
    TRY(user_update(c, &user));
    out->message = STR("User deactivated successfully");
    out->reason = in->body->reason;
    return pcx_show_new_user(c, &user, &out->user);
}

int pcx_update_kyc_status(struct call *c, const struct pcx_update_kyc_status_in *in,
                          struct pcx_update_kyc_status_out *out)
{
    struct user user;
    TRY(get_for_staff(c, in->user_id, &user));
    TRY(kyc_decide(c, &user, in->body->kyc_status, in->body->kyc_session_id, STR_NONE));
    out->message = STR("KYC status updated successfully");
    return pcx_show_new_user(c, &user, &out->user);
}
