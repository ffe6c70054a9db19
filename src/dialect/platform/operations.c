/* Every operation of every dialect, and whether it is implemented: the generated routes as a
 * list. */
#include "core/route.h"
#include "dialect/dialect.h"
#include "generated/platform.h"

static struct str_array role_names(struct call *c, role_set roles)
{
    static const struct {
        role_set bit;
        const char *name;
    } names[] = {
#define ROLE(symbol, bit, name, meaning) {ROLE_##symbol, name},
#include "core/roles.def"
#undef ROLE
    };
    struct str_array list = {
        .items = ARENA_ARRAY(c->arena, struct str, sizeof(names) / sizeof(names[0]) + 1)};

    if (roles == ROLE_ANY) {
        list.items[list.count++] = STR("any");
        return list;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (roles & names[i].bit)
            list.items[list.count++] = str_from(names[i].name);
    return list;
}

int platform_list_operations(struct call *c, const struct platform_list_operations_in *in,
                             struct platform_list_operations_out *out)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    static const char *const kinds[] = {"read", "write", "slow-read", "slow"};

    out->data.items = ARENA_ARRAY(c->arena, struct platform_operation_info, route_count + 1);
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        bool implemented = route->handle != NULL;
        const char *dialect = dialects[route->dialect]->name;
        if (route->alias)
            continue; /* a further path of an operation that has a row */
        if ((str_present(in->dialect) && !str_is(in->dialect, dialect)) ||
            (in->has_implemented && in->implemented != implemented))
            continue;
        out->data.items[out->data.count++] = (struct platform_operation_info){
            .operation_id = str_from(route->operation_id),
            .dialect = str_from(dialect),
            .method = str_from(methods[route->method]),
            .path = str_from(route->path),
            .roles = role_names(c, (route->flags & ROUTE_PUBLIC) ? 0 : route->roles),
            .kind = str_from(kinds[route->kind]),
            .implemented = implemented,
        };
    }
    out->meta = ARENA_NEW(c->arena, struct platform_page_meta);
    out->meta->count = (int64_t)out->data.count;
    return OK;
}
