/* Where keys live: the key file and the environment; and the rotation of what they encrypted. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "store/row.h"
#include "store/store_engine.h"
#include "store/why.h"

#define MAX_KEY_FILE 65536

/* ---- Files ---- */

static int write_all(int fd, struct str text)
{
    while (text.len > 0) {
        ssize_t written = write(fd, text.ptr, text.len);
        if (written < 0)
            return errno;
        text.ptr += written;
        text.len -= (size_t)written;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

static int write_private(const char *path, struct str text, struct str *ret_why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return why(ret_why, ERR_STORE, "%s: %s", path, strerror(errno));
    int problem = write_all(fd, text);
    close(fd);
    if (!problem)
        return 0;
    unlink(path);
    return why(ret_why, ERR_STORE, "%s: %s", path, strerror(problem));
}

static int read_private(struct arena *arena, const char *path, struct str *ret_text,
                        struct str *ret_why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int error = why(ret_why, ERR_STORE, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return error;
    }
    if (status.st_mode & (S_IRWXG | S_IRWXO)) {
        close(fd);
        return why(ret_why, ERR_STORE, "%s can be read by others: chmod 600 it", path);
    }
    char *text = arena_alloc(arena, MAX_KEY_FILE);
    ssize_t length = read(fd, text, MAX_KEY_FILE);
    close(fd);
    if (length < 0 || length == MAX_KEY_FILE)
        return why(ret_why, ERR_STORE, "%s: %s", path, length < 0 ? strerror(errno) : "too long");
    *ret_text = (struct str){text, (size_t)length};
    return 0;
}

int key_file_create(const char *path, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct str text = arena_printf(arena,
                                   "# Cambist's keys. Whoever has this file can read what is "
                                   "encrypted in the database; whoever loses\n"
                                   "# it cannot. Keep a copy apart from the database's backups.\n"
                                   "root %s\n"
                                   "1 %s\n",
                                   random_hex(arena, CIPHER_KEY_SIZE).ptr,
                                   random_hex(arena, CIPHER_KEY_SIZE).ptr);
    int error = write_private(path, text, ret_why);
    OPENSSL_cleanse((char *)(uintptr_t)text.ptr, text.len);
    return error;
}

/* The highest number in a file that cipher_new accepted. */
static uint32_t last_key(struct str text)
{
    int64_t last = 0, id;
    while (str_present(text)) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (str_to_i64(str_cut(&line, ' '), &id) && id > last)
            last = id;
    }
    return (uint32_t)last;
}

int key_file_add(const char *path, uint32_t *ret_key, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct str text, reason;
    int error = read_private(arena, path, &text, ret_why);
    if (error)
        return error;
    struct cipher *cipher = cipher_new(text, &reason);
    if (!cipher)
        return why(ret_why, ERR_STORE, "%s: %s", path, arena_cstr(arena, reason));
    cipher_free(cipher);
    *ret_key = last_key(text) + 1;
    bool open_line = text.len > 0 && text.ptr[text.len - 1] != '\n';
    struct str longer = arena_printf(arena, "%.*s%s%u %s\n", STR_FMT(text), open_line ? "\n" : "",
                                     *ret_key, random_hex(arena, CIPHER_KEY_SIZE).ptr);
    const char *partial = arena_printf(arena, "%s.new", path).ptr;
    error = write_private(partial, longer, ret_why);
    if (!error && rename(partial, path) != 0) {
        error = why(ret_why, ERR_STORE, "%s: %s", path, strerror(errno));
        unlink(partial);
    }
    OPENSSL_cleanse((char *)(uintptr_t)longer.ptr, longer.len);
    OPENSSL_cleanse((char *)(uintptr_t)text.ptr, text.len);
    return error;
}

/* ---- Loading ---- */

static int load_text(struct store *store, const char *source, struct str text, struct str *ret_why)
{
    struct str reason = STR_NONE;
    store->cipher = cipher_new(text, &reason);
    if (store->cipher)
        return 0;
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    return why(ret_why, ERR_STORE, "%s: %s", source, arena_cstr(arena, reason));
}

int keys_load(struct store *store, struct str *ret_why)
{
    const struct store_options *options = &store->options;
    const char *environment = getenv("CAMBIST_KEY");
    if (!str_present(options->key_file)) {
        if (environment)
            return load_text(store, "CAMBIST_KEY", str_from(environment), ret_why);
        if (options->read_only)
            return 0;
        return why(ret_why, ERR_STORE,
                   "there is no encryption key: name a key file, or set "
                   "CAMBIST_KEY");
    }
    const char *path = options->key_file.ptr;
    if (options->read_only && access(path, F_OK) != 0)
        return 0;
    if (options->create_key && access(path, F_OK) != 0) {
        int error = key_file_create(path, ret_why);
        if (error)
            return error;
    }
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct str text = STR_NONE;
    int error = read_private(arena, path, &text, ret_why);
    if (!error) {
        error = load_text(store, path, text, ret_why);
        OPENSSL_cleanse((char *)(uintptr_t)text.ptr, text.len);
    }
    return error;
}

/*
 * The database keeps a value derived from the root, sealed with a key. Both have to fit, or blind
 * indexes and cursors would silently change their meaning.
 */
static struct str check_value(struct store *store, struct arena *arena)
{
    uint8_t derived[CIPHER_KEY_SIZE];
    store_derive_key(store, "key check", derived);
    return hex_print(arena, derived, sizeof(derived));
}

static int put_check(struct store *store, struct sql *sql, struct arena *arena)
{
    struct str sealed =
        store_encrypt(store, arena, STR("setting.key_check"), check_value(store, arena));
    return sql_setting_put(sql, "key_check", hex_print(arena, sealed.ptr, sealed.len));
}

static int check(struct store *store, struct sql *sql, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct str kept, sealed, plain;
    int error = sql_setting_get(sql, arena, "key_check", &kept);
    if (error == ERR_NOT_FOUND && !store->options.read_only)
        error = put_check(store, sql, arena);
    else if (!error && (!hex_parse(arena, kept, &sealed) ||
                        store_decrypt(store, arena, STR("setting.key_check"), sealed, &plain) ||
                        !str_eq(plain, check_value(store, arena))))
        return why(ret_why, ERR_DECRYPT, "the encryption key is not the one of this database");
    return error ? why(ret_why, error, "%s", sql_last_error(sql)) : 0;
}

int keys_check(struct store *store, struct str *ret_why)
{
    if (!store->cipher)
        return 0;
    struct sql *sql = store_acquire(store, !store->options.read_only);
    int error = check(store, sql, ret_why);
    store_release(store, sql);
    return error;
}

struct str store_encrypt(struct store *store, struct arena *arena, struct str context,
                         struct str plain)
{
    if (!store->cipher)
        abort(); /* stores without a key are read only */
    return str_present(plain) ? cipher_seal(store->cipher, arena, context, plain) : STR_NONE;
}

int store_decrypt(struct store *store, struct arena *arena, struct str context, struct str sealed,
                  struct str *ret_plain)
{
    *ret_plain = STR_NONE;
    if (!str_present(sealed))
        return 0;
    if (!store->cipher)
        return ERR_DECRYPT;
    return cipher_open(store->cipher, arena, context, sealed, ret_plain);
}

struct str store_blind_index(struct store *store, struct arena *arena, struct str context,
                             struct str plain)
{
    if (!store->cipher)
        abort();
    return cipher_blind_index(store->cipher, arena, context, plain);
}

void store_derive_key(struct store *store, const char *purpose, uint8_t ret_key[32])
{
    if (!store->cipher)
        abort();
    cipher_derive(store->cipher, purpose, ret_key);
}

/* ---- Rotation ---- */

#define SECRET_COLUMN_ROW(F) \
    F(TEXT, table_name)      \
    F(TEXT, column_name)
ROW_STRUCT(secret_column, SECRET_COLUMN_ROW);
#define ROW_SELF struct secret_column
ROW_TYPE(secret_column, SECRET_COLUMN_ROW);
#undef ROW_SELF

/* `place` finds the row again, whatever its key is: SQLite's rowid, PostgreSQL's ctid. */
#define SEALED_ROW(F) \
    F(TEXT, place)    \
    F(BYTES, sealed)
ROW_STRUCT(sealed, SEALED_ROW);
#define ROW_SELF struct sealed
ROW_TYPE(sealed, SEALED_ROW);
#undef ROW_SELF

struct rotation {
    struct store *store;
    struct sql *sql;
    const char *select;
    const char *update;
    struct str context;
    int64_t rotated;
    int64_t missed; /* somebody else wrote the row meanwhile */
};

static int rotate_value(void *context, const void *row, struct arena *arena)
{
    struct rotation *rotation = context;
    const struct sealed *value = row;
    if (cipher_is_current(rotation->store->cipher, value->sealed))
        return 0;
    struct str plain;
    int64_t changed;
    int error = store_decrypt(rotation->store, arena, rotation->context, value->sealed, &plain);
    if (error)
        return sql_note(rotation->sql, error, "a value of %.*s cannot be decrypted",
                        STR_FMT(rotation->context));
    struct str fresh = store_encrypt(rotation->store, arena, rotation->context, plain);
    OPENSSL_cleanse((char *)(uintptr_t)plain.ptr, plain.len);
    error = sql_change(rotation->sql, &changed, rotation->update, sql_bytes(fresh),
                       sql_text(value->place), sql_bytes(value->sealed));
    rotation->rotated += changed;
    rotation->missed += 1 - changed;
    return error;
}

static int rotate_pass(struct rotation *rotation)
{
    int error = sql_begin(rotation->sql);
    if (error)
        return error;
    rotation->missed = 0;
    error = sql_each(rotation->sql, &sealed_row, rotate_value, rotation, rotation->select);
    if (!error)
        return sql_commit(rotation->sql);
    sql_rollback(rotation->sql);
    return error;
}

static int rotate_column(struct store *store, struct sql *sql, const struct secret_column *column,
                         int64_t *count)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    const char *table = column->table_name.ptr, *name = column->column_name.ptr;
    bool sqlite = store->engine->id == STORE_SQLITE;
    struct rotation rotation = {
        .store = store,
        .sql = sql,
        .context = arena_printf(arena, "%s.%s", table, name),
        .select =
            arena_printf(arena, "SELECT %s AS place, %s AS sealed FROM %s WHERE %s IS NOT NULL",
                         sqlite ? "rowid" : "ctid::text", name, table, name)
                .ptr,
        .update = arena_printf(arena, "UPDATE %s SET %s = ? WHERE %s AND %s = ?", table, name,
                               sqlite ? "rowid = ?" : "ctid = ?::tid", name)
                      .ptr,
    };
    int error;
    do
        error = rotate_pass(&rotation);
    while (error == ERR_STORE_RETRY || (!error && rotation.missed > 0));
    *count += rotation.rotated;
    return error;
}

int store_rotate_keys(struct store *store, int64_t *ret_count, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct secret_column *columns;
    size_t column_count;
    struct sql *sql = store_acquire(store, true);
    *ret_count = 0;
    int error = sql_all(sql, arena, &secret_column_row, &columns, &column_count,
                        store->engine->secret_columns);
    for (size_t i = 0; i < column_count && !error; i++)
        error = rotate_column(store, sql, &columns[i], ret_count);
    if (!error)
        error = put_check(store, sql, arena);
    if (error)
        why(ret_why, error, "%s", sql_last_error(sql));
    store_release(store, sql);
    return error;
}
