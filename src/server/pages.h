/*
 * The pages that travel inside the binary: the API reference at /docs and what it loads from
 * /assets. They need nothing from outside, so they work on a machine without a network.
 */
#ifndef SERVER_PAGES_H
#define SERVER_PAGES_H

#include "base/str.h"

struct page_file {
    const char *content_type;
    const char *content_encoding; /* "gzip", or NULL */
    struct str body;              /* lives as long as the process */
};

/* What pages may load: themselves, and nothing from elsewhere. */
#define PAGE_SECURITY_POLICY                                                       \
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " \
    "worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

/* False when there is no page of this path (without the query). */
bool page_find(struct str path, struct page_file *ret_file);

#endif
