/* Builds queries with optional conditions. */
#include "store/query.h"

#include <assert.h>

struct query query_new(struct arena *arena, const char *text)
{
    struct query query = {.text = buf_new(arena, 512)};

    buf_add_cstr(&query.text, text);
    return query;
}

void query_add(struct query *query, const char *text)
{
    buf_add_cstr(&query->text, text);
}

void query_bind(struct query *query, struct sql_value value)
{
    assert(query->arg_count < QUERY_MAX_ARGS);
    query->args[query->arg_count++] = value;
}

void query_and(struct query *query, const char *condition, struct sql_value value)
{
    buf_add_cstr(&query->text, " AND ");
    buf_add_cstr(&query->text, condition);
    query_bind(query, value);
}

void query_and_text(struct query *query, const char *condition, struct str value)
{
    if (str_present(value))
        query_and(query, condition, sql_text(value));
}

void query_and_id(struct query *query, const char *condition, int64_t value)
{
    if (value)
        query_and(query, condition, sql_int(value));
}

const char *query_text(struct query *query)
{
    return arena_cstr(query->text.arena, buf_str(&query->text));
}
