/*
 * What the files of the PostgreSQL engine share. Nobody outside of them includes this.
 *
 *     postgresql_connection.c   connecting, errors
 *     postgresql_pipeline.c     what is sent and not answered yet
 *     postgresql_statement.c    statements with their parameters
 *     postgresql_rows.c         reading results
 *     postgresql_arrays.c       many rows in one statement
 *     postgresql_deferred.c     rows that wait to be inserted together
 *     postgresql_answers.c      what a write transaction need not ask
 *     postgresql.c              transactions, and the engine's table of functions
 */
#ifndef STORE_POSTGRESQL_H
#define STORE_POSTGRESQL_H

#include <assert.h>
#include <libpq-fe.h>

#include "store/store_engine.h"

#define PG_MAX_PENDING 512

/* pg_type.h */
enum { OID_ANY = 0, OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

enum pending_kind { PENDING_PREPARE, PENDING_EXECUTE, PENDING_SYNC };

struct pending {
    enum pending_kind kind;
    struct prepared *prepared; /* PENDING_PREPARE */
    struct pg_answer *answer;  /* PENDING_EXECUTE: takes the result; NULL: nobody does */
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
    /* A reading connection needs no BEGIN: what is sent without a sync point is one transaction. */
    bool reading;       /* one is open */
    bool block;         /* and a cursor made it a transaction block, which takes a COMMIT */
    int64_t last_token; /* of the last transaction that is known to have committed; 0: none */
    struct pg_deferred *deferred;
    struct pg_answers *answers;
    size_t pending_count;
    struct pending pending[PG_MAX_PENDING];
};

/* ---- postgresql_connection.c ---- */
int pg_connect(struct sql *sql);
void pg_disconnect(struct sql *sql);
/* Everything that the server knew of this connection is gone. ERR_STORE_LOST. */
int pg_lost(struct sql *sql);
int pg_note_result(struct sql *sql, const PGresult *result);

/* ---- postgresql_pipeline.c ---- */
void pg_push(struct sql *sql, enum pending_kind kind, struct prepared *prepared);
bool pg_is_error(const PGresult *result);
/* Sends a sync point (within a read: asks for the answers without one, which would end it) and reads
 * all answers. *ret_last (may be NULL) is that of the last statement. */
int pg_settle(struct sql *sql, PGresult **ret_last);
/* Is this a read on a connection that only reads? */
bool pg_reads_implicitly(const struct sql *sql);
/* Is there room for a statement, a preparation and a sync point? */
int pg_make_room(struct sql *sql);
/* Does an open statement wait for its answer? (Sync points of an ended read do not count.) */
bool pg_has_pending_statement(const struct pg *pg);

/* ---- postgresql_statement.c ---- */
struct parameters {
    unsigned count;
    Oid types[MAX_COLUMNS];
    const char *values[MAX_COLUMNS];
    int lengths[MAX_COLUMNS];
    int formats[MAX_COLUMNS];
    int64_t integers[MAX_COLUMNS];
};

Oid pg_type_of(enum sql_kind kind);
void pg_set_parameter(struct parameters *parameters, unsigned i, struct arena *arena,
                      const struct sql_value *value, Oid declared);
/* The statement's text for the server, with the types of its first values. */
struct prepared *pg_prepared_get(struct sql *sql, struct statement *statement, const Oid *types,
                                 unsigned count);
/* These queue; nobody waits. */
int pg_send(struct sql *sql, struct prepared *prepared, const struct parameters *parameters);
int pg_send_values(struct sql *sql, struct statement *statement, const struct sql_value *args);
int pg_send_text(struct sql *sql, const char *text);
void pg_forget(struct sql *sql, struct statement *statement);
int pg_run(struct sql *sql, struct statement *statement, const struct sql_value *args, bool wait,
           int64_t *ret_changed);
int pg_script(struct sql *sql, const char *text);

/* ---- postgresql.c ---- */
extern const char *const pg_control_texts[]; /* by enum control */

/* ---- postgresql_rows.c ---- */
int pg_start(struct cursor *cursor, const struct sql_value *args);
int pg_step(struct cursor *cursor);
int pg_read(struct cursor *cursor, struct arena *arena, void *row);
int pg_read_integer(struct cursor *cursor, int64_t *ret_value);
void pg_end(struct cursor *cursor);
unsigned pg_column_count(struct cursor *cursor);
const char *pg_column_name(struct cursor *cursor, unsigned index);
int pg_column_origin(struct cursor *cursor, unsigned index, struct str *ret_origin);

/* ---- postgresql_arrays.c ---- */
int pg_insert_many(struct sql *sql, const char *table, const struct type *type, const void *rows,
                   size_t count);
int pg_update_many(struct sql *sql, const char *table, const struct type *type, const void *rows,
                   size_t count);
int pg_find_many(struct sql *sql, struct arena *arena, const char *table, const struct type *type,
                 const int64_t *ids, size_t id_count, bool lock, char **ret_rows,
                 size_t *ret_count);
void pg_add_element(struct buf *out, const struct sql_value *value);
/* The head of the array that a parameter of this field's type is. */
struct buf pg_array_begin(struct arena *arena, const struct type_field *field, size_t count);
/* The shape's statement over these arrays, one for each of its fields. */
int pg_send_arrays(struct sql *sql, const struct shape *shape, const struct buf *columns);

/* ---- postgresql_deferred.c: see struct engine ---- */
struct pg_deferred *pg_deferred_new(void);
void pg_deferred_free(struct pg_deferred *deferred);
void pg_deferred_clear(struct pg_deferred *deferred);
int pg_defer(struct sql *sql, const char *table, const struct type *type, const void *rows,
             size_t count);
int pg_send_deferred(struct sql *sql, unsigned level);
void pg_mark_deferred(struct sql *sql, unsigned level);
void pg_rewind_deferred(struct sql *sql, unsigned level);
/* Does a row wait for a table that the statement names? */
bool pg_defers_for(struct sql *sql, const struct statement *statement);
/* Did one, in this transaction, even if it was sent since? */
bool pg_deferred_concerns(struct sql *sql, const struct statement *statement);

/* ---- postgresql_answers.c ---- */
struct pg_answers *pg_answers_new(void);
void pg_answers_free(struct pg_answers *answers);
void pg_answers_clear(struct pg_answers *answers);
/* Something was written or locked: nothing that was read before holds any more. */
void pg_answers_forget(struct sql *sql);
void pg_answer_arrived(struct pg_answer *answer, PGresult *result);
int pg_expect(struct sql *sql, struct statement *statement, const struct sql_value *args);
int pg_recall(struct cursor *cursor, const struct sql_value *args);
/* The cursor's whole result, when it may be asked for again. */
void pg_remember(struct cursor *cursor, const struct sql_value *args);

#endif
