/* Re-activation of API keys, which PCX names but documents no call for. */
#include "core/identity/api_key.h"

#include "generated/platform.h"

int platform_reactivate_api_key(struct call *c, const struct platform_reactivate_api_key_in *in,
                                struct platform_reactivate_api_key_out *out)
{
    struct api_key key;
    id_t64 id;

    if (id_parse(ID_API_KEY, in->api_key_id, &id))
        TRY(api_key_get(c, id, "api_key_id", &key));
    else
        TRY(api_key_find(c, in->api_key_id, "api_key_id", &key));
    TRY(api_key_step(c, &key, "activate", "api_key_id"));
    out->data = ARENA_NEW(c->arena, struct platform_api_key_state);
    out->data->api_key_id = call_id(c, ID_API_KEY, key.id);
    out->data->prefix = key.prefix;
    out->data->status = key.status;
    return OK;
}
