/* The sandbox: simulated providers, test clock, inbox, hook catcher and seeded credentials in the same process. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "core/app.h"

/*
 * Seeds the database at the first start, starts the simulated providers and points app->providers at them.
 * Writer, workers and outbox run; clients cannot be served yet. 0 or an error with *ret_why.
 */
int sandbox_start(struct app *app, struct str *ret_why);
void sandbox_stop(struct app *app);

#endif
