/*
 * The sandbox: simulated providers on a port of their own on loopback, spoken to in the providers'
 * protocols by the code that speaks to the real ones; a test clock, an inbox, a hook catcher;
 * seeded credentials; and the control API under /sandbox (server/mounts.def). Scripts,
 * logs of requests and caught hooks are gone at the end of the process; clock and providers go on.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "core/app.h"

/*
 * Seeds the database at the first start, starts the simulated providers, points app->providers at
 * them and takes up the test clock's offset. Writer and workers run; the outbox does not yet, and
 * clients cannot be served. 0 or an error with *ret_why.
 */
int sandbox_start(struct app *app, struct str *ret_why);
/* Ends the simulated providers' threads; app->sandbox stays set. */
void sandbox_stop(struct app *app);

#endif
