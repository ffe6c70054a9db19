/* Sessions and their tokens. Invariant: of a session's refresh tokens exactly one, the latest, is
 * good. */
#include "core/identity/session.h"

#include "base/config.h"
#include "base/digest.h"
#include "core/app.h"
#include "core/identity/keys.h"
#include "core/identity/token.h"
#include "core/work.h"
#include "store/sql.h"

#define ROW_SELF struct session
ROW_TYPE(session, SESSION_ROW);
#undef ROW_SELF

/* FinCode's pages print this issuer in every token. */
#define FINCODE_ISSUER "token.issuer:https://moneytransferapplication.com"

const char *session_kind_name(enum session_kind kind)
{
    switch (kind) {
    case SESSION_COGNITO:
        return "cognito";
    case SESSION_FINCODE:
        return "fincode";
    case SESSION_VAULTSPAY:
        return "vaultspay";
    case SESSION_CONSOLE:
        return "console";
    }
    return "";
}

#define CONSOLE_LIFETIME (12 * USEC_PER_HOUR)

usec_t session_access_lifetime(const struct app *app, enum session_kind kind)
{
    return kind == SESSION_CONSOLE ? CONSOLE_LIFETIME
                                   : app->config->access_token_minutes * USEC_PER_MINUTE;
}

usec_t session_refresh_lifetime(const struct app *app, enum session_kind kind)
{
    if (kind == SESSION_CONSOLE)
        return CONSOLE_LIFETIME;
    return USEC_PER_HOUR * (kind == SESSION_VAULTSPAY ? app->config->vaultspay_refresh_hours
                                                      : app->config->refresh_token_hours);
}

/* ---- Refresh tokens: id (8), generation (4), random (20), MAC (16), in base64url ---- */

#define TOKEN_BODY 32
#define TOKEN_MAC 16
#define TOKEN_SIZE (TOKEN_BODY + TOKEN_MAC)

static void refresh_mac(struct call *c, const uint8_t body[TOKEN_BODY], uint8_t ret_mac[TOKEN_MAC])
{
    uint8_t key[32], mac[SHA256_SIZE];
    store_derive_key(c->app->store, "refresh token", key);
    digest_hmac_sha256((struct str){(char *)key, sizeof(key)},
                       (struct str){(const char *)body, TOKEN_BODY}, mac);
    memcpy(ret_mac, mac, TOKEN_MAC);
}

static void put_number(uint8_t *out, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        out[i] = (uint8_t)value;
}

static uint64_t get_number(const uint8_t *in, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | in[i];
    return value;
}

static struct str make_refresh_token(struct call *c, struct session *session)
{
    uint8_t bytes[TOKEN_SIZE];
    put_number(bytes, (uint64_t)session->id, 8);
    put_number(bytes + 8, (uint64_t)session->generation, 4);
    random_bytes(bytes + 12, TOKEN_BODY - 12);
    refresh_mac(c, bytes, bytes + TOKEN_BODY);
    struct str token = base64url_print(c->arena, (struct str){(char *)bytes, TOKEN_SIZE});
    uint8_t *digest = arena_alloc(c->arena, SHA256_SIZE);
    digest_sha256(token, digest);
    session->token_hash = (struct str){(char *)digest, SHA256_SIZE};
    return token;
}

/* ERR_INVALID_TOKEN unless we made it. */
static int read_refresh_token(struct call *c, struct str token, id_t64 *ret_session_id,
                              int64_t *ret_generation)
{
    struct str bytes;
    uint8_t mac[TOKEN_MAC];
    if (!base64url_parse(c->arena, token, &bytes) || bytes.len != TOKEN_SIZE)
        return ERR_INVALID_TOKEN;
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    refresh_mac(c, at, mac);
    if (!str_eq_secret((struct str){(char *)mac, TOKEN_MAC},
                       (struct str){bytes.ptr + TOKEN_BODY, TOKEN_MAC}))
        return ERR_INVALID_TOKEN;
    *ret_session_id = (id_t64)get_number(at, 8);
    *ret_generation = (int64_t)get_number(at + 8, 4);
    return OK;
}

/* ---- Access tokens ---- */

static void add_text(struct buf *out, const char *name, struct str value)
{
    if (!str_present(value))
        return;
    buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    json_add_string(out, value);
}

static void add_number(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, "%s\"%s\":%lld", out->len > 1 ? "," : "", name, (long long)value);
}

/* FinCode's roles of a user, as a JSON array. */
static void add_fincode_roles(struct buf *out, const struct user *user)
{
    static const struct {
        role_set role;
        const char *name;
    } names[] = {{ROLE_ADMIN, "ADMIN"}, {ROLE_MANAGER, "MANAGER"},   {ROLE_CASHIER, "CASHIER"},
                 {ROLE_AGENT, "AGENT"}, {ROLE_CUSTOMER, "CUSTOMER"}, {ROLE_PARTNER, "PARTNER"}};
    const char *separator = "";
    buf_add_cstr(out, "{\"roles\":[");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (user_roles(user->type, user->roles) & names[i].role) {
            buf_printf(out, "%s\"%s\"", separator, names[i].name);
            separator = ",";
        }
    buf_add_char(out, ']');
}

