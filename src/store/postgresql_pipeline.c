/*
 * What was sent and not answered yet. Invariant: `pending` lists it in order, and only here is an
 * answer read.
 */
#include "base/metrics.h"
#include "store/postgresql.h"

static void count(const struct sql *sql, enum metric_counter counter)
{
    if (sql->store->metrics)
        metrics_count(sql->store->metrics, counter, 1);
}

void pg_push(struct sql *sql, enum pending_kind kind, struct prepared *prepared)
{
    struct pg *pg = sql->connection;
    assert(pg->pending_count < PG_MAX_PENDING);
    pg->pending[pg->pending_count++] = (struct pending){kind, prepared, NULL};
    if (kind == PENDING_EXECUTE)
        count(sql, METRIC_STORE_STATEMENTS);
}

/* One answer: its result, the last of it. NULL when the connection is gone. */
static PGresult *next_answer(struct pg *pg)
{
    PGresult *result = PQgetResult(pg->conn), *more;
    while (result && (more = PQgetResult(pg->conn)))
        PQclear(more);
    return result;
}

bool pg_is_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY;
}

/* Reads one pending answer; an error is noted unless one was before. */
static void read_answer(struct sql *sql, const struct pending *pending, int *error,
                        PGresult **ret_last)
{
    struct pg *pg = sql->connection;
    if (pending->kind == PENDING_SYNC) {
        PQclear(PQgetResult(pg->conn));
        return;
    }
    PGresult *result = next_answer(pg);
    bool failed = !result || pg_is_error(result);
    if (failed && pending->kind == PENDING_PREPARE)
        pending->prepared->sent_on = 0;
    if (failed && result && !*error && PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
        *error = pg_note_result(sql, result);
    if (pending->answer && !failed) {
        pg_answer_arrived(pending->answer, result);
        return;
    }
    if (ret_last && !failed && pending->kind == PENDING_EXECUTE) {
        PQclear(*ret_last);
        *ret_last = result;
        return;
    }
    PQclear(result);
}

bool pg_reads_implicitly(const struct sql *sql)
{
    return !sql->for_write && sql->transaction == TRANSACTION_READ;
}

/* Sends a sync point and reads all answers. *ret_last (may be NULL) is that of the last
 * statement. */
int pg_settle(struct sql *sql, PGresult **ret_last)
{
    struct pg *pg = sql->connection;
    int error = 0;
    if (ret_last)
        *ret_last = NULL;
    if (pg->pending_count == 0)
        return 0;
    pg->reading = pg_reads_implicitly(sql);
    if ((pg->reading ? PQsendFlushRequest(pg->conn) : PQpipelineSync(pg->conn)) != 1)
        return pg_lost(sql);
    if (!pg->reading)
        pg_push(sql, PENDING_SYNC, NULL);
    for (size_t i = 0; i < pg->pending_count && PQstatus(pg->conn) == CONNECTION_OK; i++)
        read_answer(sql, &pg->pending[i], &error, ret_last);
    pg->pending_count = 0;
    count(sql, sql->for_write ? METRIC_STORE_WRITE_TRIPS : METRIC_STORE_READ_TRIPS);
    bool gone = PQstatus(pg->conn) != CONNECTION_OK;
    if ((error || gone) && ret_last) {
        PQclear(*ret_last);
        *ret_last = NULL;
    }
    return gone || error == ERR_STORE_LOST ? pg_lost(sql) : error;
}

/* Is there room for a statement, a preparation and a sync point? */
int pg_make_room(struct sql *sql)
{
    struct pg *pg = sql->connection;
    return pg->pending_count + 4 > PG_MAX_PENDING ? pg_settle(sql, NULL) : 0;
}

/* Does an open statement wait for its answer? (Sync points of an ended read do not count.) */
bool pg_has_pending_statement(const struct pg *pg)
{
    return pg->pending_count > 0 && pg->pending[pg->pending_count - 1].kind != PENDING_SYNC;
}
