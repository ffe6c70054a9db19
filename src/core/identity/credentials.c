/*
 * The cache is a table of sets of four entries, addressed by the SHA-256 of the credential; a
 * stripe of mutexes guards them. forget() does not search: it notes when an id was last forgotten,
 * in a small table by a hash of the id, and an entry is good only if it was filled after every id
 * it rests on was forgotten (plus the time a commit may take). A collision there costs a look-up,
 * never a wrong answer.
 */
#include "core/identity/credentials.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/digest.h"
#include "core/app.h"
#include "core/identity/api_key.h"
#include "core/identity/external_pool.h"
#include "core/identity/keys.h"
#include "core/identity/organisation.h"
#include "core/identity/replay.h"
#include "core/identity/token.h"
#include "core/identity/user.h"
#include "store/row.h"
#include "store/sql.h"

#define SET_COUNT 8192
#define SET_SIZE 4
#define STRIPE_COUNT 64
#define FORGOTTEN_COUNT 4096
#define ENTRY_LIFETIME (30 * USEC_PER_SEC)
#define COMMIT_GRACE (5 * USEC_PER_SEC)

/* Beside enum session_kind: a token of somebody else's, which names no session of ours. */
#define EXTERNAL_TOKEN 16u

#define LABEL_MAX 64
#define LABEL_COUNT 64
#define ADDRESS_COUNT 4096
#define NOBODY_SETS 4096

struct entry {
    uint8_t digest[SHA256_SIZE];
    struct principal principal;
    unsigned session_kind; /* 0: API key */
    usec_t filled_at;      /* monotonic; 0: empty */
    usec_t expires_at;     /* of the clock; 0: never */
};

struct credentials {
    struct entry entries[SET_COUNT][SET_SIZE];
    pthread_mutex_t stripes[STRIPE_COUNT];
    _Atomic int64_t forgotten_at[FORGOTTEN_COUNT]; /* monotonic */
    struct replay *replay;
    struct external_pool *external_pool;

    pthread_mutex_t mutex; /* of what follows */
    struct {
        char label[LABEL_MAX];
        id_t64 tenant_id;
        usec_t filled_at;
    } labels[LABEL_COUNT];
    struct {
        uint64_t address;
        usec_t since;
        unsigned count;
    } failures[ADDRESS_COUNT];
    struct nobody {
        uint64_t key;
        usec_t failed_at; /* 0: empty */
        usec_t locked_until;
        unsigned failures;
    } nobodies[NOBODY_SETS][SET_SIZE];
};

struct credentials *credentials_new(usec_t lifetime)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));
    if (!credentials)
        abort();
    for (size_t i = 0; i < STRIPE_COUNT; i++)
        pthread_mutex_init(&credentials->stripes[i], NULL);
    pthread_mutex_init(&credentials->mutex, NULL);
    credentials->replay = replay_new(lifetime);
    return credentials;
}

struct credentials *credentials_free(struct credentials *credentials)
{
    if (!credentials)
        return NULL;
    for (size_t i = 0; i < STRIPE_COUNT; i++)
        pthread_mutex_destroy(&credentials->stripes[i]);
    pthread_mutex_destroy(&credentials->mutex);
    external_pool_free(credentials->external_pool);
    replay_free(credentials->replay);
    free(credentials);
    return NULL;
}

struct replay *credentials_replay(struct credentials *credentials)
{
    return credentials->replay;
}

struct external_pool *credentials_external_pool(struct credentials *credentials)
{
    return credentials->external_pool;
}

void credentials_set_external_pool(struct credentials *credentials, struct external_pool *pool)
{
    credentials->external_pool = pool;
}

/* ---- What is good ---- */

