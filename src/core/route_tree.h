/*
 * The paths of all routes as a tree of segments, generated. route_nodes[0] is the root; the
 * children of a node stand together, sorted by length, then bytes; `parameter` is the child that
 * takes any segment, 0 if none.
 */
#ifndef CORE_ROUTE_TREE_H
#define CORE_ROUTE_TREE_H

#include "core/route.h"

struct route_node {
    const char *text;
    uint16_t length;
    uint16_t first_child, child_count;
    uint16_t parameter;
    int16_t routes[HTTP_METHOD_COUNT]; /* rows of routes[], -1: no such method */
};

extern const struct route_node route_nodes[];

#endif
