/* The audit trail as operators read it. */
#include "core/audit/audit.h"
#include "base/digest.h"
#include "core/route.h"
#include "dialect/platform/platform.h"
#include "generated/platform.h"

static struct str dialect_of(struct str operation_id)
{
    const struct route *route = route_by_operation_id(operation_id);

    return route ? str_from(dialects[route->dialect]->name) : STR_NONE;
}

static void show(struct call *c, const struct audit *entry, struct platform_audit_entry *out)
{
    *out = (struct platform_audit_entry){
        .audit_id = entry->sequence,
        .operation_id = entry->operation,
        .dialect = dialect_of(entry->operation),
        .user_id = platform_id_or_none(c, ID_USER, entry->user_id),
        .has_credential_id = entry->credential_id != 0,
        .credential_id = entry->credential_id,
        .path = str_or(entry->subject, STR("")),
        .outcome = entry->outcome,
        .request_id = entry->request_id,
        .details = str_empty(entry->request) ? STR_NONE : entry->request,
        .hash = hex_print(c->arena, entry->hash.ptr, entry->hash.len),
        .created_at = call_time(c, entry->at),
    };
}

static struct str list_name(struct call *c, const struct platform_list_audit_in *in)
{
    const struct str texts[] = {in->operation_id, in->user_id, in->subject_id, in->from, in->to};
    struct buf out = buf_new(c->arena, 128);

    buf_add_cstr(&out, "audit");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        buf_printf(&out, "|%zu:%.*s", texts[i].len, STR_FMT(str_or(texts[i], STR(""))));
    return buf_str(&out);
}

int platform_list_audit(struct call *c, const struct platform_list_audit_in *in,
                        struct platform_list_audit_out *out)
{
    struct audit_filter filter = {.operation = in->operation_id, .record = in->subject_id};
    struct str list = list_name(c, in);
    struct audit *entries;
    struct page page;
    size_t count;

    if (str_present(in->user_id))
        TRY(platform_read_id(c, ID_USER, in->user_id, "user_id", &filter.user_id));
    if (str_present(in->from))
        time_parse(in->from, &filter.from);
    if (str_present(in->to))
        time_parse(in->to, &filter.to);
    TRY(call_page(c, list, in->cursor, "cursor", in->limit, &page));
    TRY(audit_list(c, &filter, &page, &entries, &count));
    bool more = count > (size_t)page.limit;
    count -= more;
    out->data.items = ARENA_ARRAY(c->arena, struct platform_audit_entry, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        show(c, &entries[i], &out->data.items[i]);
    out->meta = ARENA_NEW(c->arena, struct platform_page_meta);
    out->meta->count = (int64_t)count;
    if (more)
        out->meta->next_cursor = call_page_cursor(c, list, entries[count - 1].sequence);
    return OK;
}
