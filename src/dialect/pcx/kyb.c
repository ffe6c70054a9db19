/* PCX know-your-business: records handed in and their review. Bodies mix snake_case and camelCase,
 * as documented. */
#include "core/kyb/kyb.h"

#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

static struct str encode(struct call *c, const struct type *type, const void *object)
{
    if (!object)
        return STR_NONE;
    struct buf out = buf_new(c->arena, 512);
    json_encode_object(&out, type, object);
    return buf_str(&out);
}

static int show(struct call *c, const struct kyb_record *record, struct pcx_kyb_record *out)
{
    struct json_problem *problems = NULL; /* decoding appends */
    struct organisation organisation;
    struct user user;

    TRY(organisation_get(c, record->organisation_id, "org_id", &organisation));
    TRY(user_get(c, record->user_id, "user_id", &user));
    *out = (struct pcx_kyb_record){
        .kyb_id = call_id(c, ID_KYB, record->id),
        .org_id = call_id(c, ID_ORGANISATION, record->organisation_id),
        .user_id = call_id(c, ID_USER, record->user_id),
        .user_created_at = call_time(c, user.created_at),
        .org_created_at = call_time(c, organisation.created_at),
        .status = record->status,
        .reviewed_by = record->reviewed_by,
        .review_notes = record->review_notes,
        .created_at = call_time(c, record->created_at),
        .updated_at = call_time(c, record->updated_at),
    };
    if (str_present(record->business_info)) {
        out->business_info = ARENA_NEW(c->arena, struct pcx_kyb_business_info);
        TRY(json_decode_object(c->arena, record->business_info, &pcx_kyb_business_info_type,
                               out->business_info, &problems));
    }
    if (str_present(record->documents)) {
        out->kyb_documents = ARENA_NEW(c->arena, struct pcx_kyb_documents);
        TRY(json_decode_object(c->arena, record->documents, &pcx_kyb_documents_type,
                               out->kyb_documents, &problems));
    }
    return OK;
}

static int show_one(struct call *c, const struct kyb_record *record,
                    struct pcx_kyb_record **ret_record)
{
    *ret_record = ARENA_NEW(c->arena, struct pcx_kyb_record);
    return show(c, record, *ret_record);
}

/* The creation times are the upstream store's sort keys: a wrong one finds no record. */
static int require_created_at(struct call *c, struct str text, usec_t created_at, const char *field)
{
    usec_t instant;

    if (!time_parse(text, &instant))
        return call_refuse(c, ERR_BAD_FORMAT, field);
    if (instant / USEC_PER_MSEC != created_at / USEC_PER_MSEC)
        return call_refuse_text(c, ERR_NOT_FOUND, field, "is not when the record was made");
    return OK;
}

int pcx_create_kyb(struct call *c, const struct pcx_create_kyb_in *in,
                   struct pcx_create_kyb_out *out)
{
    const struct pcx_create_kyb_body *body = in->body;
    struct kyb_record record = {
        .business_info = encode(c, &pcx_kyb_business_info_type, body->business_info),
        .documents = encode(c, &pcx_kyb_documents_type, body->kyb_documents)};
    struct organisation organisation;
    struct user user;

    TRY(pcx_read_id(c, ID_ORGANISATION, body->org_id, "org_id", &record.organisation_id));
    TRY(pcx_read_id(c, ID_USER, body->user_id, "user_id", &record.user_id));
    TRY(organisation_require(c, record.organisation_id, ROLE_ORG_ADMIN, "org_id"));
    TRY(organisation_get(c, record.organisation_id, "org_id", &organisation));
    TRY(user_get(c, record.user_id, "user_id", &user));
    TRY(organisation_require_member(c, record.organisation_id, &user, "user_id"));
    TRY(require_created_at(c, body->user_created_at, user.created_at, "userCreatedAt"));
    TRY(require_created_at(c, body->org_created_at, organisation.created_at, "orgCreatedAt"));
    TRY(kyb_create(c, &record));
    return show_one(c, &record, &out->data);
}

int pcx_list_kyb(struct call *c, const struct pcx_list_kyb_in *in, struct pcx_list_kyb_out *out)
{
    struct kyb_record *rows;
    struct page page;
    size_t count;
    struct str list = arena_printf(c->arena, "kyb|%.*s", STR_FMT(in->status));

    TRY(call_page(c, list, in->last_evaluated_key, "lastEvaluatedKey", in->limit, &page));
    TRY(kyb_list(c, in->status, &page, &rows, &count));
    out->data = ARENA_NEW(c->arena, struct pcx_list_kyb_out_data);
    out->data->last_evaluated_key = call_page_end(c, list, &page, rows, &count);
    out->data->has_count = true;
    out->data->count = (int64_t)count;
    out->data->items.items = ARENA_ARRAY(c->arena, struct pcx_kyb_record, count + 1);
    out->data->items.count = count;
    for (size_t i = 0; i < count; i++)
        TRY(show(c, &rows[i], &out->data->items.items[i]));
    return OK;
}

int pcx_get_kyb(struct call *c, const struct pcx_get_kyb_in *in, struct pcx_get_kyb_out *out)
{
    struct kyb_record record;
    id_t64 id;

    TRY(call_parse_id(c, ID_KYB, in->kyb_id, "kyb_id", &id));
    TRY(kyb_get(c, id, &record));
    return show_one(c, &record, &out->data);
}

int pcx_update_kyb_status(struct call *c, const struct pcx_update_kyb_status_in *in,
                          struct pcx_update_kyb_status_out *out)
{
    const struct pcx_update_kyb_status_body *body = in->body;
    struct kyb_record record;
    id_t64 id, organisation_id;

    TRY(call_parse_id(c, ID_KYB, in->kyb_id, "kyb_id", &id));
    TRY(kyb_get(c, id, &record));
    TRY(pcx_read_id(c, ID_ORGANISATION, body->org_id, "orgId", &organisation_id));
    if (organisation_id != record.organisation_id)
        return call_refuse(c, ERR_NOT_FOUND, "orgId");
    TRY(require_created_at(c, body->created_at, record.created_at, "createdAt"));
    TRY(kyb_decide(c, &record, body->status, body->reviewed_by, body->review_notes));
    return show_one(c, &record, &out->data);
}
