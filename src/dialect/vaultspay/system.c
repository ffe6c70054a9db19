/* VaultsPay's health check: plain text, no credential, no envelope. */
#include "generated/vaultspay.h"

int vp_ping(struct call *c, const struct vp_ping_in *in, struct vp_ping_out *out)
{
    (void)c, (void)in;
    out->body = STR("Service is up and running!");
    return OK;
}
