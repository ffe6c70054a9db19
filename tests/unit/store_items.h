/*
 * A table of items on either engine, and the running of tests on both: what the tests of the
 * store's promises share.
 */
#ifndef TESTS_UNIT_STORE_ITEMS_H
#define TESTS_UNIT_STORE_ITEMS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/row.h"
#include "store_fixture.h"

#define ITEM_ROW(F)       \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(TEXT, name)         \
    F(BOOLEAN, active)    \
    F(DECIMAL, rate)      \
    F(BYTES, picture)     \
    F(JSON, details)      \
    F(SECRET, pin)
ROW_STRUCT(item, ITEM_ROW);
#define ROW_SELF struct item
ROW_TYPE(item, ITEM_ROW);
#undef ROW_SELF

/* A part of the table, as counters of an account are. */
#define ITEM_NAME_ROW(F)  \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(TEXT, name)
ROW_STRUCT(item_name, ITEM_NAME_ROW);
#define ROW_SELF struct item_name
ROW_TYPE(item_name, ITEM_NAME_ROW);
#undef ROW_SELF

static struct arena *arena;
static struct store_fixture fixture;
static struct sql *sql;

static inline void make_table(void)
{
    bool postgresql = store_engine(fixture.store) == STORE_POSTGRESQL;
    assert_int_equal(
        sql_run(sql, postgresql ? "CREATE TABLE item (id BIGINT PRIMARY KEY, tenant_id BIGINT,"
                                  " name TEXT COLLATE \"C\" UNIQUE, active BIGINT, rate TEXT,"
                                  " picture BYTEA, details TEXT, pin SECRET)"
                                : "CREATE TABLE item (id INTEGER PRIMARY KEY, tenant_id "
                                  "BIGINT, name TEXT UNIQUE, active BIGINT, rate TEXT,"
                                  " picture BYTEA, details TEXT, pin SECRET)"),
        0);
}

/* Migrating takes the longest: most tests share a database of their engine, and empty it. */
static struct store_fixture shared[2];
static bool is_shared;

static inline int set_up(enum store_engine engine, bool share)
{
    arena = arena_new(SIZE_MAX);
    is_shared = share;
    if (share && shared[engine].store)
        fixture = shared[engine];
    else
        fixture_open(&fixture, engine);
    sql = store_acquire(fixture.store, true);
    make_table();
    return 0;
}

static inline int setup_sqlite(void **state)
{
    (void)state;
    return set_up(STORE_SQLITE, true);
}

static inline int setup_postgresql(void **state)
{
    (void)state;
    return set_up(STORE_POSTGRESQL, true);
}

static inline int setup_own_sqlite(void **state)
{
    (void)state;
    return set_up(STORE_SQLITE, false);
}

static inline int setup_own_postgresql(void **state)
{
    (void)state;
    return set_up(STORE_POSTGRESQL, false);
}

static inline int teardown(void **state)
{
    (void)state;
    if (is_shared) {
        assert_int_equal(sql_run(sql, "DROP TABLE item"), 0);
        assert_int_equal(sql_run(sql, "DELETE FROM setting WHERE key <> 'key_check'"), 0);
    }
    if (sql)
        store_release(fixture.store, sql);
    sql = NULL;
    if (is_shared)
        shared[store_engine(fixture.store)] = fixture;
    else
        fixture_close(&fixture);
    arena = arena_free(arena);
    return 0;
}

static inline struct item make_item(int64_t id, const char *name)
{
    return (struct item){.id = id, .tenant_id = 7, .name = str_from(name), .active = true};
}

static inline int64_t count_items(struct sql *on)
{
    int64_t count = -1;
    assert_int_equal(sql_integer(on, &count, "SELECT COUNT(*) FROM item"), 0);
    return count;
}

#define COLUMNS "id, tenant_id, name, active, rate, picture, details, pin"

static inline void insert(int64_t id, const char *name, int expected)
{
    struct item item = make_item(id, name);
    assert_int_equal(sql_insert(sql, "item", &item_row, &item), expected);
}

#define ON_BOTH(test)                                                \
    {"sqlite: " #test, test, setup_sqlite, teardown, NULL},          \
    {                                                                \
        "postgresql: " #test, test, setup_postgresql, teardown, NULL \
    }
#define ON_BOTH_ALONE(test)                                              \
    {"sqlite: " #test, test, setup_own_sqlite, teardown, NULL},          \
    {                                                                    \
        "postgresql: " #test, test, setup_own_postgresql, teardown, NULL \
    }
#define ON_SQLITE(test)                                      \
    {                                                        \
        "sqlite: " #test, test, setup_sqlite, teardown, NULL \
    }

#define MOST_TESTS 64

/* Those on PostgreSQL only where there is one. */
static inline int run_on_both(const char *name, const struct CMUnitTest *all, size_t all_count)
{
    struct CMUnitTest wanted[MOST_TESTS];
    size_t count = 0;
    for (size_t i = 0; i < all_count; i++)
        if (fixture_has_postgresql() || all[i].setup_func == setup_sqlite ||
            all[i].setup_func == setup_own_sqlite)
            wanted[count++] = all[i];
    int failed = _cmocka_run_group_tests(name, wanted, count, NULL, NULL);
    for (size_t i = 0; i < 2; i++)
        if (shared[i].store) {
            fixture = shared[i];
            fixture_close(&fixture);
        }
    return failed;
}

#endif
