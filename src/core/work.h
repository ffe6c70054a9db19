/*
 * What modules below the server may ask of its threads. Implemented in src/server (writer.c,
 * workers.c).
 *
 * Writer: the one place where transactions that write are run, in group commit. Workers: threads
 * for whatever may take time (providers, password hashing, webhooks) and for periodic jobs.
 */
#ifndef CORE_WORK_H
#define CORE_WORK_H

#include "core/call.h"

/* A call of the process's own making (timers, provider outcomes): no credential, staff of the
 * tenant. */
void work_call_init(struct call *c, struct app *app, struct arena *arena, id_t64 tenant_id);

typedef int writer_function(struct call *c, void *argument);
/*
 * Runs `run` in the writer, in its transaction and a savepoint of its own, and returns after the
 * commit with what it returned; a refusal rolls its changes back. While it runs, c->sql, c->ledger
 * and c->now are the writer's. With PostgreSQL it may run more than once (serialisation failure),
 * so it must not change what it was given. Blocks: only for workers and start-up, never from a
 * handler.
 */
int writer_run(struct call *c, writer_function *run, void *argument);

typedef void work_function(struct app *app, void *argument);
/* Runs it once on a worker, soon. */
void workers_submit(struct app *app, work_function *run, void *argument);

/*
 * Runs it on a worker every `interval` of the clock (the test clock counts: advancing it makes jobs
 * due), never twice at the same time. Returns a handle for the wake calls. Call at start-up.
 */
struct periodic;
struct periodic *workers_every(struct app *app, const char *name, usec_t interval,
                               work_function *run, void *argument);
/* Runs the job now (again, if it is running). From any thread. */
void workers_wake(struct app *app, struct periodic *job);
/* Wakes all periodic jobs that are due: after the test clock was moved. */
void workers_clock_moved(struct app *app);
/* From inside the writer: wakes the job once the transaction is committed. */
void writer_wake_after_commit(struct call *c, struct periodic *job);

/* From inside the writer: an entry in the audit trail of the call's tenant, for changes that no client asked for (a
 * provider's outcome). `outcome` is a word or a short sentence; secrets never. */
void writer_audit(struct call *c, const char *operation, struct str subject, struct str outcome);

/* A thread's own read connection: workers and HTTP threads keep one; each query sees its own
 * snapshot unless the caller opens one with sql_begin_read. */
struct sql *work_read_connection(struct app *app);

#endif
