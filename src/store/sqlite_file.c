/*
 * The database file as a whole: created private to its owner, locked against a second server, and
 * its write-ahead log kept bounded.
 *
 * The log: a thread copies it into the database file whenever it grew by COPY_PAGES, beside the
 * writer. The log can only start anew when nobody reads or writes it, which under steady load never
 * happens by itself; so from LIMIT_PAGES on, the thread holds the next write transaction back,
 * copies the little that is left and starts it over. A reader that stays for long (an export) keeps
 * the log growing until it is done.
 */
#include "store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/fault.h"
#include "store/sqlite_locks.h"
#include "store/store_engine.h"
#include "store/why.h"

#define COPY_PAGES 4096
#define LIMIT_PAGES 16384
#define READER_PATIENCE_MS 100

struct sqlite_file {
    struct store *store;
    struct sqlite_locks *locks; /* NULL: read only, or with faults */
    sqlite3 *db;                /* of the copying; used under `copying` */
    pthread_mutex_t copying;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread;
    bool stop;
    bool writing; /* a write transaction is open */
    bool holding; /* write transactions have to wait */
    int pages;    /* in the log */
    int copied;   /* of these */
    int limit;
};

/* ---- The log ---- */

void sqlite_file_write_begins(struct sqlite_file *file)
{
    pthread_mutex_lock(&file->mutex);
    while (file->holding)
        pthread_cond_wait(&file->changed, &file->mutex);
    file->writing = true;
    pthread_mutex_unlock(&file->mutex);
}

static bool copy_is_due(const struct sqlite_file *file)
{
    return file->pages - file->copied >= COPY_PAGES || file->pages >= file->limit;
}

void sqlite_file_write_ends(struct sqlite_file *file)
{
    pthread_mutex_lock(&file->mutex);
    file->writing = false;
    bool due = copy_is_due(file);
    if (due || file->holding)
        pthread_cond_broadcast(&file->changed);
    pthread_mutex_unlock(&file->mutex);
    if (due && !file->has_thread)
        sqlite_checkpoint(file->store);
}

void sqlite_file_note_log(struct sqlite_file *file, int pages)
{
    pthread_mutex_lock(&file->mutex);
    if (pages < file->pages) {
        file->copied = 0;
        file->limit = LIMIT_PAGES;
    }
    file->pages = pages;
    pthread_mutex_unlock(&file->mutex);
}

static int copy_log(struct sqlite_file *file, int mode)
{
    int pages = 0, copied = 0;
    pthread_mutex_lock(&file->copying);
    int code = sqlite3_wal_checkpoint_v2(file->db, "main", mode, &pages, &copied);
    pthread_mutex_unlock(&file->copying);
    pthread_mutex_lock(&file->mutex);
    if (copied >= 0)
        file->copied = copied;
    /* A restarted log is empty, but SQLite reports it as it was. */
    if (!code && mode == SQLITE_CHECKPOINT_RESTART)
        file->pages = file->copied = 0;
    pthread_mutex_unlock(&file->mutex);
    return code;
}

static void hold_writers(struct sqlite_file *file, bool hold)
{
    pthread_mutex_lock(&file->mutex);
    file->holding = hold;
    pthread_cond_broadcast(&file->changed);
    while (hold && file->writing)
        pthread_cond_wait(&file->changed, &file->mutex);
    pthread_mutex_unlock(&file->mutex);
}

static void start_log_anew(struct sqlite_file *file)
{
    hold_writers(file, true);
    int code = copy_log(file, SQLITE_CHECKPOINT_RESTART);
    pthread_mutex_lock(&file->mutex);
    file->limit = code ? file->pages + COPY_PAGES : LIMIT_PAGES;
    pthread_mutex_unlock(&file->mutex);
    hold_writers(file, false);
}

static void *copy_thread(void *argument)
{
    struct sqlite_file *file = argument;
    pthread_mutex_lock(&file->mutex);
    while (!file->stop) {
        if (!copy_is_due(file)) {
            pthread_cond_wait(&file->changed, &file->mutex);
            continue;
        }
        bool anew = file->pages >= file->limit;
        int before = file->copied;
        pthread_mutex_unlock(&file->mutex);
        copy_log(file, SQLITE_CHECKPOINT_PASSIVE);
        if (anew)
            start_log_anew(file);
        pthread_mutex_lock(&file->mutex);
        /* A reader is in the way: not again before more was written. */
        if (!anew && file->copied == before)
            file->copied = file->pages;
    }
    pthread_mutex_unlock(&file->mutex);
    return NULL;
}

int sqlite_checkpoint(struct store *store)
{
    struct sqlite_file *file = store->sqlite;
    int code = copy_log(file, SQLITE_CHECKPOINT_PASSIVE);
    return code ? ERR_STORE_BUSY : 0;
}

/* ---- Opening ---- */

static int lock_file(struct store *store, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    const char *path = arena_printf(arena, "%s.lock", store->options.database.ptr).ptr;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return why(ret_why, ERR_STORE, "%s: %s", path, strerror(errno));
    char text[32] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t length = read(fd, text, sizeof(text) - 1);
        close(fd);
        text[length > 0 ? length : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return why(ret_why, ERR_STORE_BUSY, "%s is in use by another server (process %s)",
                   store->options.database.ptr, *text ? text : "unknown");
    }
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || write(fd, text, (size_t)length) != length) {
        close(fd);
        return why(ret_why, ERR_STORE, "%s: %s", path, strerror(errno));
    }
    store->lock_fd = fd;
    return 0;
}

