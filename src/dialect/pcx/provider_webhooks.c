/* Callbacks of providers. Their authentication is the provider's signature over the raw body. */
#include "core/provider/providers.h"
#include "generated/pcx.h"

int pcx_receive_provider_webhook(struct call *c, const struct pcx_receive_provider_webhook_in *in,
                                 struct pcx_receive_provider_webhook_out *out)
{
    (void)out;
    return provider_receive_event(c, in->provider_name);
}
