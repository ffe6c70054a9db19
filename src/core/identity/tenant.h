/*
 * Tenants: the customers of this installation, walled off from each other. All other records carry
 * a tenant's id. A request that brings no credential belongs to the tenant its Host header names,
 * or the default one.
 */
#ifndef CORE_IDENTITY_TENANT_H
#define CORE_IDENTITY_TENANT_H

#include "core/call.h"
#include "store/row.h"

/* status: active | suspended. host_label: lower-case letters, digits and hyphens, at most 63. */
#define TENANT_ROW(F)      \
    F(INTEGER, id)         \
    F(TEXT, name)          \
    F(TEXT, host_label)    \
    F(TEXT, status)        \
    F(INTEGER, created_at) \
    F(INTEGER, updated_at)
ROW_STRUCT(tenant, TENANT_ROW);

/* The label of the tenant that serves plain host names and addresses. */
#define TENANT_DEFAULT_LABEL "default"

/* id, status and times are filled in. ERR_DUPLICATE for "label" when it is taken. */
int tenant_create(struct call *c, struct tenant *tenant);
int tenant_get(struct call *c, id_t64 tenant_id, const char *field, struct tenant *ret_tenant);
int tenant_find_by_label(struct call *c, struct str label, struct tenant *ret_tenant);
int tenant_set_status(struct call *c, id_t64 tenant_id, struct str status,
                      struct tenant *ret_tenant);
/* All of them, newest first. */
int tenant_list(struct call *c, const struct page *page, struct tenant **ret_tenants,
                size_t *ret_count);

/*
 * The tenant that a Host header names by its first label; the default tenant for addresses,
 * "localhost" and labels that name nobody. Cached. ERR_NOT_FOUND when there is no default tenant
 * yet.
 */
int tenant_of_host(struct call *c, struct str host, id_t64 *ret_tenant_id);

#endif
