/* The clock, and instants as text. The proleptic Gregorian calendar is used throughout. */
#include "base/time.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t offset;

static usec_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (usec_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

usec_t clock_now(void)
{
    return read_clock(CLOCK_REALTIME) + atomic_load_explicit(&offset, memory_order_relaxed);
}

usec_t clock_advance(usec_t by)
{
    return by > 0 ? atomic_fetch_add(&offset, by) + by : atomic_load(&offset);
}

usec_t clock_offset(void)
{
    return atomic_load(&offset);
}

void clock_set_offset(usec_t value)
{
    atomic_store(&offset, value);
}

usec_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 of a civil date, and back (H. Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted_month = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *ret_month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *ret_year = (int64_t)year_of_era + era * 400 + (*ret_month <= 2);
}

static char *put_digits(char *out, unsigned value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + digits;
}

/* What follows the seconds, by style; the rest of the text is the same for all that have a time. */
static const struct {
    bool has_time, has_millis;
    const char *suffix;
} style_parts[] = {
    [TIME_RFC3339] = {true, true, "Z"},
    [TIME_RFC3339_SECONDS] = {true, false, "Z"},
    [TIME_OFFSET_MILLIS] = {true, true, "+00:00"},
    [TIME_LOCAL_SECONDS] = {true, false, ""},
    [TIME_DATE] = {false, false, ""},
};

/* By hand, because replies are full of them. Years beyond 9999 do not occur. */
struct str time_print(struct arena *arena, usec_t instant, enum time_style style)
{
    int64_t days = instant / USEC_PER_DAY;
    int64_t in_day = instant % USEC_PER_DAY;
    if (in_day < 0) {
        in_day += USEC_PER_DAY;
        days--;
    }
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    unsigned second = (unsigned)(in_day / USEC_PER_SEC);
    char *text = arena_alloc(arena, 32);
    char *end = put_digits(text, (unsigned)year, 4);
    *end++ = '-';
    end = put_digits(end, month, 2);
    *end++ = '-';
    end = put_digits(end, day, 2);
    if (style_parts[style].has_time) {
        *end++ = 'T';
        end = put_digits(end, second / 3600, 2);
        *end++ = ':';
        end = put_digits(end, second / 60 % 60, 2);
        *end++ = ':';
        end = put_digits(end, second % 60, 2);
    }
    if (style_parts[style].has_millis) {
        *end++ = '.';
        end = put_digits(end, (unsigned)(in_day % USEC_PER_SEC / USEC_PER_MSEC), 3);
    }
    size_t suffix = strlen(style_parts[style].suffix);
    memcpy(end, style_parts[style].suffix, suffix + 1);
    return (struct str){text, (size_t)(end - text) + suffix};
}

struct cursor {
    struct str text;
    size_t at;
};

static bool take(struct cursor *c, char expected)
{
    if (c->at < c->text.len && c->text.ptr[c->at] == expected) {
        c->at++;
        return true;
    }
    return false;
}

static bool take_digits(struct cursor *c, unsigned count, unsigned *ret_value)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (c->at >= c->text.len || c->text.ptr[c->at] < '0' || c->text.ptr[c->at] > '9')
            return false;
        value = value * 10 + (unsigned)(c->text.ptr[c->at++] - '0');
    }
    *ret_value = value;
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(struct cursor *c, usec_t *ret_midnight)
{
    unsigned year, month, day;
    if (!take_digits(c, 4, &year) || !take(c, '-') || !take_digits(c, 2, &month) || !take(c, '-') ||
        !take_digits(c, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *ret_midnight = days_from_civil(year, month, day) * USEC_PER_DAY;
    return true;
}

static bool take_time_of_day(struct cursor *c, usec_t *ret_in_day)
{
    unsigned h, m, s;
    if (!take_digits(c, 2, &h) || !take(c, ':') || !take_digits(c, 2, &m) || !take(c, ':') ||
        !take_digits(c, 2, &s) || h > 23 || m > 59 || s > 60)
        return false;
    usec_t fraction = 0;
    if (take(c, '.')) {
        usec_t unit = USEC_PER_SEC / 10;
        unsigned digit, digits = 0;
        while (take_digits(c, 1, &digit)) {
            fraction += digit * unit;
            unit /= 10;
            digits++;
        }
        if (digits == 0)
            return false;
    }
    *ret_in_day = ((usec_t)h * 3600 + (usec_t)m * 60 + s) * USEC_PER_SEC + fraction;
    return true;
}

static bool take_offset(struct cursor *c, usec_t *ret_offset)
{
    *ret_offset = 0;
    if (take(c, 'Z') || take(c, 'z'))
        return true;
    int sign = take(c, '+') ? 1 : take(c, '-') ? -1 : 0;
    unsigned h, m;
    if (sign == 0 || !take_digits(c, 2, &h) || !take(c, ':') || !take_digits(c, 2, &m) || h > 23 ||
        m > 59)
        return false;
    *ret_offset = sign * ((usec_t)h * 60 + m) * USEC_PER_MINUTE;
    return true;
}

bool time_parse(struct str text, usec_t *ret_instant)
{
    struct cursor c = {.text = text};
    usec_t midnight, in_day, zone;
    if (!take_date(&c, &midnight))
        return false;
    if (c.at == text.len) {
        *ret_instant = midnight;
        return true;
    }
    if (!take(&c, 'T') && !take(&c, 't') && !take(&c, ' '))
        return false;
    if (!take_time_of_day(&c, &in_day) || !take_offset(&c, &zone) || c.at != text.len)
        return false;
    *ret_instant = midnight + in_day - zone;
    return true;
}

bool duration_parse(struct str text, usec_t *ret_duration)
{
    struct cursor c = {.text = text};
    if (!take(&c, 'P') || c.at == text.len)
        return false;
    usec_t total = 0;
    bool in_time = false;
    while (c.at < text.len) {
        if (!in_time && take(&c, 'T')) {
            in_time = true;
            continue;
        }
        int64_t count = 0;
        unsigned digit, digits = 0;
        while (digits < 9 && take_digits(&c, 1, &digit)) {
            count = count * 10 + digit;
            digits++;
        }
        if (digits == 0 || c.at >= text.len)
            return false;
        usec_t unit = take(&c, 'W')              ? (in_time ? 0 : 7 * USEC_PER_DAY)
                      : take(&c, 'D')            ? (in_time ? 0 : USEC_PER_DAY)
                      : in_time && take(&c, 'H') ? USEC_PER_HOUR
                      : in_time && take(&c, 'M') ? USEC_PER_MINUTE
                      : in_time && take(&c, 'S') ? USEC_PER_SEC
                                                 : 0;
        if (unit == 0 || __builtin_mul_overflow(count, unit, &count) ||
            __builtin_add_overflow(total, count, &total))
            return false;
    }
    *ret_duration = total;
    return text.ptr[text.len - 1] != 'T';
}
