/*
 * Idempotency keys: a write that carries one leaves its reply in the same transaction. The same key
 * (of the same tenant, credential and operation) with the same request gets that reply again; with
 * another request it is refused. Refusals by a handler are kept too; failures of the server are
 * not.
 */
#ifndef SERVER_IDEMPOTENCY_H
#define SERVER_IDEMPOTENCY_H

#include "core/call.h"

#define IDEMPOTENCY_HASH_SIZE 32
#define IDEMPOTENCY_KEY_MAX 255

struct idempotency_request {
    /* Who called when the request came in: logging in makes somebody of the call meanwhile. */
    id_t64 tenant_id, credential_id;
    struct str operation;
    struct str key;
    const char *header;                  /* that the key came in */
    uint8_t hash[IDEMPOTENCY_HASH_SIZE]; /* of method, path, query and body */
};

struct idempotency_reply {
    int status;
    struct str body;
    bool secret; /* is encrypted in the table */
    bool once;   /* holds a secret shown once: only that it was answered is kept */
};

void idempotency_hash(struct idempotency_request *request, struct str method, struct str path,
                      struct str query, struct str body);

/* Ahead of a batch: the key will be looked for. */
int idempotency_expect(struct call *c, const struct idempotency_request *request);
/* ERR_NOT_FOUND: first use. 0: *ret_reply is what was answered. ERR_IDEMPOTENCY_MISMATCH;
 * ERR_IDEMPOTENCY_SECRET when the answer was for once. */
int idempotency_find(struct call *c, const struct idempotency_request *request,
                     struct idempotency_reply *ret_reply);
/* ERR_IDEMPOTENCY_IN_PROGRESS when another process was faster. (On PostgreSQL the commit would find
 * that out, and the call be run again.) */
int idempotency_keep(struct call *c, const struct idempotency_request *request,
                     const struct idempotency_reply *reply);
/* Forgets keys from before `before`; FinCode postings are kept for good. At most `limit` rows a
 * time. */
int idempotency_prune(struct call *c, usec_t before, int64_t limit, int64_t *ret_count);

/*
 * Keys whose slow operation is on its way in this process. False: it is there already.
 */
bool idempotency_enter(struct arena *arena, const struct idempotency_request *request);
void idempotency_leave(const struct idempotency_request *request);

#endif
