/* Paths outside the contracts, by prefix. */
#include "server/mounts.h"

#include "server/form.h"

#define MOUNT(prefix, handler) mount_handler handler;
#include "server/mounts.def"
#undef MOUNT

static const struct mount mounts[] = {
#define MOUNT(prefix, handler) {prefix, handler},
#include "server/mounts.def"
#undef MOUNT
    {NULL, NULL},
};

const struct mount *mount_find(struct str path)
{
    const struct mount *best = NULL;
    size_t best_length = 0;
    for (const struct mount *m = mounts; m->prefix; m++) {
        struct str prefix = str_from(m->prefix);
        bool at_segment =
            path.len == prefix.len || (path.len > prefix.len && path.ptr[prefix.len] == '/');
        if (str_starts(path, prefix) && at_segment && prefix.len > best_length) {
            best = m;
            best_length = prefix.len;
        }
    }
    return best;
}

int mount_run(struct exchange *x)
{
    struct call *c = &x->call;
    struct str path = form_percent_decode(c->arena, x->path, false);
    size_t prefix = strlen(x->mount->prefix);
    struct mount_request request = {
        .method = x->method,
        .path = path,
        .rest = path.len > prefix ? (struct str){path.ptr + prefix, path.len - prefix} : STR(""),
        .query = x->query,
        .query_count = x->query_count,
    };
    struct mount_reply reply = {.status = 200, .body = STR("")};
    TRY(x->mount->handle(c, &request, &reply));
    x->status = reply.status;
    x->reply = reply.body;
    x->content_type = reply.content_type;
    return OK;
}

struct str mount_query(const struct mount_request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++)
        if (str_is(request->query[i].name, name))
            return request->query[i].value;
    return STR_NONE;
}
