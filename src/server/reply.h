/* Replies: from a handler's struct to the text that is sent, still in clear. */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include "core/route.h"

/* What the pipeline learns about a route once, at start. */
struct reply_plan {
    /* Members of the envelope that the pipeline fills when the handler left them absent; NULL: not
     * there. */
    const struct type_field *status, *message, *success, *response_code, *metadata;
    bool secret; /* the reply has sensitive members, or is shown once */
    bool sensitive_input;
};

void reply_plan_make(const struct route *route, struct reply_plan *ret_plan);
/* Fills the envelope, encodes. Returns the HTTP status. `started`: for processing_time_ms. */
int reply_encode(struct call *c, const struct reply_plan *plan, void *out, usec_t started,
                 struct str *ret_body, const char **ret_content_type);

#endif
