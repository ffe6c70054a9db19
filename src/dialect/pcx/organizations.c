/* PCX organisations as their members see them. Ids are snake_case, times camelCase, as
 * documented. */
#include "dialect/pcx/organizations.h"

#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "dialect/pcx/wire.h"

void pcx_show_organization(struct call *c, const struct organisation *organisation,
                           struct pcx_organization *out)
{
    *out = (struct pcx_organization){
        .org_id = call_id(c, ID_ORGANISATION, organisation->id),
        .org_name = organisation->name,
        .status = organisation->status,
        .country = organisation->country,
        .created_at = call_time(c, organisation->created_at),
        .updated_at = call_time(c, organisation->updated_at),
        .has_kyb_complete = true,
        .kyb_complete = organisation->kyb_complete,
    };
}

static struct pcx_organization *show_one(struct call *c, const struct organisation *organisation)
{
    struct pcx_organization *out = ARENA_NEW(c->arena, struct pcx_organization);
    pcx_show_organization(c, organisation, out);
    return out;
}

int pcx_list_organizations(struct call *c, const struct organisation_filter *filter, int64_t limit,
                           struct str cursor, const char *cursor_field,
                           struct pcx_organization_array *ret_data, struct str *ret_cursor)
{
    struct organisation *rows;
    struct page page;
    size_t count;
    struct str list =
        arena_printf(c->arena, "organizations|%lld|%.*s|%lld|%lld", (long long)filter->member_id,
                     STR_FMT(filter->country), (long long)filter->from, (long long)filter->until);

    *ret_cursor = STR_NONE;
    TRY(call_page(c, list, cursor, cursor_field, limit, &page));
    TRY(organisation_list(c, filter, &page, &rows, &count));
    *ret_cursor = call_page_end(c, list, &page, rows, &count);
    ret_data->items = ARENA_ARRAY(c->arena, struct pcx_organization, count + 1);
    ret_data->count = count;
    for (size_t i = 0; i < count; i++)
        pcx_show_organization(c, &rows[i], &ret_data->items[i]);
    return OK;
}

/* Companies may share a name, but nobody founds the same one twice: that is a request sent again. */
static int refuse_second(struct call *c, const struct organisation *organisation)
{
    struct organisation other;
    int error = organisation_find_by_name(c, str_trim(organisation->name), organisation->created_by,
                                          &other);
    if (error)
        return error == ERR_NOT_FOUND ? OK : error;
    return call_refuse_text(c, ERR_DUPLICATE, "org_name",
                            "is the name of an organisation that the creator belongs to already");
}

/* The creator becomes the organisation's first administrator, so that somebody can run it. */
int pcx_create_organization(struct call *c, const struct pcx_create_organization_in *in,
                            struct pcx_create_organization_out *out)
{
    const struct pcx_create_organization_body *body = in->body;
    struct organisation organisation = {.name = body->org_name, .country = body->country};
    struct membership membership = {.role = STR("admin"), .status = STR("active")};
    struct user creator;

    if (str_empty(str_trim(body->country)))
        return call_refuse(c, ERR_REQUIRED, "country");
    TRY(pcx_read_id(c, ID_USER, body->created_by, "created_by", &organisation.created_by));
    if (!call_may_act_for_user(c, organisation.created_by))
        return call_refuse(c, ERR_FORBIDDEN, "created_by");
    TRY(user_get(c, organisation.created_by, "created_by", &creator));
    TRY(refuse_second(c, &organisation));
    TRY(organisation_create(c, &organisation));
    membership.organisation_id = organisation.id;
    membership.user_id = organisation.created_by;
    TRY(membership_add(c, &membership, "created_by"));
    out->data = show_one(c, &organisation);
    return OK;
}

/* The cursor is an object here, because the documented service hands its store's key out. */
static struct str read_cursor_object(struct call *c, struct str object)
{
    const struct json *json;

    if (!str_present(object) || json_parse(c->arena, object, &json) != OK || json_count(json) == 0)
        return STR_NONE;
    return str_or(json_string(json_get(json, "cursor")), STR("?"));
}

