/* What VaultsPay and PCX leave to "a platform admin": deciding about a person's KYC. */
#include "core/identity/kyc.h"
#include "core/identity/user.h"
#include "dialect/platform/platform.h"
#include "generated/platform.h"

int platform_decide_kyc(struct call *c, const struct platform_decide_kyc_in *in,
                        struct platform_decide_kyc_out *out)
{
    const struct platform_kyc_decision_request *body = in->body;
    struct user user;
    id_t64 user_id;

    TRY(platform_read_id(c, ID_USER, in->user_id, "user_id", &user_id));
    TRY(user_get(c, user_id, "user_id", &user));
    if (str_is(body->status, "rejected") && str_empty(body->reason))
        return call_refuse(c, ERR_REQUIRED, "reason");
    TRY(kyc_decide(c, &user, body->status, STR_NONE, body->reason));
    out->data = ARENA_NEW(c->arena, struct platform_kyc_decision);
    *out->data = (struct platform_kyc_decision){
        .user_id = call_id(c, ID_USER, user.id),
        .status = user.kyc_status,
        .reason = user.kyc_failure_reason,
        .decided_at = call_time(c, user.kyc_decided_at ? user.kyc_decided_at : user.updated_at),
    };
    return OK;
}
