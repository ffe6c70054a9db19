/* `cambist operations [--json]`: every operation of the contracts, and whether it has a handler. */
#include <stdio.h>
#include <string.h>

#include "core/route.h"
#include "dialect/dialect.h"

static const char *const methods[HTTP_METHOD_COUNT] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
static const char *const kinds[] = {
    [OPERATION_READ] = "read",
    [OPERATION_WRITE] = "write",
    [OPERATION_SLOW_READ] = "slow-read",
    [OPERATION_SLOW] = "slow",
};
static const struct {
    role_set role;
    const char *name;
} roles[] = {
#define ROLE(symbol, bit, name, meaning) {ROLE_##symbol, name},
#include "core/roles.def"
#undef ROLE
};

/* Names of the roles that may call, each between `quote`s; "any" for all, nothing for a public
 * operation. */
static void print_roles(const struct route *route, const char *quote, const char *separator)
{
    if (route->flags & ROUTE_PUBLIC)
        return;
    if (route->roles == ROLE_ANY) {
        printf("%sany%s", quote, quote);
        return;
    }
    const char *before = "";
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (!(route->roles & roles[i].role))
            continue;
        printf("%s%s%s%s", before, quote, roles[i].name, quote);
        before = separator;
    }
}

/* The texts are identifiers and paths: none needs escaping. */
static void print_json(const struct route *route)
{
    printf("{\"id\":\"%s\",\"dialect\":\"%s\",\"method\":\"%s\",\"path\":\"%s\",\"also\":[",
           route->operation_id, dialects[route->dialect]->name, methods[route->method],
           route->path);
    const char *before = "";
    for (size_t i = 0; i < route_count; i++) {
        if (!routes[i].alias || routes[i].handle != route->handle || !route->handle ||
            routes[i].method != route->method)
            continue;
        printf("%s\"%s\"", before, routes[i].path);
        before = ",";
    }
    printf("],\"kind\":\"%s\",\"roles\":[", kinds[route->kind]);
    print_roles(route, "\"", ",");
    printf("],\"implemented\":%s}", route->handle ? "true" : "false");
}

static void print_line(const struct route *route)
{
    printf("%-6s %-75s %-3s %s (", methods[route->method], route->path, route->handle ? "yes" : "-",
           route->operation_id);
    print_roles(route, "", ", ");
    printf(")\n");
}

int cli_operations(int argc, char **argv);

int cli_operations(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json) {
        bool help = strcmp(argv[1], "--help") == 0;
        fprintf(help ? stdout : stderr, "usage: cambist operations [--json]\n\n"
                                        "Lists every operation: method, path, whether it has a "
                                        "handler, operationId and roles.\n");
        return help ? 0 : 2;
    }
    size_t total = 0, implemented = 0;
    for (size_t i = 0; i < route_count; i++) {
        if (routes[i].alias)
            continue;
        if (json)
            printf("%s", total ? ",\n " : "[");
        (json ? print_json : print_line)(&routes[i]);
        total++;
        implemented += routes[i].handle != NULL;
    }
    if (json)
        printf("]\n");
    else
        printf("%zu of %zu operations have a handler; the others answer 501.\n", implemented,
               total);
    return 0;
}
