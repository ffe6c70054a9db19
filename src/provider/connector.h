/*
 * Private to the connectors: the idiom they are written in.
 *
 * A connector is tables: a row per operation (how it is asked, what is sent, what is read), the
 * words of its states, and how its refusals are taken. connector.c builds requests and reads
 * answers from them; what no table can say is a function named in the row.
 */
#ifndef PROVIDER_CONNECTOR_H
#define PROVIDER_CONNECTOR_H

#include "base/json_build.h"
#include "provider/provider.h"

/*
 * A member that is written, and where its value is taken from: one or more places, separated by
 * '|', of which the first that has something counts.
 *
 *     payee.bank_code         member of the neutral request; when reading, of the answer
 *     $reference $merchant_id $wallet_id      ours
 *     =solana                 the word itself
 *     first_name+last_name    both, with a blank between
 */
struct connector_field {
    const char *to; /* "a.b": b in the object a, which is written when it has anything in it */
    const char *from;
    /* How the text is turned; absent or empty afterwards: left out. NULL: as it is. */
    struct str (*as)(struct arena *arena, struct str text);
    bool required; /* ERR_REQUIRED instead of leaving it out */
};

struct connector_source {
    struct arena *arena;
    const struct provider_settings *settings; /* NULL when reading */
    struct str reference;
    const struct json *json;
};

enum connector_effect {
    CONNECTOR_ASKS,   /* changes nothing, so that it can be asked again */
    CONNECTOR_MAKES,  /* makes or removes something there */
    CONNECTOR_PAYS,   /* moves money */
    CONNECTOR_TRACES, /* asks what became of a payment: what is no answer about it ends nothing */
};

struct connector_operation {
    const char *name;
    bool (*when)(
        const struct json *body); /* of rows of one name the first that fits; NULL: always */
    enum connector_effect effect;
    const char *method;
    const char *path;     /* "/transfers/{provider_reference}": what is in braces is required */
    const char *currency; /* the only one it is for; NULL: any */
    const struct connector_field *body; /* without it and body_more: no body */
    int (*body_more)(struct buf *out, const struct connector_source *source);
    const struct connector_field *answer;
    const char *list, *rows; /* the answer has many: data_json is {list: [...]}, rows stand there */
    const char *id;          /* the provider's id of the thing; without it nothing was said */
    const char *state;       /* where the word of its state stands; NULL: it is done at once */
    const char *known;       /* error code that says it is there already, and tells its id */
};

struct connector_word {
    const char *word;
    enum provider_status status;
    const char *reason; /* for people, when failed; NULL: the provider's message */
};

/* How an HTTP status (or the code beside it) is taken where it differs from the rule. */
struct connector_verdict {
    enum connector_effect effect;
    int64_t code;
    enum provider_status status;
    bool absent;
};

struct connector {
    const struct connector_operation *operations; /* up to a row without a name */
    const char *key_header, *key_prefix;          /* how the API key is shown */
    const char *idempotency_header; /* of every POST; NULL: the reference in the body is the key */
    const char *root;               /* where the data of an answer stands; "": at the top */
    const char *success; /* has to be true beside the HTTP status; NULL: there is no such member */
    const char *code;    /* a second status code in the body, which counts; NULL: none */
    const struct connector_word *words;       /* up to a row without a word; NULL: none */
    const struct connector_verdict *verdicts; /* up to a row without a code; NULL: none */
};

/* Text at `from` (see connector_field); absent when there is none. */
struct str connector_value(const struct connector_source *source, const char *from);
/* ERR_REQUIRED for the first required field that has no value. */
int connector_put(struct buf *out, const struct connector_source *source,
                  const struct connector_field *fields);
/* data_json of an answer or an event. */
struct str connector_object(const struct connector_source *source,
                            const struct connector_field *fields);
/* A payout as a callback shows it: what the answer to "payout" would say of it. */
void connector_read_payout(struct arena *arena, const struct connector *connector,
                           const struct json *payout, struct str message,
                           struct provider_outcome *ret_outcome);

/* ---- For fields ---- */

struct str connector_lower(struct arena *arena, struct str text);
struct str connector_upper(struct arena *arena, struct str text);
/* Shortest exact decimal; absent when it is none. */
struct str connector_amount(struct arena *arena, struct str text);
/* Naira with two decimals, and between naira and kobo; absent when it cannot be. */
struct str connector_naira(struct arena *arena, struct str text);
struct str connector_naira_to_kobo(struct arena *arena, struct str text);
struct str connector_kobo_to_naira(struct arena *arena, struct str text);

/* ---- For callbacks ---- */

bool connector_money(struct str amount, struct str currency, money_t *ret_money);
/* Is `signature` the HMAC-SHA512 of the message, in hexadecimal of either case? */
bool connector_hmac_is(struct arena *arena, struct str secret, struct str message,
                       struct str signature);

#endif
