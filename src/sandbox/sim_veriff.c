/* The simulated Veriff: it sends decisions about people, and answers nothing. */
#include "base/digest.h"
#include "sandbox/sandbox_internal.h"

static void settings(struct simulator *simulator, struct arena *arena)
{
    struct str base_url = simulator->sandbox->app->base_url;
    simulator->settings.api_key = random_hex(arena, 16);
    simulator->settings.secret = random_hex(arena, 16);
    simulator->settings.callback_url =
        arena_printf(arena, "%.*s/v1/users/webhook-kyc", STR_FMT(base_url));
}

static bool authorised(const struct sim_call *call)
{
    return str_eq(call->header(call->context, "x-auth-client"), call->simulator->settings.api_key);
}

static void refuse(struct sim_call *call, int status, const char *message)
{
    struct buf out = json_object(call->arena);
    json_put(&out, "status", STR("fail"));
    json_put(&out, "message", str_from(message));
    call->status = status;
    call->answer = json_object_end(&out);
}

/* event: vendorData, decision, id, decisionTime, reason, delivery (success or fail) */
static struct str event(struct simulator *simulator, struct arena *arena, const struct json *event)
{
    static const char *const members[] = {"vendorData", "decisionTime", "reason"};
    struct str id = json_text(json_get(event, "id"));
    struct buf out = json_object(arena);
    json_put(&out, "status", str_or(json_text(json_get(event, "delivery")), STR("success")));
    json_open(&out, "verification", '{');
    json_put(&out, "id", str_empty(id) ? sim_new_id(simulator, "ver_") : id);
    json_put(&out, "status", json_text(json_get(event, "decision")));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_put(&out, members[i], json_text(json_get(event, members[i])));
    json_close(&out, '}');
    return json_object_end(&out);
}

static struct provider_header sign(struct simulator *simulator, struct arena *arena,
                                   struct str body)
{
    return (struct provider_header){
        "x-hmac-signature", digest_hmac_sha256_hex(arena, simulator->settings.secret, body)};
}

static const struct sim_route no_routes[] = {{0}};

const struct simulation simulation_veriff = {
    .name = "veriff",
    .prefix = "/veriff",
    .routes = no_routes,
    .settings = settings,
    .authorised = authorised,
    .refuse = refuse,
    .event = event,
    .sign = sign,
};
