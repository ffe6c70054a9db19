/*
 * A layer under SQLite that counts what is written and breaks the step it was told to.
 *
 * For the crashes it remembers every write since the file's last sync, with what was there before.
 * After the crash everything fails, so that nothing is repaired on the way out; store_fault_free
 * then puts the files into the state a machine would find after its power failed.
 */
#include "store/fault.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A write (or, without `fresh`, a truncation) that no sync has followed. */
struct change {
    struct change *next, *previous;
    off_t offset;
    size_t length;
    char *fresh; /* length bytes */
    char *old;   /* old_length bytes that stood there, or behind a truncation */
    size_t old_length;
    off_t old_size;
};

/* Outlives the opening and closing of the file. */
struct tracked {
    struct tracked *next;
    char *path;
    struct change *first, *last;
};

struct store_fault {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    char name[32];
    enum fault_kind kind;
    bool armed;
    long step;
    uint64_t random;
    pthread_mutex_t mutex;
    long steps;
    bool happened;
    bool crashed;
    struct tracked *files;
};

struct fault_file {
    sqlite3_file base;
    struct store_fault *fault;
    struct tracked *tracked; /* NULL: temporary */
    _Alignas(void *) char real[];
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((struct fault_file *)file)->real;
}

static struct store_fault *fault_of(sqlite3_file *file)
{
    return ((struct fault_file *)file)->fault;
}

/* ---- Steps ---- */

enum outcome { GOES_WELL, FAILS, IS_CUT_SHORT, FINDS_DISK_FULL };

static enum outcome next_step(struct store_fault *fault)
{
    enum outcome outcome = GOES_WELL;
    pthread_mutex_lock(&fault->mutex);
    fault->steps++;
    bool here = fault->armed && fault->steps == fault->step;
    fault->happened |= here && fault->kind != FAULT_NONE;
    switch (fault->kind) {
    case FAULT_NONE:
        break;
    case FAULT_FAIL:
        outcome = here ? FAILS : GOES_WELL;
        break;
    case FAULT_CUT_SHORT:
        outcome = here ? IS_CUT_SHORT : GOES_WELL;
        break;
    case FAULT_DISK_FULL:
        outcome = fault->happened ? FINDS_DISK_FULL : GOES_WELL;
        break;
    case FAULT_CRASH:
    case FAULT_CRASH_TORN:
        fault->crashed |= here;
        outcome = fault->crashed ? FAILS : GOES_WELL;
        break;
    }
    pthread_mutex_unlock(&fault->mutex);
    return outcome;
}

static bool remembers(const struct store_fault *fault)
{
    return fault->kind == FAULT_CRASH || fault->kind == FAULT_CRASH_TORN;
}

/* ---- What was not synced ---- */

static void forget_change(struct change *change)
{
    free(change->fresh);
    free(change->old);
    free(change);
}

static void forget_changes(struct tracked *tracked)
{
    while (tracked->first) {
        struct change *next = tracked->first->next;
        forget_change(tracked->first);
        tracked->first = next;
    }
    tracked->last = NULL;
}

static struct tracked *track(struct store_fault *fault, const char *path)
{
    for (struct tracked *tracked = fault->files; tracked; tracked = tracked->next)
        if (strcmp(tracked->path, path) == 0)
            return tracked;
    struct tracked *tracked = calloc(1, sizeof(*tracked));
    if (!tracked || !(tracked->path = strdup(path)))
        abort();
    tracked->next = fault->files;
    fault->files = tracked;
    return tracked;
}

static void remember(sqlite3_file *file, const void *fresh, size_t length, off_t offset)
{
    struct tracked *tracked = ((struct fault_file *)file)->tracked;
    struct change *change = calloc(1, sizeof(*change));
    sqlite3_int64 size = 0;
    if (!change)
        abort();
    real_of(file)->pMethods->xFileSize(real_of(file), &size);
    change->offset = offset;
    change->length = length;
    change->old_size = size;
    if (offset < size) {
        change->old_length = (size_t)(size - offset);
        if (fresh && change->old_length > length)
            change->old_length = length;
        change->old = malloc(change->old_length);
        if (!change->old)
            abort();
        real_of(file)->pMethods->xRead(real_of(file), change->old, (int)change->old_length, offset);
    }
    if (fresh) {
        change->fresh = malloc(length);
        if (!change->fresh)
            abort();
        memcpy(change->fresh, fresh, length);
    }
    change->previous = tracked->last;
    if (tracked->last)
        tracked->last->next = change;
    else
        tracked->first = change;
    tracked->last = change;
}

static void put(int fd, const char *bytes, size_t length, off_t offset)
{
    if (length > 0 && pwrite(fd, bytes, length, offset) != (ssize_t)length)
        abort();
}

/* splitmix64 */
static uint64_t next_random(struct store_fault *fault)
{
    uint64_t z = fault->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void lose_power(struct store_fault *fault, struct tracked *tracked)
{
    int fd = open(tracked->path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    for (struct change *change = tracked->last; change; change = change->previous) {
        put(fd, change->old, change->old_length, change->offset);
        if (ftruncate(fd, change->old_size) != 0)
            abort();
    }
    for (struct change *change = tracked->first; change; change = change->next) {
        if (fault->kind != FAULT_CRASH_TORN || next_random(fault) % 2 == 0)
            continue;
        /* A disk writes sectors whole. */
        size_t sectors = change->length / 512;
        size_t length = change->length;
        if (sectors > 1 && next_random(fault) % 4 == 0)
            length = (next_random(fault) % sectors) * 512;
        if (change->fresh)
            put(fd, change->fresh, length, change->offset);
        else if (ftruncate(fd, change->offset) != 0)
            abort();
    }
    close(fd);
}

/* ---- The methods of a file ---- */

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *out, int length, sqlite3_int64 offset)
{
    if (fault_of(file)->crashed)
        return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), out, length, offset);
}

