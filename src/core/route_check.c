/* Holds replies against their schema, so that a handler that strays from its contract fails its
 * first test. */
#include "core/route.h"

static const struct json_problem missing_body = {
    .error = ERR_REQUIRED, .path = {"body", 4}, .detail = {"the reply has no body", 21}};
static const struct json_problem surplus_body = {
    .error = ERR_INVALID, .path = {"body", 4}, .detail = {"the reply must have no body", 27}};

static const struct json_problem *check(struct arena *arena, const struct route_reply *reply,
                                        struct str body)
{
    if (!reply->body && !reply->value)
        return str_empty(body) ? NULL : &surplus_body;
    if (str_empty(body))
        return &missing_body;
    if (reply->media_type)
        return NULL;
    if (reply->value)
        return json_check(arena, body, reply->value);
    struct type_value value = {.kind = TYPE_OBJECT, .object = reply->body};
    return json_check(arena, body, &value);
}

const struct json_problem *route_check_reply(struct arena *arena, const struct route *route,
                                             int status, struct str body)
{
    for (size_t i = 0; i < route->reply_count; i++)
        if (route->replies[i].status == status)
            return check(arena, &route->replies[i], body);
    return NULL;
}
