/* Ids as operators type them: whatever form they copied from. */
#include "dialect/platform/platform.h"

int platform_read_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                     id_t64 *ret_id)
{
    if (id_parse(kind, text, ret_id) || id_parse_uuid(kind, text, ret_id))
        return OK;
    if (str_to_i64(text, ret_id) && *ret_id > 0)
        return OK;
    return call_refuse(c, ERR_NOT_FOUND, field);
}

struct str platform_id_or_none(struct call *c, enum id_kind kind, id_t64 id)
{
    return id ? id_print(c->arena, kind, id) : STR_NONE;
}
