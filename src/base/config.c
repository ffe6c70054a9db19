/* Loads the settings. One table drives flags, environment, file and help. */
#include "base/config.h"

#include <errno.h>
#include <stdlib.h>

enum setting_kind { SETTING_TEXT, SETTING_NUMBER, SETTING_FLAG };

struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset;
    const char *default_text;
    int64_t default_number, minimum, maximum;
    const char *help;
};

static const struct setting settings[] = {
#define CONFIG_TEXT(member, default_value, text) \
    {.name = #member,                            \
     .kind = SETTING_TEXT,                       \
     .offset = offsetof(struct config, member),  \
     .default_text = (default_value),            \
     .help = (text)},
#define CONFIG_NUMBER(member, default_value, least, most, text) \
    {.name = #member,                                           \
     .kind = SETTING_NUMBER,                                    \
     .offset = offsetof(struct config, member),                 \
     .default_number = (default_value),                         \
     .minimum = (least),                                        \
     .maximum = (most),                                         \
     .help = (text)},
#define CONFIG_FLAG(member, text)               \
    {.name = #member,                           \
     .kind = SETTING_FLAG,                      \
     .offset = offsetof(struct config, member), \
     .help = (text)},
#include "base/config.def"
#undef CONFIG_TEXT
#undef CONFIG_NUMBER
#undef CONFIG_FLAG
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

struct config_extra {
    struct str name, value;
    struct config_extra *next;
};

static void *at(struct config *config, const struct setting *setting)
{
    return (char *)config + setting->offset;
}

/* "max-connections", "max_connections" and "MAX_CONNECTIONS" are one name. */
static const struct setting *find(struct str name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *known = settings[i].name;
        size_t k = 0;
        while (k < name.len && known[k]) {
            char c = name.ptr[k] == '-' ? '_' : name.ptr[k];
            if (c != known[k])
                break;
            k++;
        }
        if (k == name.len && !known[k])
            return &settings[i];
    }
    return NULL;
}

static bool parse_flag(struct str value, bool *ret_flag)
{
    *ret_flag =
        str_is(value, "true") || str_is(value, "1") || str_is(value, "yes") || str_is(value, "on");
    return *ret_flag || str_is(value, "false") || str_is(value, "0") || str_is(value, "no") ||
           str_is(value, "off");
}

static bool set(struct config *config, const struct setting *setting, struct str value,
                const char *where, struct str *ret_why)
{
    int64_t number;
    switch (setting->kind) {
    case SETTING_TEXT:
        *(struct str *)at(config, setting) = arena_copy(config->arena, value);
        return true;
    case SETTING_NUMBER:
        if (str_to_i64(value, &number) && number >= setting->minimum &&
            number <= setting->maximum) {
            *(int64_t *)at(config, setting) = number;
            return true;
        }
        *ret_why =
            arena_printf(config->arena, "%s: %s must be a number from %lld to %lld", where,
                         setting->name, (long long)setting->minimum, (long long)setting->maximum);
        return false;
    case SETTING_FLAG:
        if (parse_flag(value, at(config, setting)))
            return true;
        *ret_why =
            arena_printf(config->arena, "%s: %s must be true or false", where, setting->name);
        return false;
    }
    return false;
}

static struct str environment(struct arena *arena, const char *name)
{
    struct str variable = arena_printf(arena, "CAMBIST_%s", name);
    char *text = (char *)(uintptr_t)variable.ptr;
    for (char *c = text; *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
        else if (*c == '.' || *c == '-')
            *c = '_';
    }
    return str_from(getenv(text));
}

struct str config_extra(const struct config *config, const char *name)
{
    struct arena *arena ARENA_SCOPED = arena_new(4096);
    struct str value = environment(arena, name);
    if (str_present(value))
        return value;
    for (const struct config_extra *e = config->extras; e; e = e->next)
        if (str_is(e->name, name))
            return e->value;
    return STR_NONE;
}

