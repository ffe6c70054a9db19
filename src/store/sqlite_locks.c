/*
 * The anchor is a handle of the system's own VFS on the same file, never used for reading or
 * writing. Connections are handles of that VFS too; only their xShmLock goes through here.
 *
 * Invariant: `held` has the bit of a mark exactly while the anchor holds it; both change under
 * `mutex`.
 */
#include "store/sqlite_locks.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* wal.c: locks 0 to 2 are for writing, copying and recovery, 3 to 7 are the read marks. */
#define FIRST_MARK 3
#define REGION_SIZE 32768

struct sqlite_locks {
    sqlite3_io_methods methods; /* the system's, but for xShmLock */
    const sqlite3_io_methods *real_methods;
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    char name[32];
    char *path;
    pthread_mutex_t mutex;
    sqlite3_file *anchor; /* NULL: not opened yet, or ended */
    bool ended;
    atomic_uint held;
};

static struct sqlite_locks *locks_of(const sqlite3_file *file)
{
    return (struct sqlite_locks *)((char *)(uintptr_t)file->pMethods -
                                   offsetof(struct sqlite_locks, methods));
}

/* ---- The anchor ---- */

static void close_anchor(struct sqlite_locks *locks)
{
    if (!locks->anchor)
        return;
    locks->real_methods->xShmUnmap(locks->anchor, 0);
    locks->real_methods->xClose(locks->anchor);
    free(locks->anchor);
    locks->anchor = NULL;
}

static bool open_anchor(struct sqlite_locks *locks)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB;
    void volatile *region;
    locks->anchor = calloc(1, (size_t)locks->real->szOsFile);
    if (!locks->anchor)
        abort();
    if (locks->real->xOpen(locks->real, locks->path, locks->anchor, flags, NULL) != SQLITE_OK) {
        free(locks->anchor);
        locks->anchor = NULL;
        return false;
    }
    if (locks->real_methods->xShmMap(locks->anchor, 0, REGION_SIZE, 0, &region) == SQLITE_OK)
        return true;
    close_anchor(locks);
    return false;
}

static void take_part(struct sqlite_locks *locks, int mark)
{
    unsigned bit = 1u << mark;
    pthread_mutex_lock(&locks->mutex);
    if (!(locks->held & bit) && !locks->ended && (locks->anchor || open_anchor(locks)) &&
        locks->real_methods->xShmLock(locks->anchor, mark, 1,
                                      SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) == SQLITE_OK)
        locks->held |= bit;
    pthread_mutex_unlock(&locks->mutex);
}

static void let_go(struct sqlite_locks *locks, int first, int count)
{
    pthread_mutex_lock(&locks->mutex);
    for (int mark = first; mark < first + count; mark++) {
        if (!(locks->held & 1u << mark))
            continue;
        locks->real_methods->xShmLock(locks->anchor, mark, 1,
                                      SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
        locks->held &= ~(1u << mark);
    }
    pthread_mutex_unlock(&locks->mutex);
}

static int shm_lock(sqlite3_file *file, int first, int count, int flags)
{
    struct sqlite_locks *locks = locks_of(file);
    if (flags == (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE)) {
        if (atomic_load(&locks->held) & ((1u << count) - 1) << first)
            let_go(locks, first, count);
        return locks->real_methods->xShmLock(file, first, count, flags);
    }
    int code = locks->real_methods->xShmLock(file, first, count, flags);
    bool reads = flags == (SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) && first >= FIRST_MARK;
    if (code == SQLITE_OK && reads && !(atomic_load(&locks->held) & 1u << first))
        take_part(locks, first);
    return code;
}

/* ---- The VFS ---- */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct sqlite_locks *locks = vfs->pAppData;
    int code = locks->real->xOpen(locks->real, path, file, flags, ret_flags);
    if (code != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB))
        return code;
    pthread_mutex_lock(&locks->mutex);
    if (!locks->real_methods) {
        locks->real_methods = file->pMethods;
        locks->methods = *file->pMethods;
        locks->methods.xShmLock = shm_lock;
        /* Behind the path SQLite expects parameters, of which there are none. */
        locks->path = calloc(1, strlen(path) + 4);
        if (!locks->path)
            abort();
        memcpy(locks->path, path, strlen(path));
    }
    /* Another kind of lock (a file system without POSIX locks), another file: as it is. */
    bool same = file->pMethods == locks->real_methods && strcmp(path, locks->path) == 0;
    pthread_mutex_unlock(&locks->mutex);
    if (same && locks->methods.iVersion >= 2)
        file->pMethods = &locks->methods;
    return code;
}

struct sqlite_locks *sqlite_locks_new(void)
{
    static atomic_uint count;
    struct sqlite_locks *locks = calloc(1, sizeof(*locks));
    if (!locks)
        abort();
    locks->real = sqlite3_vfs_find(NULL);
    locks->vfs = *locks->real;
    snprintf(locks->name, sizeof(locks->name), "locks-%u", atomic_fetch_add(&count, 1));
    locks->vfs.pNext = NULL;
    locks->vfs.zName = locks->name;
    locks->vfs.pAppData = locks;
    locks->vfs.xOpen = vfs_open;
    pthread_mutex_init(&locks->mutex, NULL);
    if (sqlite3_vfs_register(&locks->vfs, 0) != SQLITE_OK)
        abort();
    return locks;
}

const char *sqlite_locks_vfs(const struct sqlite_locks *locks)
{
    return locks->name;
}

void sqlite_locks_end(struct sqlite_locks *locks)
{
    let_go(locks, 0, SQLITE_SHM_NLOCK);
    pthread_mutex_lock(&locks->mutex);
    locks->ended = true;
    close_anchor(locks);
    pthread_mutex_unlock(&locks->mutex);
}

struct sqlite_locks *sqlite_locks_free(struct sqlite_locks *locks)
{
    if (!locks)
        return NULL;
    sqlite3_vfs_unregister(&locks->vfs);
    pthread_mutex_destroy(&locks->mutex);
    free(locks->path);
    free(locks);
    return NULL;
}
