/* Endpoints that need no operation: health, readiness, metrics, the contracts. */
#include "server/endpoints.h"

#include <stdatomic.h>
#include <zlib.h>

#include "base/embed.h"
#include "base/metrics.h"

static atomic_bool draining;

static const struct {
    const char *path;
    endpoint_function *function;
} endpoints[] = {
#define ENDPOINT(path, function) {path, function},
#include "server/endpoints.def"
#undef ENDPOINT
};

endpoint_function *endpoint_find(struct str path)
{
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        if (str_is(path, endpoints[i].path))
            return endpoints[i].function;
    return NULL;
}

void endpoint_set_draining(void)
{
    atomic_store(&draining, true);
}

void endpoint_healthz(struct exchange *x)
{
    x->status = 200;
    x->reply = STR("{\"status\":\"ok\"}");
}

void endpoint_readyz(struct exchange *x)
{
    bool ready = !atomic_load(&draining) && writer_healthy(x->call.app->writer);
    x->status = ready ? 200 : 503;
    x->reply = ready ? STR("{\"status\":\"ready\"}") : STR("{\"status\":\"not ready\"}");
}

void endpoint_metrics(struct exchange *x)
{
    struct app *app = x->call.app;
    metrics_gauge_set(app->metrics, GAUGE_QUEUE_LENGTH, writer_queued(app->writer));
    struct buf out = buf_new(x->call.arena, 32 * 1024);
    metrics_print(app->metrics, &out);
    x->status = 200;
    x->reply = buf_str(&out);
    x->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

static bool accepts_gzip(const struct exchange *x)
{
    struct str accepted = call_header(&x->call, "Accept-Encoding");
    return str_present(accepted) && memmem(accepted.ptr, accepted.len, "gzip", 4);
}

/* The last four bytes of a gzip file are its length in clear (RFC 1952). */
static struct str gunzip(struct arena *arena, const struct embedded_file *file)
{
    const unsigned char *tail = file->bytes + file->len - 4;
    size_t length =
        (size_t)tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
    char *text = arena_alloc(arena, length + 1);
    z_stream stream = {
        .next_in = (unsigned char *)(uintptr_t)file->bytes,
        .avail_in = (unsigned)file->len,
        .next_out = (unsigned char *)text,
        .avail_out = (unsigned)length,
    };
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
        return STR_NONE;
    int outcome = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return outcome == Z_STREAM_END ? (struct str){text, length} : STR_NONE;
}

/* "/openapi.json" is all dialects, "/openapi/pcx.json" one of them. */
void endpoint_openapi(struct exchange *x)
{
    struct str name = x->path;
    for (struct str rest = name; str_present(rest);)
        name = str_cut(&rest, '/');
    for (const struct embedded_file *file = embedded_contracts; file->name; file++) {
        if (!str_is(name, file->name))
            continue;
        x->status = 200;
        if (accepts_gzip(x)) {
            call_reply_header(&x->call, "Content-Encoding", STR("gzip"));
            x->reply = (struct str){(const char *)file->bytes, file->len};
        } else {
            x->reply = gunzip(x->call.arena, file);
        }
        return;
    }
    exchange_refuse(x, ERR_ROUTE_NOT_FOUND);
}
