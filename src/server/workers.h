/* Workers: a pool of threads for whatever may block, and the clock of periodic jobs. See
 * core/work.h. */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H

#include "core/app.h"
#include "core/work.h"

/* Embedded in what is to be done: no allocation on the way. `run` gets the item itself. */
struct work_item {
    struct work_item *next;
    void (*run)(struct work_item *item);
};

struct workers *workers_start(struct app *app);
/* Finishes what was submitted and runs no periodic job any more; then ends the threads. */
struct workers *workers_stop(struct workers *workers);
void workers_push(struct workers *workers, struct work_item *item);

/* Gives back the read connections of all threads; when they have ended. */
void work_release_connections(struct app *app);

#endif
