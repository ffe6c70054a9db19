/* Finds and runs the functions behind mounts.def. */
#ifndef SERVER_MOUNTS_H
#define SERVER_MOUNTS_H

#include "server/pipeline.h"

struct mount {
    const char *prefix;
    mount_handler *handle;
};

/* NULL: none. */
const struct mount *mount_find(struct str path);
/* On a worker: runs the mount of the exchange, fills its reply. 0 or a refusal. */
int mount_run(struct exchange *x);

#endif
