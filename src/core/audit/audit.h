/*
 * The audit trail: one entry for every call that changed something. A tenant's entries are numbered
 * without gaps and chained by SHA-256, so that an entry that was altered, removed or slipped in
 * shows.
 */
#ifndef CORE_AUDIT_AUDIT_H
#define CORE_AUDIT_AUDIT_H

#include "core/call.h"
#include "store/row.h"
#include "store/sql.h"

#define AUDIT_ROW(F)          \
    F(INTEGER, tenant_id)     \
    F(INTEGER, sequence)      \
    F(INTEGER, at)            \
    F(INTEGER, user_id)       \
    F(INTEGER, credential_id) \
    F(TEXT, operation)        \
    F(TEXT, subject)          \
    F(TEXT, request_id)       \
    F(TEXT, request)          \
    F(TEXT, outcome)          \
    F(BYTES, hash)
ROW_STRUCT(audit, AUDIT_ROW);

/*
 * The entries of one writer's transaction: collected by its calls, written by audit_flush before
 * the commit. audit_mark and audit_rewind follow the savepoints of the calls.
 */
struct audit_batch;
struct audit_batch *audit_batch_new(void);
struct audit_batch *audit_batch_free(struct audit_batch *batch);
void audit_begin(struct audit_batch *batch);
size_t audit_mark(const struct audit_batch *batch);
void audit_rewind(struct audit_batch *batch, size_t mark);
/* Sequence and hash are the batch's business. Strings are copied. */
void audit_add(struct audit_batch *batch, const struct audit *entry);
/* Ahead of a batch, once its tenants are locked or on their way to be: asks where the chain ends. */
int audit_expect(struct sql *sql, id_t64 tenant_id);
/* ERR_STORE_RETRY when another process wrote to the same tenant's chain meanwhile. */
int audit_flush(struct audit_batch *batch, struct sql *sql);
void audit_end(struct audit_batch *batch, bool committed);

/*
 * Recomputes every chain. 0 and *ret_entries, or ERR_INVALID and *ret_why names tenant and entry.
 */
int audit_verify(struct sql *sql, struct arena *arena, int64_t *ret_entries, struct str *ret_why);

/* What is absent or 0 does not filter. `record` is a part of the path, between slashes. */
struct audit_filter {
    struct str operation;
    struct str record;
    id_t64 user_id;
    usec_t from, to; /* from <= instant < to */
};
/* The tenant's entries, newest first, with sequence < page->before; one more than page->limit when
 * there are more. */
int audit_list(struct call *c, const struct audit_filter *filter, const struct page *page,
               struct audit **ret_entries, size_t *ret_count);

#endif
