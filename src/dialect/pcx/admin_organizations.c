/* PCX administration of organisations. */
#include "core/identity/organisation.h"

#include "dialect/pcx/organizations.h"
#include "dialect/pcx/wire.h"

int pcx_admin_list_organizations(struct call *c, const struct pcx_admin_list_organizations_in *in,
                                 struct pcx_admin_list_organizations_out *out)
{
    struct organisation_filter filter = {0};
    struct str cursor;

    out->data = ARENA_NEW(c->arena, struct pcx_admin_list_organizations_out_data);
    TRY(pcx_list_organizations(c, &filter, in->limit, in->last_evaluated_key, "lastEvaluatedKey",
                               &out->data->organizations, &cursor));
    if (str_present(cursor))
        out->data->last_evaluated_key = arena_printf(c->arena, "\"%.*s\"", STR_FMT(cursor));
    out->data->has_count = out->data->has_scanned_count = true;
    out->data->count = out->data->scanned_count = (int64_t)out->data->organizations.count;
    return OK;
}

static int set_status(struct call *c, struct str org_id, struct str status, struct str reason)
{
    struct organisation organisation;
    id_t64 id;

    TRY(call_parse_id(c, ID_ORGANISATION, org_id, "org_id", &id));
    TRY(organisation_get(c, id, "org_id", &organisation));
    return organisation_set_status(c, &organisation, status, reason);
}

int pcx_admin_update_organization_status(struct call *c,
                                         const struct pcx_admin_update_organization_status_in *in,
                                         struct pcx_admin_update_organization_status_out *out)
{
    struct str status = in->body->status;

    if (!str_is(status, "active") && !str_is(status, "inactive") && !str_is(status, "suspended"))
        return call_refuse_text(c, ERR_NOT_ALLOWED, "status",
                                "must be active, inactive or suspended");
    TRY(set_status(c, in->org_id, status, in->body->reason));
    out->data = STR("{}");
    return OK;
}

int pcx_admin_disable_organization(struct call *c,
                                   const struct pcx_admin_disable_organization_in *in,
                                   struct pcx_admin_disable_organization_out *out)
{
    TRY(set_status(c, in->org_id, STR("inactive"), STR("disabled by an administrator")));
    out->data = STR("{}");
    return OK;
}
