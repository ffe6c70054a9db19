/*
 * Beneficiaries: whom a user pays. A payee belongs to one user (its owner); staff may act for others. The
 * currency has to be one that is paid out in the payee's country.
 */
#ifndef CORE_BENEFICIARY_BENEFICIARY_H
#define CORE_BENEFICIARY_BENEFICIARY_H

#include "core/call.h"
#include "store/row.h"

#define BENEFICIARY_ROW(F)       \
    F(INTEGER, id)               \
    F(INTEGER, tenant_id)        \
    F(INTEGER, organisation_id)  \
    F(INTEGER, owner_id)         \
    F(TEXT, account_type)        \
    F(TEXT, beneficiary_type)    \
    F(TEXT, country)             \
    F(TEXT, currency)            \
    F(TEXT, first_name)          \
    F(TEXT, last_name)           \
    F(TEXT, email)               \
    F(TEXT, phone_number)        \
    F(JSON, momo_details)        \
    F(JSON, bank_details)        \
    F(JSON, loan_client_details) \
    F(TEXT, external_account_id) \
    F(INTEGER, created_at)       \
    F(INTEGER, updated_at)
ROW_STRUCT(beneficiary, BENEFICIARY_ROW);

/* Checks the record's rules and stores it; id, tenant and times are set here. */
int beneficiary_create(struct call *c, struct beneficiary *beneficiary);
/* ERR_NOT_FOUND (another tenant's too); ERR_FORBIDDEN unless the caller owns it or is staff. */
int beneficiary_get(struct call *c, id_t64 beneficiary_id, struct beneficiary *ret_beneficiary);
/* The same without the ownership rule: for records that refer to a payee. */
int beneficiary_load(struct call *c, id_t64 beneficiary_id, struct beneficiary *ret_beneficiary);
/* Stores a changed record after checking the rules on the whole of it. */
int beneficiary_update(struct call *c, struct beneficiary *beneficiary);
/* For good; payments that refer to it keep the id. */
int beneficiary_delete(struct call *c, id_t64 beneficiary_id);

/* Newest first; 0 and absent mean "any". */
struct beneficiary_filter {
    id_t64 owner_id;
    id_t64 organisation_id;
    struct str beneficiary_type;
    struct str text; /* part of a name, address or number, in any case */
    int64_t skip;    /* rows before the page: lists by page number */
};
int beneficiary_list(struct call *c, const struct beneficiary_filter *filter,
                     const struct page *page, struct beneficiary **ret_rows, size_t *ret_count);

#endif