static size_t forgotten_slot(id_t64 id)
{
    return (size_t)(((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 52) % FORGOTTEN_COUNT;
}

void credentials_forget(struct credentials *credentials, id_t64 id)
{
    if (credentials)
        atomic_store(&credentials->forgotten_at[forgotten_slot(id)], clock_monotonic());
}

static bool fresh(struct credentials *credentials, id_t64 id, usec_t filled_at)
{
    int64_t at =
        atomic_load_explicit(&credentials->forgotten_at[forgotten_slot(id)], memory_order_acquire);
    return id == 0 || at == 0 || filled_at > at + COMMIT_GRACE;
}

static bool good(struct credentials *credentials, const struct entry *entry, usec_t monotonic)
{
    const struct principal *p = &entry->principal;
    return entry->filled_at && monotonic - entry->filled_at < ENTRY_LIFETIME &&
           fresh(credentials, p->tenant_id, entry->filled_at) &&
           fresh(credentials, p->organisation_id, entry->filled_at) &&
           fresh(credentials, p->user_id, entry->filled_at) &&
           fresh(credentials, p->credential_id, entry->filled_at) &&
           fresh(credentials, p->app_id, entry->filled_at);
}

/* ---- The table ---- */

static size_t set_of(const uint8_t digest[SHA256_SIZE])
{
    uint32_t number;
    memcpy(&number, digest, sizeof(number));
    return number % SET_COUNT;
}

static bool look_up(struct credentials *credentials, const uint8_t digest[SHA256_SIZE],
                    struct entry *ret_entry)
{
    size_t set = set_of(digest);
    bool found = false;
    usec_t monotonic = clock_monotonic();
    pthread_mutex_lock(&credentials->stripes[set % STRIPE_COUNT]);
    for (size_t i = 0; i < SET_SIZE && !found; i++) {
        struct entry *entry = &credentials->entries[set][i];
        found =
            memcmp(entry->digest, digest, SHA256_SIZE) == 0 && good(credentials, entry, monotonic);
        if (found)
            *ret_entry = *entry;
    }
    pthread_mutex_unlock(&credentials->stripes[set % STRIPE_COUNT]);
    return found;
}

/* Takes the place of the same credential, or else of the oldest of the set. */
static void fill(struct credentials *credentials, const struct entry *filled)
{
    size_t set = set_of(filled->digest);
    pthread_mutex_lock(&credentials->stripes[set % STRIPE_COUNT]);
    struct entry *place = &credentials->entries[set][0];
    for (size_t i = 0; i < SET_SIZE; i++) {
        struct entry *entry = &credentials->entries[set][i];
        if (memcmp(entry->digest, filled->digest, SHA256_SIZE) == 0) {
            place = entry;
            break;
        }
        if (entry->filled_at < place->filled_at)
            place = entry;
    }
    *place = *filled;
    pthread_mutex_unlock(&credentials->stripes[set % STRIPE_COUNT]);
}

/* ---- From the store ---- */

/* What a principal is made of. `secret_hash` is the key's (absent for sessions). */
#define HOLDER_ROW(F)                \
    F(INTEGER, credential_id)        \
    F(INTEGER, tenant_id)            \
    F(INTEGER, organisation_id)      \
    F(INTEGER, user_id)              \
    F(INTEGER, app_id)               \
    F(BYTES, secret_hash)            \
    F(TEXT, status)                  \
    F(TEXT, kind)                    \
    F(INTEGER, expires_at)           \
    F(TEXT, user_type)               \
    F(INTEGER, user_roles)           \
    F(TEXT, user_status)             \
    F(BOOLEAN, user_disabled)        \
    F(INTEGER, user_deleted_at)      \
    F(INTEGER, user_organisation_id) \
    F(TEXT, member_role)             \
    F(TEXT, member_status)           \
    F(TEXT, tenant_status)
ROW_STRUCT(holder, HOLDER_ROW);
#define ROW_SELF struct holder
ROW_TYPE(holder, HOLDER_ROW);
#undef ROW_SELF

#define HOLDER_USER_COLUMNS                                                  \
    ", u.type AS user_type, u.roles AS user_roles, u.status AS user_status," \
    " u.disabled AS user_disabled, u.deleted_at AS user_deleted_at,"         \
    " u.organisation_id AS user_organisation_id, m.role AS member_role,"     \
    " m.status AS member_status, t.status AS tenant_status"

/* What the person may do in the credential's organisation; 0: does not belong to it. The record's own
 * type counts where no membership says more. */
static role_set roles_in_organisation(const struct holder *holder)
{
    struct membership membership = {.role = holder->member_role, .status = holder->member_status};
    if (str_present(holder->member_role))
        return membership_roles(&membership);
    if (!holder->organisation_id || holder->organisation_id != holder->user_organisation_id)
        return 0;
    if (str_is(holder->user_type, "org-admin"))
        return ROLE_ORG_ADMIN | ROLE_STAFF | ROLE_USER;
    return str_is(holder->user_type, "staff") ? ROLE_STAFF | ROLE_USER : ROLE_USER;
}

static int principal_of(const struct holder *holder, struct principal *ret_principal)
{
    struct user user = {.status = holder->user_status,
                        .disabled = holder->user_disabled,
                        .deleted_at = holder->user_deleted_at};
    if (!user_may_sign_in(&user) || !str_is(holder->status, "active") ||
        !str_is(holder->tenant_status, "active"))
        return ERR_UNAUTHENTICATED;
    role_set roles = roles_in_organisation(holder);
    *ret_principal = (struct principal){
        .tenant_id = holder->tenant_id,
        .organisation_id = holder->app_id || roles ? holder->organisation_id : 0,
        .user_id = holder->user_id,
        .credential_id = holder->credential_id,
        .app_id = holder->app_id,
        .roles =
            holder->app_id ? ROLE_APP : roles | user_roles(holder->user_type, holder->user_roles),
    };
    ret_principal->staff =
        (ret_principal->roles & (ROLE_INTERNAL_ADMIN | ROLE_ADMIN | ROLE_OPERATOR)) != 0;
    return OK;
}

int credentials_check_api_key(struct call *c, struct str key, struct principal *ret_principal)
{
    struct entry entry = {0};
    struct str prefix = api_key_prefix(key);
    if (!str_present(prefix))
        return ERR_UNAUTHENTICATED;
    digest_sha256(key, entry.digest);
    if (look_up(c->app->credentials, entry.digest, &entry)) {
        *ret_principal = entry.principal;
        return OK;
    }
    entry.filled_at = clock_monotonic();
    struct holder holder;
    int error = sql_one(
        c->sql, c->arena, &holder_row, &holder,
        "SELECT k.id AS credential_id, k.tenant_id, k.organisation_id, k.user_id, 0 AS app_id,"
        " k.key_hash AS secret_hash, k.status, 'api_key' AS kind, 0 AS "
        "expires_at" HOLDER_USER_COLUMNS " FROM api_key k JOIN tenant t ON t.id = k.tenant_id"
        " JOIN user_account u ON u.id = k.user_id AND u.tenant_id = k.tenant_id"
        " LEFT JOIN membership m ON m.organisation_id = k.organisation_id"
        " AND m.user_id = k.user_id WHERE k.prefix = ?",
        sql_text(prefix));
    if (error)
        return error == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : error;
    if (!str_eq_secret(holder.secret_hash, (struct str){(char *)entry.digest, SHA256_SIZE}))
        return ERR_UNAUTHENTICATED;
    TRY(principal_of(&holder, &entry.principal));
    fill(c->app->credentials, &entry);
    *ret_principal = entry.principal;
    return OK;
}

int credentials_of_user(struct call *c, id_t64 user_id, struct principal *ret_principal)
{
    struct holder holder;
    int error = sql_one(
        c->sql, c->arena, &holder_row, &holder,
        "SELECT u.id AS credential_id, u.tenant_id, u.organisation_id, u.id AS user_id,"
        " 0 AS app_id, NULL AS secret_hash, 'active' AS status, 'user' AS kind, 0 AS "
        "expires_at" HOLDER_USER_COLUMNS " FROM user_account u JOIN tenant t ON t.id = u.tenant_id"
        " LEFT JOIN membership m ON m.organisation_id = u.organisation_id"
        " AND m.user_id = u.id WHERE u.id = ?",
        sql_int(user_id));
    if (error)
        return error == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : error;
    return principal_of(&holder, ret_principal);
}

/* Names a live session of one of these kinds? */
static int load_session(struct call *c, const struct token *token, unsigned session_kinds,
                        struct entry *entry)
{
    id_t64 session_id;
    if (!id_parse_uuid(ID_SESSION, json_string(json_get(token->claims, "sid")), &session_id))
        return ERR_INVALID_TOKEN;
    /* An id token proves who someone is to the app that asked; PCX takes it as it takes access
     * tokens. */
    struct holder holder;
    int error = sql_one(
        c->sql, c->arena, &holder_row, &holder,
        "SELECT s.id AS credential_id, s.tenant_id,"
        " CASE WHEN s.kind = 'vaultspay' THEN a.organisation_id ELSE u.organisation_id END"
        " AS organisation_id, s.user_id,"
        " CASE WHEN s.kind = 'vaultspay' THEN s.app_id ELSE 0 END AS app_id,"
        " a.secret_hash AS secret_hash,"
        " CASE WHEN s.revoked_at = 0 AND (a.status IS NULL OR a.status = 'active')"
        " THEN 'active' ELSE 'revoked' END AS status, s.kind, s.expires_at" HOLDER_USER_COLUMNS
        " FROM session s JOIN tenant t ON t.id = s.tenant_id"
        " JOIN user_account u ON u.id = s.user_id AND u.tenant_id = s.tenant_id"
        " LEFT JOIN client_app a ON a.id = s.app_id"
        " LEFT JOIN membership m ON m.organisation_id = u.organisation_id"
        " AND m.user_id = s.user_id WHERE s.id = ?",
        sql_int(session_id));
    if (error)
        return error == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : error;
    static const struct {
        const char *name;
        enum session_kind kind;
    } kinds[] = {{"cognito", SESSION_COGNITO},
                 {"fincode", SESSION_FINCODE},
                 {"vaultspay", SESSION_VAULTSPAY},
                 {"console", SESSION_CONSOLE}};
    for (size_t i = 0; i < 4; i++)
        if (str_is(holder.kind, kinds[i].name))
            entry->session_kind = kinds[i].kind;
    if (!(entry->session_kind & session_kinds))
        return ERR_INVALID_TOKEN;
    if (holder.expires_at <= c->now)
        return ERR_TOKEN_EXPIRED;
    return principal_of(&holder, &entry->principal);
}

int credentials_check_token(struct call *c, struct str text, unsigned session_kinds,
                            struct principal *ret_principal)
{
    struct entry entry = {0};
    digest_sha256(text, entry.digest);
    if (look_up(c->app->credentials, entry.digest, &entry)) {
        if (!(entry.session_kind & session_kinds))
            return ERR_INVALID_TOKEN;
        if (entry.expires_at <= c->now)
            return ERR_TOKEN_EXPIRED;
        *ret_principal = entry.principal;
        return OK;
    }
    entry.filled_at = clock_monotonic();
    struct token token;
    if (!token_read(c->arena, text, &token) || !token_expiry(&token, &entry.expires_at))
        return ERR_INVALID_TOKEN;
    const struct key_pair *pair = keys_find(c->app, token.kid);
    if (!pair || !token_verify(&token, pair->rsa))
        return ERR_INVALID_TOKEN;
    if (entry.expires_at <= c->now)
        return ERR_TOKEN_EXPIRED;
    TRY(load_session(c, &token, session_kinds, &entry));
    fill(c->app->credentials, &entry);
    *ret_principal = entry.principal;
    return OK;
}

int credentials_recall(struct call *c, struct str token, struct principal *ret_principal)
{
    struct entry entry;
    uint8_t digest[SHA256_SIZE];
    digest_sha256(token, digest);
    if (!look_up(c->app->credentials, digest, &entry) || entry.session_kind != EXTERNAL_TOKEN)
        return ERR_NOT_FOUND;
    if (entry.expires_at <= c->now)
        return ERR_TOKEN_EXPIRED;
    *ret_principal = entry.principal;
    return OK;
}

void credentials_remember(struct call *c, struct str token, const struct principal *principal,
                          usec_t expires_at, usec_t since)
{
    struct entry entry = {.principal = *principal,
                          .session_kind = EXTERNAL_TOKEN,
                          .filled_at = since,
                          .expires_at = expires_at};
    digest_sha256(token, entry.digest);
    fill(c->app->credentials, &entry);
}

struct str credentials_bearer(struct str authorization)
{
    static const char scheme[] = "Bearer ";
    size_t len = sizeof(scheme) - 1;
    if (authorization.len <= len ||
        !str_eq_nocase((struct str){authorization.ptr, len}, str_from(scheme)))
        return STR_NONE;
    return str_trim((struct str){authorization.ptr + len, authorization.len - len});
}

/* ---- Host labels ---- */

bool credentials_tenant_of_label(struct credentials *credentials, struct str label,
                                 id_t64 *ret_tenant_id)
{
    bool found = false;
    usec_t monotonic = clock_monotonic();
    pthread_mutex_lock(&credentials->mutex);
    for (size_t i = 0; i < LABEL_COUNT && credentials->labels[i].filled_at && !found; i++) {
        found =
            str_is(label, credentials->labels[i].label) &&
            monotonic - credentials->labels[i].filled_at < ENTRY_LIFETIME &&
            fresh(credentials, credentials->labels[i].tenant_id, credentials->labels[i].filled_at);
        if (found)
            *ret_tenant_id = credentials->labels[i].tenant_id;
    }
    pthread_mutex_unlock(&credentials->mutex);
    return found;
}

void credentials_remember_label(struct credentials *credentials, struct str label, id_t64 tenant_id)
{
    if (label.len >= LABEL_MAX)
        return;
    pthread_mutex_lock(&credentials->mutex);
    size_t place = 0;
    for (size_t i = 0; i < LABEL_COUNT; i++) {
        if (!credentials->labels[i].filled_at || str_is(label, credentials->labels[i].label)) {
            place = i;
            break;
        }
        if (credentials->labels[i].filled_at < credentials->labels[place].filled_at)
            place = i;
    }
    memset(credentials->labels[place].label, 0, LABEL_MAX);
    memcpy(credentials->labels[place].label, label.ptr, label.len);
    credentials->labels[place].tenant_id = tenant_id;
    credentials->labels[place].filled_at = clock_monotonic();
    pthread_mutex_unlock(&credentials->mutex);
}

/* ---- Failures per address ---- */

unsigned credentials_count_failure(struct credentials *credentials, struct str address, usec_t now,
                                   usec_t window, bool add)
{
    uint8_t digest[SHA256_SIZE];
    uint64_t hash;
    digest_sha256(address, digest);
    memcpy(&hash, digest, sizeof(hash));
    size_t slot = hash % ADDRESS_COUNT;
    pthread_mutex_lock(&credentials->mutex);
    bool same = credentials->failures[slot].address == hash;
    if (!same || now - credentials->failures[slot].since > window) {
        if (add) {
            credentials->failures[slot].address = hash;
            credentials->failures[slot].since = now;
        }
        if (add || same)
            credentials->failures[slot].count = 0;
    }
    if (add)
        credentials->failures[slot].count++;
    unsigned count =
        credentials->failures[slot].address == hash ? credentials->failures[slot].count : 0;
    pthread_mutex_unlock(&credentials->mutex);
    return count;
}

/* ---- Failures of nobody ---- */

/* Its entry; with `make` else the emptiest or oldest of its set, else NULL. */
static struct nobody *find_nobody(struct credentials *credentials, uint64_t key, bool make)
{
    struct nobody *set = credentials->nobodies[key % NOBODY_SETS];
    struct nobody *oldest = set;
    for (size_t i = 0; i < SET_SIZE; i++) {
        if (set[i].failed_at && set[i].key == key)
            return &set[i];
        if (set[i].failed_at < oldest->failed_at)
            oldest = &set[i];
    }
    if (!make)
        return NULL;
    *oldest = (struct nobody){.key = key};
    return oldest;
}

bool credentials_nobody_locked(struct credentials *credentials, uint64_t key, usec_t now)
{
    pthread_mutex_lock(&credentials->mutex);
    const struct nobody *nobody = find_nobody(credentials, key, false);
    bool locked = nobody && nobody->locked_until > now;
    pthread_mutex_unlock(&credentials->mutex);
    return locked;
}

void credentials_count_nobody(struct credentials *credentials, uint64_t key, usec_t now,
                              unsigned limit, usec_t period)
{
    pthread_mutex_lock(&credentials->mutex);
    struct nobody *nobody = find_nobody(credentials, key, true);
    bool was_locked = nobody->locked_until && nobody->locked_until <= now;
    nobody->failures = was_locked ? 1 : nobody->failures + 1;
    nobody->locked_until = nobody->failures >= limit ? now + period : 0;
    nobody->failed_at = now;
    pthread_mutex_unlock(&credentials->mutex);
}
