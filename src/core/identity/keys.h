/*
 * RSA key pairs of this installation, kept encrypted in the store: one signs tokens, one opens the
 * VaultsPay envelope, and each tenant has one for FinCode's encrypted fields. A pair is made when
 * it is first needed (at the first start in the background), because making one takes a fifth of a
 * second.
 *
 * A retired pair signs no more but goes on verifying and opening for a day, longer than any access
 * token lives. A struct key_pair is never freed while the process runs, and only retired_at can
 * change.
 */
#ifndef CORE_IDENTITY_KEYS_H
#define CORE_IDENTITY_KEYS_H

#include "base/crypto.h"
#include "core/app.h"
#include "core/call.h"

enum key_purpose { KEY_TOKEN, KEY_ENVELOPE, KEY_FIELDS, KEY_PURPOSE_COUNT };

struct key_pair {
    id_t64 id;
    id_t64 tenant_id; /* KEY_FIELDS; 0 for the others */
    enum key_purpose purpose;
    struct str kid;
    struct rsa_key *rsa;
    usec_t created_at;
    usec_t retired_at; /* 0: current */
};

/* Reads the pairs. After it, the pairs every installation has are made in the background
 * (keys_warm). */
int keys_open(struct app *app, struct keys **ret_keys);
struct keys *keys_close(struct keys *keys);
/* A worker's job: makes what is missing. */
void keys_warm(struct app *app, void *unused);

/* The current pair, made and stored if there is none (blocks for that long; not for the writer). */
int keys_current(struct app *app, enum key_purpose purpose, id_t64 tenant_id,
                 const struct key_pair **ret_pair);
/* The pair before the current one of the same purpose and tenant, while it still opens things;
 * NULL: none. */
const struct key_pair *keys_previous(struct app *app, enum key_purpose purpose, id_t64 tenant_id);
/* A token key by its kid, current or lately retired; NULL: none. */
const struct key_pair *keys_find(struct app *app, struct str kid);
/* "token", "envelope", "fields"; false for other words. */
bool key_purpose_find(struct str name, enum key_purpose *ret_purpose);
/*
 * In a write transaction: retires the current pair and makes another, whose kid is returned. A
 * running process goes on with the old one until it restarts, so this is for the command line.
 */
int keys_replace(struct call *c, enum key_purpose purpose, id_t64 tenant_id, struct str *ret_kid);
/* RFC 7517: {"keys": [...]} with the public halves of the token keys that verify. */
struct str keys_jwks(struct app *app, struct arena *arena);

#endif
