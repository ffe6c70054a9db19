/*
 * A query whose conditions depend on what was asked: lists with filters. Fixed queries are
 * literals.
 *
 *     struct query query =
 *         query_new(arena, ROW_SELECT(WALLET_ROW) " FROM wallet WHERE tenant_id = ?");
 *     query_bind(&query, sql_int(tenant_id));
 *     if (status.ptr)
 *         query_and(&query, "status = ?", sql_text(status));
 *     query_add(&query, " ORDER BY id DESC");
 *     sql_all_args(sql, arena, &wallet_row, &rows, &count, query_text(&query), query.args);
 *
 * Only text of this program goes into the query; what comes from outside is bound.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "store/sql.h"

#define QUERY_MAX_ARGS 32

struct query {
    struct buf text;
    struct sql_value args[QUERY_MAX_ARGS + 1]; /* closed by SQL_END */
    size_t arg_count;
};

struct query query_new(struct arena *arena, const char *text);
void query_add(struct query *query, const char *text);
void query_bind(struct query *query, struct sql_value value);
/* " AND <condition>" with one value. */
void query_and(struct query *query, const char *condition, struct sql_value value);
/* The condition only where there is a value: a text that is present, an id or instant that is not
 * 0. */
void query_and_text(struct query *query, const char *condition, struct str value);
void query_and_id(struct query *query, const char *condition, int64_t value);
const char *query_text(struct query *query);

#endif
