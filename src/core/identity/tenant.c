/* Tenants, and the cache that leads from a host name to one. */
#include "core/identity/tenant.h"

#include <ctype.h>

#include "core/app.h"
#include "core/identity/credentials.h"
#include "store/sql.h"

#define ROW_SELF struct tenant
ROW_TYPE(tenant, TENANT_ROW);
#undef ROW_SELF

static bool valid_label(struct str label)
{
    if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!islower((unsigned char)label.ptr[i]) && !isdigit((unsigned char)label.ptr[i]) &&
            label.ptr[i] != '-')
            return false;
    return true;
}

int tenant_create(struct call *c, struct tenant *tenant)
{
    if (!valid_label(tenant->host_label))
        return call_refuse_text(c, ERR_BAD_FORMAT, "label",
                                "must be a host name label: lower-case letters, digits, hyphens");
    struct tenant other;
    int error = tenant_find_by_label(c, tenant->host_label, &other);
    if (!error)
        return call_refuse(c, ERR_DUPLICATE, "label");
    if (error != ERR_NOT_FOUND)
        return error;
    tenant->id = id_new();
    tenant->status = STR("active");
    tenant->created_at = tenant->updated_at = c->now;
    error = sql_insert(c->sql, "tenant", &tenant_row, tenant);
    return error == ERR_STORE_UNIQUE ? call_refuse(c, ERR_DUPLICATE, "label") : error;
}

int tenant_get(struct call *c, id_t64 tenant_id, const char *field, struct tenant *ret_tenant)
{
    int error = sql_one(c->sql, c->arena, &tenant_row, ret_tenant,
                        "SELECT * FROM tenant WHERE id = ?", sql_int(tenant_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
}

int tenant_find_by_label(struct call *c, struct str label, struct tenant *ret_tenant)
{
    return sql_one(c->sql, c->arena, &tenant_row, ret_tenant,
                   "SELECT * FROM tenant WHERE host_label = ?", sql_text(label));
}

int tenant_set_status(struct call *c, id_t64 tenant_id, struct str status,
                      struct tenant *ret_tenant)
{
    TRY(tenant_get(c, tenant_id, "tenant_id", ret_tenant));
    ret_tenant->status = status;
    ret_tenant->updated_at = c->now;
    credentials_forget(c->app->credentials, tenant_id);
    return sql_run(c->sql, "UPDATE tenant SET status = ?, updated_at = ? WHERE id = ?",
                   sql_text(status), sql_int(c->now), sql_int(tenant_id));
}

int tenant_list(struct call *c, const struct page *page, struct tenant **ret_tenants,
                size_t *ret_count)
{
    return sql_all(c->sql, c->arena, &tenant_row, ret_tenants, ret_count,
                   "SELECT * FROM tenant WHERE id < ? ORDER BY id DESC LIMIT ?",
                   sql_int(page->before), sql_int(page->limit + 1));
}

/* "second.example.com:8080" -> "second"; absent for addresses and single labels other than
 * tenants'. */
static struct str first_label(struct str host)
{
    if (host.len == 0 || host.ptr[0] == '[')
        return STR_NONE;
    struct str rest = host;
    struct str name = str_cut(&rest, ':');
    struct str after = name;
    struct str label = str_cut(&after, '.');
    bool digits = true;
    for (size_t i = 0; i < label.len; i++)
        digits = digits && isdigit((unsigned char)label.ptr[i]);
    return digits || label.len > 63 ? STR_NONE : label;
}

static int find_or_none(struct call *c, struct str label, id_t64 *ret_id)
{
    if (credentials_tenant_of_label(c->app->credentials, label, ret_id))
        return OK;
    struct tenant tenant;
    int error = tenant_find_by_label(c, label, &tenant);
    if (error && error != ERR_NOT_FOUND)
        return error;
    *ret_id = error ? 0 : tenant.id;
    /* Labels that name nobody are not remembered: anybody can make them up. */
    if (!error)
        credentials_remember_label(c->app->credentials, label, tenant.id);
    return OK;
}

int tenant_of_host(struct call *c, struct str host, id_t64 *ret_tenant_id)
{
    *ret_tenant_id = 0;
    struct str label = first_label(host);
    if (label.len) {
        char lower[64];
        for (size_t i = 0; i < label.len; i++)
            lower[i] = (char)tolower((unsigned char)label.ptr[i]);
        TRY(find_or_none(c, (struct str){lower, label.len}, ret_tenant_id));
    }
    if (*ret_tenant_id == 0)
        TRY(find_or_none(c, STR(TENANT_DEFAULT_LABEL), ret_tenant_id));
    return *ret_tenant_id ? OK : ERR_NOT_FOUND;
}
