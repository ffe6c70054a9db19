/*
 * Cheap read transactions on SQLite.
 *
 * A reader of the write-ahead log takes and gives back a shared lock on one of the log's read
 * marks, which is a system call each time: two thirds of what a short read costs. Here one more
 * handle of the same process, the anchor, takes part in the lock and keeps it when the reader is
 * done. SQLite's own bookkeeping then finds that the process holds the lock already and asks the
 * system no more. Whoever wants the mark for itself (the copying of the log, a mark to be moved)
 * first makes the anchor let go, so nothing waits for it; other processes see a reader, which is
 * always allowed.
 */
#ifndef STORE_SQLITE_LOCKS_H
#define STORE_SQLITE_LOCKS_H

struct sqlite_locks;

struct sqlite_locks *sqlite_locks_new(void);
/* Name under which SQLite knows it: for sqlite3_open_v2. One database file each. */
const char *sqlite_locks_vfs(const struct sqlite_locks *locks);
/* Lets go of everything, for good; before the last connection is closed. */
void sqlite_locks_end(struct sqlite_locks *locks);
/* After the last connection is closed. */
struct sqlite_locks *sqlite_locks_free(struct sqlite_locks *locks);

#endif
