/* What the server does by itself, by the clock: releasing holds whose time ran out, forgetting what
 * was kept long enough. */
#ifndef SERVER_UPKEEP_H
#define SERVER_UPKEEP_H

#include "core/app.h"

/* Starts the periodic jobs. After the workers and the writer. */
void upkeep_start(struct app *app);

#endif
