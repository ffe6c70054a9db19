/*
 * Private to the sandbox: what a simulated provider is made of. A simulation is a table of routes,
 * spoken to and answering in the provider's own protocol; how a call goes is the script's
 * (outcomes.def) and the same for all of them.
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

/* ---- How a call goes: outcomes.def ---- */

enum sim_end {
    SIM_END_DONE,
    SIM_END_FAILED,
    SIM_END_WAITING,
    SIM_END_RIDDLE,
    SIM_END_REFUSED,
    SIM_END_NOTHING,
};

enum sim_answer {
    SIM_GIVEN,
    SIM_LOST,
    SIM_GARBLED,
    SIM_BROKEN,
    SIM_UNAVAILABLE,
    SIM_THROTTLED,
    SIM_DRIPPED,
};

enum sim_callbacks {
    SIM_NONE,
    SIM_ONE,
    SIM_LATE,
    SIM_TWICE,
    SIM_EARLY,
    SIM_DISORDERED,
    SIM_CONTRADICTED,
};

struct sim_outcome {
    const char *name;
    enum sim_end end;
    enum sim_answer answer;
    enum sim_callbacks callbacks;
};

/* NULL when there is none of this name. */
const struct sim_outcome *sim_find_outcome(struct str name);

struct sim_script {
    struct str operation;
    const struct sim_outcome *outcome;
    int64_t after; /* calls that are let through first */
    int64_t count;
    struct sim_script *next;
};

/* ---- What it keeps ---- */

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
    struct str key;    /* idempotency key or reference it was made with */
    struct str detail; /* what no second one of the owner may have */
    struct str json;
    usec_t created_at;
    bool deleted;
    struct sim_record *next;
};

struct sim_logged {
    int64_t number;
    usec_t at;
    struct str method, path, operation, reference, body;
    int status;              /* 0: there was no answer */
    struct sim_logged *next; /* older */
};

/* One or two events about a transfer, each with the state it tells. */
struct sim_callback {
    usec_t due; /* monotonic */
    struct simulator *simulator;
    struct sim_transfer *transfer;
    enum sim_state states[2];
    size_t count;
    struct sim_callback *next;
};

struct sandbox;

struct simulator {
    const struct simulation *simulation;
    struct sandbox *sandbox;
    struct provider_settings settings; /* what the connector is given */
    bool unreachable;                  /* ... with the address of a closed port */
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

/* ---- Simulations ---- */

#define SIM_MAX_PARTS 2

/* A request to a simulated provider, and its answer. */
struct sim_call {
    struct simulator *simulator;
    struct arena *arena;
    struct str method, path; /* path after the provider's prefix, without query */
    struct str (*header)(void *context, const char *name);
    struct str (*query)(void *context, const char *name);
    void *context;
    const struct json *body;
    struct str parts[SIM_MAX_PARTS]; /* what stands for the braces of the route's path */
    const struct sim_outcome *outcome;
    struct str operation, reference; /* also for the log */
    struct sim_callback *early;      /* to be sent before the answer */
    int status;
    struct str answer;
};

struct sim_route {
    const char *method, *path; /* "/customers/{}/wallets" */
    const char *operation;     /* as the connector calls it */
    const char *reference;     /* member of the body, "{}" the first part; NULL: Idempotency-Key */
    void (*answer)(struct sim_call *call);
    const char *refusal; /* what a scripted "reject" says; NULL: as `answer` does */
    bool (*when)(const struct sim_call *call); /* NULL: always */
};

struct simulation {
    const char *name;
    const char *prefix;             /* "/squad" */
    const struct sim_route *routes; /* the first that fits; up to a row without a method */
    void (*settings)(struct simulator *simulator, struct arena *arena);
    bool (*authorised)(const struct sim_call *call);
    /* Says no in the provider's shape. */
    void (*refuse)(struct sim_call *call, int status, const char *message);
    /* Body of a callback about a transfer, and of an event of the control API (fields of `event`);
     * absent, or NULL: it sends none. With the lock held. */
    struct str (*transfer_event)(struct simulator *simulator, struct arena *arena,
                                 const struct sim_transfer *transfer);
    struct str (*event)(struct simulator *simulator, struct arena *arena, const struct json *event);
    /* The header that signs a body. */
    struct provider_header (*sign)(struct simulator *simulator, struct arena *arena,
                                   struct str body);
};

extern const struct simulation *const simulations[]; /* NULL-terminated */

/* Finds the route, takes the next outcome of the script, and has the simulation answer. With the
 * lock held. */
void sim_answer_call(struct sim_call *call);
/* Sends the events of a callback, one after the other, and frees it. */
void sim_send_callback(struct sim_callback *callback);
/* What was under way when the process ended goes on. */
void sim_resume(struct simulator *simulator);

/* ---- For simulations ---- */

struct str sim_member(const struct sim_call *call, const char *path);
void sim_reply(struct sim_call *call, int status, struct str json);
struct str sim_keep(struct simulator *simulator, struct str text);
/* "prefix" + running number, padded. */
struct str sim_new_id(struct simulator *simulator, const char *prefix);
struct str sim_now(struct arena *arena);

struct sim_transfer *sim_find_transfer(struct simulator *simulator, struct str id_or_reference);
/*
 * A transfer that is asked for, with the members of `wanted`, which goes its way by itself. NULL
 * when the script refuses it.
 */
struct sim_transfer *sim_begin_transfer(struct sim_call *call, const struct sim_transfer *wanted);

struct sim_record *sim_find_record(struct simulator *simulator, const char *kind, struct str id);
struct sim_record *sim_find_by_key(struct simulator *simulator, const char *kind, struct str key);
/* With the kind, id, owner, key, detail and json of `wanted`. */
struct sim_record *sim_add_record(struct simulator *simulator, const struct sim_record *wanted);
/* Adds the bodies of the records of a kind, of one owner if that is present, to an open array;
 * returns their number. */
int64_t sim_put_records(struct sim_call *call, struct buf *out, const char *kind, struct str owner);

/* ---- memory.c ---- */

/* Reads what was remembered; before the first request. */
void sim_memory_open(struct simulator *simulator);
void sim_remember_record(struct simulator *simulator, const struct sim_record *record);
void sim_remember_transfer(struct simulator *simulator, const struct sim_transfer *transfer);

#endif
