/* Settings of the providers, and questions that are asked at once. */
#include "core/provider/providers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/config.h"
#include "base/json_build.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/app.h"
#include "core/provider/instruction.h"
#include "provider/http.h"

struct providers {
    pthread_mutex_t lock; /* the sandbox may still set them while the server runs */
    struct arena *arena;
    struct provider_settings *settings; /* in the order of provider_at */
};

void provider_alert(struct app *app, const char *what, struct str provider, struct str operation,
                    id_t64 subject_id, struct str reason)
{
    metrics_count(app->metrics, METRIC_PROVIDER_ALERTS, 1);
    log_error(what, LOG_STR("provider", provider), LOG_STR("operation", operation),
              LOG_INT("subject", subject_id), LOG_STR("reason", reason));
}

/* ---- Settings ---- */

static const struct {
    const char *name, *base_url;
} addresses[] = {
    {"squad", "https://api-d.squadco.com"},
    {"sarepay", "https://app.sarepay.com/api"},
    {"bridge", "https://api.bridge.xyz/v0"},
    {"veriff", "https://stationapi.veriff.com"},
};

static struct str default_address(const char *name)
{
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        if (strcmp(addresses[i].name, name) == 0)
            return str_from(addresses[i].base_url);
    return STR_NONE;
}

static struct str configured(const struct app *app, struct arena *arena, const char *provider,
                             const char *name)
{
    return config_extra(app->config, arena_printf(arena, "provider.%s.%s", provider, name).ptr);
}

int providers_start(struct app *app)
{
    struct arena *arena = arena_new(0);
    struct providers *providers = ARENA_NEW(arena, struct providers);
    providers->arena = arena;
    pthread_mutex_init(&providers->lock, NULL);
    providers->settings = ARENA_ARRAY(arena, struct provider_settings, provider_count());
    for (size_t i = 0; i < provider_count(); i++) {
        const char *name = provider_at(i)->name;
        providers->settings[i] = (struct provider_settings){
            .base_url = str_or(configured(app, arena, name, "base_url"), default_address(name)),
            .api_key = configured(app, arena, name, "api_key"),
            .secret = configured(app, arena, name, "secret"),
            .public_key = configured(app, arena, name, "public_key"),
            .merchant_id = configured(app, arena, name, "merchant_id"),
            .wallet_id = configured(app, arena, name, "wallet_id"),
            .callback_url = configured(app, arena, name, "callback_url"),
        };
    }
    app->providers = providers;
    return OK;
}

void providers_set(struct app *app, const char *name, const struct provider_settings *settings)
{
    struct arena *arena = app->providers->arena;
    pthread_mutex_lock(&app->providers->lock);
    for (size_t i = 0; i < provider_count(); i++) {
        if (strcmp(provider_at(i)->name, name) != 0)
            continue;
        app->providers->settings[i] = (struct provider_settings){
            .base_url = arena_copy(arena, settings->base_url),
            .api_key = arena_copy(arena, settings->api_key),
            .secret = arena_copy(arena, settings->secret),
            .public_key = arena_copy(arena, settings->public_key),
            .merchant_id = arena_copy(arena, settings->merchant_id),
            .wallet_id = arena_copy(arena, settings->wallet_id),
            .callback_url = arena_copy(arena, settings->callback_url),
            .timeout_ms = settings->timeout_ms,
        };
    }
    pthread_mutex_unlock(&app->providers->lock);
}

int providers_find(const struct app *app, struct str name, const struct provider **ret_provider,
                   struct provider_settings *ret_settings)
{
    const struct provider *provider = provider_find(name);
    if (!provider)
        return ERR_UNKNOWN_PROVIDER;
    *ret_provider = provider;
    *ret_settings = (struct provider_settings){0};
    pthread_mutex_lock(&app->providers->lock);
    for (size_t i = 0; i < provider_count(); i++)
        if (provider_at(i) == provider)
            *ret_settings = app->providers->settings[i];
    pthread_mutex_unlock(&app->providers->lock);
    ret_settings->now = clock_now();
    return str_empty(ret_settings->api_key) ? ERR_UNAVAILABLE : OK;
}

const char *provider_for(const char *operation, const struct asset *asset)
{
    if (strcmp(asset->code, "NGN") != 0)
        return "bridge";
    bool pays = strncmp(operation, "payout", 6) == 0 || strcmp(operation, "lookup_account") == 0;
    return pays ? "sarepay" : "squad";
}

/* ---- An exchange ---- */

/* The members of `over` replace those of `under`: the outcome of what was done first becomes part
 * of the request. */
