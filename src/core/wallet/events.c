/* Webhook events of wallets and their log. */
#include "core/wallet/events.h"

#include "base/json_build.h"
#include "core/outbox.h"
#include "store/query.h"

#define ROW_SELF struct wallet_log
ROW_TYPE(wallet_log, WALLET_LOG_ROW);
#undef ROW_SELF

#define ROW_SELF struct wallet_log_count
ROW_TYPE(wallet_log_count, WALLET_LOG_COUNT_ROW);
#undef ROW_SELF

/* ---- Webhooks ---- */

static struct str entry_json(struct call *c, const struct wallet_entry *entry)
{
    const struct asset *asset = asset_by_id((int)entry->asset);
    struct buf out = json_object(c->arena);

    json_put(&out, "transaction_id", call_id(c, ID_ACCOUNT_ENTRY, entry->id));
    json_put(&out, "account_id", call_id(c, ID_ACCOUNT, entry->wallet_id));
    if (entry->organisation_id)
        json_put(&out, "org_id", call_id(c, ID_ORGANISATION, entry->organisation_id));
    if (entry->user_id)
        json_put(&out, "user_id", call_id(c, ID_USER, entry->user_id));
    json_put(&out, "type", entry->type);
    json_put(&out, "status", entry->status);
    json_put_decimal(&out, "amount", money_to_decimal(entry->amount, asset));
    json_put_decimal(&out, "fee", money_to_decimal(entry->fee, asset));
    json_put(&out, "currency", str_from(asset->code));
    json_put(&out, "reference", entry->reference);
    json_put(&out, "description", entry->description);
    json_put(&out, "updated_at", call_time(c, entry->updated_at));
    return json_object_end(&out);
}

static int send_event(struct call *c, const struct wallet_entry *entry)
{
    bool credit = str_is(entry->type, "credit");
    const char *type;

    if (str_is(entry->status, "completed"))
        type = credit ? "virtual_account.credited" : "virtual_account.debited";
    else
        type = arena_printf(c->arena, "virtual_account.%s_%.*s", credit ? "deposit" : "withdrawal",
                            STR_FMT(entry->status))
                   .ptr;
    return outbox_event(c, entry->organisation_id, type, entry_json(c, entry));
}

int wallet_entry_events(struct call *c, const struct wallet_entry *entries, size_t count)
{
    bool heard = false;

    for (size_t i = 0; i < count; i++) {
        if (i == 0 || entries[i].organisation_id != entries[i - 1].organisation_id)
            TRY(outbox_has_listeners(c, entries[i].organisation_id, &heard));
        if (heard)
            TRY(send_event(c, &entries[i]));
    }
    return 0;
}

int wallet_entry_event(struct call *c, const struct wallet_entry *entry)
{
    return wallet_entry_events(c, entry, 1);
}

/* ---- The log ---- */

int wallet_log(struct call *c, const struct wallet *wallet, const char *type, const char *status,
               const char *message, struct str metadata)
{
    const struct wallet_log log = {
        .id = id_new(),
        .tenant_id = c->principal.tenant_id,
        .organisation_id = wallet->organisation_id,
        .wallet_id = wallet->id,
        .user_id = c->principal.user_id,
        .type = str_from(type),
        .status = str_from(status),
        .message = str_from(message),
        .metadata = metadata,
        .created_at = c->now,
    };
    return sql_append(c->sql, "wallet_log", &wallet_log_row, &log);
}

static void add_filter(struct query *query, const struct wallet_log_filter *filter,
                       const char *type_condition, const struct page *page)
{
    query_and_id(query, "organisation_id = ?", filter->organisation_id);
    query_and_id(query, "wallet_id = ?", filter->wallet_id);
    query_and_text(query, type_condition, filter->type);
    query_and_id(query, "created_at >= ?", filter->from);
    query_and_id(query, "created_at < ?", filter->until);
    if (page)
        query_and(query, "id < ?", sql_int(page->before));
}

/* The newest entries as far as a page can hold them, or all of them. */
static void add_entries(struct query *query, struct call *c, const struct wallet_log_filter *filter,
                        const struct page *page)
{
    query_add(query, " UNION ALL SELECT id, tenant_id, organisation_id, wallet_id, user_id,"
                     " kind AS type, status, COALESCE(description, kind || ' ' || type) AS message,"
                     " NULL AS metadata, created_at FROM (SELECT * FROM ");
    query_add(query, filter->wallet_id ? "chain" : "wallet_entry");
    query_add(query, " WHERE tenant_id = ?");
    query_bind(query, sql_int(c->principal.tenant_id));
    add_filter(query, filter, "kind = ?", page);
    if (page) {
        query_add(query, filter->wallet_id ? " LIMIT ?" : " ORDER BY id DESC LIMIT ?");
        query_bind(query, sql_int(page->limit + 1));
    }
    query_add(query, ") AS newest");
}

/* The log and the entries as one stream. */
static struct query log_query(struct call *c, const struct wallet_log_filter *filter,
                              const struct page *page)
{
    struct query query = filter->wallet_id
                             ? wallet_entry_chain(c, filter->wallet_id, INT64_MAX, filter->from)
                             : query_new(c->arena, "");

    query_add(&query, "SELECT id, tenant_id, organisation_id, wallet_id, user_id, type, status,"
                      " message, metadata, created_at FROM wallet_log WHERE tenant_id = ?");
    query_bind(&query, sql_int(c->principal.tenant_id));
    add_filter(&query, filter, "type = ?", page);
    add_entries(&query, c, filter, page);
    if (page) {
        query_add(&query, " ORDER BY id DESC LIMIT ?");
        query_bind(&query, sql_int(page->limit + 1));
    }
    return query;
}

int wallet_log_list(struct call *c, const struct wallet_log_filter *filter, const struct page *page,
                    struct wallet_log **ret_logs, size_t *ret_count)
{
    struct query query = log_query(c, filter, page);

    return sql_all_args(c->sql, c->arena, &wallet_log_row, (void **)ret_logs, ret_count,
                        query_text(&query), query.args);
}

int wallet_log_counts(struct call *c, const struct wallet_log_filter *filter,
                      struct wallet_log_count **ret_counts, size_t *ret_count)
{
    struct query events = log_query(c, filter, NULL);
    const char *text =
        arena_printf(c->arena,
                     "SELECT type, status, COUNT(*) AS event_count, MIN(created_at) AS first_at,"
                     " MAX(created_at) AS last_at FROM (%s) AS events GROUP BY type, status"
                     " ORDER BY type, status",
                     query_text(&events))
            .ptr;

    return sql_all_args(c->sql, c->arena, &wallet_log_count_row, (void **)ret_counts, ret_count,
                        text, events.args);
}
