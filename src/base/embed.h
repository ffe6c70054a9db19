/* Files that travel inside the binary (tools/embed.py): migrations, contracts, pages. */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#include <stddef.h>

struct embedded_file {
    const char *name; /* NULL closes the table */
    const unsigned char *bytes;
    size_t len;
};

extern const struct embedded_file embedded_migrations[];
extern const struct embedded_file embedded_pages[];
extern const struct embedded_file embedded_bundles[]; /* compressed with gzip */
/* openapi.json (all) and one <dialect>.json each, compressed with gzip. */
extern const struct embedded_file embedded_contracts[];

#endif
