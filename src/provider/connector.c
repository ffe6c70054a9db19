/* What connectors share, and the table of them. No network, no state. */
#include "provider/connector.h"

#include <ctype.h>

#define PROVIDER(name, alias) extern const struct provider provider_##name;
#include "provider/providers.def"
#undef PROVIDER

static const struct {
    const struct provider *provider;
    const char *alias;
} providers[] = {
#define PROVIDER(name, alias) {&provider_##name, alias},
#include "provider/providers.def"
#undef PROVIDER
};

#define PROVIDER_COUNT (sizeof(providers) / sizeof(providers[0]))

const struct provider *provider_find(struct str name)
{
    if (str_empty(name))
        return NULL;
    for (size_t i = 0; i < PROVIDER_COUNT; i++)
        if (str_is(name, providers[i].provider->name) || str_is(name, providers[i].alias))
            return providers[i].provider;
    return NULL;
}

size_t provider_count(void)
{
    return PROVIDER_COUNT;
}

const struct provider *provider_at(size_t index)
{
    return providers[index].provider;
}

void connector_request(struct arena *arena, const struct provider_settings *settings,
                       const char *method, struct str path, struct str body,
                       struct http_request *ret_request)
{
    *ret_request = (struct http_request){
        .method = method,
        .url = arena_printf(arena, "%.*s%.*s", STR_FMT(settings->base_url), STR_FMT(path)),
        .headers = ARENA_ARRAY(arena, struct provider_header, CONNECTOR_MAX_HEADERS),
        .body = body,
        .timeout_ms = PROVIDER_TIMEOUT_MS,
    };
    connector_header(arena, ret_request, "Accept", STR("application/json"));
    if (str_present(body))
        connector_header(arena, ret_request, "Content-Type", STR("application/json"));
}

void connector_header(struct arena *arena, struct http_request *request, const char *name,
                      struct str value)
{
    (void)arena;
    struct provider_header *headers = (struct provider_header *)(uintptr_t)request->headers;
    if (request->header_count < CONNECTOR_MAX_HEADERS)
        headers[request->header_count++] = (struct provider_header){name, value};
}

struct str connector_text(const struct json *body, const char *path)
{
    return json_text(json_get(body, path));
}

struct str connector_either(struct str a, struct str b)
{
    return str_empty(a) ? b : a;
}

struct str connector_escape(struct arena *arena, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    struct buf out = buf_new(arena, text.len + 16);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (isalnum(c) || strchr("-._~", c)) {
            buf_add_char(&out, (char)c);
        } else {
            buf_add_char(&out, '%');
            buf_add_char(&out, digits[c >> 4]);
            buf_add_char(&out, digits[c & 15]);
        }
    }
    return buf_str(&out);
}

static struct str map_case(struct arena *arena, struct str text, int (*map)(int))
{
    if (!text.ptr)
        return text;
    char *out = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        out[i] = (char)map((unsigned char)text.ptr[i]);
    return (struct str){out, text.len};
}

struct str connector_lower(struct arena *arena, struct str text)
{
    return map_case(arena, text, tolower);
}

struct str connector_upper(struct arena *arena, struct str text)
{
    return map_case(arena, text, toupper);
}

struct str connector_amount(struct arena *arena, const struct json *amount)
{
    struct decimal value;
    return json_decimal(amount, &value) ? decimal_print(arena, value, 0) : STR_NONE;
}

struct str connector_from_minor(struct arena *arena, const struct json *amount,
                                const struct asset *asset)
{
    struct decimal value;
    if (!json_decimal(amount, &value) || value.scale != 0)
        return STR_NONE;
    return decimal_print(arena, money_to_decimal(value.coefficient, asset), asset->scale);
}

bool connector_to_minor(const struct json *amount, const struct asset *asset, money_t *ret_money)
{
    struct decimal value;
    return json_decimal(amount, &value) && money_from_decimal(value, asset, ret_money) == OK;
}

void connector_fail(struct provider_outcome *ret_outcome, struct str reason)
{
    ret_outcome->status = PROVIDER_FAILED;
    ret_outcome->reason = str_or(reason, STR("The provider refused."));
}

void connector_unknown(struct arena *arena, struct provider_outcome *ret_outcome, const char *what,
                       struct str value)
{
    ret_outcome->status = PROVIDER_PENDING;
    ret_outcome->unknown = true;
    ret_outcome->reason =
        arena_printf(arena, "%s%s%.*s", what, str_empty(value) ? "" : " ", STR_FMT(value));
}

bool connector_transport(struct arena *arena, const struct http_response *response, bool changes,
                         struct provider_outcome *ret_outcome)
{
    *ret_outcome = (struct provider_outcome){.status = PROVIDER_PENDING};
    if (response->status == 0 && !response->sent) {
        ret_outcome->status = PROVIDER_RETRY;
        ret_outcome->reason = str_or(response->error, STR("not reached"));
        return true;
    }
    if (response->status == 429 || response->status == 503) {
        ret_outcome->status = PROVIDER_RETRY;
        ret_outcome->reason = arena_printf(arena, "HTTP %d", response->status);
        return true;
    }
    if (response->status == 401 || response->status == 403) {
        /* Our credentials, not the customer's payment: somebody has to look, nothing has failed. */
        ret_outcome->status = PROVIDER_RETRY;
        ret_outcome->unknown = true;
        ret_outcome->reason = arena_printf(arena, "credentials refused, HTTP %d", response->status);
        return true;
    }
    if (response->status == 0 || response->status >= 500) {
        ret_outcome->status = changes ? PROVIDER_PENDING : PROVIDER_RETRY;
        ret_outcome->unknown = changes;
        ret_outcome->reason = response->status == 0
                                  ? str_or(response->error, STR("no answer"))
                                  : arena_printf(arena, "HTTP %d", response->status);
        return true;
    }
    return false;
}

int connector_find(const char *const *names, const char *operation)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], operation) == 0)
            return i;
    return -1;
}
