/* What the PCX organisation groups share. */
#ifndef DIALECT_PCX_ORGANIZATIONS_H
#define DIALECT_PCX_ORGANIZATIONS_H

#include "core/identity/organisation.h"
#include "generated/pcx.h"

void pcx_show_organization(struct call *c, const struct organisation *organisation,
                           struct pcx_organization *out);
/* One page, and the cursor of the next (absent on the last). */
int pcx_list_organizations(struct call *c, const struct organisation_filter *filter, int64_t limit,
                           struct str cursor, const char *cursor_field,
                           struct pcx_organization_array *ret_data, struct str *ret_cursor);

#endif
