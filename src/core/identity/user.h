/*
 * People. One record per person and tenant, whichever dialect made it; the dialects show the parts
 * they know. E-mail addresses are kept in lower case and are unique within the tenant, as user
 * names are.
 *
 * Who may see a person is decided here and nowhere else: user_get_for_caller.
 */
#ifndef CORE_IDENTITY_USER_H
#define CORE_IDENTITY_USER_H

#include "core/call.h"
#include "store/row.h"

/*
 * type: internal-admin | org-admin | merchant | user | staff. role: admin | super-admin | retail |
 * freelancer | org-staff; both are PCX's words and give rights only as user_roles says. roles: bits
 * of roles.def that hold in the whole tenant (FinCode's, operator). status: active | rejected |
 * not_verified | pending_verification | pending | sandbox | inactive | blocked. disabled: may not
 * sign in, whatever the status. confirmed: proved the e-mail address. Instants and ids that are not
 * set are 0.
 */
#define USER_ROW(F)                 \
    F(INTEGER, id)                  \
    F(INTEGER, tenant_id)           \
    F(INTEGER, organisation_id)     \
    F(INTEGER, parent_id)           \
    F(INTEGER, app_id)              \
    F(TEXT, email)                  \
    F(TEXT, username)               \
    F(TEXT, first_name)             \
    F(TEXT, last_name)              \
    F(TEXT, phone)                  \
    F(TEXT, dial_code)              \
    F(TEXT, date_of_birth)          \
    F(TEXT, address)                \
    F(TEXT, country)                \
    F(TEXT, type)                   \
    F(TEXT, role)                   \
    F(INTEGER, roles)               \
    F(TEXT, status)                 \
    F(BOOLEAN, disabled)            \
    F(TEXT, id_type)                \
    F(SECRET, id_number)            \
    F(TEXT, additional_id_type)     \
    F(SECRET, additional_id_number) \
    F(TEXT, kyc_status)             \
    F(TEXT, kyc_session_id)         \
    F(INTEGER, kyc_submitted_at)    \
    F(INTEGER, kyc_approved_at)     \
    F(TEXT, kyc_failure_reason)     \
    F(INTEGER, kyc_decided_at)      \
    F(TEXT, bridge_customer_id)     \
    F(TEXT, password_hash)          \
    F(SECRET, srp_verifier)         \
    F(BOOLEAN, confirmed)           \
    F(INTEGER, failed_logins)       \
    F(INTEGER, locked_until)        \
    F(INTEGER, created_by)          \
    F(INTEGER, created_at)          \
    F(INTEGER, updated_at)          \
    F(INTEGER, deleted_at)
ROW_STRUCT(user, USER_ROW);

/* In lower case and without white space around it; refused with ERR_BAD_FORMAT for `field` unless
 * an address. */
int user_normalise_email(struct call *c, struct str email, const char *field,
                         struct str *ret_email);
/*
 * Fills in id (unless set), tenant, times, and what is absent of username (the id as UUID), type,
 * status (not_verified). ERR_DUPLICATE for "email" or "username".
 */
int user_create(struct call *c, struct user *user);

/* Of the caller's tenant and not deleted; ERR_NOT_FOUND for `field` otherwise. */
int user_get(struct call *c, id_t64 user_id, const char *field, struct user *ret_user);
/* As user_get, and: oneself, members of one's organisations, users of one's app, or all for staff. A
 * user of another app is ERR_NOT_FOUND, others ERR_FORBIDDEN. */
int user_get_for_caller(struct call *c, id_t64 user_id, const char *field, struct user *ret_user);
/* The same for somebody of a given organisation instead of the caller's; the caller's rights in it
 * are the caller's business. */
int user_get_of_organisation(struct call *c, id_t64 user_id, id_t64 organisation_id,
                             const char *field, struct user *ret_user);
/* ERR_NOT_FOUND is returned, not refused: the caller knows what it means. */
int user_find_by_email(struct call *c, struct str email, struct user *ret_user);
int user_find_by_username(struct call *c, struct str username, struct user *ret_user);
/* `phone` as it is stored: VaultsPay keeps dial code and number together. */
int user_find_by_phone(struct call *c, struct str phone, struct user *ret_user);
/* By user name, e-mail address or id as UUID: what people type into a login form. */
int user_find_by_login(struct call *c, struct str login, struct user *ret_user);
/* The id of nobody: what a name that leads to nobody stands for in what must not tell so. One of the
 * tenant's first day, the same every time; a UUID stands for itself. */
id_t64 user_nobody(struct call *c, struct str login);
int user_find_by_bridge_customer(struct call *c, struct str customer_id, struct user *ret_user);

/* Writes all members back; credentials see it at once. */
int user_update(struct call *c, struct user *user);
/* The record stays for history without what identifies the person; keys and sessions end. */
int user_delete(struct call *c, struct user *user);

/* Absent or 0: any. */
struct user_filter {
    id_t64 organisation_id;
    struct str status;
    struct str role;
    struct str type;
};
int user_list(struct call *c, const struct user_filter *filter, const struct page *page,
              struct user **ret_users, size_t *ret_count, int64_t *ret_total);

/* Rights that the record itself gives, without those of memberships. */
role_set user_roles(struct str type, int64_t roles);
/* "Ada Lovelace" */
struct str user_full_name(struct arena *arena, const struct user *user);
/* May take part: not deleted, disabled, blocked or inactive. */
bool user_may_sign_in(const struct user *user);

#endif
