/* Callbacks of providers. Their authentication is the provider's signature over the raw body. */
#include "core/identity/kyc.h"
#include "core/provider/providers.h"
#include "dialect/pcx/users.h"

int pcx_receive_provider_webhook_prepare(struct call *c,
                                         const struct pcx_receive_provider_webhook_in *in)
{
    return provider_verify_event(c, in->provider_name);
}

int pcx_receive_provider_webhook(struct call *c, const struct pcx_receive_provider_webhook_in *in,
                                 struct pcx_receive_provider_webhook_out *out)
{
    (void)in;
    (void)out;
    return provider_store_event(c);
}

/* The same events on a path of their own; what is not about a customer is acknowledged. */
int pcx_bridge_kyc_webhook_prepare(struct call *c, const struct pcx_bridge_kyc_webhook_in *in)
{
    (void)in;
    return provider_verify_event(c, STR("bridge"));
}

int pcx_bridge_kyc_webhook(struct call *c, const struct pcx_bridge_kyc_webhook_in *in,
                           struct pcx_bridge_kyc_webhook_out *out)
{
    (void)in;
    out->status = STR("success");
    out->message = STR("Webhook processed");
    out->data = STR("{}");
    return provider_store_event(c);
}

/* ---- Decisions of Veriff ---- */

struct review {
    struct str email, session_id, word, reason;
    usec_t decided_at;
};

int pcx_kyc_provider_callback_prepare(struct call *c, const struct pcx_kyc_provider_callback_in *in)
{
    (void)in;
    return provider_verify_event(c, STR("veriff"));
}

static int require_text(struct call *c, const struct json *json, const char *path,
                        struct str *ret_text)
{
    *ret_text = json_string(json_get(json, path));
    return str_empty(*ret_text) ? call_refuse(c, ERR_REQUIRED, path) : OK;
}

static int read_review(struct call *c, struct review *ret_review)
{
    const struct json *body;
    struct str delivery, at;
    TRY(json_parse(c->arena, c->raw_body, &body));
    if (!json_get(body, "verification"))
        return call_refuse(c, ERR_REQUIRED, "verification");
    TRY(require_text(c, body, "status", &delivery));
    TRY(require_text(c, body, "verification.vendorData", &ret_review->email));
    TRY(require_text(c, body, "verification.status", &ret_review->word));
    ret_review->session_id = json_string(json_get(body, "verification.id"));
    ret_review->reason = json_string(json_get(body, "verification.reason"));
    ret_review->decided_at = c->now;
    at = json_string(json_get(body, "verification.decisionTime"));
    if (!str_empty(at) && !time_parse(at, &ret_review->decided_at))
        return call_refuse(c, ERR_BAD_FORMAT, "verification.decisionTime");
    if (ret_review->decided_at > c->now)
        ret_review->decided_at = c->now; /* their clock is ahead of ours */
    /* What they call a failure approves nobody. */
    if (str_is(delivery, "fail") && str_is(ret_review->word, "approved"))
        return call_refuse_text(c, ERR_NOT_ALLOWED, "verification.status",
                                "must not be approved when status is fail");
    return OK;
}

int pcx_kyc_provider_callback(struct call *c, const struct pcx_kyc_provider_callback_in *in,
                              struct pcx_kyc_provider_callback_out *out)
{
    struct review review;
    struct user user;
    (void)in;
    TRY(read_review(c, &review));
    int error = user_find_by_email(c, review.email, &user);
    if (error)
        return error == ERR_NOT_FOUND ? call_refuse(c, error, "verification.vendorData") : error;
    TRY(kyc_review(c, &user, review.word, review.session_id, review.reason, review.decided_at));
    out->message = STR("Webhook processed");
    return pcx_show_new_user(c, &user, &out->user);
}
