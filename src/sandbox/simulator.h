/*
 * Private to the sandbox: what a simulated provider is made of.
 *
 * One lock guards all of a simulator's state; what it keeps is in an arena of its own that grows
 * until the process ends, and in a file (memory.c).
 */
#ifndef SANDBOX_SIMULATOR_H
#define SANDBOX_SIMULATOR_H

#include <pthread.h>
#include <stdio.h>

#include "base/json_build.h"
#include "core/app.h"
#include "core/call.h"
#include "provider/provider.h"

/* What the next calls of an operation come to, by script. */
enum sim_outcome {
    SIM_NORMAL,
    SIM_FAIL,        /* accepted; then it fails, and a callback says so */
    SIM_REJECT,      /* refused at once, nothing happens */
    SIM_PENDING,     /* accepted; nothing more until an event is posted */
    SIM_TIMEOUT,     /* it happens, but the answer is lost */
    SIM_UNAVAILABLE, /* 503, not accepted */
    SIM_UNKNOWN,     /* accepted, with a status word nobody has heard of */
    SIM_TWICE,       /* as normal, but every callback comes twice */
};

struct sim_script {
    struct str operation;
    enum sim_outcome outcome;
    int64_t count;
    struct sim_script *next;
};

enum sim_state { SIM_WAITING, SIM_DONE, SIM_FAILED };

/* A movement of money the simulated provider was asked for; made once per reference. */
struct sim_transfer {
    struct str id;
    struct str reference; /* ours, as received */
    struct str operation;
    struct str amount; /* as received */
    struct str currency;
    struct str account_number, account_name, bank_code;
    struct str source_json, destination_json; /* Bridge: as received */
    struct str state_word;                    /* replaces the state's own word when present */
    enum sim_state state;
    bool twice;
    bool held; /* by script: it goes no further by itself */
    usec_t created_at;
    struct sim_transfer *next;
};

/* Anything else it remembers: accounts, customers, external accounts. `json` is its body as it
 * answers it. */
struct sim_record {
    struct str kind;
    struct str id;
    struct str owner;
    struct str key; /* idempotency key or reference it was made with */
    struct str json;
    bool deleted;
    struct sim_record *next;
};

struct sim_logged {
    int64_t number;
    usec_t at;
    struct str method, path, operation, reference, body;
    int status;              /* 0: the answer was withheld */
    struct sim_logged *next; /* older */
};

struct sim_callback {
    usec_t due; /* monotonic */
    struct simulator *simulator;
    struct sim_transfer *transfer; /* moved on when it is due; NULL: only sent */
    enum sim_state state;
    struct str body; /* absent: made from the transfer */
    struct sim_callback *next;
};

struct sandbox;

struct simulator {
    const struct simulation *simulation;
    struct sandbox *sandbox;
    struct provider_settings settings; /* what the connector is given */
    struct rsa_key *signing_key;       /* Bridge */
    pthread_mutex_t lock;
    struct arena *arena;
    struct sim_script *scripts;
    struct sim_transfer *transfers;
    struct sim_record *records;
    struct sim_logged *log;
    int64_t log_count;
    int64_t next_number;
    FILE *memory; /* NULL: it cannot be written */
};

/* A request to a simulated provider, and its answer. */
struct sim_call {
    struct simulator *simulator;
    struct arena *arena;
    struct str method, path; /* path after the provider's prefix, without query */
    struct str (*header)(void *context, const char *name);
    struct str (*query)(void *context, const char *name);
    void *context;
    const struct json *body;
    /* set by the simulation: */
    struct str operation, reference; /* for the log */
    int status;
    struct str answer;
    bool withhold; /* closes the connection instead of answering */
};

struct simulation {
    const char *name;
    const char *prefix; /* "/squad" */
    void (*settings)(struct simulator *simulator, struct arena *arena);
    bool (*authorised)(const struct sim_call *call);
    /* With the lock held. */
    void (*answer)(struct sim_call *call);
    /* Body of a callback about a transfer, and of an event of the control API (fields of `event`);
     * absent: it sends none. With the lock held. */
    struct str (*transfer_event)(struct simulator *simulator, struct arena *arena,
                                 const struct sim_transfer *transfer);
    struct str (*event)(struct simulator *simulator, struct arena *arena, const struct json *event);
    /* Adds the signature's header. */
    void (*sign)(struct simulator *simulator, struct arena *arena, struct str body,
                 struct provider_header *ret_header);
};

extern const struct simulation *const simulations[]; /* NULL-terminated */

/* ---- For simulations ---- */

/* Reads what was remembered; before the first request. */
void sim_memory_open(struct simulator *simulator);
void sim_remember_record(struct simulator *simulator, const struct sim_record *record);
void sim_remember_transfer(struct simulator *simulator, const struct sim_transfer *transfer);
/* Uses up one of the script's outcomes for this operation. */
enum sim_outcome sim_scripted(struct simulator *simulator, const char *operation);
struct str sim_keep(struct simulator *simulator, struct str text);
/* "prefix" + running number, padded. */
struct str sim_new_id(struct simulator *simulator, const char *prefix);
struct sim_transfer *sim_find_transfer(struct simulator *simulator, struct str id_or_reference);
struct sim_record *sim_find_record(struct simulator *simulator, const char *kind, struct str id);
struct sim_record *sim_find_by_key(struct simulator *simulator, const char *kind, struct str key);
struct sim_record *sim_add_record(struct simulator *simulator, const char *kind, struct str id,
                                  struct str owner, struct str key, struct str json);

/*
 * A transfer that is asked for: the one this reference made before, or a new one with the members
 * of `template`, which goes its way (script, callback) by itself. NULL when the call was refused or
 * withheld for good: the answer is set for SIM_UNAVAILABLE, *ret_rejected is true for SIM_REJECT.
 */
struct sim_transfer *sim_begin_transfer(struct sim_call *call, const char *operation,
                                        const struct sim_transfer *template, bool *ret_rejected);
/* For operations other than transfers: applies the script; false: answered already, true with
 * *ret_rejected. */
bool sim_proceed(struct sim_call *call, const char *operation, bool *ret_rejected);
/* Sends an event (or, body absent, the transfer's) after `delay`. */
void sim_schedule(struct simulator *simulator, struct sim_transfer *transfer, enum sim_state state,
                  struct str body, usec_t delay);

#endif
