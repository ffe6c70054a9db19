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
#include <assert.h>
#include <endian.h>
#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/postgresql_text.h"
#include "store/store_engine.h"

#define FIRST_BACKOFF (50 * USEC_PER_MSEC)
#define LONGEST_BACKOFF (2 * USEC_PER_SEC)
#define COMMIT_PATIENCE (20 * USEC_PER_SEC)
#define MAX_PENDING 512
#define FETCH_ROWS 500

/* pg_type.h */
enum { OID_ANY = 0, OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

enum pending_kind { PENDING_PREPARE, PENDING_EXECUTE, PENDING_SYNC };

struct pending {
    enum pending_kind kind;
    struct prepared *prepared; /* PENDING_PREPARE */
};

/* A statement on the server. */
struct prepared {
    char name[16];
    char *text; /* with $n */
    unsigned count;
    Oid *types;
    unsigned sent_on; /* number of the connection that knows it; 0: none does */
};

struct pg {
    PGconn *conn;
    unsigned number; /* no two connections of the process have the same */
    unsigned cursor_count;
    int64_t last_token; /* of the last transaction that is known to have committed; 0: none */
    size_t pending_count;
    struct pending pending[MAX_PENDING];
};

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

static void disconnect(struct sql *sql)
{
    struct pg *pg = sql->connection;
    if (!pg)
        return;
    PQfinish(pg->conn);
    free(pg);
    sql->connection = NULL;
}

/* Everything that the server knew of this connection is gone. */
static int lost(struct sql *sql)
{
    struct pg *pg = sql->connection;
    sql_note(sql, ERR_STORE_LOST, "PostgreSQL: %s", PQerrorMessage(pg->conn));
    disconnect(sql);
    return ERR_STORE_LOST;
}

static int note_result(struct sql *sql, const PGresult *result)
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
    int error = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : note_result(sql, result);
    PQclear(result);
    if (!error && PQenterPipelineMode(pg->conn) != 1)
        error = sql_note(sql, ERR_STORE, "PostgreSQL: no pipeline mode");
    return error;
}

static int pg_connect(struct sql *sql)
{
    usec_t now = clock_monotonic();
    if (now < sql->connect_after)
        return ERR_STORE_LOST;
    static atomic_uint count;
    struct pg *pg = calloc(1, sizeof(*pg));
    if (!pg)
        abort();
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
    disconnect(sql);
    sql->connect_backoff = sql->connect_backoff ? sql->connect_backoff * 2 : FIRST_BACKOFF;
    if (sql->connect_backoff > LONGEST_BACKOFF)
        sql->connect_backoff = LONGEST_BACKOFF;
    sql->connect_after = now + sql->connect_backoff;
    return ERR_STORE_LOST;
}

/* ---- The pipeline ---- */

static void push(struct pg *pg, enum pending_kind kind, struct prepared *prepared)
{
    assert(pg->pending_count < MAX_PENDING);
    pg->pending[pg->pending_count++] = (struct pending){kind, prepared};
}

/* One answer: its result, the last of it. NULL when the connection is gone. */
static PGresult *next_answer(struct pg *pg)
{
    PGresult *result = PQgetResult(pg->conn), *more;
    while (result && (more = PQgetResult(pg->conn)))
        PQclear(more);
    return result;
}

static bool is_error(const PGresult *result)
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
    bool failed = !result || is_error(result);
    if (failed && pending->kind == PENDING_PREPARE)
        pending->prepared->sent_on = 0;
    if (failed && result && !*error && PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
        *error = note_result(sql, result);
    if (ret_last && !failed && pending->kind == PENDING_EXECUTE) {
        PQclear(*ret_last);
        *ret_last = result;
        return;
    }
    PQclear(result);
}

/* Sends a sync point and reads all answers. *ret_last (may be NULL) is that of the last
 * statement. */
