/*
 * Finds the operation of a path in the generated tree. The walk allocates nothing unless a segment
 * is percent-encoded. Trailing and doubled slashes make an empty segment, which only a literal
 * empty segment matches: FinCode has a path that differs from another one by its trailing slash
 * alone.
 */
#include "core/route.h"

#include "core/route_tree.h"

struct search {
    const char *end;
    struct arena *arena;
    struct str *values;
    size_t value_count;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* False when the encoding is broken or hides what no path of ours holds: NUL, invalid UTF-8. */
static bool decode_segment(struct arena *arena, struct str *segment)
{
    if (memchr(segment->ptr, '%', segment->len)) {
        char *out = arena_alloc(arena, segment->len + 1);
        size_t len = 0;
        for (size_t i = 0; i < segment->len; i++) {
            char c = segment->ptr[i];
            if (c == '%') {
                int high = i + 2 < segment->len ? hex_digit(segment->ptr[i + 1]) : -1;
                int low = high >= 0 ? hex_digit(segment->ptr[i + 2]) : -1;
                if (low < 0)
                    return false;
                c = (char)(high * 16 + low);
                i += 2;
            }
            if (c == '\0')
                return false;
            out[len++] = c;
        }
        *segment = (struct str){out, len};
    }
    return str_valid_utf8(*segment);
}

static int compare_segment(const struct route_node *node, struct str segment)
{
    if (node->length != segment.len)
        return node->length < segment.len ? -1 : 1;
    return memcmp(node->text, segment.ptr, segment.len);
}

/* The literal child, or 0: the root is nobody's child. */
static unsigned find_child(const struct route_node *node, struct str segment)
{
    unsigned low = node->first_child, high = low + node->child_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = compare_segment(&route_nodes[middle], segment);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static bool has_routes(const struct route_node *node)
{
    for (int method = 0; method < HTTP_METHOD_COUNT; method++)
        if (node->routes[method] >= 0)
            return true;
    return false;
}

/* `rest` begins after a slash. Returns the node of the whole path, literals tried first, or 0. */
static unsigned match(struct search *search, unsigned from, const char *rest)
{
    const struct route_node *node = &route_nodes[from];
    const char *slash = memchr(rest, '/', (size_t)(search->end - rest));
    struct str segment = {rest, (size_t)((slash ? slash : search->end) - rest)};
    if (!decode_segment(search->arena, &segment))
        return 0;
    unsigned child = find_child(node, segment);
    if (child) {
        unsigned found =
            slash ? match(search, child, slash + 1) : (has_routes(&route_nodes[child]) ? child : 0);
        if (found)
            return found;
    }
    if (!node->parameter || segment.len == 0 || search->value_count == ROUTE_MAX_PARAMETERS)
        return 0;
    search->values[search->value_count++] = segment;
    unsigned found = slash ? match(search, node->parameter, slash + 1)
                           : (has_routes(&route_nodes[node->parameter]) ? node->parameter : 0);
    if (!found)
        search->value_count--;
    return found;
}

const struct route *route_find(enum http_method method, struct str path, struct arena *arena,
                               struct str values[ROUTE_MAX_PARAMETERS], unsigned *ret_allowed)
{
    *ret_allowed = 0;
    if (str_empty(path) || path.ptr[0] != '/')
        return NULL;
    struct search search = {.end = path.ptr + path.len, .arena = arena, .values = values};
    unsigned found = match(&search, 0, path.ptr + 1);
    if (!found)
        return NULL;
    const struct route_node *node = &route_nodes[found];
    if (method < HTTP_METHOD_COUNT && node->routes[method] >= 0)
        return &routes[node->routes[method]];
    for (unsigned other = 0; other < HTTP_METHOD_COUNT; other++)
        if (node->routes[other] >= 0)
            *ret_allowed |= 1u << other;
    return NULL;
}

const struct route *route_by_operation_id(struct str operation_id)
{
    for (size_t i = 0; i < route_count; i++)
        if (str_is(operation_id, routes[i].operation_id))
            return &routes[i];
    return NULL;
}
