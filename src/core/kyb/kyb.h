/*
 * Know your business: what an organisation hands in, and what the review decides. An organisation has at most one
 * record that is pending or approved. Approval opens payments; nothing else does.
 */
#ifndef CORE_KYB_KYB_H
#define CORE_KYB_KYB_H

#include "core/call.h"
#include "store/row.h"

#define KYB_RECORD_ROW(F)       \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(INTEGER, user_id)         \
    F(TEXT, status)             \
    F(JSON, business_info)      \
    F(SECRET, documents)        \
    F(TEXT, reviewed_by)        \
    F(TEXT, review_notes)       \
    F(INTEGER, created_at)      \
    F(INTEGER, updated_at)
ROW_STRUCT(kyb_record, KYB_RECORD_ROW);

/* Hands in a record (organisation_id, user_id, business_info, documents). ERR_DUPLICATE while one is pending or
 * approved; ERR_FORBIDDEN unless the caller administers the organisation. */
int kyb_create(struct call *c, struct kyb_record *record);
/* ERR_NOT_FOUND; ERR_FORBIDDEN unless the caller belongs to its organisation or is staff. */
int kyb_get(struct call *c, id_t64 kyb_id, struct kyb_record *ret_record);
/* Newest first; absent status: any. */
int kyb_list(struct call *c, struct str status, const struct page *page,
             struct kyb_record **ret_rows, size_t *ret_count);
/* Decides a pending record by "approved" or "rejected" (ERR_NOT_ALLOWED otherwise), opens or keeps shut the
 * organisation's payments, and tells its webhooks. The same decision again does nothing. */
int kyb_decide(struct call *c, struct kyb_record *record, struct str status, struct str reviewed_by,
               struct str review_notes);

#endif
