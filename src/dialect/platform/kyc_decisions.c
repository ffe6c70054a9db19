/* What VaultsPay and PCX leave to "a platform admin": deciding about a person's KYC. */
#include "base/json_build.h"
#include "core/identity/user.h"
#include "core/outbox.h"
#include "dialect/platform/platform.h"
#include "generated/platform.h"

static int emit_event(struct call *c, const struct user *user)
{
    struct str type = arena_printf(c->arena, "kyc.%.*s", STR_FMT(user->kyc_status));
    struct buf data = buf_new(c->arena, 128);

    buf_add_cstr(&data, "{\"user_id\":");
    json_add_string(&data, call_id(c, ID_USER, user->id));
    buf_add_cstr(&data, ",\"kyc_status\":");
    json_add_string(&data, user->kyc_status);
    buf_add_char(&data, '}');
    return outbox_event(c, user->organisation_id, type.ptr, buf_str(&data));
}

/* A person's own status follows: who is approved is active (concepts of PCX, section 9). */
static void apply(struct call *c, struct user *user, struct str status, struct str reason)
{
    user->kyc_status = status;
    user->kyc_failure_reason = str_is(status, "rejected") ? reason : STR_NONE;
    if (str_is(status, "approved")) {
        user->kyc_approved_at = c->now;
        user->status = STR("active");
    } else if (str_is(status, "rejected")) {
        user->status = STR("rejected");
    } else {
        user->status = STR("pending_verification");
    }
}

int platform_decide_kyc(struct call *c, const struct platform_decide_kyc_in *in,
                        struct platform_decide_kyc_out *out)
{
    struct str status = in->body->status, reason = in->body->reason;
    struct user user;
    id_t64 id;

    TRY(platform_read_id(c, ID_USER, in->user_id, "user_id", &id));
    TRY(user_get(c, id, "user_id", &user));
    if (str_is(status, "rejected") && str_empty(reason))
        return call_refuse(c, ERR_REQUIRED, "reason");
    if (!str_eq(user.kyc_status, status)) {
        apply(c, &user, status, reason);
        TRY(user_update(c, &user));
        TRY(emit_event(c, &user));
    }
    out->data = ARENA_NEW(c->arena, struct platform_kyc_decision);
    out->data->user_id = call_id(c, ID_USER, user.id);
    out->data->status = user.kyc_status;
    out->data->reason = user.kyc_failure_reason;
    out->data->decided_at = call_time(c, user.updated_at);
    return OK;
}
