/*
 * Entries: what a client sees of the movements on a wallet. An entry is written in the transaction
 * that moves the money, and its state follows the life cycle of what it stands for; it is never
 * deleted.
 */
#include "core/wallet/wallet.h"

#include "store/query.h"

#define ROW_SELF struct wallet_entry
ROW_TYPE(wallet_entry, WALLET_ENTRY_ROW);
#undef ROW_SELF

#define ENTRY_SELECT ROW_SELECT(WALLET_ENTRY_ROW) " FROM wallet_entry WHERE tenant_id = ?"

struct wallet_entry wallet_entry_for(struct call *c, const struct wallet *wallet, const char *type,
                                     const char *kind, const char *status, money_t amount)
{
    id_t64 id = id_new();

    return (struct wallet_entry){
        .id = id,
        .tenant_id = wallet->tenant_id,
        .wallet_id = wallet->id,
        .organisation_id = wallet->organisation_id,
        .user_id = wallet->user_id,
        .type = str_from(type),
        .kind = str_from(kind),
        .status = str_from(status),
        .asset = wallet->asset,
        .amount = amount,
        .provider = wallet->provider,
        .reference = call_id(c, ID_ACCOUNT_ENTRY, id),
        .created_at = c->now,
        .updated_at = c->now,
    };
}

int wallet_add_entries(struct call *c, const struct wallet_entry *entries, size_t count)
{
    struct wallet_entry *chained = ARENA_ARRAY(c->arena, struct wallet_entry, count);

    for (size_t i = 0; i < count; i++) {
        struct wallet_chain *chain;
        chained[i] = entries[i];
        TRY(sql_keep_row(c->sql, "wallet_chain", &wallet_chain_row, entries[i].wallet_id,
                         (void **)&chain));
        chained[i].previous_id = chain->last_entry_id;
        chain->last_entry_id = entries[i].id;
        chain->last_entry_at = entries[i].created_at;
        chain->entry_count++;
    }
    return sql_insert_many(c->sql, "wallet_entry", &wallet_entry_row, chained, count);
}

static bool ended(struct str status)
{
    return str_is(status, "completed") || str_is(status, "failed") || str_is(status, "rejected");
}

int wallet_update_entry(struct call *c, struct wallet_entry *entry, struct str status)
{
    entry->status = status;
    entry->updated_at = c->now;
    if (ended(status)) {
        entry->hold_id = 0;
        entry->fee_hold_id = 0;
    }
    return sql_update(c->sql, "wallet_entry", &wallet_entry_row, entry);
}

int wallet_entry_get(struct call *c, id_t64 entry_id, const char *field,
                     struct wallet_entry *ret_entry)
{
    int error = sql_one(c->sql, c->arena, &wallet_entry_row, ret_entry, ENTRY_SELECT " AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(entry_id));

    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_NOT_FOUND, field, "The transaction was not found.");
    return error;
}

int wallet_entry_get_for_caller(struct call *c, id_t64 entry_id, const char *field,
                                struct wallet_entry *ret_entry)
{
    TRY(wallet_entry_get(c, entry_id, field, ret_entry));

    const struct wallet owner = {.organisation_id = ret_entry->organisation_id,
                                 .user_id = ret_entry->user_id};
    return wallet_require_use(c, &owner, field);
}

#define CHAIN_COLUMN(kind, field) ", e." #field

#define CHAIN_ROWS "SELECT 1 AS found" WALLET_ENTRY_ROW(CHAIN_COLUMN)

struct query wallet_entry_chain(struct call *c, id_t64 wallet_id, id_t64 before, usec_t from)
{
    bool first = before == INT64_MAX;
    struct query query =
        query_new(c->arena, "WITH RECURSIVE chain AS (" CHAIN_ROWS
                            " FROM wallet_entry e WHERE e.tenant_id = ? AND e.wallet_id = ?"
                            " AND e.id = ");

    query_bind(&query, sql_int(c->principal.tenant_id));
    query_bind(&query, sql_int(wallet_id));
    query_add(&query,
              first ? "(SELECT last_entry_id FROM wallet_chain WHERE tenant_id = ? AND id = ?)"
                    : "(SELECT previous_id FROM wallet_entry WHERE tenant_id = ? AND id = ?)");
    query_bind(&query, sql_int(c->principal.tenant_id));
    query_bind(&query, sql_int(first ? wallet_id : before));
    query_and_id(&query, "e.created_at >= ?", from);
    query_add(&query,
              " UNION ALL " CHAIN_ROWS " FROM chain JOIN wallet_entry e ON e.id = chain.previous_id"
              " WHERE e.tenant_id = ?");
    query_bind(&query, sql_int(c->principal.tenant_id));
    query_and_id(&query, "e.created_at >= ?", from);
    query_add(&query, ") ");
    return query;
}

static struct query list_query(struct call *c, const struct wallet_entry_filter *filter,
                               const struct page *page)
{
    if (filter->wallet_id) {
        struct query chain = wallet_entry_chain(c, filter->wallet_id, page->before, filter->from);
        query_add(&chain, ROW_SELECT(WALLET_ENTRY_ROW) " FROM chain WHERE 1 = 1");
        return chain;
    }

    struct query query = query_new(c->arena, ENTRY_SELECT);
    query_bind(&query, sql_int(c->principal.tenant_id));
    query_and(&query, "id < ?", sql_int(page->before));
    return query;
}

int wallet_entry_list(struct call *c, const struct wallet_entry_filter *filter,
                      const struct page *page, struct wallet_entry **ret_entries, size_t *ret_count)
{
    struct query query = list_query(c, filter, page);

    query_and_id(&query, "organisation_id = ?", filter->organisation_id);
    query_and_id(&query, "user_id = ?", filter->user_id);
    query_and_id(&query, "asset = ?", filter->asset);
    query_and_text(&query, "type = ?", filter->type);
    query_and_text(&query, "kind = ?", filter->kind);
    query_and_text(&query, "status = ?", filter->status);
    if (filter->naira_rail)
        query_add(&query, " AND (provider = 'squadco' OR kind = 'withdrawal')");
    query_and_id(&query, "created_at >= ?", filter->from);
    query_and_id(&query, "created_at < ?", filter->until);
    /* A chain is walked newest first; sorting it would mean walking all of it. */
    query_add(&query, filter->wallet_id ? " LIMIT ?" : " ORDER BY id DESC LIMIT ?");
    query_bind(&query, sql_int(page->limit + 1));
    return sql_all_args(c->sql, c->arena, &wallet_entry_row, (void **)ret_entries, ret_count,
                        query_text(&query), query.args);
}
