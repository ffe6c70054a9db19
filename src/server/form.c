/* Forms, URL-encoded and multipart. */
#include "server/form.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

struct str form_percent_decode(struct arena *arena, struct str text, bool plus)
{
    if (!text.len ||
        (!memchr(text.ptr, '%', text.len) && !(plus && memchr(text.ptr, '+', text.len))))
        return text;
    char *out = arena_alloc(arena, text.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' && i + 2 < text.len && hex(text.ptr[i + 1]) >= 0 &&
            hex(text.ptr[i + 2]) >= 0) {
            c = (char)(hex(text.ptr[i + 1]) << 4 | hex(text.ptr[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[length++] = c;
    }
    return (struct str){out, length};
}

struct header *form_parse_query(struct arena *arena, struct str query, size_t *ret_count)
{
    *ret_count = 0;
    if (!query.len)
        return NULL;
    size_t most = 1;
    for (size_t i = 0; i < query.len; i++)
        most += query.ptr[i] == '&';
    struct header *pairs = ARENA_ARRAY(arena, struct header, most);
    while (str_present(query)) {
        struct str value = str_cut(&query, '&');
        if (!value.len)
            continue;
        struct str name = str_cut(&value, '=');
        pairs[*ret_count].name = form_percent_decode(arena, name, true);
        pairs[*ret_count].value = form_percent_decode(arena, str_or(value, STR("")), true);
        ++*ret_count;
    }
    return pairs;
}

static bool is_media(struct str content_type, const char *media)
{
    struct str type = str_trim(str_cut(&content_type, ';'));
    return str_eq_nocase(type, str_from(media));
}

bool form_is_form(struct str content_type)
{
    return is_media(content_type, "application/x-www-form-urlencoded") ||
           is_media(content_type, "multipart/form-data");
}

struct form {
    struct arena *arena;
    const struct type *type;
    void *object;
    bool *seen; /* by field */
    struct json_problem *problems, *last;
    size_t problem_count;
};

/* As many as of a JSON body: a form of a million repeated fields is not told of each. */
#define MAX_PROBLEMS 50

static void add_problems(struct form *form, struct json_problem *problems)
{
    for (; problems && form->problem_count < MAX_PROBLEMS; form->problem_count++) {
        if (form->last)
            form->last->next = problems;
        else
            form->problems = problems;
        form->last = problems;
        problems = problems->next;
        form->last->next = NULL;
    }
}

static void add_problem(struct form *form, int error, struct str path)
{
    if (form->problem_count == MAX_PROBLEMS)
        return;
    struct json_problem *problem = ARENA_NEW(form->arena, struct json_problem);
    problem->error = error;
    problem->path = arena_copy(form->arena, path);
    add_problems(form, problem);
}

static void set_field(struct form *form, struct str name, struct str value)
{
    const struct type_field *field = type_find_field(form->type, name);
    if (!field) {
        if (!form->type->open)
            add_problem(form, ERR_UNKNOWN_FIELD, name);
        return;
    }
    bool *seen = &form->seen[field - form->type->fields];
    if (*seen) {
        add_problem(form, ERR_DUPLICATE_FIELD, name);
        return;
    }
    *seen = true;
    if (field->value.format == FORMAT_BINARY) {
        *(struct str *)type_at(form->object, field) = value;
        return;
    }
    if (memchr(value.ptr, 0, value.len) || !str_valid_utf8(value)) {
        add_problem(form, ERR_BAD_FORMAT, name);
        return;
    }
    struct json_problem *problems = NULL;
    if (field->value.kind == TYPE_OBJECT || field->value.kind == TYPE_ARRAY ||
        field->value.kind == TYPE_MAP || field->value.kind == TYPE_JSON)
        json_decode(form->arena, value, &field->value, type_at(form->object, field), &problems);
    else
        json_decode_text(form->arena, value, field, form->object, &problems);
    add_problems(form, problems);
}

static void decode_urlencoded(struct form *form, struct str body)
{
    size_t count;
    struct header *pairs = form_parse_query(form->arena, body, &count);
    for (size_t i = 0; i < count; i++)
        set_field(form, pairs[i].name, pairs[i].value);
}

/* The value of `name` in "form-data; name=\"x\"; filename=\"y\"", quotes removed. */
static struct str header_parameter(struct str header, const char *name)
{
    str_cut(&header, ';');
    while (str_present(header)) {
        struct str value = str_trim(str_cut(&header, ';'));
        struct str key = str_trim(str_cut(&value, '='));
        value = str_trim(value);
        if (!str_eq_nocase(key, str_from(name)))
            continue;
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            return (struct str){value.ptr + 1, value.len - 2};
        return value;
    }
    return STR_NONE;
}

/* Name of a part from its Content-Disposition. */
static struct str part_name(struct str headers)
{
    while (str_present(headers)) {
        struct str line = str_trim(str_cut(&headers, '\n'));
        struct str name = str_cut(&line, ':');
        if (str_eq_nocase(name, STR("Content-Disposition")))
            return header_parameter(line, "name");
    }
    return STR_NONE;
}

static const char *find(struct str in, struct str what)
{
    return in.len >= what.len ? memmem(in.ptr, in.len, what.ptr, what.len) : NULL;
}

static struct str after(struct str s, const char *position)
{
    return (struct str){position, (size_t)(s.ptr + s.len - position)};
}

static int decode_multipart(struct form *form, struct str content_type, struct str body)
{
    struct str boundary = header_parameter(content_type, "boundary");
    if (str_empty(boundary) || boundary.len > 70)
        return ERR_MALFORMED_JSON;
    struct str delimiter = arena_printf(form->arena, "\r\n--%.*s", STR_FMT(boundary));
    struct str first = {delimiter.ptr + 2, delimiter.len - 2};
    const char *at = find(body, first);
    if (!at)
        return ERR_MALFORMED_JSON;
    struct str rest = after(body, at + first.len);
    while (!str_starts(rest, STR("--"))) {
        if (!str_starts(rest, STR("\r\n")))
            return ERR_MALFORMED_JSON;
        const char *blank = find(rest, STR("\r\n\r\n"));
        const char *end = find(rest, delimiter);
        if (!blank || !end || blank + 4 > end + 2)
            return ERR_MALFORMED_JSON;
        struct str headers = {rest.ptr + 2, 0};
        if (blank > rest.ptr) /* else the part has none */
            headers.len = (size_t)(blank - headers.ptr);
        struct str value = {blank + 4, end > blank + 4 ? (size_t)(end - blank - 4) : 0};
        struct str name = part_name(headers);
        if (str_present(name))
            set_field(form, name, value);
        rest = after(rest, end + delimiter.len);
    }
    return OK;
}

int form_decode(struct arena *arena, struct str content_type, struct str body,
                const struct type_value *value, void *destination,
                struct json_problem **ret_problems)
{
    if (value->kind != TYPE_OBJECT)
        return ERR_MEDIA_TYPE;
    struct form form = {.arena = arena, .type = value->object};
    form.object = arena_alloc(arena, form.type->size);
    form.seen = ARENA_ARRAY(arena, bool, form.type->field_count + 1);
    *(void **)destination = form.object;
    int error = OK;
    if (is_media(content_type, "multipart/form-data"))
        error = decode_multipart(&form, content_type, body);
    else
        decode_urlencoded(&form, body);
    if (error)
        add_problem(&form, error, STR("body"));
    for (size_t i = 0; i < form.type->field_count && !error; i++)
        if (form.type->fields[i].required && !form.seen[i])
            add_problem(&form, ERR_REQUIRED, str_from(form.type->fields[i].name));
    *ret_problems = form.problems;
    return form.problems ? form.problems->error : OK;
}
