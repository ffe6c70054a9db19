/* Organisations and memberships. Invariant: one membership per organisation and user. */
#include "core/identity/organisation.h"

#include "core/app.h"
#include "core/identity/credentials.h"
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

int organisation_find_by_name(struct call *c, struct str name, const char *field,
                              struct organisation *ret_organisation)
{
    int error = sql_one(c->sql, c->arena, &organisation_row, ret_organisation,
                        "SELECT * FROM organisation WHERE tenant_id = ? AND name = ?"
                        " ORDER BY id LIMIT 1",
                        sql_int(c->principal.tenant_id), sql_text(name));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
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

int organisation_require(struct call *c, id_t64 organisation_id, role_set any_of, const char *field)
{
    struct organisation organisation;
    TRY(organisation_get(c, organisation_id, field, &organisation));
    if (c->principal.staff)
        return OK;
    if (c->principal.organisation_id == organisation_id && (c->principal.roles & any_of))
        return OK;
    if (c->principal.user_id == 0)
        return call_refuse(c, ERR_FORBIDDEN, field);
    struct membership membership;
    int error = sql_one(c->sql, c->arena, &membership_row, &membership,
                        "SELECT * FROM membership WHERE organisation_id = ? AND user_id = ?"
                        " AND tenant_id = ?",
                        sql_int(organisation_id), sql_int(c->principal.user_id),
                        sql_int(c->principal.tenant_id));
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (error || !(membership_roles(&membership) & any_of))
        return call_refuse(c, ERR_FORBIDDEN, field);
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
    int error = sql_one(c->sql, c->arena, &membership_row, &other,
                        "SELECT * FROM membership WHERE organisation_id = ? AND user_id = ?"
                        " AND tenant_id = ?",
                        sql_int(membership->organisation_id), sql_int(membership->user_id),
                        sql_int(c->principal.tenant_id));
    if (!error)
        return call_refuse(c, ERR_DUPLICATE, field);
    if (error != ERR_NOT_FOUND)
        return error;
    membership->id = id_new();
    membership->tenant_id = c->principal.tenant_id;
    membership->status = str_or(membership->status, STR("active"));
    membership->created_at = membership->updated_at = c->now;
    credentials_forget(c->app->credentials, membership->user_id);
    return sql_insert(c->sql, "membership", &membership_row, membership);
}

int membership_get(struct call *c, id_t64 organisation_id, id_t64 user_id, const char *field,
                   struct membership *ret_membership)
{
    int error =
        sql_one(c->sql, c->arena, &membership_row, ret_membership,
                "SELECT * FROM membership WHERE organisation_id = ? AND user_id = ?"
                " AND tenant_id = ?",
                sql_int(organisation_id), sql_int(user_id), sql_int(c->principal.tenant_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
}

int membership_update(struct call *c, struct membership *membership)
{
    membership->updated_at = c->now;
    credentials_forget(c->app->credentials, membership->user_id);
    return sql_update(c->sql, "membership", &membership_row, membership);
}

int membership_remove(struct call *c, const struct membership *membership)
{
    credentials_forget(c->app->credentials, membership->user_id);
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
