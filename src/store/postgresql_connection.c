/* Connecting to PostgreSQL, losing the connection, and what the server's errors mean here. */
#include <stdatomic.h>
#include <stdlib.h>

#include "store/postgresql.h"

#define FIRST_BACKOFF (50 * USEC_PER_MSEC)
#define LONGEST_BACKOFF (2 * USEC_PER_SEC)

/* ---- Errors ---- */

static int map_state(const char *state)
{
    if (!state)
        return ERR_STORE;
    if (strcmp(state, "23505") == 0)
        return ERR_STORE_UNIQUE;
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0)
        return ERR_STORE_RETRY;
    if (strcmp(state, "55P03") == 0 || strncmp(state, "53", 2) == 0)
        return ERR_STORE_BUSY; /* lock not available; out of resources, disk full */
    if (strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0)
        return ERR_STORE_LOST; /* shutting down; connection failures */
    if (strcmp(state, "22021") == 0)
        return ERR_INVALID; /* text with a NUL byte: a client's doing, not a programmer's */
    return ERR_STORE;
}

void pg_disconnect(struct sql *sql)
{
    struct pg *pg = sql->connection;
    if (!pg)
        return;
    PQfinish(pg->conn);
    pg_deferred_free(pg->deferred);
    pg_answers_free(pg->answers);
    free(pg);
    sql->connection = NULL;
}

/* Everything that the server knew of this connection is gone. */
int pg_lost(struct sql *sql)
{
    struct pg *pg = sql->connection;
    sql_note(sql, ERR_STORE_LOST, "PostgreSQL: %s", PQerrorMessage(pg->conn));
    pg_disconnect(sql);
    return ERR_STORE_LOST;
}

int pg_note_result(struct sql *sql, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    return sql_note(sql, map_state(state), "PostgreSQL %s: %s%s%s", state ? state : "-",
                    text ? text : PQresultErrorMessage(result), detail ? " " : "",
                    detail ? detail : "");
}

/* ---- Connection ---- */

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static int set_up(struct sql *sql)
{
    struct pg *pg = sql->connection;
    PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
    /* A transaction whose client is gone without a word must not hold its locks for ever. */
    PGresult *result = PQexec(pg->conn, "SET idle_in_transaction_session_timeout = '60s';"
                                        "SET client_encoding = 'UTF8';"
                                        "SET bytea_output = 'hex'");
    int error = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : pg_note_result(sql, result);
    PQclear(result);
    if (!error && !sql->for_write) {
        result = PQexec(pg->conn, "SET default_transaction_isolation = 'repeatable read';"
                                  "SET default_transaction_read_only = on");
        error = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : pg_note_result(sql, result);
        PQclear(result);
    }
    if (!error && PQenterPipelineMode(pg->conn) != 1)
        error = sql_note(sql, ERR_STORE, "PostgreSQL: no pipeline mode");
    return error;
}

int pg_connect(struct sql *sql)
{
    usec_t now = clock_monotonic();
    if (now < sql->connect_after)
        return ERR_STORE_LOST;
    static atomic_uint count;
    struct pg *pg = calloc(1, sizeof(*pg));
    if (!pg)
        abort();
    pg->deferred = pg_deferred_new();
    pg->answers = pg_answers_new();
    pg->number = atomic_fetch_add(&count, 1) + 1;
    /* What the URL says comes last and wins. */
    const char *const keys[] = {"connect_timeout", "application_name", "keepalives_idle", "dbname",
                                NULL};
    const char *const values[] = {"5", "cambist", "30", sql->store->options.database.ptr, NULL};
    pg->conn = PQconnectdbParams(keys, values, 1);
    sql->connection = pg;
    int error = PQstatus(pg->conn) == CONNECTION_OK
                    ? set_up(sql)
                    : sql_note(sql, ERR_STORE_LOST, "PostgreSQL: %s", PQerrorMessage(pg->conn));
    if (!error) {
        sql->connect_backoff = 0;
        return 0;
    }
    pg_disconnect(sql);
    sql->connect_backoff = sql->connect_backoff ? sql->connect_backoff * 2 : FIRST_BACKOFF;
    if (sql->connect_backoff > LONGEST_BACKOFF)
        sql->connect_backoff = LONGEST_BACKOFF;
    sql->connect_after = now + sql->connect_backoff;
    return ERR_STORE_LOST;
}