static int settle(struct sql *sql, PGresult **ret_last)
{
    struct pg *pg = sql->connection;
    int error = 0;
    if (ret_last)
        *ret_last = NULL;
    if (pg->pending_count == 0)
        return 0;
    if (PQpipelineSync(pg->conn) != 1)
        return lost(sql);
    push(pg, PENDING_SYNC, NULL);
    for (size_t i = 0; i < pg->pending_count && PQstatus(pg->conn) == CONNECTION_OK; i++)
        read_answer(sql, &pg->pending[i], &error, ret_last);
    pg->pending_count = 0;
    bool gone = PQstatus(pg->conn) != CONNECTION_OK;
    if ((error || gone) && ret_last) {
        PQclear(*ret_last);
        *ret_last = NULL;
    }
    return gone || error == ERR_STORE_LOST ? lost(sql) : error;
}

/* Is there room for a statement, a preparation and a sync point? */
static int make_room(struct sql *sql)
{
    struct pg *pg = sql->connection;
    return pg->pending_count + 4 > MAX_PENDING ? settle(sql, NULL) : 0;
}

/* Does an open statement wait for its answer? (Sync points of an ended read do not count.) */
static bool has_pending_statement(const struct pg *pg)
{
    return pg->pending_count > 0 && pg->pending[pg->pending_count - 1].kind != PENDING_SYNC;
}

/* ---- Statements and parameters ---- */

struct parameters {
    unsigned count;
    Oid types[MAX_COLUMNS];
    const char *values[MAX_COLUMNS];
    int lengths[MAX_COLUMNS];
    int formats[MAX_COLUMNS];
    int64_t integers[MAX_COLUMNS];
};

static void pg_forget(struct sql *sql, struct statement *statement)
{
    struct prepared *prepared = statement->handle;
    if (!prepared)
        return;
    struct pg *pg = sql->connection;
    if (pg && prepared->sent_on == pg->number) {
        char text[40];
        snprintf(text, sizeof(text), "DEALLOCATE %s", prepared->name);
        settle(sql, NULL);
        pg = sql->connection;
        if (pg && PQsendQueryParams(pg->conn, text, 0, NULL, NULL, NULL, NULL, 0) == 1) {
            push(pg, PENDING_EXECUTE, NULL);
            settle(sql, NULL);
        }
    }
    free(prepared->text);
    free(prepared->types);
    free(prepared);
    statement->handle = NULL;
}

static Oid type_of(enum sql_kind kind)
{
    switch (kind) {
    case SQL_I64:
        return OID_INT8;
    case SQL_TEXT:
        return OID_TEXT;
    case SQL_BYTES:
        return OID_BYTEA;
    case SQL_NULL:
    case SQL_END:
        break;
    }
    return OID_ANY;
}

/* As text, for a parameter whose type the server chose when the first value was NULL. */
static const char *as_text(struct arena *arena, const struct sql_value *value)
{
    if (value->kind == SQL_I64)
        return arena_printf(arena, "%lld", (long long)value->integer).ptr;
    if (value->kind == SQL_TEXT)
        return arena_cstr(arena, value->bytes);
    char *text = arena_alloc(arena, 2 * value->bytes.len + 3);
    text[0] = '\\';
    text[1] = 'x';
    for (size_t i = 0; i < value->bytes.len; i++)
        sprintf(text + 2 + 2 * i, "%02x", (unsigned char)value->bytes.ptr[i]);
    return text;
}

static void set_parameter(struct parameters *parameters, unsigned i, struct arena *arena,
                          const struct sql_value *value, Oid declared)
{
    parameters->types[i] = type_of(value->kind);
    parameters->values[i] = NULL;
    parameters->lengths[i] = 0;
    parameters->formats[i] = 1;
    if (value->kind == SQL_NULL)
        return;
    if (declared != parameters->types[i]) {
        parameters->formats[i] = 0;
        parameters->values[i] = as_text(arena, value);
    } else if (value->kind == SQL_I64) {
        parameters->integers[i] = (int64_t)htobe64((uint64_t)value->integer);
        parameters->values[i] = (const char *)&parameters->integers[i];
        parameters->lengths[i] = 8;
    } else {
        parameters->values[i] = value->bytes.ptr;
        parameters->lengths[i] = (int)value->bytes.len;
    }
}

