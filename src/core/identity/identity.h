/* Identity's start and end within a process, and what a sandbox begins with. */
#ifndef CORE_IDENTITY_IDENTITY_H
#define CORE_IDENTITY_IDENTITY_H

#include "core/app.h"

/*
 * Makes app->credentials and app->keys, sees that there is a default tenant, and has missing key
 * pairs made on a worker. The store, the writer and the workers must be there already.
 */
int identity_start(struct app *app);
void identity_stop(struct app *app);

/*
 * At the first start of a sandbox: two tenants, their organisations, people, keys and apps, and
 * what `cambist credentials` prints of them (key pairs follow from a worker within a second). At
 * every start: the addresses printed are those of app->base_url.
 */
int identity_seed_sandbox(struct app *app);

#endif
