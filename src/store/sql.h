/*
 * One interface over two engines: SQLite (embedded) and PostgreSQL. SQL is the common subset of
 * both: BIGINT, TEXT, BYTEA, '?' placeholders, ON CONFLICT, RETURNING, no triggers, no stored
 * procedures. Booleans are BIGINT 0/1, decimals TEXT, instants BIGINT microseconds.
 *
 * A connection belongs to one thread at a time. Statements are prepared once per connection and
 * found again by the address of their text (a text built at run time works too, and is looked up by
 * content). Functions return 0 or
 *
 * - ERR_NOT_FOUND
 * - ERR_STORE_UNIQUE: a unique key is taken
 * - ERR_STORE_BUSY: locked by others for too long, disk full, read or write error; nothing changed
 * - ERR_STORE_LOST: connection gone; nothing of the transaction is kept, run it again later. From
 *   sql_commit only: it is unknown, ask sql_was_committed
 * - ERR_STORE_RETRY: deadlock or serialisation failure, run the whole transaction again
 * - ERR_STORE: anything else, a programmer's error; sql_last_error says what
 *
 * A failed statement spoils its transaction on both engines (as PostgreSQL has it): until the
 * innermost savepoint, or all of it, is rolled back every further call returns the same error.
 * Where a key may be taken and life goes on, write ON CONFLICT ... DO NOTHING and look at the count
 * of changes.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/type.h"

struct metrics; /* base/metrics.h */
struct store;   /* a database: options, keys, and a pool of connections. Safe from any thread */
struct sql;     /* one connection */

enum store_engine { STORE_SQLITE, STORE_POSTGRESQL };

struct store_options {
    struct str database;  /* "postgresql://..." or the path of the SQLite file */
    struct str key_file;  /* keys for encryption at rest; absent: environment CAMBIST_KEY */
    bool create_key;      /* make the key file when it does not exist (sandbox) */
    bool read_only;       /* beside a running server: no lock, no migration, needs no key */
    unsigned connections; /* most of each pool, readers and (PostgreSQL) writers; 0 = default */
    struct store_fault *fault; /* tests only, see store/fault.h */
};

/* Opens, locks (SQLite: one server process per file) and migrates. *ret_why explains a failure. */
int store_open(const struct store_options *options, struct store **ret_store, struct str *ret_why);
struct store *store_close(struct store *store);
enum store_engine store_engine(const struct store *store);
/* From now on the store counts its round trips and statements there. Before it is shared. */
void store_set_metrics(struct store *store, struct metrics *metrics);
/* Number of the last migration applied. */
unsigned store_schema_number(const struct store *store);
/* Copies the write-ahead log into the database file (SQLite). The store does so by itself in the
 * background; for tests and before copying files. */
int store_checkpoint(struct store *store);
/* A consistent copy while others go on (SQLite). The file `path` must not exist. PostgreSQL:
 * refused, *ret_why names pg_dump. Keys are not part of a backup. */
int store_backup(struct store *store, struct str path, struct str *ret_why);

/* Borrow a connection: `for_write` gives the (SQLite: only) writing one. Waits when all are
 * lent. */
struct sql *store_acquire(struct store *store, bool for_write);
void store_release(struct store *store, struct sql *sql);
struct store *sql_store(struct sql *sql);
enum store_engine sql_engine(const struct sql *sql);

/* Values. Strings and bytes are only read during the call. */
enum sql_kind { SQL_END, SQL_NULL, SQL_I64, SQL_TEXT, SQL_BYTES };
struct sql_value {
    enum sql_kind kind;
    int64_t integer;
    struct str bytes;
};
static inline struct sql_value sql_int(int64_t value)
{
    return (struct sql_value){.kind = SQL_I64, .integer = value};
}
/* NULL when absent. */
static inline struct sql_value sql_text(struct str value)
{
    return (struct sql_value){.kind = value.ptr ? SQL_TEXT : SQL_NULL, .bytes = value};
}
static inline struct sql_value sql_bytes(struct str value)
{
    return (struct sql_value){.kind = value.ptr ? SQL_BYTES : SQL_NULL, .bytes = value};
}
static inline struct sql_value sql_null(void)
{
    return (struct sql_value){.kind = SQL_NULL};
}
#define SQL_ARGS(...) ((const struct sql_value[]){__VA_ARGS__ __VA_OPT__(, ){.kind = SQL_END}})

