/*
 * What the files of the store share: a connection, its statements, and the two engines behind one
 * table of functions. Nobody outside src/store includes this.
 *
 * Division of work: sql.c knows transactions, savepoints, spoiled transactions and statements by
 * text; row.c knows structs; an engine (sqlite.c, postgresql.c) knows how to run one statement.
 */
#ifndef STORE_STORE_ENGINE_H
#define STORE_STORE_ENGINE_H

#include <pthread.h>

#include "base/time.h"
#include "store/cipher.h"
#include "store/sql.h"

struct engine;
struct sqlite_file;

#define MAX_SAVEPOINTS 16
#define MAX_COLUMNS 128

/* How the columns of a result land in a struct; made once per statement and type. */
struct row_column {
    const struct type_field *field; /* NULL: read and dropped */
    struct str context;             /* of a SECRET: "table.column"; malloc'ed */
};
struct row_map {
    const struct type *type; /* NULL: not made yet */
    unsigned count;
    struct row_column *columns;
};

/* A prepared statement of one connection, found by its text. */
struct statement {
    char *query;
    uint64_t hash;
    struct statement *next; /* in its bucket */
    void *handle;           /* the engine's */
    bool busy;              /* rows are being read */
    bool temporary;         /* a second one of the same text, made while the first was busy */
    bool reads;             /* begins with SELECT, and locks nothing */
    uint32_t *words;        /* hashes of the names in the text: which tables it may be about */
    unsigned word_count;
    struct row_map map;
};

#define STATEMENT_BUCKETS 512
#define MAX_STATEMENTS \
    1000 /* beyond it a connection forgets all of them between two transactions */

/* The SQL of a table operation on a struct: made once per connection, table and type. */
#define ROWS_AT_ONCE 32
enum shape_kind {
    SHAPE_INSERT,
    SHAPE_UPDATE,
    SHAPE_FIND,
    SHAPE_INSERT_ROWS, /* ROWS_AT_ONCE of them in one statement: SQLite */
    SHAPE_INSERT_MANY, /* arrays: PostgreSQL */
    SHAPE_UPDATE_MANY,
    SHAPE_FIND_MANY,
    SHAPE_LOCK_MANY,
};
struct shape {
    struct shape *next;
    enum shape_kind kind;
    char *table;
    const struct type *type;
    char *query;
    unsigned count; /* of parameters */
    bool plain;     /* no SECRET, DECIMAL or optional field: members are bound as they are */
    const struct type_field *fields[MAX_COLUMNS]; /* in the order of the parameters */
    struct str contexts[MAX_COLUMNS];             /* of SECRET fields */
};

enum transaction { TRANSACTION_NONE, TRANSACTION_READ, TRANSACTION_WRITE };

struct sql {
    struct store *store;
    const struct engine *engine;
    struct sql *next; /* in the pool's list of idle ones */
    bool for_write;
    void *connection;     /* the engine's; NULL: not connected */
    usec_t connect_after; /* after a failed attempt */
    usec_t connect_backoff;
    unsigned prepared_count; /* names of statements; never reused, they outlive a connection */

    enum transaction transaction;
    unsigned savepoints; /* that the caller opened */
    unsigned issued;     /* of these, how many the engine knows */
    int failed;          /* a statement failed with this; spoils ... */
    unsigned failed_at;  /* ... what was done since this savepoint (0: the whole transaction) */
    bool vouched;        /* the caller knows that waiting rows do not concern its question */
    bool wrote;          /* something was written in this transaction */
    int64_t token;

    struct statement *by_address[STATEMENT_BUCKETS];
    struct statement *by_text[STATEMENT_BUCKETS];
    size_t statement_count;
    struct shape *shapes[64];
    struct kept *kept;     /* kept.c; NULL: no row was ever kept */
    struct arena *scratch; /* reset by each call */
    unsigned scratch_users;
    char error[512];
};

struct cursor {
    struct sql *sql;
    struct statement *statement;
    bool stream; /* fetch in portions */
    bool lent;   /* the result belongs to what the transaction remembers */
    void *result;
    int row, row_count;
    unsigned number; /* of the server-side cursor */
};

enum control { BEGIN_WRITE, BEGIN_READ, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ROLLBACK_TO };

struct engine {
    enum store_engine id;
    int (*connect)(struct sql *sql);
    void (*disconnect)(struct sql *sql);
    int (*control)(struct sql *sql, enum control what, unsigned savepoint);
    /* `wait`: the caller needs to know now whether it worked. */
    int (*run)(struct sql *sql, struct statement *statement, const struct sql_value *args,
               bool wait, int64_t *ret_changed);
    int (*start)(struct cursor *cursor, const struct sql_value *args);
    /*
     * What an engine whose answers cost a round trip may do about it; NULL where they do not.
     *
     * `recall`: 1 when the transaction knows the answer (it asked before, or was told to expect the
     * question) and the cursor has it, 0, or an error. `expect`: asks without waiting.
     * `defer` keeps rows to be inserted, `send_deferred` sends those that were kept before savepoint
     * `level` was opened (all: UINT_MAX); `mark_deferred` and `rewind_deferred` go with savepoints.
     */
    int (*recall)(struct cursor *cursor, const struct sql_value *args);
    int (*expect)(struct sql *sql, struct statement *statement, const struct sql_value *args);
    int (*defer)(struct sql *sql, const char *table, const struct type *type, const void *rows,
                 size_t count);
    int (*send_deferred)(struct sql *sql, unsigned level);
    void (*mark_deferred)(struct sql *sql, unsigned level);
    void (*rewind_deferred)(struct sql *sql, unsigned level);
    void (*forget_answers)(struct sql *sql);
    bool (*defers_for)(struct sql *sql, const struct statement *statement);
    int (*step)(struct cursor *cursor); /* 1: a row, 0: no more, or an error */
    int (*read)(struct cursor *cursor, struct arena *arena, void *row); /* by statement->map */
    int (*read_integer)(struct cursor *cursor, int64_t *ret_value);
    void (*end)(struct cursor *cursor);
    unsigned (*column_count)(struct cursor *cursor);
    const char *(*column_name)(struct cursor *cursor, unsigned index);
    /* "table.column" that a result column comes from, in the scratch arena; absent: computed. */
    int (*column_origin)(struct cursor *cursor, unsigned index, struct str *ret_origin);
    void (*forget)(struct sql *sql, struct statement *statement);
    int (*script)(struct sql *sql, const char *text);
    int (*insert_many)(struct sql *sql, const char *table, const struct type *type,
                       const void *rows, size_t count);
    int (*update_many)(struct sql *sql, const char *table, const struct type *type,
                       const void *rows, size_t count);
    int (*find_many)(struct sql *sql, struct arena *arena, const char *table,
                     const struct type *type, const int64_t *ids, size_t id_count, bool lock,
                     char **ret_rows, size_t *ret_count);
    /* The database's tables with SECRET columns: one row (table_name, column_name) each. */
    const char *secret_columns;
    const char *migration_lock;  /* so that two servers do not migrate at once; may be empty */
    const char *migration_first; /* in an empty database, before the first migration */
    int (*was_committed)(struct sql *sql, int64_t token, bool *ret_committed);
};

