/* Log lines are built in a fixed buffer and written at once, so that threads do not mix theirs. */
#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define LINE_SIZE 4096

static enum log_level lowest = LOG_LEVEL_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct line {
    char text[LINE_SIZE];
    size_t len;
};

/* Room for the closing brace and newline is always kept. */
static void add(struct line *line, const char *text, size_t len)
{
    size_t room = LINE_SIZE - 2 - line->len;
    if (len > room)
        len = room;
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void add_cstr(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

/* Cut so that the closing quote still fits. */
static void add_quoted(struct line *line, struct str s)
{
    add_cstr(line, "\"");
    for (size_t i = 0; i < s.len && line->len + 16 < LINE_SIZE; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char escaped[8];
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", c);
        else if (c < 0x20)
            snprintf(escaped, sizeof(escaped), "\\u%04x", c);
        else {
            add(line, (const char *)&c, 1);
            continue;
        }
        add_cstr(line, escaped);
    }
    add_cstr(line, "\"");
}

bool log_set_level(struct str name)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (str_is(name, level_names[i])) {
            lowest = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_enabled(enum log_level level)
{
    return level >= lowest;
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    if (!log_enabled(level))
        return;
    struct line line;
    line.len = 0;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char stamp[96];
    snprintf(stamp, sizeof(stamp),
             "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\",\"level\":\"%s\"",
             utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
             now.tv_nsec / 1000000, level_names[level]);
    add_cstr(&line, stamp);
    add_cstr(&line, ",\"message\":");
    add_quoted(&line, str_from(message));
    for (; fields->name; fields++) {
        if ((!fields->is_number && !str_present(fields->text)) || line.len + 64 > LINE_SIZE)
            continue;
        add_cstr(&line, ",");
        add_quoted(&line, str_from(fields->name));
        add_cstr(&line, ":");
        if (fields->is_number) {
            char number[32];
            snprintf(number, sizeof(number), "%lld", (long long)fields->number);
            add_cstr(&line, number);
        } else {
            add_quoted(&line, fields->text);
        }
    }
    line.text[line.len++] = '}';
    line.text[line.len++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored;
}
