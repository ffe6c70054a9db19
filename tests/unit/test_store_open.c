/* The store as a whole: opening, keys, the pool, and what only SQLite has. */
#include "store_items.h"

#include <pthread.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "store/cipher.h"

/* ---- The store as a whole ---- */

static int open_error(struct store_options options, struct str *ret_why)
{
    struct store *second = NULL;
    int error = store_open(&options, &second, ret_why);
    store_close(second);
    return error;
}

static struct store_options options_now(void)
{
    return (struct store_options){.database = str_from(fixture.database),
                                  .key_file = str_from(fixture.key_file)};
}

static void close_store(void)
{
    store_release(fixture.store, sql);
    sql = NULL;
    fixture.store = store_close(fixture.store);
}

static void reopen_store(void)
{
    fixture_reopen(&fixture);
    sql = store_acquire(fixture.store, true);
}

static void test_reopen(void **state)
{
    (void)state;
    insert(1, "a", 0);
    unsigned number = store_schema_number(fixture.store);
    assert_true(number >= 1);
    close_store();
    reopen_store();
    assert_int_equal(count_items(sql), 1);
    assert_int_equal(store_schema_number(fixture.store), number);
}

static void test_newer_or_changed_is_refused(void **state)
{
    (void)state;
    struct str why;
    assert_int_equal(sql_run(sql,
                             "INSERT INTO schema_migration (number, name, checksum, applied_at)"
                             " VALUES (9999, 'future', 'x', 0)"),
                     0);
    close_store();
    assert_int_equal(open_error(options_now(), &why), ERR_STORE_NEWER);
    assert_non_null(strstr(why.ptr, "9999_future"));
    struct store_options read_only = options_now();
    read_only.read_only = true;
    assert_int_equal(open_error(read_only, &why), ERR_STORE_NEWER);
}