/* The statement's text for the server, with the types of its first values. */
static struct prepared *prepared_get(struct sql *sql, struct statement *statement, const Oid *types,
                                     unsigned count)
{
    struct prepared *prepared = statement->handle;
    if (prepared)
        return prepared;
    prepared = calloc(1, sizeof(*prepared));
    if (!prepared)
        abort();
    prepared->text = postgresql_text(statement->query, &prepared->count);
    prepared->types = calloc(count + 1, sizeof(Oid));
    if (!prepared->text || !prepared->types)
        abort();
    memcpy(prepared->types, types, count * sizeof(Oid));
    snprintf(prepared->name, sizeof(prepared->name), "s%u", sql->prepared_count++);
    statement->handle = prepared;
    return prepared;
}

static int send(struct sql *sql, struct prepared *prepared, const struct parameters *parameters)
{
    int error = make_room(sql);
    if (error)
        return error;
    struct pg *pg = sql->connection;
    if (prepared->count != parameters->count)
        return sql_note(sql, ERR_STORE, "%u parameters are wanted by \"%.300s\"", prepared->count,
                        prepared->text);
    if (prepared->sent_on != pg->number) {
        if (PQsendPrepare(pg->conn, prepared->name, prepared->text, (int)prepared->count,
                          prepared->types) != 1)
            return lost(sql);
        push(pg, PENDING_PREPARE, prepared);
        prepared->sent_on = pg->number;
    }
    if (PQsendQueryPrepared(pg->conn, prepared->name, (int)parameters->count, parameters->values,
                            parameters->lengths, parameters->formats, 0) != 1)
        return lost(sql);
    push(pg, PENDING_EXECUTE, NULL);
    return 0;
}

static int send_values(struct sql *sql, struct statement *statement, const struct sql_value *args)
{
    struct parameters parameters;
    Oid types[MAX_COLUMNS];
    types[0] = OID_ANY; /* without arguments nobody looks, but the compiler cannot know */
    unsigned count = 0;
    for (; args[count].kind != SQL_END; count++) {
        assert(count < MAX_COLUMNS);
        types[count] = type_of(args[count].kind);
    }
    struct prepared *prepared = prepared_get(sql, statement, types, count);
    parameters.count = count;
    struct arena *scratch = scratch_begin(sql);
    for (unsigned i = 0; i < count; i++)
        set_parameter(&parameters, i, scratch, &args[i],
                      i < prepared->count ? prepared->types[i] : OID_ANY);
    int error = send(sql, prepared, &parameters);
    scratch_end(sql);
    return error;
}

static int pg_run(struct sql *sql, struct statement *statement, const struct sql_value *args,
                  bool wait, int64_t *ret_changed)
{
    int error = send_values(sql, statement, args);
    if (error || (!wait && sql->transaction == TRANSACTION_WRITE && !statement->temporary))
        return error;
    PGresult *result;
    error = settle(sql, &result);
    if (error)
        return error;
    if (ret_changed) {
        const char *count = PQcmdTuples(result);
        *ret_changed = *count ? strtoll(count, NULL, 10) : 0;
    }
    PQclear(result);
    return 0;
}

static int pg_script(struct sql *sql, const char *text)
{
    if (!*text)
        return 0;
    int error = settle(sql, NULL);
    if (error)
        return error;
    struct pg *pg = sql->connection;
    if (PQexitPipelineMode(pg->conn) != 1)
        return lost(sql);
    PGresult *result = PQexec(pg->conn, text);
    error = is_error(result) ? note_result(sql, result) : 0;
    PQclear(result);
    if (PQstatus(pg->conn) != CONNECTION_OK || PQenterPipelineMode(pg->conn) != 1)
        return lost(sql);
    return error;
}

/* ---- Transactions ---- */

static const char *const control_texts[] = {
    [BEGIN_WRITE] = "BEGIN",
    [BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [SAVEPOINT] = "SAVEPOINT s",
    [RELEASE] = "RELEASE SAVEPOINT s",
    [ROLLBACK_TO] = "ROLLBACK TO SAVEPOINT s",
};

static int send_text(struct sql *sql, const char *text)
{
    return send_values(sql, statement_get(sql, text), SQL_ARGS());
}

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
        sleep_for(FIRST_BACKOFF);
    }
}

static int send_token(struct sql *sql)
{
    struct pg *pg = sql->connection;
    int error = send_values(
        sql, statement_get(sql, "INSERT INTO commit_token (token, created_at) VALUES (?, ?)"),
        SQL_ARGS(sql_int(sql->token), sql_int(clock_now())));
    if (!error && pg->last_token)
        error = send_values(sql, statement_get(sql, "DELETE FROM commit_token WHERE token = ?"),
                            SQL_ARGS(sql_int(pg->last_token)));
    return error;
}