static struct str write_cursor_object(struct call *c, struct str cursor)
{
    return str_present(cursor) ? arena_printf(c->arena, "{\"cursor\":\"%.*s\"}", STR_FMT(cursor))
                               : STR_NONE;
}

/* The contract's default, for when there is no body to have it. */
#define FILTER_LIMIT 10

int pcx_filter_organizations(struct call *c, const struct pcx_filter_organizations_in *in,
                             struct pcx_filter_organizations_out *out)
{
    static const struct pcx_filter_organizations_body no_body = {.limit = FILTER_LIMIT};
    const struct pcx_filter_organizations_body *body = in->body ? in->body : &no_body;
    struct organisation_filter filter = {
        .country = body->country, .member_id = c->principal.staff ? 0 : c->principal.user_id};
    struct str cursor;

    TRY(pcx_read_date_range(c, body->start_date, "start_date", body->end_date, "end_date",
                            &filter.from, &filter.until));
    out->data = ARENA_NEW(c->arena, struct pcx_filter_organizations_out_data);
    TRY(pcx_list_organizations(c, &filter, body->limit,
                               read_cursor_object(c, body->last_evaluated_key),
                               "last_evaluated_key", &out->data->organizations, &cursor));
    out->data->last_evaluated_key = write_cursor_object(c, cursor);
    out->data->has_count = out->data->has_scanned_count = true;
    out->data->count = out->data->scanned_count = (int64_t)out->data->organizations.count;
    return OK;
}

int pcx_get_organization_by_name(struct call *c, const struct pcx_get_organization_by_name_in *in,
                                 struct pcx_get_organization_by_name_out *out)
{
    struct organisation organisation;
    int error = organisation_find_by_name(
        c, in->org_name, c->principal.staff ? 0 : c->principal.user_id, &organisation);

    if (error)
        return error == ERR_NOT_FOUND ? call_refuse(c, error, "org_name") : error;
    out->data = show_one(c, &organisation);
    return OK;
}

#define MAX_COUNTRY_LIST 1000

int pcx_get_organizations_by_country(struct call *c,
                                     const struct pcx_get_organizations_by_country_in *in,
                                     struct pcx_get_organizations_by_country_out *out)
{
    struct organisation_filter filter = {.member_id =
                                             c->principal.staff ? 0 : c->principal.user_id};
    struct page page = {.limit = MAX_COUNTRY_LIST, .before = INT64_MAX};
    struct organisation *rows;
    size_t count;

    (void)in;
    TRY(organisation_list(c, &filter, &page, &rows, &count));
    out->data.items = ARENA_ARRAY(c->arena, struct type_member, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct str country = str_or(rows[i].country, STR("unknown"));
        struct buf list = buf_new(c->arena, 256);
        bool seen = false;
        for (size_t k = 0; k < out->data.count; k++)
            seen = seen || str_eq(out->data.items[k].name, country);
        if (seen)
            continue;
        buf_add_char(&list, '[');
        for (size_t k = i; k < count; k++) {
            if (!str_eq(str_or(rows[k].country, STR("unknown")), country))
                continue;
            if (k > i)
                buf_add_char(&list, ',');
            json_encode_object(&list, &pcx_organization_type, show_one(c, &rows[k]));
        }
        buf_add_char(&list, ']');
        out->data.items[out->data.count++] =
            (struct type_member){.name = country, .json = buf_str(&list)};
    }
    return OK;
}

int pcx_get_organization(struct call *c, const struct pcx_get_organization_in *in,
                         struct pcx_get_organization_out *out)
{
    struct organisation organisation;
    id_t64 id;

    TRY(call_parse_id(c, ID_ORGANISATION, in->org_id, "org_id", &id));
    TRY(organisation_require(c, id, ROLE_ORG_ADMIN | ROLE_STAFF | ROLE_USER, "org_id"));
    TRY(organisation_get(c, id, "org_id", &organisation));
    out->data = show_one(c, &organisation);
    return OK;
}
