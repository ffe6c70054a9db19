/* How PCX shows payees; beneficiaries.c. */
#ifndef DIALECT_PCX_BENEFICIARIES_H
#define DIALECT_PCX_BENEFICIARIES_H

#include "core/beneficiary/beneficiary.h"
#include "generated/pcx.h"

/* `name` is the list's, for its cursors; the cursor is absent at the end. */
int pcx_page_of_beneficiaries(struct call *c, const struct beneficiary_filter *filter,
                              struct str name, const struct page *page,
                              struct pcx_beneficiary_array *ret_data, struct str *ret_cursor);

#endif