static struct str overlay(struct arena *arena, const struct json *under, const struct json *over)
{
    struct buf out = json_object(arena);
    for (size_t i = 0; i < json_count(under); i++) {
        struct str name = json_key_at(under, i);
        if (json_get(over, arena_cstr(arena, name)) &&
            str_present(json_text(json_get(over, arena_cstr(arena, name)))))
            continue;
        json_put_json(&out, arena_cstr(arena, name), json_print(arena, json_at(under, i)));
    }
    for (size_t i = 0; i < json_count(over); i++)
        json_put_json(&out, arena_cstr(arena, json_key_at(over, i)),
                      json_print(arena, json_at(over, i)));
    return json_object_end(&out);
}

static int exchange_once(struct app *app, struct arena *arena, const struct provider *provider,
                         const struct provider_settings *settings, const char *operation,
                         struct str reference, const struct json *body,
                         struct provider_outcome *ret_outcome)
{
    struct http_request request;
    struct http_response response;
    struct http_policy policy = {0};
    TRY(provider_build(provider, arena, settings, operation, reference, body, &request));
    http_perform(arena, &request, &policy, &response);
    TRY(provider_read(provider, arena, operation, &response, ret_outcome));
    metrics_count(app->metrics, METRIC_PROVIDER_CALLS, 1);
    if (ret_outcome->unknown || ret_outcome->status == PROVIDER_RETRY)
        metrics_count(app->metrics, METRIC_PROVIDER_FAILURES, 1);
    return OK;
}

int provider_exchange(struct app *app, struct arena *arena, const struct provider *provider,
                      const struct provider_settings *settings, const char *operation,
                      struct str reference, struct str body_json,
                      struct provider_outcome *ret_outcome, struct str *ret_body)
{
    const struct json *body, *first_result;
    TRY(json_parse(arena, str_or(body_json, STR("{}")), &body));
    const char *first = provider->prerequisite ? provider->prerequisite(operation, body) : NULL;
    if (first) {
        struct str key = arena_printf(arena, "%.*s-%s", STR_FMT(reference), first);
        TRY(exchange_once(app, arena, provider, settings, first, key, body, ret_outcome));
        if (ret_outcome->status != PROVIDER_SUCCEEDED) {
            /* The operation itself was not sent: whatever is unclear, it is safe to begin again. */
            if (ret_outcome->status == PROVIDER_PENDING)
                ret_outcome->status = PROVIDER_RETRY;
            ret_outcome->provider_reference = STR_NONE;
            return OK;
        }
        TRY(json_parse(arena, ret_outcome->data_json, &first_result));
        struct str whole = overlay(arena, body, first_result);
        if (ret_body)
            *ret_body = whole;
        TRY(json_parse(arena, whole, &body));
    }
    return exchange_once(app, arena, provider, settings, operation, reference, body, ret_outcome);
}

struct str provider_new_reference(struct arena *arena)
{
    return id_print(arena, ID_PROVIDER_REQUEST, id_new());
}

int provider_ask(struct app *app, struct arena *arena, struct str provider, const char *operation,
                 struct str reference, struct str body_json, struct provider_outcome *ret_outcome)
{
    const struct provider *found;
    struct provider_settings settings;
    TRY(providers_find(app, provider, &found, &settings));
    TRY(provider_exchange(app, arena, found, &settings, operation, reference, body_json,
                          ret_outcome, NULL));
    if (ret_outcome->unknown)
        provider_alert(app, "a provider's answer is not understood", str_from(found->name),
                       str_from(operation), 0, ret_outcome->reason);
    return OK;
}

int provider_require(struct call *c, struct str provider, const char *operation,
                     struct str reference, struct str body_json, const char *field,
                     struct provider_outcome *ret_outcome)
{
    int error =
        provider_ask(c->app, c->arena, provider, operation, reference, body_json, ret_outcome);
    if (error == ERR_REQUIRED)
        return call_refuse_text(c, ERR_PREREQUISITE, field, "The provider needs more details.");
    if (error == ERR_UNAVAILABLE)
        return call_refuse(c, ERR_PROVIDER_UNAVAILABLE, field);
    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_UNKNOWN_PROVIDER, field, "The provider does not do this.");
    if (error)
        return call_refuse(c, error, field);
    if (ret_outcome->status == PROVIDER_SUCCEEDED)
        return OK;
    if (ret_outcome->status == PROVIDER_FAILED)
        return call_refuse_text(c, ERR_PROVIDER_REFUSED, field, "The provider refused: %.*s",
                                STR_FMT(ret_outcome->reason));
    return call_refuse(c, ERR_PROVIDER_UNAVAILABLE, field);
}
