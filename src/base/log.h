/*
 * The log: one JSON object per line on stderr, written with a single write. Secrets never get here:
 * callers log ids and codes, not bodies.
 *
 *     log_warn("provider did not answer", LOG_STR("provider", name), LOG_INT("attempt", n));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_field {
    const char *name; /* NULL ends the list */
    bool is_number;
    int64_t number;
    struct str text; /* absent: the field is left out */
};

#define LOG_STR(field_name, value) ((struct log_field){.name = (field_name), .text = (value)})
#define LOG_CSTR(field_name, value) LOG_STR(field_name, str_from(value))
#define LOG_INT(field_name, value) \
    ((struct log_field){.name = (field_name), .is_number = true, .number = (value)})

#define log_event(level, message, ...) \
    log_write((level), (message),      \
              (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.name = NULL}})
#define log_debug(message, ...) log_event(LOG_LEVEL_DEBUG, message __VA_OPT__(, ) __VA_ARGS__)
#define log_info(message, ...) log_event(LOG_LEVEL_INFO, message __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(message, ...) log_event(LOG_LEVEL_WARN, message __VA_OPT__(, ) __VA_ARGS__)
#define log_error(message, ...) log_event(LOG_LEVEL_ERROR, message __VA_OPT__(, ) __VA_ARGS__)

/* Before threads start. False for an unknown name. */
bool log_set_level(struct str name);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *message, const struct log_field *fields);

#endif
