/*
 * One interface over two engines: SQLite (embedded) and PostgreSQL. SQL is the common subset of both:
 * BIGINT, TEXT, BYTEA, '?' placeholders, ON CONFLICT, RETURNING, no triggers, no stored procedures.
 * Booleans are BIGINT 0/1, decimals TEXT, instants BIGINT microseconds.
 *
 * A connection belongs to one thread at a time. Statements are prepared once per connection and found
 * again by the address of their text, so query texts are string literals (or live as long as the
 * connection). Functions return 0 or ERR_NOT_FOUND, ERR_STORE_UNIQUE, ERR_STORE_BUSY,
 * ERR_STORE_LOST (connection gone, the transaction did not commit or may not have),
 * ERR_STORE_RETRY (deadlock or serialisation failure: run the transaction again), ERR_STORE.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/type.h"

struct store; /* a database: options, keys, and a pool of connections. Safe from any thread */
struct sql;   /* one connection */

enum store_engine { STORE_SQLITE, STORE_POSTGRESQL };

struct store_options {
    struct str database;  /* "postgresql://..." or the path of the SQLite file */
    struct str key_file;  /* master key for column encryption; absent: environment CAMBIST_KEY */
    bool create_key;      /* make the key file when it does not exist (sandbox) */
    unsigned connections; /* upper bound of the pool; 0 = default */
};

/* Opens, locks (SQLite: one server process per file) and migrates. *ret_why explains a failure. */
int store_open(const struct store_options *options, struct store **ret_store, struct str *ret_why);
struct store *store_close(struct store *store);
enum store_engine store_engine(const struct store *store);

/* Borrow a connection: `for_write` gives the (SQLite: only) writing one. Waits when all are lent. */
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
#define SQL_ARGS(...) ((const struct sql_value[]){__VA_ARGS__ __VA_OPT__(, ) {.kind = SQL_END}})

/* Writes. ret_changed (may be NULL) counts rows; without it PostgreSQL may pipeline the statement. */
int sql_run_args(struct sql *sql, const char *query, const struct sql_value *args,
                 int64_t *ret_changed);
#define sql_run(sql, query, ...) sql_run_args((sql), (query), SQL_ARGS(__VA_ARGS__), NULL)
#define sql_change(sql, ret_changed, query, ...) \
    sql_run_args((sql), (query), SQL_ARGS(__VA_ARGS__), (ret_changed))

/* The first row into *ret_row (a struct that `type` describes); ERR_NOT_FOUND when there is none. Columns
 * are matched to fields by name; a column without a field, or the reverse, is a programmer's error. */
int sql_one_args(struct sql *sql, struct arena *arena, const struct type *type, void *ret_row,
                 const char *query, const struct sql_value *args);
#define sql_one(sql, arena, type, ret_row, query, ...) \
    sql_one_args((sql), (arena), (type), (ret_row), (query), SQL_ARGS(__VA_ARGS__))

/* All rows as an array of structs in the arena. No rows is success with *ret_count == 0. */
int sql_all_args(struct sql *sql, struct arena *arena, const struct type *type, void **ret_rows,
                 size_t *ret_count, const char *query, const struct sql_value *args);
#define sql_all(sql, arena, type, ret_rows, ret_count, query, ...)                         \
    sql_all_args((sql), (arena), (type), (void **)(ret_rows), (ret_count), (query), \
                 SQL_ARGS(__VA_ARGS__))

/* One integer (COUNT, MAX, RETURNING id). NULL reads as 0. */
int sql_integer_args(struct sql *sql, int64_t *ret_value, const char *query,
                     const struct sql_value *args);
#define sql_integer(sql, ret_value, query, ...) \
    sql_integer_args((sql), (ret_value), (query), SQL_ARGS(__VA_ARGS__))

/* Row by row with bounded memory, for exports and verify. `visit` returns non-zero to stop (returned). */
typedef int sql_visit(void *context, const void *row, struct arena *row_arena);
int sql_each_args(struct sql *sql, const struct type *type, sql_visit *visit, void *context,
                  const char *query, const struct sql_value *args);
#define sql_each(sql, type, visit, context, query, ...) \
    sql_each_args((sql), (type), (visit), (context), (query), SQL_ARGS(__VA_ARGS__))

/* INSERT of all fields of a row struct. ERR_STORE_UNIQUE when a unique key is taken. */
int sql_insert(struct sql *sql, const char *table, const struct type *type, const void *row);
/* UPDATE of all fields of a row struct except its key columns: WHERE tenant_id = and id =. */
int sql_update(struct sql *sql, const char *table, const struct type *type, const void *row);

/* Transactions. A read transaction sees one snapshot. Savepoints nest; sql_savepoint is lazy: it costs
 * nothing until the first write after it. */
int sql_begin(struct sql *sql);
int sql_begin_read(struct sql *sql);
int sql_commit(struct sql *sql);
int sql_rollback(struct sql *sql);
int sql_savepoint(struct sql *sql);
int sql_savepoint_release(struct sql *sql);
int sql_savepoint_rollback(struct sql *sql);
/* What the engine said about the last failure on this connection; for the log. */
const char *sql_last_error(const struct sql *sql);

/* Encryption at rest: AES-256-GCM with the store's current key; the text carries the key's id. `context`
 * ("users.bvn") is authenticated. Row fields of kind SECRET pass through here by themselves. */
struct str store_encrypt(struct store *store, struct arena *arena, struct str context, struct str plain);
int store_decrypt(struct store *store, struct arena *arena, struct str context, struct str sealed,
                  struct str *ret_plain);
/* HMAC-SHA256 blind index for look-ups by an encrypted value; hex. */
struct str store_blind_index(struct store *store, struct arena *arena, struct str context,
                             struct str plain);
/* 32 bytes derived (HKDF-SHA256) from the master key for a named purpose (cursors, tokens). */
void store_derive_key(struct store *store, const char *purpose, uint8_t ret_key[32]);

#endif