static bool set_line(struct config *config, struct str line, const char *where, struct str *ret_why)
{
    line = str_trim(line);
    if (str_empty(line) || line.ptr[0] == '#')
        return true;
    struct str name = str_trim(str_cut(&line, '='));
    if (!str_present(line)) {
        *ret_why = arena_printf(config->arena, "%s: expected `name = value`", where);
        return false;
    }
    struct str value = str_trim(line);
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = (struct str){value.ptr + 1, value.len - 2};
    const struct setting *setting = find(name);
    if (setting)
        return set(config, setting, value, where, ret_why);
    if (!memchr(name.ptr, '.', name.len)) {
        *ret_why =
            arena_printf(config->arena, "%s: there is no setting %.*s", where, STR_FMT(name));
        return false;
    }
    struct config_extra *extra = ARENA_NEW(config->arena, struct config_extra);
    extra->name = arena_copy(config->arena, name);
    extra->value = arena_copy(config->arena, value);
    extra->next = config->extras;
    config->extras = extra;
    return true;
}

static bool load_file(struct config *config, const char *path, struct str *ret_why)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        *ret_why = arena_printf(config->arena, "config %s: %s", path, strerror(errno));
        return false;
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    bool good = true;
    for (int number = 1; good && (length = getline(&line, &capacity, file)) >= 0; number++) {
        struct str where = arena_printf(config->arena, "%s:%d", path, number);
        good = set_line(config, (struct str){line, (size_t)length}, where.ptr, ret_why);
    }
    free(line);
    fclose(file);
    return good;
}

static void set_defaults(struct config *config)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (settings[i].kind == SETTING_TEXT)
            *(struct str *)at(config, &settings[i]) = str_from(settings[i].default_text);
        else if (settings[i].kind == SETTING_NUMBER)
            *(int64_t *)at(config, &settings[i]) = settings[i].default_number;
    }
}

static enum config_result load_flags(struct config *config, int argc, char **argv,
                                     struct str *ret_why)
{
    for (int i = 1; i < argc; i++) {
        struct str value = str_from(argv[i]);
        if (!str_starts(value, STR("--"))) {
            *ret_why = arena_printf(config->arena, "unexpected argument '%s'", argv[i]);
            return CONFIG_BAD;
        }
        value = (struct str){value.ptr + 2, value.len - 2};
        struct str name = str_cut(&value, '=');
        if (str_is(name, "config")) {
            i += !str_present(value);
            continue;
        }
        const struct setting *setting = find(name);
        if (!setting) {
            *ret_why = arena_printf(config->arena, "there is no option --%.*s", STR_FMT(name));
            return CONFIG_BAD;
        }
        if (!str_present(value)) {
            if (setting->kind == SETTING_FLAG)
                value = STR("true");
            else if (++i < argc)
                value = str_from(argv[i]);
            else {
                *ret_why = arena_printf(config->arena, "--%.*s needs a value", STR_FMT(name));
                return CONFIG_BAD;
            }
        }
        if (!set(config, setting, value, "command line", ret_why))
            return CONFIG_BAD;
    }
    return CONFIG_OK;
}

enum config_result config_load(struct arena *arena, int argc, char **argv,
                               struct config *ret_config, struct str *ret_why)
{
    *ret_config = (struct config){.arena = arena};
    set_defaults(ret_config);
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return CONFIG_HELP;
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            path = argv[++i];
        else if (strncmp(argv[i], "--config=", 9) == 0)
            path = argv[i] + 9;
    }
    if (path && !load_file(ret_config, path, ret_why))
        return CONFIG_BAD;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        struct str value = environment(arena, settings[i].name);
        if (str_present(value) && !set(ret_config, &settings[i], value, "environment", ret_why))
            return CONFIG_BAD;
    }
    return load_flags(ret_config, argc, argv, ret_why);
}

static bool is_listed(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

void config_print_help(FILE *out, const char *const *names)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings[i];
        if (names && !is_listed(names, setting->name))
            continue;
        char flag[64];
        snprintf(flag, sizeof(flag), "--%s", setting->name);
        for (char *c = flag; *c; c++)
            if (*c == '_')
                *c = '-';
        fprintf(out, "  %-20s %s", flag, setting->help);
        if (setting->kind == SETTING_TEXT && setting->default_text[0])
            fprintf(out, " [%s]", setting->default_text);
        if (setting->kind == SETTING_NUMBER && setting->default_number >= 0)
            fprintf(out, " [%lld]", (long long)setting->default_number);
        fputc('\n', out);
    }
    fprintf(out,
            "  %-20s file of `name = value` lines\n\n"
            "Each of these can also be set in the environment: --key-file is "
            "CAMBIST_KEY_FILE.\n",
            "--config");
}
