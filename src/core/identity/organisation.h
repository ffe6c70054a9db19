/*
 * Organisations (companies, app owners) and who belongs to them. A person may be a member of
 * several, with another role in each. What a member may do in an organisation is decided here:
 * organisation_require.
 */
#ifndef CORE_IDENTITY_ORGANISATION_H
#define CORE_IDENTITY_ORGANISATION_H

#include "core/call.h"
#include "core/identity/user.h"
#include "store/row.h"

/* status: active | inactive | suspended. kyb_complete: may start payments. */
#define ORGANISATION_ROW(F)  \
    F(INTEGER, id)           \
    F(INTEGER, tenant_id)    \
    F(TEXT, name)            \
    F(TEXT, country)         \
    F(TEXT, status)          \
    F(TEXT, status_reason)   \
    F(BOOLEAN, kyb_complete) \
    F(INTEGER, created_by)   \
    F(INTEGER, created_at)   \
    F(INTEGER, updated_at)
ROW_STRUCT(organisation, ORGANISATION_ROW);

/* role: admin | staff | user. status: active | disabled. */
#define MEMBERSHIP_ROW(F)       \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(INTEGER, user_id)         \
    F(TEXT, role)               \
    F(TEXT, status)             \
    F(INTEGER, invited_by)      \
    F(INTEGER, created_at)      \
    F(INTEGER, updated_at)
ROW_STRUCT(membership, MEMBERSHIP_ROW);

/* id, tenant, status (active) and times are filled in; name is required. */
int organisation_create(struct call *c, struct organisation *organisation);
/* Of the caller's tenant; ERR_NOT_FOUND for `field` otherwise. */
int organisation_get(struct call *c, id_t64 organisation_id, const char *field,
                     struct organisation *ret_organisation);
/* By exact name, the oldest when several share it; with a member, of this person's organisations.
 * ERR_NOT_FOUND is returned, not refused. */
int organisation_find_by_name(struct call *c, struct str name, id_t64 member_id,
                              struct organisation *ret_organisation);
/* Newest first. 0 and absent mean "any"; from and until bound created_at in [from, until). */
struct organisation_filter {
    id_t64 member_id; /* organisations this user is a member of */
    struct str country;
    usec_t from, until;
};
int organisation_list(struct call *c, const struct organisation_filter *filter,
                      const struct page *page, struct organisation **ret_organisations,
                      size_t *ret_count);
/* Writes name, country, status, status_reason and kyb_complete back. */
int organisation_update(struct call *c, struct organisation *organisation);
/* To any of its states (states/organisation.def). */
int organisation_set_status(struct call *c, struct organisation *organisation, struct str status,
                            struct str reason);
/* Refused with ERR_ORGANISATION_INACTIVE unless active. */
int organisation_require_active(struct call *c, id_t64 organisation_id, const char *field);
/* Refused with ERR_KYB_REQUIRED unless active and its KYB approved. */
int organisation_require_kyb(struct call *c, id_t64 organisation_id, const char *field);

/*
 * May the caller act in this organisation with one of these roles? Staff may; otherwise its
 * membership there counts (admin = ROLE_ORG_ADMIN, staff = ROLE_STAFF, user = ROLE_USER), also when
 * the credential was made for another organisation and belongs to a person. An unknown organisation
 * is ERR_NOT_FOUND for `field`, a missing role ERR_FORBIDDEN.
 */
int organisation_require(struct call *c, id_t64 organisation_id, role_set any_of,
                         const char *field);

/* The same as a question; 0 is nobody's organisation. */
int organisation_allows(struct call *c, id_t64 organisation_id, role_set any_of, bool *ret_yes);
/* Does this person belong to the organisation, actively? ERR_FORBIDDEN for `field` otherwise. */
int organisation_require_member(struct call *c, id_t64 organisation_id, const struct user *user,
                                const char *field);

/*
 * The call names this organisation: from here on the caller acts in it, with the roles of its
 * membership there instead of those in the credential's own organisation. Staff and apps stay who
 * they are; so does who is no active member, and is refused by organisation_require.
 */
int organisation_act_in(struct call *c, id_t64 organisation_id);

/* ERR_DUPLICATE for `field` when the user is a member already. Role and status must be valid
 * words. Who has no organisation yet has this one as its own from now on. */
int membership_add(struct call *c, struct membership *membership, const char *field);
int membership_get(struct call *c, id_t64 organisation_id, id_t64 user_id, const char *field,
                   struct membership *ret_membership);
/* Writes role and status back. The caller's and all other credentials see it at once. */
int membership_update(struct call *c, struct membership *membership);
/* ERR_WRONG_STATE for `field` when it is disabled already. */
int membership_disable(struct call *c, struct membership *membership, const char *field);
/* The person's keys of the organisation are revoked, and it is nobody's own organisation any more. */
int membership_remove(struct call *c, const struct membership *membership);
int membership_list(struct call *c, id_t64 organisation_id, const struct page *page,
                    struct membership **ret_memberships, size_t *ret_count);
int membership_list_of_user(struct call *c, id_t64 user_id, struct membership **ret_memberships,
                            size_t *ret_count);
/* Roles that a membership gives: 0 unless active. */
role_set membership_roles(const struct membership *membership);

#endif