/* What all our tokens have. */
static void add_common(struct call *c, struct buf *out, const struct session *session,
                       usec_t expires_at)
{
    add_number(out, "iat", c->now / USEC_PER_SEC);
    add_number(out, "exp", expires_at / USEC_PER_SEC);
    add_text(out, "jti", random_hex(c->arena, 16));
    add_text(out, "sid", id_print_uuid(c->arena, ID_SESSION, session->id));
}

static struct str cognito_claims(struct call *c, const struct session_tokens *tokens, bool id_token,
                                 usec_t expires_at)
{
    const struct user *user = &tokens->user;
    struct str tenant = id_print(c->arena, ID_TENANT, user->tenant_id);
    struct buf out = buf_new(c->arena, 768);
    buf_add_char(&out, '{');
    add_text(&out, "sub", id_print_uuid(c->arena, ID_USER, user->id));
    add_text(
        &out, "iss",
        arena_printf(c->arena, "%.*s/cognito/%.*s", STR_FMT(c->app->base_url), STR_FMT(tenant)));
    add_text(&out, "token_use", id_token ? STR("id") : STR("access"));
    add_text(&out, id_token ? "aud" : "client_id", tokens->app.client_id);
    add_text(&out, id_token ? "cognito:username" : "username", user->username);
    add_text(&out, "origin_jti", id_print_uuid(c->arena, ID_SESSION, tokens->session.id));
    add_number(&out, "auth_time", tokens->session.created_at / USEC_PER_SEC);
    if (id_token) {
        add_text(&out, "email", user->email);
        add_text(&out, "given_name", user->first_name);
        add_text(&out, "family_name", user->last_name);
        add_text(&out, "phone_number", user->phone);
        buf_printf(&out, ",\"email_verified\":%s", user->confirmed ? "true" : "false");
    } else {
        add_text(&out, "scope", STR("aws.cognito.signin.user.admin"));
    }
    add_common(c, &out, &tokens->session, expires_at);
    buf_add_char(&out, '}');
    return buf_str(&out);
}

static struct str fincode_claims(struct call *c, const struct session_tokens *tokens,
                                 usec_t expires_at)
{
    struct str tenant = id_print_uuid(c->arena, ID_TENANT, tokens->user.tenant_id);
    struct buf out = buf_new(c->arena, 512);
    add_fincode_roles(&out, &tokens->user);
    add_text(&out, "user-id", id_print_uuid(c->arena, ID_USER, tokens->user.id));
    add_text(&out, "iss", STR(FINCODE_ISSUER));
    add_text(&out, "tenancy-id", tenant);
    add_text(&out, "client-id", tenant);
    add_common(c, &out, &tokens->session, expires_at);
    buf_add_char(&out, '}');
    return buf_str(&out);
}

static struct str plain_claims(struct call *c, const struct session_tokens *tokens,
                               usec_t expires_at)
{
    struct buf out = buf_new(c->arena, 512);
    buf_add_char(&out, '{');
    add_text(&out, "iss", c->app->base_url);
    add_text(&out, "sub", id_print_uuid(c->arena, ID_USER, tokens->user.id));
    if (tokens->app.id)
        add_number(&out, "app_id", tokens->app.id);
    add_common(c, &out, &tokens->session, expires_at);
    buf_add_char(&out, '}');
    return buf_str(&out);
}

static int sign_tokens(struct call *c, enum session_kind kind, struct session_tokens *tokens)
{
    const struct key_pair *pair;
    TRY(keys_current(c->app, KEY_TOKEN, 0, &pair));
    usec_t expires_at = c->now + session_access_lifetime(c->app, kind);
    if (expires_at > tokens->session.expires_at)
        expires_at = tokens->session.expires_at;
    tokens->issued_at = c->now;
    tokens->access_expires_at = expires_at;
    tokens->refresh_expires_at = tokens->session.expires_at;
    struct str claims;
    if (kind == SESSION_COGNITO)
        claims = cognito_claims(c, tokens, false, expires_at);
    else if (kind == SESSION_FINCODE)
        claims = fincode_claims(c, tokens, expires_at);
    else
        claims = plain_claims(c, tokens, expires_at);
    tokens->access_token = token_sign(c->arena, pair->rsa, pair->kid, claims);
    if (kind == SESSION_COGNITO)
        tokens->id_token =
            token_sign(c->arena, pair->rsa, pair->kid, cognito_claims(c, tokens, true, expires_at));
    return OK;
}

int64_t session_expires_in_s(const struct session_tokens *tokens)
{
    return (tokens->access_expires_at - tokens->issued_at) / USEC_PER_SEC;
}

/* ---- Starting, refreshing, ending ---- */