static int write_real(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    if (((struct fault_file *)file)->tracked && remembers(fault_of(file)))
        remember(file, bytes, (size_t)length, offset);
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, length, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    sqlite3_int64 size = 0;
    switch (next_step(fault_of(file))) {
    case GOES_WELL:
        break;
    case FAILS:
        return SQLITE_IOERR_WRITE;
    case IS_CUT_SHORT:
        write_real(file, bytes, length / 2, offset);
        return SQLITE_IOERR_WRITE;
    case FINDS_DISK_FULL:
        real_of(file)->pMethods->xFileSize(real_of(file), &size);
        if (offset + length > size)
            return SQLITE_FULL;
        break;
    }
    return write_real(file, bytes, length, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    enum outcome outcome = next_step(fault_of(file));
    if (outcome == FAILS || outcome == IS_CUT_SHORT)
        return SQLITE_IOERR_TRUNCATE;
    if (((struct fault_file *)file)->tracked && remembers(fault_of(file)))
        remember(file, NULL, 0, size);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    enum outcome outcome = next_step(fault_of(file));
    if (outcome == FAILS || outcome == IS_CUT_SHORT)
        return SQLITE_IOERR_FSYNC;
    (void)flags;
    if (((struct fault_file *)file)->tracked)
        forget_changes(((struct fault_file *)file)->tracked);
    /* The machine stays up: a real sync would only take time. */
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_reserved(sqlite3_file *file, int *ret_reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_reserved);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    /* Growing by hints would go round the counting of writes. */
    if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE)
        return SQLITE_OK;
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret_at)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, ret_at);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- The layer itself ---- */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct store_fault *fault = vfs->pAppData;
    struct fault_file *own = (struct fault_file *)file;
    own->base.pMethods = NULL;
    if (fault->crashed)
        return SQLITE_CANTOPEN;
    own->fault = fault;
    own->tracked = path ? track(fault, path) : NULL;
    int code = fault->real->xOpen(fault->real, path, (sqlite3_file *)own->real, flags, ret_flags);
    if (code == SQLITE_OK)
        own->base.pMethods = &methods;
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    struct store_fault *fault = vfs->pAppData;
    enum outcome outcome = next_step(fault);
    if (outcome == FAILS || outcome == IS_CUT_SHORT)
        return SQLITE_IOERR_DELETE;
    forget_changes(track(fault, path));
    return fault->real->xDelete(fault->real, path, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_result)
{
    struct store_fault *fault = vfs->pAppData;
    return fault->real->xAccess(fault->real, path, flags, ret_result);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *out)
{
    struct store_fault *fault = vfs->pAppData;
    return fault->real->xFullPathname(fault->real, path, size, out);
}

struct store_fault *store_fault_new(enum fault_kind kind, uint64_t seed)
{
    static atomic_uint count;
    struct store_fault *fault = calloc(1, sizeof(*fault));
    if (!fault)
        abort();
    fault->kind = kind;
    fault->random = seed;
    fault->real = sqlite3_vfs_find(NULL);
    pthread_mutex_init(&fault->mutex, NULL);
    snprintf(fault->name, sizeof(fault->name), "fault-%u", atomic_fetch_add(&count, 1));
    fault->vfs = *fault->real; /* time, randomness and sleeping are the real one's */
    fault->vfs.pNext = NULL;
    fault->vfs.zName = fault->name;
    fault->vfs.pAppData = fault;
    fault->vfs.szOsFile = (int)sizeof(struct fault_file) + fault->real->szOsFile;
    fault->vfs.xOpen = vfs_open;
    fault->vfs.xDelete = vfs_delete;
    fault->vfs.xAccess = vfs_access;
    fault->vfs.xFullPathname = vfs_full_path;
    if (sqlite3_vfs_register(&fault->vfs, 0) != SQLITE_OK)
        abort();
    return fault;
}

struct store_fault *store_fault_free(struct store_fault *fault)
{
    if (!fault)
        return NULL;
    sqlite3_vfs_unregister(&fault->vfs);
    while (fault->files) {
        struct tracked *tracked = fault->files;
        fault->files = tracked->next;
        if (fault->crashed)
            lose_power(fault, tracked);
        forget_changes(tracked);
        free(tracked->path);
        free(tracked);
    }
    pthread_mutex_destroy(&fault->mutex);
    free(fault);
    return NULL;
}

void store_fault_arm(struct store_fault *fault, long step)
{
    pthread_mutex_lock(&fault->mutex);
    fault->steps = 0;
    fault->step = step;
    fault->armed = true;
    pthread_mutex_unlock(&fault->mutex);
}

bool store_fault_happened(const struct store_fault *fault)
{
    return fault->happened;
}

long store_fault_steps(const struct store_fault *fault)
{
    return fault->steps;
}

const char *store_fault_vfs(struct store_fault *fault)
{
    return fault->name;
}
