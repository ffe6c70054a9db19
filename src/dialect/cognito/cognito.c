/* Cognito's front door: actions by X-Amz-Target, key sets by path. */
#include "dialect/cognito/cognito.h"

#include <ctype.h>

#include "core/app.h"
#include "core/identity/keys.h"
#include "store/sql.h"

mount_handler cognito_mount;

#define TARGET_PREFIX "AWSCognitoIdentityProviderService."
#define AMZ_JSON "application/x-amz-json-1.1"

int cognito_reply(struct cognito *x, struct str json)
{
    x->reply->status = 200;
    x->reply->content_type = AMZ_JSON;
    x->reply->body = json;
    return OK;
}

int cognito_fail(struct cognito *x, const char *type, const char *message)
{
    struct buf out = json_object(x->c->arena);
    json_put(&out, "__type", str_from(type));
    json_put(&out, "message", str_from(message));
    x->reply->status = 400;
    x->reply->content_type = AMZ_JSON;
    x->reply->body = json_object_end(&out);
    /* What made us refuse may have been refused on the call; the reply is ours to write. */
    x->c->error = OK;
    x->c->problems = NULL;
    call_reply_header(x->c, "x-amzn-ErrorType", str_from(type));
    call_reply_header(x->c, "x-amzn-ErrorMessage", str_from(message));
    return OK;
}

struct str cognito_text(const struct cognito *x, const char *path)
{
    return json_string(json_get(x->body, path));
}

struct str cognito_pool_name(struct call *c)
{
    struct str pool = id_print(c->arena, ID_TENANT, c->principal.tenant_id);
    str_cut(&pool, '_');
    return pool;
}

bool cognito_find_client(struct cognito *x)
{
    struct str client_id = cognito_text(x, "ClientId");
    if (!str_empty(client_id) && client_app_find(x->c, STR("pool"), client_id, &x->app) == OK) {
        x->c->principal.tenant_id = x->app.tenant_id;
        return true;
    }
    cognito_fail(x,
                 str_empty(client_id) ? "InvalidParameterException" : "ResourceNotFoundException",
                 "User pool client does not exist.");
    return false;
}

int cognito_find_user(struct cognito *x, struct str username, struct user *ret_user)
{
    return user_find_by_login(x->c, username, ret_user);
}

void cognito_disguise(const struct cognito *x, const char *purpose, struct str username,
                      uint8_t ret_digest[SHA256_SIZE])
{
    struct call *c = x->c;
    uint8_t key[32];
    store_derive_key(c->app->store, "cognito disguise", key);
    char *message =
        (char *)(uintptr_t)arena_printf(c->arena, "%lld:%.*s:%s", (long long)c->principal.tenant_id,
                                        STR_FMT(username), purpose)
            .ptr;
    for (char *letter = message; *letter; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    digest_hmac_sha256((struct str){(char *)key, sizeof(key)}, str_from(message), ret_digest);
}

static cognito_action *find_action(struct str target)
{
    static const struct {
        const char *name;
        cognito_action *run;
    } actions[] = {
#define COGNITO_ACTION(name, function) {name, function},
#include "dialect/cognito/actions.def"
#undef COGNITO_ACTION
    };
    struct str prefix = STR(TARGET_PREFIX);
    if (!str_starts(target, prefix))
        return NULL;
    struct str name = {target.ptr + prefix.len, target.len - prefix.len};
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (str_is(name, actions[i].name))
            return actions[i].run;
    return NULL;
}

static int run_action(struct call *c, struct mount_reply *reply)
{
    struct cognito x = {.c = c, .reply = reply};
    cognito_action *action = find_action(call_header(c, "X-Amz-Target"));
    if (!action)
        return cognito_fail(&x, "UnknownOperationException", "There is no such operation.");
    if (json_parse(c->arena, c->raw_body, &x.body))
        return cognito_fail(&x, "SerializationException", "The body is not valid JSON.");
    return action(&x);
}

/* {issuer}/.well-known/openid-configuration, as far as it is true. */
static struct str openid_configuration(struct call *c, struct str path)
{
    static const char tail[] = "/.well-known/openid-configuration";
    struct str issuer = arena_printf(c->arena, "%.*s%.*s", STR_FMT(c->app->base_url),
                                     (int)(path.len - (sizeof(tail) - 1)), path.ptr);
    struct buf out = json_object(c->arena);
    json_put(&out, "issuer", issuer);
    json_put(&out, "jwks_uri",
             arena_printf(c->arena, "%.*s/.well-known/jwks.json", STR_FMT(issuer)));
    json_put_json(&out, "id_token_signing_alg_values_supported", STR("[\"RS256\"]"));
    json_put_json(&out, "subject_types_supported", STR("[\"public\"]"));
    return json_object_end(&out);
}

static bool ends_with(struct str text, struct str tail)
{
    return text.len >= tail.len &&
           str_eq((struct str){text.ptr + text.len - tail.len, tail.len}, tail);
}

static int get_document(struct call *c, const struct mount_request *request,
                        struct mount_reply *reply)
{
    const struct key_pair *pair;
    call_reply_header(c, "Cache-Control", STR("public, max-age=300"));
    if (ends_with(request->path, STR("/.well-known/jwks.json"))) {
        TRY(keys_current(c->app, KEY_TOKEN, 0,
                         &pair)); /* at the first start it may be in the making */
        reply->body = keys_jwks(c->app, c->arena);
        return OK;
    }
    if (ends_with(request->path, STR("/.well-known/openid-configuration"))) {
        reply->body = openid_configuration(c, request->path);
        return OK;
    }
    return call_refuse(c, ERR_ROUTE_NOT_FOUND, NULL);
}

int cognito_mount(struct call *c, const struct mount_request *request, struct mount_reply *reply)
{
    if (request->method == HTTP_GET)
        return get_document(c, request, reply);
    if (request->method != HTTP_POST)
        return call_refuse(c, ERR_METHOD_NOT_ALLOWED, NULL);
    return run_action(c, reply);
}
