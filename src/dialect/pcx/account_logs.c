/* Account activity: the log, and counts over it. */
#include "base/json_build.h"
#include "core/identity/organisation.h"
#include "core/wallet/events.h"
#include "dialect/pcx/wallet_wire.h"

static struct pcx_account_log wire_log(struct call *c, const struct wallet_log *log)
{
    return (struct pcx_account_log){
        .log_id = call_id(c, ID_LOG, log->id),
        .org_id =
            log->organisation_id ? call_id(c, ID_ORGANISATION, log->organisation_id) : STR_NONE,
        .account_id = log->wallet_id ? call_id(c, ID_ACCOUNT, log->wallet_id) : STR_NONE,
        .user_id = log->user_id ? call_id(c, ID_USER, log->user_id) : STR_NONE,
        .type = log->type,
        .message = log->message,
        .metadata = str_or(log->metadata, STR("{}")),
        .created_at = call_time(c, log->created_at),
    };
}

int pcx_list_account_logs(struct call *c, const struct pcx_list_account_logs_in *in,
                          struct pcx_list_account_logs_out *out)
{
    struct str name = arena_printf(c->arena, "logs/%.*s/%.*s/%.*s/%.*s/%.*s", STR_FMT(in->org_id),
                                   STR_FMT(in->account_id), STR_FMT(in->type),
                                   STR_FMT(in->start_date), STR_FMT(in->end_date));
    struct wallet_log_filter filter = {.type = in->type};
    struct wallet_log *logs;
    struct page page;
    size_t count;

    TRY(pcx_read_optional_id(c, ID_ORGANISATION, in->org_id, "org_id", &filter.organisation_id));
    TRY(pcx_read_optional_id(c, ID_ACCOUNT, in->account_id, "account_id", &filter.wallet_id));
    TRY(pcx_read_date_range(c, in->start_date, "start_date", in->end_date, "end_date", &filter.from,
                            &filter.until));
    TRY(call_page(c, name, in->last_evaluated_key, "last_evaluated_key",
                  in->has_limit ? in->limit : PCX_PAGE_LIMIT, &page));
    TRY(wallet_log_list(c, &filter, &page, &logs, &count));

    struct str cursor = call_page_end(c, name, &page, logs, &count);
    out->data.items = ARENA_ARRAY(c->arena, struct pcx_account_log, count);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        out->data.items[i] = wire_log(c, &logs[i]);
    PCX_FINISH_LIST(c, out, count, cursor);
    return 0;
}

/* Others than staff see the activity of their organisation. */
static int narrow(struct call *c, const struct pcx_get_log_metrics_in *in,
                  struct wallet_log_filter *filter)
{
    TRY(pcx_read_optional_id(c, ID_ORGANISATION, in->org_id, "org_id", &filter->organisation_id));
    TRY(pcx_read_optional_id(c, ID_ACCOUNT, in->account_id, "account_id", &filter->wallet_id));
    if (c->principal.staff)
        return 0;
    if (filter->wallet_id) {
        struct wallet wallet;
        TRY(wallet_get_for_caller(c, filter->wallet_id, "account_id", &wallet));
    }
    if (!filter->organisation_id) {
        filter->organisation_id = c->principal.organisation_id;
        if (!filter->organisation_id && !filter->wallet_id)
            return call_refuse(c, ERR_FORBIDDEN, "org_id");
        return 0;
    }
    return organisation_require(c, filter->organisation_id, ROLE_ANY, "org_id");
}

static void add(struct call *c, struct type_map *map, struct str name, int64_t count)
{
    struct type_member *member = NULL;
    int64_t before = 0;

    for (size_t i = 0; i < map->count && !member; i++)
        if (str_eq(map->items[i].name, name))
            member = &map->items[i];
    if (!member) {
        member = &map->items[map->count++];
        member->name = name;
    } else {
        str_to_i64(member->json, &before);
    }
    long long total = before + count;
    member->json = arena_printf(c->arena, "%lld", total);
}

int pcx_get_log_metrics(struct call *c, const struct pcx_get_log_metrics_in *in,
                        struct pcx_get_log_metrics_out *out)
{
    struct wallet_log_filter filter = {0};
    struct wallet_log_count *counts;
    struct pcx_log_metrics *metrics = ARENA_NEW(c->arena, struct pcx_log_metrics);
    usec_t first = 0, last = 0;
    size_t count;

    TRY(narrow(c, in, &filter));
    TRY(wallet_log_counts(c, &filter, &counts, &count));
    metrics->has_total_events = true;
    metrics->by_type.items = ARENA_ARRAY(c->arena, struct type_member, count + 1);
    metrics->by_status.items = ARENA_ARRAY(c->arena, struct type_member, count + 1);
    for (size_t i = 0; i < count; i++) {
        metrics->total_events += counts[i].event_count;
        add(c, &metrics->by_type, counts[i].type, counts[i].event_count);
        add(c, &metrics->by_status, counts[i].status, counts[i].event_count);
        if (!first || counts[i].first_at < first)
            first = counts[i].first_at;
        if (counts[i].last_at > last)
            last = counts[i].last_at;
    }
    metrics->first_event_at = call_time(c, first);
    metrics->last_event_at = call_time(c, last);
    out->data = metrics;
    return 0;
}