static void test_another_key_is_refused(void **state)
{
    (void)state;
    close_store();
    struct str why;
    assert_int_equal(unlink(fixture.key_file), 0);
    struct store_options options = options_now();
    assert_int_equal(open_error(options, &why), ERR_STORE);
    options.create_key = true;
    assert_int_equal(open_error(options, &why), ERR_DECRYPT);
    assert_non_null(strstr(why.ptr, "key"));
    struct stat status;
    assert_int_equal(stat(fixture.key_file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(chmod(fixture.key_file, 0644), 0);
    assert_int_equal(open_error(options, &why), ERR_STORE);
    options.key_file = STR_NONE;
    assert_int_equal(open_error(options, &why), ERR_STORE);
}

static void test_rotation(void **state)
{
    (void)state;
    enum { COUNT = 450 };
    struct item *items = ARENA_ARRAY(arena, struct item, COUNT);
    for (int64_t i = 0; i < COUNT; i++) {
        items[i] = make_item(i + 1, NULL);
        items[i].pin = i == 7 ? STR_NONE : arena_printf(arena, "pin %d", (int)i);
    }
    assert_int_equal(sql_insert_many(sql, "item", &item_row, items, COUNT), 0);
    struct str index = store_blind_index(fixture.store, arena, STR("item.pin"), STR("pin 1"));
    close_store();
    uint32_t key;
    struct str why;
    assert_int_equal(key_file_add(fixture.key_file, &key, &why), 0);
    assert_int_equal(key, 2);
    reopen_store();
    struct item out;
    assert_int_equal(
        sql_one(sql, arena, &item_row, &out, "SELECT " COLUMNS " FROM item WHERE id = 1"), 0);
    assert_true(str_is(out.pin, "pin 0"));
    store_release(fixture.store, sql);
    int64_t rotated;
    assert_int_equal(store_rotate_keys(fixture.store, &rotated, &why), 0);
    assert_int_equal(rotated, COUNT - 1);
    assert_int_equal(store_rotate_keys(fixture.store, &rotated, &why), 0);
    assert_int_equal(rotated, 0);
    sql = store_acquire(fixture.store, true);
    close_store();

    /* Key 1 may leave the file now. */
    char text[4096] = "", kept[4096] = "";
    FILE *file = fopen(fixture.key_file, "r");
    assert_non_null(file);
    while (fgets(text, sizeof(text), file))
        if (strncmp(text, "1 ", 2) != 0)
            strcat(kept, text);
    fclose(file);
    file = fopen(fixture.key_file, "w");
    assert_non_null(file);
    fputs(kept, file);
    fclose(file);
    reopen_store();
    for (int64_t id = 1; id <= COUNT; id++) {
        assert_int_equal(sql_one(sql, arena, &item_row, &out,
                                 "SELECT " COLUMNS " FROM item WHERE id = ?", sql_int(id)),
                         0);
        assert_true(str_eq(out.pin, items[id - 1].pin));
    }
    assert_true(
        str_eq(index, store_blind_index(fixture.store, arena, STR("item.pin"), STR("pin 1"))));
}

static void *hold_and_return(void *argument)
{
    for (int i = 0; i < 200; i++) {
        struct sql *held = store_acquire(fixture.store, false);
        int64_t value;
        if (sql_begin_read(held) || sql_integer(held, &value, "SELECT 41 + 1") || value != 42 ||
            sql_commit(held))
            *(bool *)argument = true;
        store_release(fixture.store, held);
    }
    return NULL;
}

static void test_pool(void **state)
{
    (void)state;
    close_store();
    struct store_options options = options_now();
    options.connections = 3;
    assert_int_equal(store_open(&options, &fixture.store, NULL), 0);
    pthread_t threads[8];
    bool failed[8] = {0};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_return, &failed[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_false(failed[i]);
    }
    sql = store_acquire(fixture.store, true);
}

/* ---- SQLite only ---- */

static void test_second_server_is_refused(void **state)
{
    (void)state;
    struct str why;
    char process[32];
    assert_int_equal(open_error(options_now(), &why), ERR_STORE_BUSY);
    snprintf(process, sizeof(process), "process %ld", (long)getpid());
    assert_non_null(strstr(why.ptr, process));
}

static void test_read_only_beside_the_server(void **state)
{
    (void)state;
    insert(1, "a", 0);
    struct store_options options = options_now();
    options.read_only = true;
    struct store *second;
    assert_int_equal(store_open(&options, &second, NULL), 0);
    struct sql *reader = store_acquire(second, false);
    assert_int_equal(count_items(reader), 1);
    insert(2, "b", 0);
    assert_int_equal(count_items(reader), 2);
    assert_int_not_equal(sql_run(reader, "DELETE FROM item"), 0);
    store_release(second, reader);
    store_close(second);
    insert(3, "c", 0);
    options.key_file = STR_NONE;
    assert_int_equal(store_open(&options, &second, NULL), 0);
    store_close(second);
}

static void test_backup(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof(path), "%s/backup.db", fixture.folder);
    insert(1, "a", 0);
    assert_int_equal(sql_begin(sql), 0);
    insert(2, "not committed", 0);
    struct str why;
    assert_int_equal(store_backup(fixture.store, str_from(path), &why), 0);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(store_backup(fixture.store, str_from(path), &why), ERR_STORE);
    struct store_options options = options_now();
    options.database = str_from(path);
    struct store *copy;
    assert_int_equal(store_open(&options, &copy, &why), 0);
    struct sql *reader = store_acquire(copy, false);
    assert_int_equal(count_items(reader), 1);
    store_release(copy, reader);
    store_close(copy);
}

static void test_log_stays_bounded(void **state)
{
    (void)state;
    enum { COUNT = 2000, ROUNDS = 60 };
    char path[128];
    struct item *items = ARENA_ARRAY(arena, struct item, COUNT);
    for (int64_t round = 0; round < ROUNDS; round++) {
        for (int64_t i = 0; i < COUNT; i++) {
            items[i] = make_item((i * 7919 + round * 104729) % 100000007 + 1, NULL);
            items[i].details = STR("................................................"
                                   "................................................");
        }
        assert_int_equal(sql_begin(sql), 0);
        assert_int_equal(sql_run(sql, "DELETE FROM item"), 0);
        assert_int_equal(sql_insert_many(sql, "item", &item_row, items, COUNT), 0);
        assert_int_equal(sql_commit(sql), 0);
    }
    struct stat status;
    snprintf(path, sizeof(path), "%s/test.db-wal", fixture.folder);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size < 120 << 20);
    assert_int_equal(store_checkpoint(fixture.store), 0);
    /* A request that succeeds without copying anything would pass all of the above. */
    assert_int_equal(stat(fixture.database, &status), 0);
    assert_true(status.st_size > 100 << 10);
}

int main(void)
{
    static const struct CMUnitTest all[] = {
        ON_BOTH(test_reopen),
        ON_BOTH_ALONE(test_newer_or_changed_is_refused),
        ON_BOTH_ALONE(test_another_key_is_refused),
        ON_BOTH_ALONE(test_rotation),
        ON_BOTH(test_pool),
        ON_SQLITE(test_second_server_is_refused),
        ON_SQLITE(test_read_only_beside_the_server),
        ON_SQLITE(test_backup),
        ON_SQLITE(test_log_stays_bounded),
    };
    return run_on_both("store_open", all, sizeof(all) / sizeof(all[0]));
}
