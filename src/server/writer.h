/*
 * The writer: threads that run calls which write, in group commit. Each takes everything that is
 * queued, runs every job in its own savepoint of one transaction, commits once and only then
 * reports the results. There is no timer: a batch is what arrived while the last one was committed.
 *
 * SQLite has one writer; with PostgreSQL there are several, and a tenant's jobs always go to the
 * same one.
 */
#ifndef SERVER_WRITER_H
#define SERVER_WRITER_H

#include "core/app.h"
#include "core/call.h"
#include "core/work.h"

struct audit_batch;

/* One transaction of one writer thread, as its jobs see it. */
struct writer_turn {
    struct sql *sql;
    struct ledger *ledger;
    struct audit_batch *audit;
    usec_t now;
};

struct writer_job {
    struct writer_job *next; /* the queue's */
    id_t64 tenant_id;
    /* Before the batch begins: names what `run` will read (sql_expect and its like). May be NULL. */
    int (*expect)(struct writer_job *job, struct writer_turn *turn);
    /* In the job's savepoint. May run again for the same job: start from nothing each time. */
    int (*run)(struct writer_job *job, struct writer_turn *turn);
    /* After a refused run was rolled back, in a savepoint of its own: what must be kept
     * nevertheless. May be NULL. */
    void (*refused)(struct writer_job *job, struct writer_turn *turn, int error);
    /* After the commit, on the writer thread: hands the job back. The job may be gone when it
     * returns. */
    void (*done)(struct writer_job *job, int result);
    int result;
};

struct writer *writer_start(struct app *app);
/* Finishes what is queued, then ends the threads. */
struct writer *writer_stop(struct writer *writer);
/* False when too many calls wait: the job was not taken. From any thread. */
bool writer_submit(struct writer *writer, struct writer_job *job);
/* Did the last commit of every thread succeed? */
bool writer_healthy(const struct writer *writer);
int64_t writer_queued(const struct writer *writer);

#endif
