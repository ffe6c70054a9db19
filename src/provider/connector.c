/* Requests built and answers read by the tables of a connector. No network, no state. */
#include "provider/connector.h"

#include <ctype.h>

#include "base/digest.h"

#define DEFAULT_TIMEOUT_MS 20000
#define MAX_HEADERS 4
#define NAME_MAX_LEN 64

#define PROVIDER(name, alias) extern const struct provider provider_##name;
#include "provider/providers.def"
#undef PROVIDER

static const struct {
    const struct provider *provider;
    const char *alias;
} providers[] = {
#define PROVIDER(name, alias) {&provider_##name, alias},
#include "provider/providers.def"
#undef PROVIDER
};

#define PROVIDER_COUNT (sizeof(providers) / sizeof(providers[0]))

const struct provider *provider_find(struct str name)
{
    if (str_empty(name))
        return NULL;
    for (size_t i = 0; i < PROVIDER_COUNT; i++)
        if (str_is(name, providers[i].provider->name) || str_is(name, providers[i].alias))
            return providers[i].provider;
    return NULL;
}

size_t provider_count(void)
{
    return PROVIDER_COUNT;
}

const struct provider *provider_at(size_t index)
{
    return providers[index].provider;
}

static const struct connector_operation *find_operation(const struct connector *connector,
                                                        const char *name)
{
    for (const struct connector_operation *row = connector->operations; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

/* The rows of one name differ in what is sent, not in how the answer is read. */
static const struct connector_operation *choose_row(const struct connector_operation *row,
                                                    const struct json *body)
{
    const char *name = row->name;
    for (; row->name; row++)
        if (strcmp(row->name, name) == 0 && (!row->when || row->when(body)))
            return row;
    return NULL;
}

/* ---- Values ---- */

static struct str setting(const struct connector_source *source, struct str name)
{
    if (str_is(name, "reference"))
        return source->reference;
    if (!source->settings)
        return STR_NONE;
    return str_is(name, "merchant_id") ? source->settings->merchant_id
                                       : source->settings->wallet_id;
}

static struct str one_place(const struct connector_source *source, struct str place)
{
    char path[128];
    if (place.ptr[0] == '=')
        return (struct str){place.ptr + 1, place.len - 1};
    if (place.ptr[0] == '$')
        return setting(source, (struct str){place.ptr + 1, place.len - 1});
    if (place.len >= sizeof(path))
        return STR_NONE;
    memcpy(path, place.ptr, place.len);
    path[place.len] = '\0';
    return json_text(json_get(source->json, path));
}

static struct str joined_places(const struct connector_source *source, struct str places)
{
    struct str value = STR_NONE;
    while (str_present(places)) {
        struct str next = one_place(source, str_cut(&places, '+'));
        if (str_empty(value))
            value = next;
        else if (!str_empty(next))
            value = arena_printf(source->arena, "%.*s %.*s", STR_FMT(value), STR_FMT(next));
    }
    return value;
}

struct str connector_value(const struct connector_source *source, const char *from)
{
    struct str places = str_from(from), value = STR_NONE;
    while (str_present(places) && str_empty(value))
        value = joined_places(source, str_cut(&places, '|'));
    return value;
}

int connector_put(struct buf *out, const struct connector_source *source,
                  const struct connector_field *fields)
{
    char object[NAME_MAX_LEN] = "";
    for (const struct connector_field *field = fields; field->to; field++) {
        struct str value = connector_value(source, field->from);
        if (field->as && !str_empty(value))
            value = field->as(source->arena, value);
        if (str_empty(value) && field->required)
            return ERR_REQUIRED;
        if (str_empty(value))
            continue;
        struct str name = str_from(field->to), outer = STR("");
        if (strchr(field->to, '.'))
            outer = str_cut(&name, '.');
        if (!str_is(outer, object)) {
            if (object[0])
                json_close(out, '}');
            memcpy(object, outer.ptr, outer.len);
            object[outer.len] = '\0';
            if (object[0])
                json_open(out, object, '{');
        }
        json_put(out, name.ptr, value);
    }
    if (object[0])
        json_close(out, '}');
    return OK;
}

struct str connector_object(const struct connector_source *source,
                            const struct connector_field *fields)
{
    struct buf out = json_object(source->arena);
    connector_put(&out, source, fields);
    return json_object_end(&out);
}

/* ---- Requests ---- */

static void add_escaped(struct buf *out, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (isalnum(c) || strchr("-._~", c)) {
            buf_add_char(out, (char)c);
        } else {
            buf_add_char(out, '%');
            buf_add_char(out, digits[c >> 4]);
            buf_add_char(out, digits[c & 15]);
        }
    }
}

static int build_url(const struct connector_source *source, const char *path, struct str *ret_url)
{
    struct buf out = buf_new(source->arena, 256);
    buf_add_str(&out, source->settings->base_url);
    for (const char *at = path; *at; at++) {
        if (*at != '{') {
            buf_add_char(&out, *at);
            continue;
        }
        const char *end = strchr(at, '}');
        char from[NAME_MAX_LEN] = "";
        memcpy(from, at + 1, (size_t)(end - at - 1));
        struct str value = connector_value(source, from);
        if (str_empty(value))
            return ERR_REQUIRED;
        add_escaped(&out, value);
        at = end;
    }
    *ret_url = buf_str(&out);
    return OK;
}

static int build_body(const struct connector_source *source,
                      const struct connector_operation *operation, struct str *ret_body)
{
    *ret_body = STR_NONE;
    if (!operation->body && !operation->body_more)
        return OK;
    struct buf out = json_object(source->arena);
    if (operation->body)
        TRY(connector_put(&out, source, operation->body));
    if (operation->body_more)
        TRY(operation->body_more(&out, source));
    *ret_body = json_object_end(&out);
    return OK;
}

static void add_header(struct http_request *request, const char *name, struct str value)
{
    struct provider_header *headers = (struct provider_header *)(uintptr_t)request->headers;
    headers[request->header_count++] = (struct provider_header){name, value};
}

int provider_build(const struct provider *provider, struct arena *arena,
                   const struct provider_settings *settings, const char *operation,
                   struct str reference, const struct json *body, struct http_request *ret_request)
{
    const struct connector *connector = provider->connector;
    const struct connector_operation *row = find_operation(connector, operation);
    struct connector_source source = {arena, settings, reference, body};
    if (!row)
        return ERR_NOT_FOUND;
    row = choose_row(row, body);
    if (!row || (row->currency && !str_is(connector_value(&source, "currency"), row->currency)))
        return ERR_REQUIRED;
    *ret_request = (struct http_request){
        .method = row->method,
        .headers = ARENA_ARRAY(arena, struct provider_header, MAX_HEADERS),
        .timeout_ms = settings->timeout_ms ? settings->timeout_ms : DEFAULT_TIMEOUT_MS,
    };
    TRY(build_url(&source, row->path, &ret_request->url));
    TRY(build_body(&source, row, &ret_request->body));
    add_header(ret_request, "Accept", STR("application/json"));
    if (str_present(ret_request->body))
        add_header(ret_request, "Content-Type", STR("application/json"));
    add_header(ret_request, connector->key_header,
               arena_printf(arena, "%s%.*s", connector->key_prefix, STR_FMT(settings->api_key)));
    if (connector->idempotency_header && strcmp(row->method, "POST") == 0)
        add_header(ret_request, connector->idempotency_header, reference);
    return OK;
}

/* ---- Answers ---- */

static void set_unknown(struct arena *arena, struct provider_outcome *ret_outcome, const char *what,
                        struct str value)
{
    ret_outcome->status = PROVIDER_PENDING;
    ret_outcome->unknown = true;
    ret_outcome->reason =
        arena_printf(arena, "%s%s%.*s", what, str_empty(value) ? "" : " ", STR_FMT(value));
}

static void set_failed(struct provider_outcome *ret_outcome, struct str reason)
{
    ret_outcome->status = PROVIDER_FAILED;
    ret_outcome->reason = str_empty(reason) ? STR("The provider refused.") : reason;
}

static bool is_change(const struct connector_operation *operation)
{
    return operation->effect == CONNECTOR_MAKES || operation->effect == CONNECTOR_PAYS;
}

/* It may have got there, or not. A query can be repeated; a change has to be asked after. */
static void set_unanswered(const struct connector_operation *operation, bool alert,
                           struct str reason, struct provider_outcome *ret_outcome)
{
    ret_outcome->status = is_change(operation) ? PROVIDER_PENDING : PROVIDER_RETRY;
    ret_outcome->unknown = alert && is_change(operation);
    ret_outcome->reason = reason;
}

/* True when what the transport says settles it: no answer, or one that is not about the request. */
static bool read_transport(struct arena *arena, const struct connector_operation *operation,
                           const struct http_response *response,
                           struct provider_outcome *ret_outcome)
{
    int status = response->status;
    struct str number = arena_printf(arena, "HTTP %d", status);
    ret_outcome->retry_after = response->retry_after;
    if (status == 0 && response->sent) {
        set_unanswered(operation, true, str_or(response->error, STR("no answer")), ret_outcome);
    } else if (status == 0 || status == 429) {
        ret_outcome->status = PROVIDER_RETRY;
        ret_outcome->reason = status ? number : str_or(response->error, STR("not reached"));
    } else if (status == 401 || status == 403 || (status >= 300 && status < 400)) {
        /* Our credentials or our address of it: somebody has to look, but no payment has failed. */
        ret_outcome->status = PROVIDER_RETRY;
        ret_outcome->unknown = true;
        ret_outcome->reason = arena_printf(
            arena, "%s, HTTP %d", status < 400 ? "sent elsewhere" : "credentials refused", status);
    } else if (status == 408 || status >= 500) {
        /* 503 says that it was not taken, but a gateway on the way says so too. */
        set_unanswered(operation, status != 503, number, ret_outcome);
    } else {
        return false;
    }
    return true;
}

static struct str read_list(struct arena *arena, const struct connector_operation *operation,
                            const struct json *answer)
{
    const struct json *rows = JSON_ABSENT;
    struct str places = str_from(operation->rows);
    while (str_present(places) && json_count(rows) == 0)
        rows = json_get(answer, arena_cstr(arena, str_cut(&places, '|')));
    struct buf out = json_object(arena);
    json_open(&out, operation->list, '[');
    for (size_t i = 0; i < json_count(rows); i++) {
        struct connector_source source = {.arena = arena, .json = json_at(rows, i)};
        json_open(&out, NULL, '{');
        connector_put(&out, &source, operation->answer);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    return json_object_end(&out);
}

static void read_word(struct arena *arena, const struct connector *connector, struct str word,
                      struct str message, struct provider_outcome *ret_outcome)
{
    for (const struct connector_word *row = connector->words; row && row->word; row++) {
        if (!str_eq_nocase(word, str_from(row->word)))
            continue;
        ret_outcome->status = row->status;
        if (row->status == PROVIDER_FAILED)
            set_failed(ret_outcome, row->reason ? str_from(row->reason) : message);
        return;
    }
    set_unknown(arena, ret_outcome, "state", word);
}

/* Data, reference and state of the operation's thing. */
static void read_thing(struct arena *arena, const struct connector *connector,
                       const struct connector_operation *operation, const struct json *thing,
                       struct str message, struct provider_outcome *ret_outcome)
{
    struct connector_source source = {.arena = arena, .json = thing};
    ret_outcome->data_json = connector_object(&source, operation->answer);
    if (operation->id)
        ret_outcome->provider_reference = connector_value(&source, operation->id);
    if (operation->state)
        read_word(arena, connector, connector_value(&source, operation->state), message,
                  ret_outcome);
    else if (operation->id && str_empty(ret_outcome->provider_reference))
        set_unknown(arena, ret_outcome, "the answer names nothing", STR_NONE);
    else
        ret_outcome->status = PROVIDER_SUCCEEDED;
}

void connector_read_payout(struct arena *arena, const struct connector *connector,
                           const struct json *payout, struct str message,
                           struct provider_outcome *ret_outcome)
{
    read_thing(arena, connector, find_operation(connector, "payout"), payout, message, ret_outcome);
}

/*
 * A refusal of a change is its end, in the provider's own words, except where it may mean that the
 * thing was done before (409, 422: a reference or key that was used). A refusal of a question says
 * nothing about the payment asked after.
 */
static void read_refusal(struct arena *arena, const struct connector *connector,
                         const struct connector_operation *operation, int64_t code,
                         struct str message, struct provider_outcome *ret_outcome)
{
    for (const struct connector_verdict *row = connector->verdicts; row && row->code; row++) {
        if (row->effect != operation->effect || row->code != code)
            continue;
        ret_outcome->status = row->status;
        ret_outcome->absent = row->absent;
        if (row->status == PROVIDER_FAILED)
            set_failed(ret_outcome, message);
        return;
    }
    bool ends = operation->effect != CONNECTOR_TRACES && code >= 400 && code < 500;
    if (ends && !(is_change(operation) && (code == 409 || code == 422)))
        set_failed(ret_outcome, message);
    else
        set_unknown(arena, ret_outcome, "refused:",
                    arena_printf(arena, "%lld %.*s", (long long)code, STR_FMT(message)));
}

static void read_answer(struct arena *arena, const struct connector *connector,
                        const struct connector_operation *operation, int http_status,
                        const struct json *answer, struct provider_outcome *ret_outcome)
{
    bool success = http_status < 300;
    int64_t code = http_status;
    struct str message = json_text(json_get(answer, "message"));
    if (connector->code && json_integer(json_get(answer, connector->code), &code))
        success = success && code >= 200 && code < 300;
    if (connector->success && success) {
        success = false;
        json_boolean(json_get(answer, connector->success), &success);
    }
    bool known = operation->known && str_is(json_text(json_get(answer, "code")), operation->known);
    if (!success && !known) {
        read_refusal(arena, connector, operation, code, message, ret_outcome);
    } else if (operation->list) {
        ret_outcome->status = PROVIDER_SUCCEEDED;
        ret_outcome->data_json = read_list(arena, operation, answer);
    } else {
        const struct json *thing = connector->root[0] ? json_get(answer, connector->root) : answer;
        read_thing(arena, connector, operation, thing, message, ret_outcome);
    }
}

int provider_read(const struct provider *provider, struct arena *arena, const char *operation,
                  const struct http_response *response, struct provider_outcome *ret_outcome)
{
    const struct connector_operation *row = find_operation(provider->connector, operation);
    const struct json *answer = JSON_ABSENT;
    if (!row)
        return ERR_NOT_FOUND;
    *ret_outcome = (struct provider_outcome){.status = PROVIDER_PENDING};
    if (read_transport(arena, row, response, ret_outcome))
        return OK;
    bool may_be_empty = strcmp(row->method, "DELETE") == 0 && response->status < 300;
    if (!(may_be_empty && str_empty(response->body)) &&
        json_parse(arena, response->body, &answer) != OK)
        set_unknown(arena, ret_outcome, "the answer is not JSON", STR_NONE);
    else
        read_answer(arena, provider->connector, row, response->status, answer, ret_outcome);
    return OK;
}

/* ---- For fields ---- */

static struct str map_case(struct arena *arena, struct str text, int (*map)(int))
{
    if (!text.ptr)
        return text;
    char *out = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        out[i] = (char)map((unsigned char)text.ptr[i]);
    return (struct str){out, text.len};
}

struct str connector_lower(struct arena *arena, struct str text)
{
    return map_case(arena, text, tolower);
}

struct str connector_upper(struct arena *arena, struct str text)
{
    return map_case(arena, text, toupper);
}

struct str connector_amount(struct arena *arena, struct str text)
{
    struct decimal value;
    return decimal_parse(text, &value) ? decimal_print(arena, value, 0) : STR_NONE;
}

struct str connector_naira(struct arena *arena, struct str text)
{
    money_t kobo;
    if (!connector_money(text, STR("NGN"), &kobo))
        return STR_NONE;
    return decimal_print(arena, money_to_decimal(kobo, asset_find(STR("NGN"))), 2);
}

struct str connector_naira_to_kobo(struct arena *arena, struct str text)
{
    money_t kobo;
    if (!connector_money(text, STR("NGN"), &kobo))
        return STR_NONE;
    return arena_printf(arena, "%lld", (long long)kobo);
}

struct str connector_kobo_to_naira(struct arena *arena, struct str text)
{
    int64_t kobo;
    if (!str_to_i64(text, &kobo))
        return STR_NONE;
    return decimal_print(arena, money_to_decimal(kobo, asset_find(STR("NGN"))), 2);
}

/* ---- For callbacks ---- */

bool connector_money(struct str amount, struct str currency, money_t *ret_money)
{
    const struct asset *asset = asset_find_any_case(currency);
    struct decimal value;
    return asset && decimal_parse(amount, &value) &&
           money_from_decimal(value, asset, ret_money) == OK;
}

bool connector_hmac_is(struct arena *arena, struct str secret, struct str message,
                       struct str signature)
{
    return !str_empty(secret) && !str_empty(signature) &&
           str_eq_secret(digest_hmac_sha512_hex(arena, secret, message),
                         connector_lower(arena, signature));
}
