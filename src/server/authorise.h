/*
 * May this caller use this operation? By the route's roles, judged in the organisation that the request
 * names: a person who administers one organisation and is a plain member of another has different
 * rights with each, whichever of the two its credential was made for.
 */
#ifndef SERVER_AUTHORISE_H
#define SERVER_AUTHORISE_H

#include "server/pipeline.h"

/* Where an operation names an organisation; made once per route. All NULL: it does not. */
struct organisation_place {
    const struct route_parameter *parameter; /* in the path or the query */
    size_t path_index;                       /* when in the path */
    const struct type_field *member;         /* of the body */
};
void organisation_place_make(const struct route *route, struct organisation_place *ret_place);

/*
 * Before the body is read. Sets *ret_undecided when the roles do not suffice but the body may name an
 * organisation where they do: then authorise_by_body must have the last word.
 */
int authorise(struct exchange *x, const struct organisation_place *place, bool *ret_undecided);
/* After decoding. */
int authorise_by_body(struct exchange *x, const struct organisation_place *place);

#endif