int session_prepare(struct call *c, enum session_kind kind, const struct user *user,
                    const struct client_app *app, struct session_tokens *ret_tokens)
{
    *ret_tokens = (struct session_tokens){
        .session = {.id = id_new(),
                    .tenant_id = user->tenant_id,
                    .user_id = user->id,
                    .app_id = app ? app->id : 0,
                    .kind = str_from(session_kind_name(kind)),
                    .address = c->client_address,
                    .created_at = c->now,
                    .refreshed_at = c->now,
                    .expires_at = c->now + session_refresh_lifetime(c->app, kind)},
        .user = *user,
    };
    if (app)
        ret_tokens->app = *app;
    ret_tokens->refresh_token = make_refresh_token(c, &ret_tokens->session);
    return sign_tokens(c, kind, ret_tokens);
}

int session_start(struct call *c, const struct session_tokens *tokens)
{
    return sql_insert(c->sql, "session", &session_row, &tokens->session);
}

int session_get(struct call *c, id_t64 session_id, struct session *ret_session)
{
    return sql_one(c->sql, c->arena, &session_row, ret_session,
                   "SELECT * FROM session WHERE id = ?", sql_int(session_id));
}

struct refresh {
    id_t64 session_id;
    int64_t generation;
    struct str token_hash;      /* of the token presented */
    const struct session *next; /* the session as it is to become */
    bool reused;
};

/* In the writer: moves the session on if the token is still its latest, ends it if not. */
static int apply_refresh(struct call *c, void *argument)
{
    struct refresh *refresh = argument;
    struct session session;
    TRY(sql_one(c->sql, c->arena, &session_row, &session,
                "SELECT * FROM session WHERE id = ?" SQL_FOR_UPDATE, sql_int(refresh->session_id)));
    if (session.revoked_at || session.expires_at <= c->now)
        return ERR_SESSION_EXPIRED;
    refresh->reused = session.generation != refresh->generation ||
                      !str_eq_secret(session.token_hash, refresh->token_hash);
    if (refresh->reused)
        return session_revoke(c, session.id);
    session.token_hash = refresh->next->token_hash;
    session.generation = refresh->next->generation;
    session.refreshed_at = c->now;
    return sql_update(c->sql, "session", &session_row, &session);
}

int session_refresh(struct call *c, enum session_kind kind, struct str refresh_token, bool rotate,
                    struct session_tokens *ret_tokens)
{
    struct refresh refresh = {0};
    uint8_t digest[SHA256_SIZE];
    TRY(read_refresh_token(c, refresh_token, &refresh.session_id, &refresh.generation));
    digest_sha256(refresh_token, digest);
    refresh.token_hash = (struct str){(char *)digest, SHA256_SIZE};
    *ret_tokens = (struct session_tokens){0};
    struct session *session = &ret_tokens->session;
    int error = session_get(c, refresh.session_id, session);
    if (error)
        return error == ERR_NOT_FOUND ? ERR_INVALID_TOKEN : error;
    if (!str_is(session->kind, session_kind_name(kind)))
        return ERR_INVALID_TOKEN;
    if (session->revoked_at || session->expires_at <= c->now)
        return ERR_SESSION_EXPIRED;
    c->principal.tenant_id = session->tenant_id;
    error = sql_one(c->sql, c->arena, &user_row, &ret_tokens->user,
                    "SELECT * FROM user_account WHERE tenant_id = ? AND id = ?",
                    sql_int(session->tenant_id), sql_int(session->user_id));
    if (error || !user_may_sign_in(&ret_tokens->user))
        return error && error != ERR_NOT_FOUND ? error : ERR_SESSION_EXPIRED;
    if (session->app_id)
        TRY(client_app_get(c, session->app_id, NULL, &ret_tokens->app));
    if (rotate) {
        session->generation++;
        ret_tokens->refresh_token = make_refresh_token(c, session);
    }
    TRY(sign_tokens(c, kind, ret_tokens));
    refresh.next = session;
    TRY(writer_run(c, apply_refresh, &refresh));
    return refresh.reused ? ERR_TOKEN_REUSED : OK;
}

int session_revoke(struct call *c, id_t64 session_id)
{
    credentials_forget(c->app->credentials, session_id);
    return sql_run(c->sql, "UPDATE session SET revoked_at = ? WHERE id = ? AND revoked_at = 0",
                   sql_int(c->now), sql_int(session_id));
}

int session_revoke_all(struct call *c, id_t64 user_id)
{
    credentials_forget(c->app->credentials, user_id);
    return sql_run(c->sql,
                   "UPDATE session SET revoked_at = ? WHERE tenant_id = ? AND user_id = ?"
                   " AND revoked_at = 0",
                   sql_int(c->now), sql_int(c->principal.tenant_id), sql_int(user_id));
}

int session_find_by_refresh_token(struct call *c, struct str refresh_token,
                                  struct session *ret_session)
{
    id_t64 session_id;
    int64_t generation;
    if (read_refresh_token(c, refresh_token, &session_id, &generation))
        return ERR_NOT_FOUND;
    TRY(session_get(c, session_id, ret_session));
    bool current = ret_session->generation == generation && !ret_session->revoked_at;
    return current ? OK : ERR_NOT_FOUND;
}
