/* People: look-ups, uniqueness, and who may see whom. */
#include "core/identity/user.h"

#include <ctype.h>

#include "base/digest.h"
#include "core/app.h"
#include "core/identity/credentials.h"
#include "core/identity/organisation.h"
#include "core/identity/session.h"
#include "store/sql.h"

#define ROW_SELF struct user
ROW_TYPE(user, USER_ROW);
#undef ROW_SELF

#define EMAIL_MAX 255
/* Ids grow by 2^6 every 8 microseconds (base/id.h). */
#define ID_RANGE_OF_DAY (uint64_t)(USEC_PER_DAY / 8 << 6)

int user_normalise_email(struct call *c, struct str email, const char *field, struct str *ret_email)
{
    email = str_trim(email);
    const char *at = email.len ? memrchr(email.ptr, '@', email.len) : NULL;
    size_t local = at ? (size_t)(at - email.ptr) : 0;
    bool valid = local > 0 && local + 1 < email.len && email.len <= EMAIL_MAX;
    char *lower = arena_alloc(c->arena, email.len + 1);
    for (size_t i = 0; valid && i < email.len; i++) {
        unsigned char letter = (unsigned char)email.ptr[i];
        valid = letter > ' ' && letter != 0x7f && letter != '<' && letter != '>' && letter != ',';
        lower[i] = (char)(letter < 0x80 ? tolower(letter) : letter);
    }
    if (!valid)
        return call_refuse_text(c, ERR_BAD_FORMAT, field, "must be an e-mail address");
    *ret_email = (struct str){lower, email.len};
    return OK;
}

static int find(struct call *c, const char *query, struct str key, struct user *ret_user)
{
    if (str_empty(key))
        return ERR_NOT_FOUND;
    return sql_one(c->sql, c->arena, &user_row, ret_user, query, sql_int(c->principal.tenant_id),
                   sql_text(key));
}

static struct str lower_case(struct call *c, struct str text)
{
    struct str copy = arena_copy(c->arena, text);
    for (size_t i = 0; i < copy.len; i++)
        ((char *)(uintptr_t)copy.ptr)[i] = (char)tolower((unsigned char)copy.ptr[i]);
    return copy;
}

int user_find_by_email(struct call *c, struct str email, struct user *ret_user)
{
    return find(c,
                "SELECT * FROM user_account WHERE tenant_id = ? AND email = ? AND deleted_at = 0",
                lower_case(c, str_trim(email)), ret_user);
}

int user_find_by_username(struct call *c, struct str username, struct user *ret_user)
{
    return find(
        c, "SELECT * FROM user_account WHERE tenant_id = ? AND username = ? AND deleted_at = 0",
        username, ret_user);
}

int user_find_by_phone(struct call *c, struct str phone, struct user *ret_user)
{
    return find(c,
                "SELECT * FROM user_account WHERE tenant_id = ? AND phone = ? AND deleted_at = 0",
                phone, ret_user);
}

int user_find_by_login(struct call *c, struct str login, struct user *ret_user)
{
    int error = user_find_by_email(c, login, ret_user);
    if (error == ERR_NOT_FOUND)
        error = user_find_by_username(c, login, ret_user);
    id_t64 id;
    if (error == ERR_NOT_FOUND && id_parse_uuid(ID_USER, login, &id))
        error = sql_one(c->sql, c->arena, &user_row, ret_user,
                        "SELECT * FROM user_account WHERE tenant_id = ? AND id = ?"
                        " AND deleted_at = 0",
                        sql_int(c->principal.tenant_id), sql_int(id));
    return error;
}

id_t64 user_nobody(struct call *c, struct str login)
{
    uint8_t key[32], digest[SHA256_SIZE];
    uint64_t number;
    id_t64 id;
    login = lower_case(c, str_trim(login));
    if (id_parse_uuid(ID_USER, login, &id))
        return id;
    store_derive_key(c->app->store, "nobody", key);
    digest_hmac_sha256(
        (struct str){(char *)key, sizeof(key)},
        arena_printf(c->arena, "%lld:%.*s", (long long)c->principal.tenant_id, STR_FMT(login)),
        digest);
    memcpy(&number, digest, sizeof(number));
    return c->principal.tenant_id + (id_t64)(number % ID_RANGE_OF_DAY);
}

