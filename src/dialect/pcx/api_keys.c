/* PCX API keys. The whole key is in the answer to its creation and nowhere else. */
#include "core/identity/api_key.h"
#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

static struct pcx_api_key show(struct call *c, const struct api_key *key)
{
    return (struct pcx_api_key){
        .api_key_id = call_id(c, ID_API_KEY, key->id),
        .prefix = key->prefix,
        .name = key->name,
        .org_id = call_id(c, ID_ORGANISATION, key->organisation_id),
        .user_id = call_id(c, ID_USER, key->user_id),
        .status = key->status,
        .created_at = call_time(c, key->created_at),
        .updated_at = call_time(c, key->updated_at),
    };
}

static struct pcx_api_key *show_one(struct call *c, const struct api_key *key)
{
    struct pcx_api_key *out = ARENA_NEW(c->arena, struct pcx_api_key);
    *out = show(c, key);
    return out;
}

/* A key acts as its user: it has to be one of the organisation, and no more powerful than who makes
 * the key. */
static int check_holder(struct call *c, const struct api_key *key)
{
    struct user user;
    TRY(user_get(c, key->user_id, "user_id", &user));
    role_set staff = ROLE_INTERNAL_ADMIN | ROLE_ADMIN | ROLE_OPERATOR;
    if (!c->principal.staff && (user_roles(user.type, user.roles) & staff))
        return call_refuse_text(c, ERR_FORBIDDEN, "user_id", "is more powerful than the caller");
    return organisation_require_member(c, key->organisation_id, &user, "user_id");
}

int pcx_create_api_key(struct call *c, const struct pcx_create_api_key_in *in,
                       struct pcx_create_api_key_out *out)
{
    struct api_key key = {.name = str_trim(in->body->name), .status = in->body->status};
    struct str secret;

    if (str_empty(key.name))
        return call_refuse(c, ERR_REQUIRED, "name");
    TRY(pcx_read_id(c, ID_ORGANISATION, in->body->org_id, "org_id", &key.organisation_id));
    TRY(pcx_read_id(c, ID_USER, in->body->user_id, "user_id", &key.user_id));
    TRY(organisation_require(c, key.organisation_id, ROLE_ORG_ADMIN, "org_id"));
    TRY(check_holder(c, &key));
    TRY(api_key_create(c, &key, &secret));
    struct pcx_api_key shown = show(c, &key);
    out->data = ARENA_NEW(c->arena, struct pcx_api_key_created);
    *out->data = (struct pcx_api_key_created){
        .api_key_id = shown.api_key_id,
        .prefix = shown.prefix,
        .name = shown.name,
        .org_id = shown.org_id,
        .user_id = shown.user_id,
        .status = shown.status,
        .created_at = shown.created_at,
        .updated_at = shown.updated_at,
        .key = secret,
    };
    return OK;
}

int pcx_list_api_keys(struct call *c, const struct pcx_list_api_keys_in *in,
                      struct pcx_list_api_keys_out *out)
{
    id_t64 organisation;
    struct api_key *keys;
    struct page page;
    size_t count;

    TRY(pcx_read_id(c, ID_ORGANISATION, in->org_id, "org_id", &organisation));
    TRY(organisation_require(c, organisation, ROLE_ANY, "org_id"));
    struct str list = arena_printf(c->arena, "api-keys|%lld", (long long)organisation);
    TRY(call_page(c, list, in->last_evaluated_key, "last_evaluated_key", in->limit, &page));
    out->meta = ARENA_NEW(c->arena, struct pcx_list_meta);
    TRY(api_key_list(c, organisation, &page, &keys, &count, &out->meta->total_count));
    out->meta->has_has_more = out->meta->has_count = out->meta->has_total_count = true;
    out->meta->last_evaluated_key = call_page_end(c, list, &page, keys, &count);
    out->meta->has_more = str_present(out->meta->last_evaluated_key);
    out->meta->count = (int64_t)count;
    out->data.items = ARENA_ARRAY(c->arena, struct pcx_api_key, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        out->data.items[i] = show(c, &keys[i]);
    return OK;
}

int pcx_get_api_key(struct call *c, const struct pcx_get_api_key_in *in,
                    struct pcx_get_api_key_out *out)
{
    struct api_key key;
    id_t64 key_id;
    TRY(call_parse_id(c, ID_API_KEY, in->key_ref, "key_ref", &key_id));
    TRY(api_key_get(c, key_id, "key_ref", &key));
    TRY(organisation_require(c, key.organisation_id, ROLE_ANY, NULL));
    out->data = show_one(c, &key);
    return OK;
}

/* By prefix; the organisation's administrators, and whoever holds the key. */
static int find_to_end(struct call *c, struct str prefix, const char *field,
                       struct api_key *ret_key)
{
    TRY(api_key_find(c, prefix, field, ret_key));
    if (call_may_act_for_user(c, ret_key->user_id))
        return OK;
    return organisation_require(c, ret_key->organisation_id, ROLE_ORG_ADMIN, NULL);
}

int pcx_delete_api_key(struct call *c, const struct pcx_delete_api_key_in *in,
                       struct pcx_delete_api_key_out *out)
{
    struct api_key key;
    TRY(find_to_end(c, in->key_ref, "key_ref", &key));
    out->data = STR("{}");
    return api_key_delete(c, &key);
}

int pcx_revoke_api_key(struct call *c, const struct pcx_revoke_api_key_in *in,
                       struct pcx_revoke_api_key_out *out)
{
    struct api_key key;
    TRY(find_to_end(c, in->prefix, "prefix", &key));
    TRY(api_key_step(c, &key, "revoke", "prefix"));
    out->data = show_one(c, &key);
    return OK;
}