static int commit_write(struct sql *sql)
{
    /* Before the token is sent a loss is harmless: nothing can have been committed. */
    int error = make_room(sql);
    if (error == ERR_STORE_LOST)
        return ERR_STORE_RETRY;
    if (!error)
        error = send_token(sql);
    if (!error)
        error = send_text(sql, control_texts[COMMIT]);
    PGresult *result = NULL;
    if (!error)
        error = settle(sql, &result);
    if (error == ERR_STORE_LOST)
        return find_outcome(sql);
    /* COMMIT of a spoiled transaction answers ROLLBACK. */
    if (!error && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        error = sql_note(sql, ERR_STORE, "PostgreSQL rolled the transaction back");
    PQclear(result);
    if (error) {
        send_text(sql, control_texts[ROLLBACK]);
        if (sql->connection)
            settle(sql, NULL);
        return error;
    }
    ((struct pg *)sql->connection)->last_token = sql->token;
    return 0;
}

/* Nobody needs the answer: it is read when the connection is next used. */
static int end_read(struct sql *sql)
{
    int error = send_text(sql, control_texts[COMMIT]);
    struct pg *pg = sql->connection;
    if (error)
        return error;
    if (PQpipelineSync(pg->conn) != 1)
        return lost(sql);
    push(pg, PENDING_SYNC, NULL);
    return 0;
}

static int roll_back(struct sql *sql)
{
    settle(sql, NULL);
    if (!sql->connection)
        return ERR_STORE_LOST;
    int error = send_text(sql, control_texts[ROLLBACK]);
    return error ? error : settle(sql, NULL);
}

/* What is pending belongs to the outer level; its error must not be taken for the inner one's. */
static int open_savepoint(struct sql *sql, unsigned savepoint)
{
    struct pg *pg = sql->connection;
    int error = 0;
    /* BEGIN and the RELEASE of the call before are all that stands there in a batch of calls. */
    if (savepoint > 1 && has_pending_statement(pg))
        error = settle(sql, NULL);
    return error ? error : send_text(sql, control_texts[SAVEPOINT]);
}

static int pg_control(struct sql *sql, enum control what, unsigned savepoint)
{
    struct pg *pg = sql->connection;
    int error;
    switch (what) {
    case BEGIN_WRITE:
    case BEGIN_READ:
        return send_text(sql, control_texts[what]);
    case COMMIT:
        return sql->transaction == TRANSACTION_READ ? end_read(sql)
               : sql->wrote                         ? commit_write(sql)
                                                    : roll_back(sql);
    case ROLLBACK:
        return roll_back(sql);
    case SAVEPOINT:
        return open_savepoint(sql, savepoint);
    case RELEASE: {
        bool wait = has_pending_statement(pg);
        error = send_text(sql, control_texts[RELEASE]);
        return error || !wait ? error : settle(sql, NULL);
    }
    case ROLLBACK_TO:
        settle(sql, NULL);
        if (!sql->connection)
            return ERR_STORE_LOST;
        error = send_text(sql, control_texts[ROLLBACK_TO]);
        if (!error)
            error = send_text(sql, control_texts[RELEASE]);
        return error ? error : settle(sql, NULL);
    }
    return ERR_STORE;
}

/* ---- Rows ---- */

static int fetch(struct cursor *cursor)
{
    struct sql *sql = cursor->sql;
    struct pg *pg = sql->connection;
    char text[64];
    PQclear(cursor->result);
    cursor->result = NULL;
    snprintf(text, sizeof(text), "FETCH %d FROM c%u", FETCH_ROWS, cursor->number);
    if (PQsendQueryParams(pg->conn, text, 0, NULL, NULL, NULL, NULL, 0) != 1)
        return lost(sql);
    push(pg, PENDING_EXECUTE, NULL);
    PGresult *result;
    int error = settle(sql, &result);
    if (error)
        return error;
    cursor->result = result;
    cursor->row = -1;
    cursor->row_count = PQntuples(result);
    return 0;
}

/* DECLARE takes the statement's parameters, but is not prepared: each one has a name of its own. */
static int declare(struct cursor *cursor, const struct sql_value *args)
{
    struct sql *sql = cursor->sql;
    struct pg *pg = sql->connection;
    struct parameters parameters = {0};
    struct arena *scratch = scratch_begin(sql);
    unsigned count;
    char *text = postgresql_text(cursor->statement->query, &count);
    for (; args[parameters.count].kind != SQL_END; parameters.count++) {
        const struct sql_value *value = &args[parameters.count];
        assert(parameters.count < MAX_COLUMNS);
        set_parameter(&parameters, parameters.count, scratch, value, type_of(value->kind));
    }
    cursor->number = pg->cursor_count++;
    const char *whole =
        arena_printf(scratch, "DECLARE c%u NO SCROLL CURSOR FOR %s", cursor->number, text).ptr;
    free(text);
    int error = make_room(sql);
    if (!error &&
        PQsendQueryParams(pg->conn, whole, (int)parameters.count, parameters.types,
                          parameters.values, parameters.lengths, parameters.formats, 0) != 1)
        error = lost(sql);
    scratch_end(sql);
    if (error)
        return error;
    push(pg, PENDING_EXECUTE, NULL);
    return fetch(cursor);
}

static int query(struct cursor *cursor, const struct sql_value *args)
{
    int error = send_values(cursor->sql, cursor->statement, args);
    PGresult *result = NULL;
    if (!error)
        error = settle(cursor->sql, &result);
    cursor->result = result;
    cursor->row = -1;
    cursor->row_count = error ? 0 : PQntuples(result);
    return error;
}

/*
 * A connection may have died while it was idle. A read whose transaction has answered nothing yet
 * is begun again on a new one; the caller does not notice.
 */
static int pg_start(struct cursor *cursor, const struct sql_value *args)
{
    struct sql *sql = cursor->sql;
    struct pg *pg = sql->connection;
    bool fresh = sql->transaction == TRANSACTION_NONE ||
                 (sql->transaction == TRANSACTION_READ && has_pending_statement(pg));
    int error = cursor->stream ? declare(cursor, args) : query(cursor, args);
    if (error != ERR_STORE_LOST || !fresh)
        return error;
    if ((error = pg_connect(sql)))
        return error;
    if (sql->transaction == TRANSACTION_READ && (error = send_text(sql, control_texts[BEGIN_READ])))
        return error;
    return cursor->stream ? declare(cursor, args) : query(cursor, args);
}

static int pg_step(struct cursor *cursor)
{
    if (cursor->stream && cursor->row + 1 == cursor->row_count && cursor->row_count == FETCH_ROWS) {
        if (!cursor->sql->connection)
            return ERR_STORE_LOST;
        int error = fetch(cursor);
        if (error)
            return error;
    }
    if (cursor->row + 1 >= cursor->row_count)
        return 0;
    cursor->row++;
    return 1;
}

static void pg_end(struct cursor *cursor)
{
    struct sql *sql = cursor->sql;
    PQclear(cursor->result);
    cursor->result = NULL;
    /* The transaction's end closes what an error or a visitor left open; closing is only kind. */
    if (!cursor->stream || !sql->connection || cursor->row_count < FETCH_ROWS)
        return;
    struct pg *pg = sql->connection;
    char text[32];
    snprintf(text, sizeof(text), "CLOSE c%u", cursor->number);
    if (make_room(sql) == 0 && PQtransactionStatus(pg->conn) == PQTRANS_INTRANS &&
        PQsendQueryParams(pg->conn, text, 0, NULL, NULL, NULL, NULL, 0) == 1)
        push(pg, PENDING_EXECUTE, NULL);
}

/* "\x0aff" -> 2 bytes */
static struct str parse_bytea(struct arena *arena, const char *text, size_t length)
{
    size_t count = length >= 2 ? (length - 2) / 2 : 0;
    char *bytes = arena_alloc(arena, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *pair = text + 2 + 2 * i;
        int high = pair[0] <= '9' ? pair[0] - '0' : pair[0] - 'a' + 10;
        int low = pair[1] <= '9' ? pair[1] - '0' : pair[1] - 'a' + 10;
        bytes[i] = (char)(high << 4 | low);
    }
    return (struct str){bytes, count};
}

static int read_column(struct sql *sql, const PGresult *result, int row_number, int index,
                       const struct row_column *column, struct arena *arena, void *row)
{
    if (PQgetisnull(result, row_number, index)) {
        row_set_null(column, row);
        return 0;
    }
    const char *text = PQgetvalue(result, row_number, index);
    size_t length = (size_t)PQgetlength(result, row_number, index);
    Oid type = PQftype(result, index);
    if (type == OID_BOOL)
        return row_set_integer(sql, column, row, text[0] == 't');
    struct str bytes = {text, length};
    struct arena *scratch = scratch_begin(sql);
    if (type == OID_BYTEA)
        bytes = parse_bytea(scratch, text, length);
    int error = row_set_bytes(sql, column, arena, row, bytes);
    scratch_end(sql);
    return error;
}

static int pg_read(struct cursor *cursor, struct arena *arena, void *row)
{
    const struct row_map *map = &cursor->statement->map;
    for (unsigned i = 0; i < map->count; i++) {
        if (!map->columns[i].field)
            continue;
        int error = read_column(cursor->sql, cursor->result, cursor->row, (int)i, &map->columns[i],
                                arena, row);
        if (error)
            return error;
    }
    return 0;
}

static int pg_read_integer(struct cursor *cursor, int64_t *ret_value)
{
    *ret_value = 0;
    if (PQnfields(cursor->result) < 1 || PQgetisnull(cursor->result, cursor->row, 0))
        return 0;
    const char *text = PQgetvalue(cursor->result, cursor->row, 0);
    if (PQftype(cursor->result, 0) == OID_BOOL)
        *ret_value = text[0] == 't';
    else if (!str_to_i64(str_from(text), ret_value))
        return sql_note(cursor->sql, ERR_STORE, "\"%.300s\" yields no integer",
                        cursor->statement->query);
    return 0;
}

static unsigned pg_column_count(struct cursor *cursor)
{
    return (unsigned)PQnfields(cursor->result);
}

static const char *pg_column_name(struct cursor *cursor, unsigned index)
{
    return PQfname(cursor->result, (int)index);
}

static int pg_column_origin(struct cursor *cursor, unsigned index, struct str *ret_origin)
{
    struct sql *sql = cursor->sql;
    Oid table = PQftable(cursor->result, (int)index);
    int number = PQftablecol(cursor->result, (int)index);
    *ret_origin = STR_NONE;
    if (table == 0)
        return 0;
    int error = send_values(sql,
                            statement_get(sql, "SELECT relname || '.' || attname FROM pg_class"
                                               " JOIN pg_attribute ON attrelid = pg_class.oid"
                                               " WHERE pg_class.oid = ? AND attnum = ?"),
                            SQL_ARGS(sql_int(table), sql_int(number)));
    PGresult *result;
    if (!error)
        error = settle(sql, &result);
    if (error)
        return error;
    if (PQntuples(result) == 1)
        *ret_origin = arena_copy(sql->scratch, str_from(PQgetvalue(result, 0, 0)));
    PQclear(result);
    return 0;
}

/* ---- Many rows: one statement over arrays ---- */

static void add_u32(struct buf *out, uint32_t value)
{
    uint32_t big = htobe32(value);
    buf_add(out, &big, sizeof(big));
}

static void add_element(struct buf *out, const struct sql_value *value)
{
    if (value->kind == SQL_NULL) {
        add_u32(out, UINT32_MAX);
    } else if (value->kind == SQL_I64) {
        uint64_t big = htobe64((uint64_t)value->integer);
        add_u32(out, 8);
        buf_add(out, &big, sizeof(big));
    } else {
        add_u32(out, (uint32_t)value->bytes.len);
        buf_add_str(out, value->bytes);
    }
}

/* The head of the binary form of a one-dimensional array (array_recv). */
static void add_array_head(struct buf *out, Oid element, size_t count)
{
    add_u32(out, 1);
    add_u32(out, 1); /* may hold NULLs */
    add_u32(out, element);
    add_u32(out, (uint32_t)count);
    add_u32(out, 1); /* lower bound */
}

static Oid element_type(const struct type_field *field)
{
    if (field->value.kind == TYPE_INTEGER || field->value.kind == TYPE_BOOLEAN)
        return OID_INT8;
    return field->value.kind == TYPE_BYTES ? OID_BYTEA : OID_TEXT;
}

static Oid array_of(Oid element)
{
    return element == OID_INT8 ? 1016 : element == OID_BYTEA ? 1001 : 1009;
}

static void set_array(struct parameters *parameters, unsigned i, Oid element, const struct buf *buf)
{
    parameters->types[i] = array_of(element);
    parameters->values[i] = buf->ptr;
    parameters->lengths[i] = (int)buf->len;
    parameters->formats[i] = 1;
}

static int run_arrays(struct sql *sql, enum shape_kind kind, const char *table,
                      const struct type *type, const void *rows, size_t count)
{
    const struct shape *shape = shape_get(sql, kind, table, type);
    struct sql_value values[MAX_COLUMNS + 1];
    struct parameters parameters = {.count = shape->count};
    struct arena *scratch = scratch_begin(sql);
    struct buf *columns = ARENA_ARRAY(scratch, struct buf, shape->count);
    for (unsigned f = 0; f < shape->count; f++) {
        columns[f] = buf_new(scratch, 20 + count * 12);
        add_array_head(&columns[f], element_type(shape->fields[f]), count);
    }
    for (size_t i = 0; i < count; i++) {
        shape_values(sql, shape, scratch, (const char *)rows + i * type->size, values);
        for (unsigned f = 0; f < shape->count; f++)
            add_element(&columns[f], &values[f]);
    }
    for (unsigned f = 0; f < shape->count; f++)
        set_array(&parameters, f, element_type(shape->fields[f]), &columns[f]);
    struct statement *statement = statement_get(sql, shape->query);
    int error =
        send(sql, prepared_get(sql, statement, parameters.types, shape->count), &parameters);
    scratch_end(sql);
    if (!error && sql->transaction != TRANSACTION_WRITE)
        error = settle(sql, NULL);
    return error;
}

static int pg_insert_many(struct sql *sql, const char *table, const struct type *type,
                          const void *rows, size_t count)
{
    return run_arrays(sql, SHAPE_INSERT_MANY, table, type, rows, count);
}

static int pg_update_many(struct sql *sql, const char *table, const struct type *type,
                          const void *rows, size_t count)
{
    return run_arrays(sql, SHAPE_UPDATE_MANY, table, type, rows, count);
}

static int send_ids(struct sql *sql, struct statement *statement, const int64_t *ids, size_t count)
{
    struct parameters parameters = {.count = 1};
    struct arena *scratch = scratch_begin(sql);
    struct buf array = buf_new(scratch, 20 + count * 12);
    add_array_head(&array, OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        struct sql_value value = sql_int(ids[i]);
        add_element(&array, &value);
    }
    set_array(&parameters, 0, OID_INT8, &array);
    int error = send(sql, prepared_get(sql, statement, parameters.types, 1), &parameters);
    scratch_end(sql);
    return error;
}

static int pg_find_many(struct sql *sql, struct arena *arena, const char *table,
                        const struct type *type, const int64_t *ids, size_t id_count, bool lock,
                        char **ret_rows, size_t *ret_count)
{
    const struct shape *shape =
        shape_get(sql, lock ? SHAPE_LOCK_MANY : SHAPE_FIND_MANY, table, type);
    struct cursor cursor = {.sql = sql, .statement = statement_get(sql, shape->query)};
    PGresult *result = NULL;
    int error = send_ids(sql, cursor.statement, ids, id_count);
    if (!error)
        error = settle(sql, &result);
    if (error)
        return error;
    size_t count = (size_t)PQntuples(result);
    char *rows = arena_alloc_array(arena, count ? count : 1, type->size);
    cursor.result = result;
    for (; (size_t)cursor.row < count && !error; cursor.row++)
        if (!(error = cursor_map(&cursor, type)))
            error = pg_read(&cursor, arena, rows + (size_t)cursor.row * type->size);
    PQclear(result);
    *ret_rows = rows;
    *ret_count = error ? 0 : count;
    return error;
}

const struct engine postgresql_engine = {
    .id = STORE_POSTGRESQL,
    .connect = pg_connect,
    .disconnect = disconnect,
    .control = pg_control,
    .run = pg_run,
    .start = pg_start,
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
