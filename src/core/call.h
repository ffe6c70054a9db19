/*
 * A call: one request on its way through the pipeline, and the one argument every handler and core
 * function takes. It is made by the server (or by a worker, for outcomes of providers and timers),
 * lives in its arena and dies with it.
 */
#ifndef CORE_CALL_H
#define CORE_CALL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "base/money.h"
#include "base/time.h"

struct app;   /* core/app.h: the services of this process */
struct route; /* core/route.h: the generated row of the operation */
struct sql;
struct ledger; /* ledger/ledger.h */

enum dialect { DIALECT_PCX, DIALECT_VAULTSPAY, DIALECT_FINCODE, DIALECT_PLATFORM, DIALECT_COUNT };

/* Bits, because a person can hold several roles; roles.def has the rows. */
typedef uint64_t role_set;
enum {
#define ROLE(symbol, bit, name, meaning) ROLE_##symbol = 1ull << (bit),
#include "core/roles.def"
#undef ROLE
};
#define ROLE_ANY (~(role_set)0)

/* Who calls. All zero for operations without credentials. */
struct principal {
    id_t64 tenant_id;
    id_t64 organisation_id; /* the one the credential acts for; 0: none */
    id_t64 user_id;
    id_t64 credential_id; /* API key, session or app */
    id_t64 app_id;        /* VaultsPay SaaS app */
    role_set roles;
    bool staff; /* passes every check within the tenant */
    enum dialect dialect;
};

struct header {
    struct str name;
    struct str value;
};

struct call {
    struct arena *arena;
    struct app *app;
    const struct route *route; /* NULL for internal calls */
    struct sql *sql;           /* the connection with the call's transaction or snapshot open */
    struct ledger *ledger;     /* posting context of the same transaction; NULL in reads */
    struct principal principal;
    usec_t now; /* one instant for the whole call */

    struct str request_id;
    struct str idempotency_key; /* absent unless sent */
    struct str interaction_id;  /* x-fapi-interaction-id, X-Request-Id */
    struct str client_address;
    struct str host;
    const struct header *headers;
    size_t header_count;
    struct str raw_body; /* as received (after decryption): signatures are over it */

    void *prepared;      /* what <operation>_prepare left for <operation> (slow operations) */
    void *dialect_state; /* e.g. the AES key of a VaultsPay request */

    int error; /* first refusal */
    struct json_problem *problems;
    const char *error_origin; /* "file.c:123", for the log */
    const char *error_text;   /* replaces the rule's sentence when set; never a secret */
    unsigned reply_variant;   /* which documented 2xx; 0 = the first */
    struct header *reply_headers;
    size_t reply_header_count;
};

/*
 * Refuse the call: returns `error`, so a handler can `return call_refuse(c, ERR_REQUIRED, "amount")`.
 * `field` is the path of the offending field, or NULL. Nothing of a refused call is kept.
 */
#define call_refuse(c, error, field) call_refuse_at((c), (error), (field), NULL, CALL_HERE)
/* With a sentence of its own, for people: call_refuse_text(c, ERR_WRONG_STATE, "status", "..."). */
#define call_refuse_text(c, error, field, ...) \
    call_refuse_at((c), (error), (field), arena_printf((c)->arena, __VA_ARGS__).ptr, CALL_HERE)
#define CALL_STRINGIFY_(x) #x
#define CALL_STRINGIFY(x) CALL_STRINGIFY_(x)
#define CALL_HERE __FILE__ ":" CALL_STRINGIFY(__LINE__)
int call_refuse_at(struct call *c, int error, const char *field, const char *text,
                   const char *origin);

struct str call_header(const struct call *c, const char *name); /* any case; absent if not sent */
void call_reply_header(struct call *c, const char *name, struct str value);

/* Principal predicates; staff passes all of them within its tenant, but not what is for ROLE_OPERATOR alone. */
bool call_has_role(const struct call *c, role_set any_of);
/* Is the organisation (or user) the caller's own, or is the caller staff? */
bool call_may_act_for_organisation(const struct call *c, id_t64 organisation_id);
bool call_may_act_for_user(const struct call *c, id_t64 user_id);

/* Text of an id in the wire form of the call's dialect-neutral default (prefix form). */
#define call_id(c, kind, id) id_print((c)->arena, (kind), (id))
/* Parses a PCX/platform id; refuses with ERR_NOT_FOUND for `field` when it is not one of this kind. */
int call_parse_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                  id_t64 *ret_id);
/* Refuses with `error` for `field` if it is one of the ledger's rules; else passes it on. */
int call_ledger_error(struct call *c, int error, const char *field);
struct str call_time(const struct call *c,
                     usec_t instant); /* RFC 3339 milliseconds; absent for 0 */

/*
 * Keyset pages, newest first. Cursors are opaque, signed, and bound to the list (`list` names it and its
 * filters); another list's or a changed cursor is refused with ERR_BAD_CURSOR for `field`, a limit outside
 * 1..CALL_MAX_PAGE with ERR_OUT_OF_RANGE.
 */
#define CALL_MAX_PAGE 1000 /* contracts may set less */
struct page {
    int64_t limit; /* fetch limit + 1 rows to learn whether there are more */
    id_t64 before; /* rows with id < before; INT64_MAX on the first page */
};
int call_page(struct call *c, struct str list, struct str cursor, const char *field, int64_t limit,
              struct page *ret_page);
struct str call_page_cursor(struct call *c, struct str list, id_t64 last_id);
/*
 * Cuts rows (structs with a member `id`) that were read with one more than the page to the page.
 * The cursor of what follows; absent at the end.
 */
#define call_page_end(c, list, page, rows, count)  \
    call_page_end_at((c), (list), (page), (count), \
                     *(count) > (size_t)(page)->limit ? (rows)[(page)->limit - 1].id : 0)
struct str call_page_end_at(struct call *c, struct str list, const struct page *page, size_t *count,
                            id_t64 last_id);

#endif
