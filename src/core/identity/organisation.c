/* Organisations and memberships. Invariant: one membership per organisation and user. */
#include "core/identity/organisation.h"

#include "core/app.h"
#include "core/identity/credentials.h"
#include "core/identity/user.h"
#include "core/life_cycle.h"
#include "store/sql.h"

#define ROW_SELF struct organisation
ROW_TYPE(organisation, ORGANISATION_ROW);
#undef ROW_SELF
#define ROW_SELF struct membership
ROW_TYPE(membership, MEMBERSHIP_ROW);
#undef ROW_SELF

int organisation_create(struct call *c, struct organisation *organisation)
{
    organisation->name = str_trim(organisation->name);
    if (str_empty(organisation->name))
        return call_refuse(c, ERR_REQUIRED, "org_name");
    organisation->id = id_new();
    organisation->tenant_id = c->principal.tenant_id;
    organisation->status = STR("active");
    organisation->created_at = organisation->updated_at = c->now;
    return sql_insert(c->sql, "organisation", &organisation_row, organisation);
}

int organisation_get(struct call *c, id_t64 organisation_id, const char *field,
                     struct organisation *ret_organisation)
{
    int error = sql_one(c->sql, c->arena, &organisation_row, ret_organisation,
                        "SELECT * FROM organisation WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(organisation_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
}

int organisation_find_by_name(struct call *c, struct str name, id_t64 member_id,
                              struct organisation *ret_organisation)
{
    return sql_one(c->sql, c->arena, &organisation_row, ret_organisation,
                   "SELECT * FROM organisation WHERE tenant_id = ? AND name = ?"
                   " AND (? = 0 OR EXISTS (SELECT 1 FROM membership m WHERE"
                   " m.tenant_id = organisation.tenant_id AND m.organisation_id = organisation.id"
                   " AND m.user_id = ? AND m.status = 'active')) ORDER BY id LIMIT 1",
                   sql_int(c->principal.tenant_id), sql_text(name), sql_int(member_id),
                   sql_int(member_id));
}

int organisation_list(struct call *c, const struct organisation_filter *filter,
                      const struct page *page, struct organisation **ret_organisations,
                      size_t *ret_count)
{
    struct str country = str_or(filter->country, STR(""));
    return sql_all(c->sql, c->arena, &organisation_row, ret_organisations, ret_count,
                   "SELECT * FROM organisation WHERE tenant_id = ? AND id < ?"
                   " AND (? = '' OR country = ?) AND created_at >= ? AND created_at < ?"
                   " AND (? = 0 OR EXISTS (SELECT 1 FROM membership m WHERE"
                   " m.tenant_id = organisation.tenant_id AND m.organisation_id = organisation.id"
                   " AND m.user_id = ? AND m.status = 'active')) ORDER BY id DESC LIMIT ?",
                   sql_int(c->principal.tenant_id), sql_int(page->before), sql_text(country),
                   sql_text(country), sql_int(filter->from),
                   sql_int(filter->until ? filter->until : INT64_MAX), sql_int(filter->member_id),
                   sql_int(filter->member_id), sql_int(page->limit + 1));
}

int organisation_update(struct call *c, struct organisation *organisation)
{
    organisation->updated_at = c->now;
    credentials_forget(c->app->credentials, organisation->id);
    return sql_update(c->sql, "organisation", &organisation_row, organisation);
}

int organisation_set_status(struct call *c, struct organisation *organisation, struct str status,
                            struct str reason)
{
    TRY(life_cycle_step(c, &organisation_life_cycle, organisation->status,
                        arena_cstr(c->arena, status), "status", &organisation->status));
    organisation->status_reason = reason;
    return organisation_update(c, organisation);
}

int organisation_require_active(struct call *c, id_t64 organisation_id, const char *field)
{
    struct organisation organisation;
    TRY(organisation_get(c, organisation_id, field, &organisation));
    if (!str_is(organisation.status, "active"))
        return call_refuse(c, ERR_ORGANISATION_INACTIVE, field);
    return OK;
}

int organisation_require_kyb(struct call *c, id_t64 organisation_id, const char *field)
{
    struct organisation organisation;
    TRY(organisation_get(c, organisation_id, field, &organisation));
    if (!str_is(organisation.status, "active"))
        return call_refuse(c, ERR_ORGANISATION_INACTIVE, field);
    return organisation.kyb_complete ? OK : call_refuse(c, ERR_KYB_REQUIRED, NULL);
}

static int find_membership(struct call *c, id_t64 organisation_id, id_t64 user_id,
                           struct membership *ret_membership)
{
    return sql_one(c->sql, c->arena, &membership_row, ret_membership,
                   "SELECT * FROM membership WHERE organisation_id = ? AND user_id = ?"
                   " AND tenant_id = ?",
                   sql_int(organisation_id), sql_int(user_id), sql_int(c->principal.tenant_id));
}

int organisation_allows(struct call *c, id_t64 organisation_id, role_set any_of, bool *ret_yes)
{
    const struct principal *caller = &c->principal;
    struct membership membership;
    *ret_yes = caller->staff || (organisation_id && caller->organisation_id == organisation_id &&
                                 (caller->roles & any_of));
    if (*ret_yes || !organisation_id || !caller->user_id)
        return OK;
    int error = find_membership(c, organisation_id, caller->user_id, &membership);
    if (error)
        return error == ERR_NOT_FOUND ? OK : error;
    *ret_yes = (membership_roles(&membership) & any_of) != 0;
    return OK;
}

int organisation_require(struct call *c, id_t64 organisation_id, role_set any_of, const char *field)
{
    struct organisation organisation;
    bool allowed;
    TRY(organisation_get(c, organisation_id, field, &organisation));
    TRY(organisation_allows(c, organisation_id, any_of, &allowed));
    return allowed ? OK : call_refuse(c, ERR_FORBIDDEN, field);
}

int organisation_require_member(struct call *c, id_t64 organisation_id, const struct user *user,
                                const char *field)
{
    struct membership membership;
    int error = find_membership(c, organisation_id, user->id, &membership);
    if (error && error != ERR_NOT_FOUND)
        return error;
    bool belongs =
        error ? user->organisation_id == organisation_id : membership_roles(&membership) != 0;
    return belongs
               ? OK
               : call_refuse_text(c, ERR_FORBIDDEN, field, "does not belong to the organisation");
}

int organisation_act_in(struct call *c, id_t64 organisation_id)
{
    struct principal *caller = &c->principal;
    struct membership membership;
    if (caller->staff || !caller->user_id || caller->app_id || !organisation_id ||
        caller->organisation_id == organisation_id)
        return OK;
    int error = find_membership(c, organisation_id, caller->user_id, &membership);
    if (error)
        return error == ERR_NOT_FOUND ? OK : error;
    role_set roles = membership_roles(&membership);
    if (!roles)
        return OK;
    caller->organisation_id = organisation_id;
    caller->roles = (caller->roles & ~(role_set)(ROLE_ORG_ADMIN | ROLE_STAFF)) | roles;
    return OK;
}

role_set membership_roles(const struct membership *membership)
{
    if (!str_is(membership->status, "active"))
        return 0;
    if (str_is(membership->role, "admin"))
        return ROLE_ORG_ADMIN | ROLE_STAFF | ROLE_USER;
    if (str_is(membership->role, "staff"))
        return ROLE_STAFF | ROLE_USER;
    return ROLE_USER;
}

int membership_add(struct call *c, struct membership *membership, const char *field)
{
    struct membership other;
    int error = find_membership(c, membership->organisation_id, membership->user_id, &other);
    if (!error)
        return call_refuse(c, ERR_DUPLICATE, field);
    if (error != ERR_NOT_FOUND)
        return error;
    membership->id = id_new();
    membership->tenant_id = c->principal.tenant_id;
    membership->status = str_or(membership->status, STR("active"));
    membership->created_at = membership->updated_at = c->now;
    credentials_forget(c->app->credentials, membership->user_id);
    TRY(sql_run(c->sql,
                "UPDATE user_account SET organisation_id = ?, updated_at = ? WHERE tenant_id = ?"
                " AND id = ? AND organisation_id = 0",
                sql_int(membership->organisation_id), sql_int(c->now),
                sql_int(c->principal.tenant_id), sql_int(membership->user_id)));
    return sql_insert(c->sql, "membership", &membership_row, membership);
}

int membership_get(struct call *c, id_t64 organisation_id, id_t64 user_id, const char *field,
                   struct membership *ret_membership)
{
    int error = find_membership(c, organisation_id, user_id, ret_membership);
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
}

int membership_update(struct call *c, struct membership *membership)
{
    membership->updated_at = c->now;
    credentials_forget(c->app->credentials, membership->user_id);
    return sql_update(c->sql, "membership", &membership_row, membership);
}

int membership_disable(struct call *c, struct membership *membership, const char *field)
{
    TRY(life_cycle_step(c, &member_life_cycle, membership->status, "disable", field,
                        &membership->status));
    return membership_update(c, membership);
}

int membership_remove(struct call *c, const struct membership *membership)
{
    struct sql_value tenant = sql_int(c->principal.tenant_id);
    struct sql_value organisation = sql_int(membership->organisation_id);
    struct sql_value user = sql_int(membership->user_id);
    credentials_forget(c->app->credentials, membership->user_id);
    TRY(sql_run(c->sql,
                "UPDATE api_key SET status = 'revoked', updated_at = ? WHERE tenant_id = ?"
                " AND organisation_id = ? AND user_id = ? AND status <> 'revoked'",
                sql_int(c->now), tenant, organisation, user));
    TRY(sql_run(c->sql,
                "UPDATE user_account SET organisation_id = 0, updated_at = ? WHERE tenant_id = ?"
                " AND organisation_id = ? AND id = ?",
                sql_int(c->now), tenant, organisation, user));
    return sql_run(c->sql, "DELETE FROM membership WHERE tenant_id = ? AND id = ?",
                   sql_int(c->principal.tenant_id), sql_int(membership->id));
}

int membership_list(struct call *c, id_t64 organisation_id, const struct page *page,
                    struct membership **ret_memberships, size_t *ret_count)
{
    return sql_all(c->sql, c->arena, &membership_row, ret_memberships, ret_count,
                   "SELECT * FROM membership WHERE tenant_id = ? AND organisation_id = ?"
                   " AND id < ? ORDER BY id DESC LIMIT ?",
                   sql_int(c->principal.tenant_id), sql_int(organisation_id), sql_int(page->before),
                   sql_int(page->limit + 1));
}

int membership_list_of_user(struct call *c, id_t64 user_id, struct membership **ret_memberships,
                            size_t *ret_count)
{
    return sql_all(c->sql, c->arena, &membership_row, ret_memberships, ret_count,
                   "SELECT * FROM membership WHERE tenant_id = ? AND user_id = ? ORDER BY id",
                   sql_int(c->principal.tenant_id), sql_int(user_id));
}
