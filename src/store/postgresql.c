/*
 * The PostgreSQL engine, in libpq's pipeline mode throughout.
 *
 * What is sent is queued in `pending` until somebody needs an answer; then a sync point is sent and
 * all results are read in order. Writes whose caller needs no answer therefore cost no round trip
 * of their own. The first error among the pending ones is the one reported; PostgreSQL skips what
 * follows it up to the sync point.
 *
 * Errors stay attributable: before a savepoint is opened, and before one is released, the pending
 * statements are answered, so an error always belongs to the innermost savepoint that is open.
 *
 * Every write transaction stores its token (commit_token) right before COMMIT. When COMMIT's answer
 * is lost, a new connection inserts the same token: that waits for the old transaction if it still
 * runs, finds the token if it committed, and otherwise keeps it from ever committing, since its own
 * insert then fails.
 */
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "store/postgresql.h"

#define RETRY_PAUSE (50 * USEC_PER_MSEC)
#define COMMIT_PATIENCE (20 * USEC_PER_SEC)

/* ---- Transactions ---- */

const char *const pg_control_texts[] = {
    [BEGIN_WRITE] = "BEGIN",
    [BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [SAVEPOINT] = "SAVEPOINT s",
    [RELEASE] = "RELEASE SAVEPOINT s",
    [ROLLBACK_TO] = "ROLLBACK TO SAVEPOINT s",
};

static void sleep_for(usec_t duration)
{
    struct timespec time = {.tv_sec = duration / USEC_PER_SEC,
                            .tv_nsec = duration % USEC_PER_SEC * 1000};
    nanosleep(&time, NULL);
}

/* A token of its own making is dated 0: asking twice gives the same answer. */
static int pg_was_committed(struct sql *sql, int64_t token, bool *ret_committed)
{
    int64_t created_at = 0;
    int error = sql_run_args(sql,
                             "INSERT INTO commit_token (token, created_at) VALUES (?, 0)"
                             " ON CONFLICT DO NOTHING",
                             SQL_ARGS(sql_int(token)), NULL);
    if (!error)
        error = sql_integer(sql, &created_at, "SELECT created_at FROM commit_token WHERE token = ?",
                            sql_int(token));
    *ret_committed = created_at != 0;
    return error;
}

/* The connection broke while COMMIT was on its way. */
static int find_outcome(struct sql *sql)
{
    usec_t until = clock_monotonic() + COMMIT_PATIENCE;
    sql->transaction = TRANSACTION_NONE;
    sql->failed = 0;
    for (;;) {
        bool committed;
        if (sql_was_committed(sql, sql->token, &committed) == 0)
            return committed ? 0 : ERR_STORE_RETRY;
        if (clock_monotonic() > until)
            return ERR_STORE_LOST;
        sleep_for(RETRY_PAUSE);
    }
}

static int send_token(struct sql *sql)
{
    struct pg *pg = sql->connection;
    int error = pg_send_values(
        sql, statement_get(sql, "INSERT INTO commit_token (token, created_at) VALUES (?, ?)"),
        SQL_ARGS(sql_int(sql->token), sql_int(clock_now())));
    if (!error && pg->last_token)
        error = pg_send_values(sql, statement_get(sql, "DELETE FROM commit_token WHERE token = ?"),
                               SQL_ARGS(sql_int(pg->last_token)));
    return error;
}

static int commit_write(struct sql *sql)
{
    /* Before the token is sent a loss is harmless: nothing can have been committed. */
    int error = pg_send_deferred(sql, UINT_MAX);
    if (!error)
        error = pg_make_room(sql);
    if (error == ERR_STORE_LOST)
        return ERR_STORE_RETRY;
    if (!error)
        error = send_token(sql);
    if (!error)
        error = pg_send_text(sql, pg_control_texts[COMMIT]);
    PGresult *result = NULL;
    if (!error)
        error = pg_settle(sql, &result);
    if (error == ERR_STORE_LOST)
        return find_outcome(sql);
    /* COMMIT of a spoiled transaction answers ROLLBACK. */
    if (!error && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        error = sql_note(sql, ERR_STORE, "PostgreSQL rolled the transaction back");
    PQclear(result);
    if (error) {
        pg_send_text(sql, pg_control_texts[ROLLBACK]);
        if (sql->connection)
            pg_settle(sql, NULL);
        return error;
    }
    ((struct pg *)sql->connection)->last_token = sql->token;
    return 0;
}

/* Nobody needs the answer: it is read when the connection is next used. */
static int end_read(struct sql *sql)
{
    struct pg *pg = sql->connection;
    if (pg_reads_implicitly(sql) && !pg->reading && pg->pending_count == 0)
        return 0; /* nothing was asked */
    int error =
        pg_reads_implicitly(sql) && !pg->block ? 0 : pg_send_text(sql, pg_control_texts[COMMIT]);
    pg->reading = pg->block = false;
    if (error)
        return error;
    if (PQpipelineSync(pg->conn) != 1)
        return pg_lost(sql);
    pg_push(sql, PENDING_SYNC, NULL);
    return 0;
}

/* A statement that failed has the server skip everything up to the sync point. */
static int abandon_read(struct sql *sql)
{
    struct pg *pg = sql->connection;
    bool block = pg->block;
    pg->block = false;
    int error = end_read(sql);
    if (error || !block)
        return error;
    error = pg_send_text(sql, pg_control_texts[ROLLBACK]);
    pg = sql->connection;
    if (!error && PQpipelineSync(pg->conn) != 1)
        return pg_lost(sql);
    if (!error)
        pg_push(sql, PENDING_SYNC, NULL);
    return error;
}

static int roll_back(struct sql *sql)
{
    if (pg_reads_implicitly(sql))
        return abandon_read(sql);
    pg_settle(sql, NULL);
    if (!sql->connection)
        return ERR_STORE_LOST;
    int error = pg_send_text(sql, pg_control_texts[ROLLBACK]);
    return error ? error : pg_settle(sql, NULL);
}

/* What is pending belongs to the outer level; its error must not be taken for the inner one's. */
static int open_savepoint(struct sql *sql, unsigned savepoint)
{
    struct pg *pg = sql->connection;
    int error = 0;
    /* BEGIN and the RELEASE of the call before are all that stands there in a batch of calls. */
    if (savepoint > 1 && pg_has_pending_statement(pg))
        error = pg_settle(sql, NULL);
    return error ? error : pg_send_text(sql, pg_control_texts[SAVEPOINT]);
}

static int pg_control(struct sql *sql, enum control what, unsigned savepoint)
{
    struct pg *pg = sql->connection;
    int error;
    switch (what) {
    case BEGIN_WRITE:
    case BEGIN_READ:
        pg_deferred_clear(pg->deferred);
        pg_answers_clear(pg->answers);
        if (what == BEGIN_READ && !sql->for_write)
            return 0;
        return pg_send_text(sql, pg_control_texts[what]);
    case COMMIT:
        return sql->transaction == TRANSACTION_READ ? end_read(sql)
               : sql->wrote                         ? commit_write(sql)
                                                    : roll_back(sql);
    case ROLLBACK:
        return roll_back(sql);
    case SAVEPOINT:
        return open_savepoint(sql, savepoint);
    case RELEASE: {
        bool wait = pg_has_pending_statement(pg);
        error = pg_send_text(sql, pg_control_texts[RELEASE]);
        return error || !wait ? error : pg_settle(sql, NULL);
    }
    case ROLLBACK_TO:
        pg_settle(sql, NULL);
        if (!sql->connection)
            return ERR_STORE_LOST;
        pg_answers_forget(sql);
        error = pg_send_text(sql, pg_control_texts[ROLLBACK_TO]);
        if (!error)
            error = pg_send_text(sql, pg_control_texts[RELEASE]);
        return error ? error : pg_settle(sql, NULL);
    }
    return ERR_STORE;
}

const struct engine postgresql_engine = {
    .id = STORE_POSTGRESQL,
    .connect = pg_connect,
    .disconnect = pg_disconnect,
    .control = pg_control,
    .run = pg_run,
    .start = pg_start,
    .recall = pg_recall,
    .expect = pg_expect,
    .defer = pg_defer,
    .send_deferred = pg_send_deferred,
    .mark_deferred = pg_mark_deferred,
    .rewind_deferred = pg_rewind_deferred,
    .forget_answers = pg_answers_forget,
    .defers_for = pg_defers_for,
    .step = pg_step,
    .read = pg_read,
    .read_integer = pg_read_integer,
    .end = pg_end,
    .column_count = pg_column_count,
    .column_name = pg_column_name,
    .column_origin = pg_column_origin,
    .forget = pg_forget,
    .script = pg_script,
    .insert_many = pg_insert_many,
    .update_many = pg_update_many,
    .find_many = pg_find_many,
    .secret_columns = "SELECT table_name::text, column_name::text"
                      " FROM information_schema.columns"
                      " WHERE domain_name = 'secret' AND table_schema = current_schema()"
                      " ORDER BY 1, 2",
    .migration_lock = "SELECT pg_advisory_xact_lock(4732094831)",
    .migration_first = "CREATE DOMAIN secret AS BYTEA",
    .was_committed = pg_was_committed,
};