/* SELECT ... SQL_FOR_UPDATE locks the rows until the end of the transaction. (SQLite has one
 * writer: there it is a comment.) */
#define SQL_FOR_UPDATE " /*for update*/"

/* Writes. ret_changed (may be NULL) counts rows; without it PostgreSQL may pipeline the
 * statement. */
int sql_run_args(struct sql *sql, const char *query, const struct sql_value *args,
                 int64_t *ret_changed);
#define sql_run(sql, query, ...) sql_run_args((sql), (query), SQL_ARGS(__VA_ARGS__), NULL)
#define sql_change(sql, ret_changed, query, ...) \
    sql_run_args((sql), (query), SQL_ARGS(__VA_ARGS__), (ret_changed))

/* The first row into *ret_row (a struct that `type` describes); ERR_NOT_FOUND when there is none.
 * Columns are matched to fields by name; a column without a field, or the reverse, is a
 * programmer's error. */
int sql_one_args(struct sql *sql, struct arena *arena, const struct type *type, void *ret_row,
                 const char *query, const struct sql_value *args);
#define sql_one(sql, arena, type, ret_row, query, ...) \
    sql_one_args((sql), (arena), (type), (ret_row), (query), SQL_ARGS(__VA_ARGS__))

/* All rows as an array of structs in the arena. No rows is success with *ret_count == 0. */
int sql_all_args(struct sql *sql, struct arena *arena, const struct type *type, void **ret_rows,
                 size_t *ret_count, const char *query, const struct sql_value *args);
#define sql_all(sql, arena, type, ret_rows, ret_count, query, ...)                  \
    sql_all_args((sql), (arena), (type), (void **)(ret_rows), (ret_count), (query), \
                 SQL_ARGS(__VA_ARGS__))

/* One integer (COUNT, MAX, RETURNING id). NULL reads as 0; no row is ERR_NOT_FOUND. */
int sql_integer_args(struct sql *sql, int64_t *ret_value, const char *query,
                     const struct sql_value *args);
#define sql_integer(sql, ret_value, query, ...) \
    sql_integer_args((sql), (ret_value), (query), SQL_ARGS(__VA_ARGS__))

/* Row by row with bounded memory, for exports and verify. `visit` returns non-zero to stop
 * (returned). */
typedef int sql_visit(void *context, const void *row, struct arena *row_arena);
int sql_each_args(struct sql *sql, const struct type *type, sql_visit *visit, void *context,
                  const char *query, const struct sql_value *args);
#define sql_each(sql, type, visit, context, query, ...) \
    sql_each_args((sql), (type), (visit), (context), (query), SQL_ARGS(__VA_ARGS__))

/* INSERT of all fields of a row struct. ERR_STORE_UNIQUE when a unique key is taken. */
int sql_insert(struct sql *sql, const char *table, const struct type *type, const void *row);
/* The same where only a programmer's error could collide (a fresh id): PostgreSQL does not wait for
 * the answer. Within a savepoint the row is even sent later, together with those of other calls,
 * unless somebody asks about its table; then an error may come out of sql_commit, and the
 * transaction has to be run again call by call to know whose it is. */
int sql_append(struct sql *sql, const char *table, const struct type *type, const void *row);
/* UPDATE of all fields of a row struct except its key columns: WHERE tenant_id = and id =. */
int sql_update(struct sql *sql, const char *table, const struct type *type, const void *row);

/*
 * In a read, or ahead of a batch of calls and outside any savepoint: "this will be asked". PostgreSQL is asked
 * without waiting, so that all questions of a batch take one round trip; who then asks with the
 * same text and values has the answer. Such a statement may also lock a row (UPDATE ... RETURNING):
 * then its answer is given once. No effect on SQLite.
 *
 * In a write transaction PostgreSQL remembers the answers of SELECT by itself until something is
 * written at once or locked, so that what every call of a batch asks is asked once.
 */
/*
 * As sql_one, by a caller who vouches that nothing this transaction did can have changed the answer:
 * one that was expected is good although rows wait for the table.
 */
int sql_one_expected_args(struct sql *sql, struct arena *arena, const struct type *type,
                          void *ret_row, const char *query, const struct sql_value *args);
#define sql_one_expected(sql, arena, type, ret_row, query, ...) \
    sql_one_expected_args((sql), (arena), (type), (ret_row), (query), SQL_ARGS(__VA_ARGS__))
