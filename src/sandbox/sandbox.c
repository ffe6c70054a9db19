/* Starting the sandbox, the test clock that outlives a restart, and the thread that sends the
 * providers' callbacks. */
#include "sandbox/sandbox.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/config.h"
#include "base/crypto.h"
#include "base/digest.h"
#include "base/log.h"
#include "core/provider/providers.h"
#include "sandbox/sandbox_internal.h"

extern const struct simulation simulation_squad, simulation_sarepay, simulation_bridge,
    simulation_veriff;
const struct simulation *const simulations[] = {&simulation_squad, &simulation_sarepay,
                                                &simulation_bridge, &simulation_veriff, NULL};

/* Simulated providers answer in milliseconds: who waits for one that does not need not wait long. */
#define TIMEOUT_MS 5000
/* 2025-01-01T00:00:00Z in milliseconds. */
#define FIRST_NUMBER INT64_C(1735689600000)

struct simulator *sandbox_find_simulator(struct sandbox *sandbox, struct str name)
{
    const struct provider *provider = provider_find(name);
    for (size_t i = 0; provider && i < SIMULATOR_COUNT; i++)
        if (strcmp(sandbox->simulators[i].simulation->name, provider->name) == 0)
            return &sandbox->simulators[i];
    return NULL;
}

void simulator_give_settings(struct simulator *simulator)
{
    struct arena *arena ARENA_SCOPED = arena_new(0);
    struct sandbox *sandbox = simulator->sandbox;
    pthread_mutex_lock(&simulator->lock);
    struct provider_settings settings = simulator->settings;
    if (simulator->unreachable)
        settings.base_url = arena_printf(arena, "http://127.0.0.1:%u%s", sandbox->closed_port,
                                         simulator->simulation->prefix);
    providers_set(sandbox->app, simulator->simulation->name, &settings);
    pthread_mutex_unlock(&simulator->lock);
}

/* ---- Callbacks ---- */

/* With the sandbox's lock held: takes the first one that is due, or says how long to wait. */
static struct sim_callback *take_due(struct sandbox *sandbox, usec_t *ret_wait)
{
    usec_t now = clock_monotonic();
    *ret_wait = USEC_PER_SEC;
    for (struct sim_callback **at = &sandbox->callbacks; *at; at = &(*at)->next) {
        struct sim_callback *callback = *at;
        if (callback->due <= now) {
            *at = callback->next;
            return callback;
        }
        if (callback->due - now < *ret_wait)
            *ret_wait = callback->due - now;
    }
    return NULL;
}

/* Making a key takes longer than starting a server may. */
static void make_signing_key(struct sandbox *sandbox)
{
    struct arena *arena = arena_new(0);
    struct simulator *bridge = sandbox_find_simulator(sandbox, STR("bridge"));
    struct rsa_key *key = rsa_generate(2048);
    struct str der = rsa_public_der(arena, key);
    pthread_mutex_lock(&bridge->lock);
    bridge->settings.public_key =
        arena_printf(bridge->arena, "-----BEGIN PUBLIC KEY-----\n%.*s\n-----END PUBLIC KEY-----\n",
                     STR_FMT(base64_print(arena, der)));
    pthread_mutex_unlock(&bridge->lock);
    simulator_give_settings(bridge);
    /* Last: whoever sees the key may sign, and what is signed can be verified. */
    pthread_mutex_lock(&bridge->lock);
    bridge->signing_key = key;
    pthread_mutex_unlock(&bridge->lock);
    arena_free(arena);
}

static void *callback_thread(void *argument)
{
    struct sandbox *sandbox = argument;
    make_signing_key(sandbox);
    pthread_mutex_lock(&sandbox->lock);
    while (!sandbox->stopping) {
        usec_t wait;
        struct sim_callback *callback = take_due(sandbox, &wait);
        if (callback) {
            pthread_mutex_unlock(&sandbox->lock);
            sim_send_callback(callback);
            pthread_mutex_lock(&sandbox->lock);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        usec_t at = (usec_t)until.tv_sec * USEC_PER_SEC + until.tv_nsec / 1000 + wait;
        until = (struct timespec){.tv_sec = at / USEC_PER_SEC, .tv_nsec = at % USEC_PER_SEC * 1000};
        pthread_cond_timedwait(&sandbox->changed, &sandbox->lock, &until);
    }
    pthread_mutex_unlock(&sandbox->lock);
    return NULL;
}

/* ---- The clock ---- */

static void load_clock(struct sandbox *sandbox)
{
    long long offset = 0;
    FILE *file = fopen(sandbox->clock_file.ptr, "r");
    if (!file)
        return;
    if (fscanf(file, "%lld", &offset) == 1 && offset > 0)
        clock_set_offset(offset);
    fclose(file);
}

/* ---- Start ---- */

static void start_simulator(struct sandbox *sandbox, size_t index)
{
    struct simulator *simulator = &sandbox->simulators[index];
    struct arena *arena = arena_new(0);
    simulator->simulation = simulations[index];
    simulator->sandbox = sandbox;
    simulator->arena = arena;
    pthread_mutex_init(&simulator->lock, NULL);
    /* Milliseconds: numbers of this run are above those of any run before. */
    simulator->next_number = (clock_now() - clock_offset()) / USEC_PER_MSEC - FIRST_NUMBER;
    simulator->settings = (struct provider_settings){
        .base_url = arena_printf(arena, "http://127.0.0.1:%u%s", sandbox->port,
                                 simulator->simulation->prefix),
        .callback_url = arena_printf(arena, "%.*s/v1/virtual-accounts/webhook/%s",
                                     STR_FMT(sandbox->app->base_url), simulator->simulation->name),
        .timeout_ms = TIMEOUT_MS,
    };
    simulator->simulation->settings(simulator, arena);
    sim_memory_open(simulator);
    simulator_give_settings(simulator);
}

int sandbox_start(struct app *app, struct str *ret_why)
{
    struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
    if (!sandbox)
        abort();
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sandbox->changed, &monotonic);
    pthread_mutex_init(&sandbox->lock, NULL);
    pthread_mutex_init(&sandbox->hook_lock, NULL);
    sandbox->hook_arena = arena_new(0);
    sandbox->app = app;
    sandbox->clock_file =
        arena_printf(sandbox->hook_arena, "%.*s/sandbox-clock", STR_FMT(app->config->data));
    load_clock(sandbox);
    /* The port is needed for the settings, and requests come only after they are given out. */
    if (simulators_listen(sandbox)) {
        *ret_why = STR("the simulated providers find no port on 127.0.0.1");
        return ERR_UNAVAILABLE;
    }
    for (size_t i = 0; i < SIMULATOR_COUNT; i++)
        start_simulator(sandbox, i);
    app->sandbox = sandbox;
    if (pthread_create(&sandbox->thread, NULL, callback_thread, sandbox))
        abort();
    pthread_setname_np(sandbox->thread, "sandbox");
    return OK;
}

void sandbox_stop(struct app *app)
{
    struct sandbox *sandbox = app->sandbox;
    if (!sandbox)
        return;
    pthread_mutex_lock(&sandbox->lock);
    sandbox->stopping = true;
    pthread_cond_signal(&sandbox->changed);
    pthread_mutex_unlock(&sandbox->lock);
    pthread_join(sandbox->thread, NULL);
    MHD_stop_daemon(sandbox->daemon);
    for (size_t i = 0; i < SIMULATOR_COUNT; i++)
        if (sandbox->simulators[i].memory)
            fclose(sandbox->simulators[i].memory);
}
