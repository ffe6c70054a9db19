/* Callbacks of providers. Their authentication is the provider's signature over the raw body. */
#include "core/provider/providers.h"
#include "generated/pcx.h"

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
