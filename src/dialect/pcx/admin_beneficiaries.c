/* Payees as administrators list them: all of the tenant, or an organisation's. */
#include "base/json_build.h"
#include "core/identity/organisation.h"

#include "dialect/pcx/beneficiaries.h"
#include "dialect/pcx/wire.h"

/* Whoever wants to go further by page number has a cursor for it. */
#define FURTHEST_ROW 1000000

/* The cursor wins; without one the page number counts from the newest. */
static int read_page(struct call *c, const struct pcx_admin_list_beneficiaries_in *in,
                     struct str name, struct page *ret_page, int64_t *ret_skip)
{
    TRY(call_page(c, name, in->last_evaluated_key, "last_evaluated_key", in->limit, ret_page));
    *ret_skip = 0;
    if (!str_empty(in->last_evaluated_key))
        return OK;
    if (in->page > FURTHEST_ROW / in->limit)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "page",
                                "is too far: go on with last_evaluated_key");
    *ret_skip = (in->page - 1) * in->limit;
    return OK;
}

int pcx_admin_list_beneficiaries(struct call *c, const struct pcx_admin_list_beneficiaries_in *in,
                                 struct pcx_admin_list_beneficiaries_out *out)
{
    struct beneficiary_filter filter = {0};
    struct str name = STR("beneficiaries");
    struct page page;

    TRY(read_page(c, in, name, &page, &filter.skip));
    out->meta = ARENA_NEW(c->arena, struct pcx_admin_list_beneficiaries_out_meta);
    TRY(pcx_page_of_beneficiaries(c, &filter, name, &page, &out->data,
                                  &out->meta->last_evaluated_key));
    out->meta->has_count = out->meta->has_page = out->meta->has_limit = true;
    out->meta->count = (int64_t)out->data.count;
    out->meta->page = in->page;
    out->meta->limit = in->limit;
    return OK;
}

int pcx_list_org_beneficiaries(struct call *c, const struct pcx_list_org_beneficiaries_in *in,
                               struct pcx_list_org_beneficiaries_out *out)
{
    struct beneficiary_filter filter = {.beneficiary_type = in->type, .text = in->query};
    struct buf pagination = json_object(c->arena);
    struct page page;
    struct str cursor;

    TRY(call_parse_id(c, ID_ORGANISATION, in->org_id, "org_id", &filter.organisation_id));
    TRY(organisation_require(c, filter.organisation_id, ROLE_ORG_ADMIN, "org_id"));
    struct str name = arena_printf(c->arena, "beneficiaries|org|%lld|%.*s|%.*s",
                                   (long long)filter.organisation_id,
                                   STR_FMT(filter.beneficiary_type), STR_FMT(filter.text));
    TRY(pcx_read_token(c, in->next_token, "next_token", &cursor));
    TRY(call_page(c, name, cursor, "next_token", in->limit, &page));
    TRY(pcx_page_of_beneficiaries(c, &filter, name, &page, &out->data, &cursor));
    json_put_integer(&pagination, "count", (int64_t)out->data.count);
    json_put_boolean(&pagination, "has_more", str_present(cursor));
    json_put(&pagination, "next_token", pcx_write_token(c, cursor));
    out->pagination = json_object_end(&pagination);
    return OK;
}
