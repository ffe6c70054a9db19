/*
 * What the connections of one SQLite file share: its lock against a second server, and the thread
 * that copies the write-ahead log into the database file.
 */
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

struct sqlite_file;

/* The SQLite VFS that connections to the file go through; NULL: the system's. */
const char *sqlite_file_vfs(const struct sqlite_file *file);
/* Around each write transaction. While the log is being started anew, a beginning waits. */
void sqlite_file_write_begins(struct sqlite_file *file);
void sqlite_file_write_ends(struct sqlite_file *file);
/* A commit left the log with so many pages. */
void sqlite_file_note_log(struct sqlite_file *file, int pages);

#endif
