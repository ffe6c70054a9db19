/* Private to the sandbox: its state, shared by the simulators and the control API. */
#ifndef SANDBOX_SANDBOX_INTERNAL_H
#define SANDBOX_SANDBOX_INTERNAL_H

#include "core/mount.h"
#include "sandbox/sandbox.h"
#include "sandbox/simulator.h"

#define SIMULATOR_COUNT 4

struct sandbox_hook;

struct sandbox {
    struct app *app;
    struct MHD_Daemon *daemon;
    unsigned port;
    unsigned closed_port; /* ours, and nobody listens */
    struct simulator simulators[SIMULATOR_COUNT];
    struct str clock_file;

    /* Callbacks that are due later, and the thread that sends them. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool stopping;
    struct sim_callback *callbacks;

    /* Caught webhooks. */
    pthread_mutex_t hook_lock;
    struct arena *hook_arena;
    struct sandbox_hook *hooks;
    int64_t next_hook;
};

/* Sends a signed callback of the provider to this server; returns the HTTP status (0: not reached).
 * `spoil` breaks the signature. */
int simulator_send(struct simulator *simulator, struct str body, bool spoil, struct arena *arena);
/* The header that signs a body. */
struct provider_header simulator_sign(struct simulator *simulator, struct str body, bool spoil,
                                      struct arena *arena);
/* Points the program at the simulator, or at a closed port while it is unreachable. */
void simulator_give_settings(struct simulator *simulator);
struct simulator *sandbox_find_simulator(struct sandbox *sandbox, struct str name);
int simulators_listen(struct sandbox *sandbox);

/* /sandbox/hooks... */
int sandbox_hooks(struct call *c, struct str rest, const struct mount_request *request,
                  struct mount_reply *reply);

#endif
