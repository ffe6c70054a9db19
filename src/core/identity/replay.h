/*
 * Remembers what may be presented once only (nonces of encrypted requests) for as long as it could
 * be presented again. In memory for speed; a job keeps a copy in the store, so that a restart
 * forgets at most the last second.
 */
#ifndef CORE_IDENTITY_REPLAY_H
#define CORE_IDENTITY_REPLAY_H

#include "core/app.h"
#include "core/call.h"

struct replay;

/* `lifetime`: how long a digest is remembered at least. */
struct replay *replay_new(usec_t lifetime);
struct replay *replay_free(struct replay *replay);
/* True the first time; false when the digest (32 bytes) was seen within the lifetime. From any
 * thread. */
bool replay_first_time(struct replay *replay, const uint8_t digest[32], usec_t now);

/* Reads what the store remembers, and has the job keep it up to date. At start. */
int replay_start(struct app *app, struct replay *replay);
/* The process's own (core/identity/identity.c). */
struct replay *replay_of(struct app *app);

#endif
