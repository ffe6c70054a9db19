/* Tenants of the installation, for its operators. */
#include "core/identity/tenant.h"

#include "core/identity/password.h"
#include "core/identity/user.h"
#include "generated/platform.h"

static struct platform_tenant show(struct call *c, const struct tenant *tenant)
{
    return (struct platform_tenant){
        .tenant_id = call_id(c, ID_TENANT, tenant->id),
        .name = tenant->name,
        .label = tenant->host_label,
        .status = tenant->status,
        .created_at = call_time(c, tenant->created_at),
    };
}

int platform_create_tenant_prepare(struct call *c, const struct platform_create_tenant_in *in)
{
    const struct platform_tenant_admin *admin = in->body->admin;
    if (!admin)
        return OK;
    TRY(password_check_policy(c, admin->password, "admin.password"));
    struct user *prepared = ARENA_NEW(c->arena, struct user);
    prepared->password_hash = password_hash(c->arena, admin->password);
    c->prepared = prepared;
    return OK;
}

/* The first user of a tenant: may do everything in it, in every dialect. */
static int create_admin(struct call *c, id_t64 tenant_id, const struct platform_tenant_admin *admin,
                        id_t64 *ret_user_id)
{
    id_t64 own = c->principal.tenant_id;
    struct user user = {
        .email = admin->email,
        .first_name = admin->first_name,
        .last_name = admin->last_name,
        .type = STR("internal-admin"),
        .role = STR("super-admin"),
        .roles = ROLE_ADMIN,
        .status = STR("active"),
        .confirmed = true,
        .password_hash = ((const struct user *)c->prepared)->password_hash,
        .created_by = c->principal.user_id,
    };
    c->principal.tenant_id = tenant_id;
    int error = user_create(c, &user);
    c->principal.tenant_id = own;
    *ret_user_id = user.id;
    return error;
}

int platform_create_tenant(struct call *c, const struct platform_create_tenant_in *in,
                           struct platform_create_tenant_out *out)
{
    struct tenant tenant = {.name = in->body->name, .host_label = in->body->label};
    id_t64 admin_id;
    TRY(tenant_create(c, &tenant));
    out->data = ARENA_NEW(c->arena, struct platform_tenant);
    *out->data = show(c, &tenant);
    if (in->body->admin) {
        TRY(create_admin(c, tenant.id, in->body->admin, &admin_id));
        out->data->admin_user_id = call_id(c, ID_USER, admin_id);
    }
    return OK;
}

int platform_list_tenants(struct call *c, const struct platform_list_tenants_in *in,
                          struct platform_list_tenants_out *out)
{
    struct tenant *tenants;
    struct page page;
    size_t count;
    TRY(call_page(c, STR("tenants"), in->cursor, "cursor", in->limit, &page));
    TRY(tenant_list(c, &page, &tenants, &count));
    out->meta = ARENA_NEW(c->arena, struct platform_page_meta);
    out->meta->next_cursor = call_page_end(c, STR("tenants"), &page, tenants, &count);
    out->meta->count = (int64_t)count;
    out->data.items = ARENA_ARRAY(c->arena, struct platform_tenant, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        out->data.items[i] = show(c, &tenants[i]);
    return OK;
}

int platform_get_tenant(struct call *c, const struct platform_get_tenant_in *in,
                        struct platform_get_tenant_out *out)
{
    struct tenant tenant;
    id_t64 tenant_id;
    TRY(call_parse_id(c, ID_TENANT, in->tenant_id, "tenant_id", &tenant_id));
    if (!(c->principal.roles & ROLE_OPERATOR) && tenant_id != c->principal.tenant_id)
        return call_refuse(c, ERR_NOT_FOUND, "tenant_id");
    TRY(tenant_get(c, tenant_id, "tenant_id", &tenant));
    out->data = ARENA_NEW(c->arena, struct platform_tenant);
    *out->data = show(c, &tenant);
    return OK;
}
