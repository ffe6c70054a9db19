/*
 * A database: its options, keys, and pool of connections.
 *
 * Invariants: a connection is either idle in one of the two lists or lent to one thread; SQLite has
 * one writing connection. Connections are made when first wanted and kept until the store closes.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/store_engine.h"
#include "store/why.h"

/* Each HTTP thread and worker may keep a connection for reading. */
#define DEFAULT_READERS 64
#define POSTGRESQL_READERS 40
#define POSTGRESQL_WRITERS 16

int why(struct str *ret_why, int error, const char *format, ...)
{
    static _Thread_local char text[1024];
    char fresh[sizeof(text)]; /* an argument may be the text itself */
    va_list args;
    va_start(args, format);
    vsnprintf(fresh, sizeof(fresh), format, args);
    va_end(args);
    memcpy(text, fresh, sizeof(text));
    if (ret_why)
        *ret_why = str_from(text);
    return error;
}

static struct str copy_option(struct arena *arena, struct str option)
{
    return str_empty(option) ? STR_NONE : arena_copy(arena, option);
}

static struct store *store_new(const struct store_options *options)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        abort();
    store->arena = arena_new(SIZE_MAX);
    store->options = *options;
    store->options.database = copy_option(store->arena, options->database);
    store->options.key_file = copy_option(store->arena, options->key_file);
    store->lock_fd = -1;
    bool postgresql = str_starts(options->database, STR("postgresql://")) ||
                      str_starts(options->database, STR("postgres://"));
    store->engine = postgresql ? &postgresql_engine : &sqlite_engine;
    store->max_readers = postgresql ? POSTGRESQL_READERS : DEFAULT_READERS;
    store->max_writers = postgresql ? POSTGRESQL_WRITERS : 1;
    if (options->connections > 0) {
        store->max_readers = options->connections;
        if (postgresql)
            store->max_writers = options->connections;
    }
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->returned, NULL);
    return store;
}

int store_open(const struct store_options *options, struct store **ret_store, struct str *ret_why)
{
    *ret_store = NULL;
    if (str_empty(options->database))
        return why(ret_why, ERR_STORE, "no database was named");
    struct store *store = store_new(options);
    int error = 0;
    if (store->engine->id == STORE_SQLITE)
        error = sqlite_file_open(store, ret_why);
    if (!error)
        error = keys_load(store, ret_why);
    if (!error)
        error = migrate(store, ret_why);
    if (!error)
        error = keys_check(store, ret_why);
    if (error) {
        store_close(store);
        return error;
    }
    *ret_store = store;
    return 0;
}

static void close_idle(struct sql *list, unsigned *count)
{
    while (list) {
        struct sql *next = list->next;
        sql_close(list);
        (*count)--;
        list = next;
    }
}

struct store *store_close(struct store *store)
{
    if (!store)
        return NULL;
    sqlite_file_stop(store);
    /* Readers first: the last connection copies SQLite's log, which takes one that writes. */
    close_idle(store->idle_readers, &store->readers);
    close_idle(store->idle_writers, &store->writers);
    assert(store->readers == 0 && store->writers == 0);
    sqlite_file_close(store);
    cipher_free(store->cipher);
    pthread_cond_destroy(&store->returned);
    pthread_mutex_destroy(&store->mutex);
    arena_free(store->arena);
    free(store);
    return NULL;
}

enum store_engine store_engine(const struct store *store)
{
    return store->engine->id;
}

void store_set_metrics(struct store *store, struct metrics *metrics)
{
    store->metrics = metrics;
}

unsigned store_schema_number(const struct store *store)
{
    return store->schema_number;
}

int store_checkpoint(struct store *store)
{
    return store->engine->id == STORE_SQLITE ? sqlite_checkpoint(store) : 0;
}

int store_backup(struct store *store, struct str path, struct str *ret_why)
{
    if (store->engine->id == STORE_SQLITE)
        return sqlite_backup(store, path, ret_why);
    return why(ret_why, ERR_STORE,
               "a PostgreSQL database is backed up with pg_dump or a base "
               "backup");
}

/* ---- Pool ---- */

struct sql *store_acquire(struct store *store, bool for_write)
{
    struct sql **idle = for_write ? &store->idle_writers : &store->idle_readers;
    unsigned *count = for_write ? &store->writers : &store->readers;
    unsigned limit = for_write ? store->max_writers : store->max_readers;
    assert(!for_write || !store->options.read_only);
    pthread_mutex_lock(&store->mutex);
    while (!*idle && *count >= limit)
        pthread_cond_wait(&store->returned, &store->mutex);
    struct sql *sql = *idle;
    if (sql)
        *idle = sql->next;
    else
        (*count)++;
    pthread_mutex_unlock(&store->mutex);
    if (!sql) {
        sql = sql_open(store, for_write);
        /* When this fails the first call tries again, and reports it. */
        sql->engine->connect(sql);
    }
    sql->next = NULL;
    return sql;
}

void store_release(struct store *store, struct sql *sql)
{
    if (!sql)
        return;
    assert(sql->transaction == TRANSACTION_NONE);
    struct sql **idle = sql->for_write ? &store->idle_writers : &store->idle_readers;
    pthread_mutex_lock(&store->mutex);
    sql->next = *idle;
    *idle = sql;
    pthread_cond_broadcast(&store->returned);
    pthread_mutex_unlock(&store->mutex);
}
