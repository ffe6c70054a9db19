/* Know-your-business records and their review. */
#include "core/kyb/kyb.h"

#include "base/json_build.h"
#include "core/identity/organisation.h"
#include "core/life_cycle.h"
#include "core/outbox.h"
#include "store/sql.h"

#define ROW_SELF struct kyb_record
ROW_TYPE(kyb_record, KYB_RECORD_ROW);
#undef ROW_SELF

int kyb_create(struct call *c, struct kyb_record *record)
{
    int64_t open;

    TRY(organisation_require(c, record->organisation_id, ROLE_ORG_ADMIN, "org_id"));
    TRY(sql_integer(c->sql, &open,
                    "SELECT COUNT(*) FROM kyb_record WHERE tenant_id = ? AND organisation_id = ?"
                    " AND status IN ('pending', 'approved')",
                    sql_int(c->principal.tenant_id), sql_int(record->organisation_id)));
    if (open > 0)
        return call_refuse_text(c, ERR_DUPLICATE, "org_id",
                                "The organisation has a KYB record that is pending or approved.");
    record->id = id_new();
    record->tenant_id = c->principal.tenant_id;
    record->status = STR("pending");
    record->review_notes = STR("");
    record->created_at = record->updated_at = c->now;
    return sql_insert(c->sql, "kyb_record", &kyb_record_row, record);
}

int kyb_get(struct call *c, id_t64 kyb_id, struct kyb_record *ret_record)
{
    int error = sql_one(c->sql, c->arena, &kyb_record_row, ret_record,
                        "SELECT * FROM kyb_record WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(kyb_id));
    if (error == ERR_NOT_FOUND)
        return call_refuse(c, error, "kyb_id");
    TRY(error);
    return organisation_require(c, ret_record->organisation_id, ROLE_ANY, NULL);
}

int kyb_list(struct call *c, struct str status, const struct page *page,
             struct kyb_record **ret_rows, size_t *ret_count)
{
    if (str_present(status))
        return sql_all(c->sql, c->arena, &kyb_record_row, ret_rows, ret_count,
                       "SELECT * FROM kyb_record WHERE tenant_id = ? AND status = ? AND id < ?"
                       " ORDER BY id DESC LIMIT ?",
                       sql_int(c->principal.tenant_id), sql_text(status), sql_int(page->before),
                       sql_int(page->limit + 1));
    return sql_all(c->sql, c->arena, &kyb_record_row, ret_rows, ret_count,
                   "SELECT * FROM kyb_record WHERE tenant_id = ? AND id < ?"
                   " ORDER BY id DESC LIMIT ?",
                   sql_int(c->principal.tenant_id), sql_int(page->before),
                   sql_int(page->limit + 1));
}

static int emit_event(struct call *c, const struct kyb_record *record)
{
    struct str type = arena_printf(c->arena, "kyb.%.*s", STR_FMT(record->status));
    struct buf data = json_object(c->arena);

    json_put(&data, "kyb_id", call_id(c, ID_KYB, record->id));
    json_put(&data, "org_id", call_id(c, ID_ORGANISATION, record->organisation_id));
    json_put(&data, "status", record->status);
    return outbox_event(c, record->organisation_id, type.ptr, json_object_end(&data));
}

/* Approval opens payments, anything else keeps them shut. */
static int open_payments(struct call *c, const struct kyb_record *record)
{
    struct organisation organisation;

    TRY(organisation_get(c, record->organisation_id, "org_id", &organisation));
    organisation.kyb_complete = str_is(record->status, "approved");
    return organisation_update(c, &organisation);
}

int kyb_decide(struct call *c, struct kyb_record *record, struct str status, struct str reviewed_by,
               struct str review_notes)
{
    bool approve = str_is(status, "approved");

    if (!approve && !str_is(status, "rejected"))
        return call_refuse_text(c, ERR_NOT_ALLOWED, "status", "must be approved or rejected");
    if (str_eq(record->status, status))
        return OK;
    TRY(life_cycle_step(c, &kyb_life_cycle, record->status, approve ? "approve" : "reject",
                        "status", &record->status));
    record->reviewed_by = reviewed_by;
    record->review_notes = str_or(review_notes, STR(""));
    record->updated_at = c->now;
    TRY(sql_update(c->sql, "kyb_record", &kyb_record_row, record));
    TRY(open_payments(c, record));
    return emit_event(c, record);
}
