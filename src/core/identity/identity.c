/* Starting and stopping: who makes what before the first request. */
#include "core/identity/identity.h"

#include "base/config.h"
#include "core/identity/credentials.h"
#include "core/identity/external_pool.h"
#include "core/identity/keys.h"
#include "core/identity/password.h"
#include "core/identity/replay.h"
#include "core/identity/session.h"
#include "core/identity/tenant.h"
#include "core/work.h"

static int ensure_default_tenant(struct call *c, void *unused)
{
    (void)unused;
    struct tenant tenant;
    int error = tenant_find_by_label(c, STR(TENANT_DEFAULT_LABEL), &tenant);
    if (error != ERR_NOT_FOUND)
        return error;
    tenant = (struct tenant){.name = STR("Default"), .host_label = STR(TENANT_DEFAULT_LABEL)};
    return tenant_create(c, &tenant);
}

int identity_start(struct app *app)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    password_set_cost((uint64_t)app->config->password_passes,
                      (size_t)app->config->password_memory_kib << 10);
    app->credentials = credentials_new(session_access_lifetime(app, SESSION_VAULTSPAY));
    TRY(keys_open(app, &app->keys));
    struct call c;
    work_call_init(&c, app, arena, 0);
    TRY(writer_run(&c, ensure_default_tenant, NULL));
    credentials_set_external_pool(app->credentials, external_pool_start(app));
    TRY(replay_start(app, replay_of(app)));
    workers_submit(app, keys_warm, NULL);
    return OK;
}

void identity_stop(struct app *app)
{
    app->keys = keys_close(app->keys);
    app->credentials = credentials_free(app->credentials);
}
