/* Maps the paths of pages to the files that tools/embed.py put into the binary. */
#include "server/pages.h"

#include <string.h>

#include "base/embed.h"

static const struct {
    const char *suffix, *content_type;
} content_types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
};

static const char *content_type_of(struct str name)
{
    for (size_t i = 0; i < sizeof(content_types) / sizeof(content_types[0]); i++) {
        size_t len = strlen(content_types[i].suffix);
        if (name.len >= len && memcmp(name.ptr + name.len - len, content_types[i].suffix, len) == 0)
            return content_types[i].content_type;
    }
    return "application/octet-stream";
}

static bool find_in(const struct embedded_file *files, struct str name, const char *encoding,
                    struct page_file *ret_file)
{
    for (; files->name; files++) {
        if (!str_is(name, files->name))
            continue;
        *ret_file = (struct page_file){
            .content_type = content_type_of(name),
            .content_encoding = encoding,
            .body = {(const char *)files->bytes, files->len},
        };
        return true;
    }
    return false;
}

bool page_find(struct str path, struct page_file *ret_file)
{
    static const char assets[] = "/assets/";
    const size_t prefix = sizeof(assets) - 1;
    if (str_is(path, "/docs"))
        return find_in(embedded_pages, STR("docs.html"), NULL, ret_file);
    if (path.len <= prefix || memcmp(path.ptr, assets, prefix) != 0)
        return false;
    struct str name = {path.ptr + prefix, path.len - prefix};
    return find_in(embedded_pages, name, NULL, ret_file) ||
           find_in(embedded_bundles, name, "gzip", ret_file);
}