int sql_expect_args(struct sql *sql, const char *query, const struct sql_value *args);
#define sql_expect(sql, query, ...) sql_expect_args((sql), (query), SQL_ARGS(__VA_ARGS__))

/*
 * Many rows in one go: one prepared statement on SQLite, one round trip on PostgreSQL (which does
 * not wait for it, as sql_append). `rows` is an array of the struct `type` describes, which may be
 * a part of the table: sql_update_many writes its fields other than tenant_id and id to the rows of
 * that id (and tenant_id, if the struct has it). An id may occur once per call.
 */
int sql_insert_many(struct sql *sql, const char *table, const struct type *type, const void *rows,
                    size_t count);
int sql_update_many(struct sql *sql, const char *table, const struct type *type, const void *rows,
                    size_t count);
/* The rows with these ids, in order of id; the ids that do not exist are left out. `lock` as
 * SQL_FOR_UPDATE, in order of id, so that two transactions that lock this way do not deadlock. */
int sql_find_many(struct sql *sql, struct arena *arena, const char *table, const struct type *type,
                  const int64_t *ids, size_t id_count, bool lock, void **ret_rows,
                  size_t *ret_count);

/*
 * A row of integers that many calls of a batch change: read and locked once, changed in memory and
 * written once, at the commit. `type` describes the row or a part of it and begins with id. *ret_row
 * is good until the transaction ends, to be read and changed; what was changed since a savepoint is
 * undone with it, so ask again in each. While rows of a table are kept, nothing else in the
 * transaction may change them. ERR_NOT_FOUND.
 *
 * sql_expect_row: the row will be asked for; the first that is reads all of its table that were
 * expected. `table` is a literal.
 */
int sql_keep_row(struct sql *sql, const char *table, const struct type *type, int64_t id,
                 void **ret_row);
void sql_expect_row(struct sql *sql, const char *table, const struct type *type, int64_t id);

/*
 * Transactions. A read transaction sees one snapshot. Savepoints nest; sql_savepoint is lazy: it
 * costs nothing until the first write after it. When sql_savepoint_release fails the savepoint is
 * still there, to be rolled back; when sql_commit fails the transaction is over. sql_begin and
 * sql_begin_read connect again after a loss.
 */
int sql_begin(struct sql *sql);
int sql_begin_read(struct sql *sql);
int sql_commit(struct sql *sql);
int sql_rollback(struct sql *sql);
int sql_savepoint(struct sql *sql);
int sql_savepoint_release(struct sql *sql);
int sql_savepoint_rollback(struct sql *sql);
/*
 * Did it commit? A write transaction carries a random token that is stored with it. When the
 * connection breaks during sql_commit it asks by itself and returns 0 or ERR_STORE_RETRY; only when
 * the database stays away does it return ERR_STORE_LOST. Then keep the token and ask until there is
 * an answer: "no" is final (the transaction can no longer commit). Outside a transaction.
 */
int64_t sql_commit_token(const struct sql *sql);
int sql_was_committed(struct sql *sql, int64_t token, bool *ret_committed);
/* What the engine said about the last failure on this connection; for the log. */
const char *sql_last_error(const struct sql *sql);

/* One value per key, for the few things a database must remember about itself. */
int sql_setting_get(struct sql *sql, struct arena *arena, const char *key, struct str *ret_value);
int sql_setting_put(struct sql *sql, const char *key, struct str value);

/* Encryption at rest: AES-256-GCM with the store's current key; the text carries the key's id.
 * `context`
 * ("users.bvn") is authenticated. Row fields of kind SECRET pass through here by themselves. */
struct str store_encrypt(struct store *store, struct arena *arena, struct str context,
                         struct str plain);
int store_decrypt(struct store *store, struct arena *arena, struct str context, struct str sealed,
                  struct str *ret_plain);
/* HMAC-SHA256 blind index for look-ups by an encrypted value; hex. */
struct str store_blind_index(struct store *store, struct arena *arena, struct str context,
                             struct str plain);
/* 32 bytes derived (HKDF-SHA256) from the master key for a named purpose (cursors, tokens). */
void store_derive_key(struct store *store, const char *purpose, uint8_t ret_key[32]);
/* Encrypts everything again that is under an older key than the current one, in batches, and counts
 * the values. Columns are found by their type in the schema (SECRET). Afterwards older keys may
 * leave the key file. */
int store_rotate_keys(struct store *store, int64_t *ret_count, struct str *ret_why);

#endif
