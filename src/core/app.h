/*
 * The services of one process, made at start, shared by all threads, never changed afterwards (what
 * changes inside each service is that service's business and locked by it).
 */
#ifndef CORE_APP_H
#define CORE_APP_H

#include "store/sql.h"

struct config;
struct writer;      /* server/writer.h: queues write calls, group commit */
struct workers;     /* server/workers.h: threads for slow work, outbox, timers */
struct credentials; /* core/identity: cache of API keys and sessions */
struct metrics;
struct keys; /* core/identity/keys.h: RSA keys that sign tokens */
struct sandbox;
struct outbox;    /* core/outbox.h */
struct providers; /* core/provider/providers.h: base URLs and credentials */

struct app {
    const struct config *config;
    struct store *store;
    struct writer *writer;
    struct workers *workers;
    struct credentials *credentials;
    struct keys *keys;
    struct metrics *metrics;
    struct outbox *outbox;
    struct providers *providers;
    struct sandbox *sandbox; /* NULL outside --sandbox */
    struct str base_url;     /* "http://127.0.0.1:8080": links in replies, provider callbacks */
};

#endif