/* The file and its folder are made for the owner only; SQLite gives its other files the same
 * mode. */
static int create_file(struct store *store, struct str *ret_why)
{
    const char *path = store->options.database.ptr;
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    const char *slash = strrchr(path, '/');
    if (slash && slash > path) {
        const char *folder = arena_cstr(arena, (struct str){path, (size_t)(slash - path)});
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return why(ret_why, ERR_STORE, "%s: %s", folder, strerror(errno));
    }
    int error = lock_file(store, ret_why);
    if (error)
        return error;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return why(ret_why, ERR_STORE, "%s: %s", path, strerror(errno));
    close(fd);
    return 0;
}

static void configure_library(void)
{
    /* Each connection is used by one thread at a time, and nobody asks for memory statistics. */
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_for_copying(struct sqlite_file *file, struct str *ret_why)
{
    const struct store_options *options = &file->store->options;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(options->database.ptr, &file->db, flags, sqlite_file_vfs(file));
    if (!code) {
        sqlite3_busy_timeout(file->db, READER_PATIENCE_MS);
        /* A handle that never saw the log takes a copy request for done without doing anything. */
        code = sqlite3_exec(file->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", NULL,
                            NULL, NULL);
    }
    if (code)
        return why(ret_why, ERR_STORE, "%s: %s", options->database.ptr, sqlite3_errmsg(file->db));
    return 0;
}

int sqlite_file_open(struct store *store, struct str *ret_why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_library);
    struct sqlite_file *file = calloc(1, sizeof(*file));
    if (!file)
        abort();
    store->sqlite = file;
    file->store = store;
    file->limit = LIMIT_PAGES;
    pthread_mutex_init(&file->mutex, NULL);
    pthread_mutex_init(&file->copying, NULL);
    pthread_cond_init(&file->changed, NULL);
    if (store->options.read_only) {
        if (access(store->options.database.ptr, R_OK) != 0)
            return why(ret_why, ERR_STORE, "%s: %s", store->options.database.ptr, strerror(errno));
        return 0;
    }
    int error = create_file(store, ret_why);
    if (!error && !store->options.fault)
        file->locks = sqlite_locks_new();
    if (!error)
        error = open_for_copying(file, ret_why);
    /* With faults each step has to come at the same place in every run: copying is then part of
     * commits. */
    if (!error && !store->options.fault) {
        if (pthread_create(&file->thread, NULL, copy_thread, file) != 0)
            abort();
        file->has_thread = true;
    }
    return error;
}

const char *sqlite_file_vfs(const struct sqlite_file *file)
{
    if (file->store->options.fault)
        return store_fault_vfs(file->store->options.fault);
    return file->locks ? sqlite_locks_vfs(file->locks) : NULL;
}

void sqlite_file_stop(struct store *store)
{
    struct sqlite_file *file = store->sqlite;
    if (file && file->has_thread) {
        pthread_mutex_lock(&file->mutex);
        file->stop = true;
        pthread_cond_broadcast(&file->changed);
        pthread_mutex_unlock(&file->mutex);
        pthread_join(file->thread, NULL);
        file->has_thread = false;
    }
    if (file && file->locks)
        sqlite_locks_end(file->locks);
}

void sqlite_file_close(struct store *store)
{
    struct sqlite_file *file = store->sqlite;
    if (!file)
        return;
    sqlite3_close(file->db);
    sqlite_locks_free(file->locks);
    pthread_cond_destroy(&file->changed);
    pthread_mutex_destroy(&file->mutex);
    pthread_mutex_destroy(&file->copying);
    free(file);
    store->sqlite = NULL;
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    store->lock_fd = -1;
}

/* ---- Backup ---- */

static int copy_database(struct sql *sql, const char *path, struct str *ret_why)
{
    sqlite3 *target = NULL;
    int code = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_backup *backup =
        code ? NULL : sqlite3_backup_init(target, "main", sql->connection, "main");
    if (backup) {
        do
            code = sqlite3_backup_step(backup, -1);
        while (code == SQLITE_BUSY || code == SQLITE_LOCKED);
        sqlite3_backup_finish(backup);
    }
    int error = 0;
    if (!backup || code != SQLITE_DONE)
        error = why(ret_why, ERR_STORE, "%s: %s", path, sqlite3_errmsg(target));
    sqlite3_close(target);
    return error;
}

int sqlite_backup(struct store *store, struct str path, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    const char *final = arena_cstr(arena, path);
    const char *partial = arena_printf(arena, "%s.partial", final).ptr;
    if (access(final, F_OK) == 0)
        return why(ret_why, ERR_STORE, "%s exists already", final);
    int fd = open(partial, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return why(ret_why, ERR_STORE, "%s: %s", partial, strerror(errno));
    close(fd);
    struct sql *sql = store_acquire(store, false);
    int error = sql->connection ? copy_database(sql, partial, ret_why) : ERR_STORE_LOST;
    store_release(store, sql);
    if (!error && rename(partial, final) != 0)
        error = why(ret_why, ERR_STORE, "%s: %s", final, strerror(errno));
    if (error)
        unlink(partial);
    return error;
}