extern const struct engine sqlite_engine, postgresql_engine;

struct store {
    struct store_options options; /* strings copied into `arena` */
    struct arena *arena;
    const struct engine *engine;
    struct cipher *cipher; /* NULL: opened without a key */
    struct sqlite_file *sqlite;
    int lock_fd;
    unsigned schema_number;
    struct metrics *metrics; /* NULL: nobody counts */

    pthread_mutex_t mutex;
    pthread_cond_t returned;
    struct sql *idle_readers, *idle_writers;
    unsigned readers, writers; /* that exist */
    unsigned max_readers, max_writers;
};

/* ---- sql.c ---- */
struct sql *sql_open(struct store *store, bool for_write);
void sql_close(struct sql *sql);
/* Notes what went wrong (printf) and returns `error`. */
int sql_note(struct sql *sql, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The scratch arena for one call; calls nest. */
struct arena *scratch_begin(struct sql *sql);
void scratch_end(struct sql *sql);
/* Opens what savepoints the caller marked. */
int sql_issue_savepoints(struct sql *sql);
/* Marks the transaction (from the innermost issued savepoint) as spoiled and returns the error. */
int sql_spoil(struct sql *sql, int error);
/* Makes cursor->statement->map fit `type`. */
int cursor_map(struct cursor *cursor, const struct type *type);

/* As sql_find_many, locked, without forgetting what was read of other tables. */
int sql_lock_many(struct sql *sql, struct arena *arena, const char *table, const struct type *type,
                  const int64_t *ids, size_t id_count, char **ret_rows, size_t *ret_count);

/* ---- statement.c ---- */
/* A second one of the same text when the first is busy. */
struct statement *statement_get(struct sql *sql, const char *query);
void statement_release(struct sql *sql, struct statement *statement);
void statements_forget(struct sql *sql); /* all: the engine's part is gone or about to go */
/* WITH ... may end in a write; SELECT never writes. */
bool statement_only_reads(const char *query);
/* Does the name (of a table) stand in the statement's text? */
uint32_t statement_word(const char *name, size_t length);
bool statement_mentions(const struct statement *statement, uint32_t word);

/* ---- kept.c ---- */
void kept_mark(struct sql *sql, unsigned level);
/* `unlocked`: the server rolled back as well. */
void kept_rewind(struct sql *sql, unsigned level, bool unlocked);
/* Sends what was changed; not waited for. */
int kept_write(struct sql *sql);
int kept_write_table(struct sql *sql, uint32_t word);
/* Does the statement name a table that rows are kept of? */
bool kept_concerns(const struct sql *sql, const struct statement *statement, uint32_t *ret_word);
void kept_clear(struct sql *sql);
void kept_free(struct sql *sql);

/* ---- row.c ---- */
const struct shape *shape_get(struct sql *sql, enum shape_kind kind, const char *table,
                              const struct type *type);
void shapes_free(struct sql *sql);
/* The values of shape->fields; strings and sealed secrets are in `arena`. Closed by SQL_END. */
void shape_values(struct sql *sql, const struct shape *shape, struct arena *arena, const void *row,
                  struct sql_value *ret_values);
void row_set_null(const struct row_column *column, void *row);
int row_set_integer(struct sql *sql, const struct row_column *column, void *row, int64_t value);
/* Text as the engine gave it; copied to the arena. Numbers as decimal text are fine. */
int row_set_bytes(struct sql *sql, const struct row_column *column, struct arena *arena, void *row,
                  struct str bytes);
void row_map_free(struct row_map *map);

/* ---- sqlite_file.c ---- */
int sqlite_file_open(struct store *store, struct str *ret_why);
/* Before the connections are closed, and after. */
void sqlite_file_stop(struct store *store);
void sqlite_file_close(struct store *store);
int sqlite_checkpoint(struct store *store);
int sqlite_backup(struct store *store, struct str path, struct str *ret_why);

/* ---- migrate.c ---- */
int migrate(struct store *store, struct str *ret_why);

/* ---- keys.c ---- */
/* Reads the keys that the options name, or makes them; store->cipher stays NULL when there are
 * none. */
int keys_load(struct store *store, struct str *ret_why);
/* Do the keys fit the database? A new database remembers them. */
int keys_check(struct store *store, struct str *ret_why);

#endif