int user_find_by_bridge_customer(struct call *c, struct str customer_id, struct user *ret_user)
{
    return find(c,
                "SELECT * FROM user_account WHERE tenant_id = ? AND bridge_customer_id = ?"
                " AND deleted_at = 0",
                customer_id, ret_user);
}

int user_get(struct call *c, id_t64 user_id, const char *field, struct user *ret_user)
{
    int error = sql_one(c->sql, c->arena, &user_row, ret_user,
                        "SELECT * FROM user_account WHERE tenant_id = ? AND id = ?"
                        " AND deleted_at = 0",
                        sql_int(c->principal.tenant_id), sql_int(user_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
}

static int belongs_to(struct call *c, const struct user *user, id_t64 organisation_id,
                      bool *ret_yes)
{
    *ret_yes = organisation_id && user->organisation_id == organisation_id;
    if (*ret_yes || organisation_id == 0)
        return OK;
    int64_t count = 0;
    TRY(sql_integer(c->sql, &count,
                    "SELECT COUNT(*) FROM membership WHERE organisation_id = ? AND user_id = ?"
                    " AND tenant_id = ?",
                    sql_int(organisation_id), sql_int(user->id), sql_int(c->principal.tenant_id)));
    *ret_yes = count > 0;
    return OK;
}

/* Do both belong actively to an organisation, whichever their own ones are? */
static int are_colleagues(struct call *c, const struct user *user, bool *ret_yes)
{
    int64_t count = 0;
    TRY(sql_integer(c->sql, &count,
                    "SELECT COUNT(*) FROM membership mine JOIN membership theirs"
                    " ON theirs.organisation_id = mine.organisation_id"
                    " WHERE mine.tenant_id = ? AND mine.user_id = ? AND mine.status = 'active'"
                    " AND theirs.user_id = ? AND theirs.status = 'active'",
                    sql_int(c->principal.tenant_id), sql_int(c->principal.user_id),
                    sql_int(user->id)));
    *ret_yes = count > 0;
    return OK;
}

/* What needs no organisation: oneself, staff, one's app. */
static int get_own(struct call *c, id_t64 user_id, const char *field, struct user *ret_user,
                   bool *ret_decided)
{
    TRY(user_get(c, user_id, field, ret_user));
    *ret_decided = c->principal.app_id || call_may_act_for_user(c, user_id);
    bool stranger = c->principal.app_id && ret_user->app_id != c->principal.app_id &&
                    user_id != c->principal.user_id;
    return stranger ? call_refuse(c, ERR_NOT_FOUND, field) : OK;
}

int user_get_of_organisation(struct call *c, id_t64 user_id, id_t64 organisation_id,
                             const char *field, struct user *ret_user)
{
    bool decided, belongs;
    TRY(get_own(c, user_id, field, ret_user, &decided));
    if (decided)
        return OK;
    TRY(belongs_to(c, ret_user, organisation_id, &belongs));
    return belongs ? OK : call_refuse(c, ERR_FORBIDDEN, field);
}

int user_get_for_caller(struct call *c, id_t64 user_id, const char *field, struct user *ret_user)
{
    bool decided, belongs;
    TRY(get_own(c, user_id, field, ret_user, &decided));
    if (decided)
        return OK;
    TRY(belongs_to(c, ret_user, c->principal.organisation_id, &belongs));
    if (!belongs)
        TRY(are_colleagues(c, ret_user, &belongs));
    return belongs ? OK : call_refuse(c, ERR_FORBIDDEN, field);
}

static int refuse_taken(struct call *c, int error, const char *field)
{
    if (error == ERR_NOT_FOUND)
        return OK;
    return error ? error : call_refuse(c, ERR_DUPLICATE, field);
}

int user_create(struct call *c, struct user *user)
{
    struct user other;
    if (str_present(user->email)) {
        TRY(user_normalise_email(c, user->email, "email", &user->email));
        TRY(refuse_taken(c, user_find_by_email(c, user->email, &other), "email"));
    }
    if (str_present(user->username))
        TRY(refuse_taken(c, user_find_by_username(c, user->username, &other), "username"));
    user->id = user->id ? user->id : id_new();
    user->tenant_id = c->principal.tenant_id;
    user->username = str_or(user->username, id_print_uuid(c->arena, ID_USER, user->id));
    user->type = str_or(user->type, STR("user"));
    user->status = str_or(user->status, STR("not_verified"));
    user->created_at = user->updated_at = c->now;
    return sql_insert(c->sql, "user_account", &user_row, user);
}

int user_update(struct call *c, struct user *user)
{
    user->updated_at = c->now;
    credentials_forget(c->app->credentials, user->id);
    return sql_update(c->sql, "user_account", &user_row, user);
}

int user_delete(struct call *c, struct user *user)
{
    struct user gone = {
        .id = user->id,
        .tenant_id = user->tenant_id,
        .organisation_id = user->organisation_id,
        .parent_id = user->parent_id,
        .app_id = user->app_id,
        .type = user->type,
        .status = STR("inactive"),
        .disabled = true,
        .created_by = user->created_by,
        .created_at = user->created_at,
        .deleted_at = c->now,
    };
    TRY(session_revoke_all(c, user->id));
    TRY(sql_run(c->sql,
                "UPDATE api_key SET status = 'revoked', updated_at = ? WHERE tenant_id = ?"
                " AND user_id = ? AND status <> 'revoked'",
                sql_int(c->now), sql_int(user->tenant_id), sql_int(user->id)));
    TRY(sql_run(c->sql, "DELETE FROM membership WHERE tenant_id = ? AND user_id = ?",
                sql_int(user->tenant_id), sql_int(user->id)));
    return user_update(c, &gone);
}

int user_list(struct call *c, const struct user_filter *filter, const struct page *page,
              struct user **ret_users, size_t *ret_count, int64_t *ret_total)
{
    struct sql_value tenant = sql_int(c->principal.tenant_id);
    struct sql_value organisation = sql_int(filter->organisation_id);
    struct sql_value status = sql_text(filter->status);
    struct sql_value role = sql_text(filter->role);
    struct sql_value type = sql_text(filter->type);
#define USER_LIST_WHERE                                                           \
    " FROM user_account WHERE tenant_id = ? AND deleted_at = 0"                   \
    " AND (? = 0 OR organisation_id = ? OR id IN (SELECT user_id FROM membership" \
    " WHERE membership.organisation_id = ?)) AND (? IS NULL OR status = ?)"       \
    " AND (? IS NULL OR role = ?) AND (? IS NULL OR type = ?)"
#define USER_LIST_ARGS \
    tenant, organisation, organisation, organisation, status, status, role, role, type, type
    TRY(sql_integer(c->sql, ret_total, "SELECT COUNT(*)" USER_LIST_WHERE, USER_LIST_ARGS));
    return sql_all(c->sql, c->arena, &user_row, ret_users, ret_count,
                   "SELECT *" USER_LIST_WHERE " AND id < ? ORDER BY id DESC LIMIT ?",
                   USER_LIST_ARGS, sql_int(page->before), sql_int(page->limit + 1));
}

role_set user_roles(struct str type, int64_t roles)
{
    role_set set = (role_set)roles | ROLE_USER;
    if (str_is(type, "internal-admin"))
        set |= ROLE_INTERNAL_ADMIN;
    if (str_is(type, "merchant"))
        set |= ROLE_MERCHANT;
    return set;
}

struct str user_full_name(struct arena *arena, const struct user *user)
{
    return str_trim(
        arena_printf(arena, "%.*s %.*s", STR_FMT(user->first_name), STR_FMT(user->last_name)));
}

bool user_may_sign_in(const struct user *user)
{
    return !user->deleted_at && !user->disabled && !str_is(user->status, "blocked") &&
           !str_is(user->status, "inactive");
}
