/* The external pool's keys, swapped whole when its key set was fetched again. */
#include "core/identity/external_pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "core/identity/credentials.h"
#include "core/identity/tenant.h"
#include "core/identity/token.h"
#include "core/identity/user.h"
#include "core/work.h"
#include "provider/http.h"

#define KEY_LIMIT 16
#define KID_MAX 128
#define REFRESH_INTERVAL USEC_PER_HOUR
#define UNKNOWN_KEY_INTERVAL (30 * USEC_PER_SEC)
#define FETCH_TIMEOUT_MS 5000

struct pool_key {
    char kid[KID_MAX];
    struct rsa_key *rsa;
};

struct external_pool {
    struct app *app;
    struct str url;
    struct str issuer;
    struct periodic *job;
    pthread_rwlock_t lock;
    struct pool_key keys[KEY_LIMIT];
    size_t count;
    usec_t asked_at; /* monotonic; for an unknown key */
};

/* "https://.../pool/.well-known/jwks.json" -> "https://.../pool" */
static struct str issuer_of(const struct config *config)
{
    static const char tail[] = "/.well-known/jwks.json";
    struct str url = config->cognito_jwks_url;
    if (!str_empty(config->cognito_issuer))
        return config->cognito_issuer;
    if (url.len > sizeof(tail) - 1 &&
        memcmp(url.ptr + url.len - (sizeof(tail) - 1), tail, sizeof(tail) - 1) == 0)
        url.len -= sizeof(tail) - 1;
    return url;
}

static bool read_key(struct arena *arena, const struct json *json, struct pool_key *ret_key)
{
    struct str kid = json_string(json_get(json, "kid"));
    struct str n, e;
    if (!str_is(json_string(json_get(json, "kty")), "RSA") || str_empty(kid) ||
        kid.len >= KID_MAX || !base64url_parse(arena, json_string(json_get(json, "n")), &n) ||
        !base64url_parse(arena, json_string(json_get(json, "e")), &e))
        return false;
    *ret_key = (struct pool_key){.rsa = rsa_from_numbers(n, e)};
    memcpy(ret_key->kid, kid.ptr, kid.len);
    return ret_key->rsa != NULL;
}

static void swap_keys(struct external_pool *pool, const struct pool_key *keys, size_t count)
{
    pthread_rwlock_wrlock(&pool->lock);
    for (size_t i = 0; i < pool->count; i++)
        rsa_free(pool->keys[i].rsa);
    if (count)
        memcpy(pool->keys, keys, count * sizeof(*keys));
    pool->count = count;
    pthread_rwlock_unlock(&pool->lock);
}

/* A failure leaves the keys we have. */
static void fetch_job(struct app *app, void *argument)
{
    (void)app;
    struct external_pool *pool = argument;
    struct arena *arena ARENA_SCOPED = arena_new(4 << 20);
    struct http_request request = {
        .method = "GET", .url = pool->url, .timeout_ms = FETCH_TIMEOUT_MS};
    struct http_policy policy = {0};
    struct http_response response = {0};
    struct pool_key keys[KEY_LIMIT];
    const struct json *json = NULL;
    size_t count = 0;
    http_perform(arena, &request, &policy, &response);
    if (response.status == 200 && json_parse(arena, response.body, &json) == 0) {
        const struct json *list = json_get(json, "keys");
        for (size_t i = 0; i < json_count(list) && count < KEY_LIMIT; i++)
            count += read_key(arena, json_at(list, i), &keys[count]);
    }
    if (count > 0)
        swap_keys(pool, keys, count);
    else
        log_warn("the external pool's key set could not be read", LOG_STR("url", pool->url),
                 LOG_INT("status", response.status));
}

struct external_pool *external_pool_start(struct app *app)
{
    if (str_empty(app->config->cognito_jwks_url))
        return NULL;
    struct external_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        abort();
    pool->app = app;
    pool->url = app->config->cognito_jwks_url;
    pool->issuer = issuer_of(app->config);
    pthread_rwlock_init(&pool->lock, NULL);
    workers_submit(app, fetch_job, pool);
    pool->job = workers_every(app, "external pool", REFRESH_INTERVAL, fetch_job, pool);
    return pool;
}

struct external_pool *external_pool_free(struct external_pool *pool)
{
    if (!pool)
        return NULL;
    swap_keys(pool, NULL, 0);
    pthread_rwlock_destroy(&pool->lock);
    free(pool);
    return NULL;
}

static bool verified(struct external_pool *pool, const struct token *token)
{
    bool known = false, right = false;
    pthread_rwlock_rdlock(&pool->lock);
    for (size_t i = 0; i < pool->count && !known; i++) {
        known = str_is(token->kid, pool->keys[i].kid);
        right = known && token_verify(token, pool->keys[i].rsa);
    }
    pthread_rwlock_unlock(&pool->lock);
    if (!known) {
        usec_t now = clock_monotonic();
        usec_t asked = __atomic_load_n(&pool->asked_at, __ATOMIC_RELAXED);
        if (now - asked > UNKNOWN_KEY_INTERVAL) {
            __atomic_store_n(&pool->asked_at, now, __ATOMIC_RELAXED);
            workers_wake(pool->app, pool->job);
        }
    }
    return right;
}

/* By user name, else by e-mail address if the pool says that it was verified. */
static int find_person(struct call *c, const struct token *token, struct user *ret_user)
{
    struct str names[] = {
        json_string(json_get(token->claims, "cognito:username")),
        json_string(json_get(token->claims, "username")),
        json_string(json_get(token->claims, "sub")),
    };
    int error = ERR_NOT_FOUND;
    for (size_t i = 0; i < 3 && error == ERR_NOT_FOUND; i++)
        error = user_find_by_username(c, names[i], ret_user);
    bool email_verified = false;
    json_boolean(json_get(token->claims, "email_verified"), &email_verified);
    if (error == ERR_NOT_FOUND && email_verified)
        error = user_find_by_email(c, json_string(json_get(token->claims, "email")), ret_user);
    return error;
}

int external_pool_check_token(struct call *c, struct str text, struct principal *ret_principal)
{
    struct external_pool *pool = credentials_external_pool(c->app->credentials);
    struct token token;
    int64_t expires_at;
    usec_t since = clock_monotonic();
    int known = pool ? credentials_recall(c, text, ret_principal) : ERR_NOT_FOUND;
    if (known != ERR_NOT_FOUND)
        return known;
    if (!pool || !token_read(c->arena, text, &token) || !token_expiry(&token, &expires_at) ||
        !verified(pool, &token))
        return ERR_INVALID_TOKEN;
    struct str use = json_string(json_get(token.claims, "token_use"));
    if (!str_eq(json_string(json_get(token.claims, "iss")), pool->issuer) ||
        (!str_is(use, "access") && !str_is(use, "id")))
        return ERR_INVALID_TOKEN;
    if (expires_at <= c->now)
        return ERR_TOKEN_EXPIRED;
    struct user user;
    TRY(tenant_of_host(c, STR("localhost"), &c->principal.tenant_id));
    int error = find_person(c, &token, &user);
    if (error)
        return error == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : error;
    TRY(credentials_of_user(c, user.id, ret_principal));
    credentials_remember(c, text, ret_principal, expires_at, since);
    return OK;
}
