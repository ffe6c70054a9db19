/*
 * Providers. A connector is a set of pure functions and one row in providers.def: it turns a
 * neutral request into the provider's published HTTP request, and the provider's answers and
 * callbacks into neutral outcomes. The HTTP call is made elsewhere (provider/http.h), so connectors
 * are tested offline.
 *
 * An unknown or missing status is PROVIDER_PENDING, never a failure.
 *
 * ---- Connector operations and their neutral requests ----
 * Members that are not known are left out. Amounts are decimal text in major units ("1500.50"),
 * currencies codes in upper case, dates YYYY-MM-DD, countries ISO 3166-1 alpha-2. `=>` says what
 * data_json has on success.
 *
 *   create_virtual_account   customer_identifier, customer_type (individual|business), first_name,
 *                            last_name, middle_name, business_name, email, phone_number,
 *                            date_of_birth, gender (male|female), address, bvn,
 *                            beneficiary_account, currency, customer_id, wallet_id
 *                         => account_number, account_name, bank_name, bank_code, routing_number,
 *                            sort_code, iban, bic, account_id, payment_rail
 *   get_virtual_account      customer_identifier | customer_id + account_id => as above
 *   list_virtual_accounts    page, limit, customer_id
 *                         => accounts: [as above, customer_identifier]
 *   list_transactions        customer_identifier | customer_id + account_id
 *                         => transactions: [reference, amount, currency, direction (credit|debit),
 *                            description, occurred_at, account_number]
 *   wallet_balance           currency, customer_id, wallet_id => balance, currency
 *   lookup_account           account_number, bank_code => account_number, account_name, bank_code
 *   payout                   amount, currency, rail, narration, customer_id,
 *                            payee { name, country, email, phone_number, external_account_id,
 *                            account_number, bank_code, bank_name, sort_code, routing_number,
 *                            iban, bic, network, wallet_address, account_type,
 *                            owner_type (individual|business) }
 *                         => amount, currency
 *   payout_status            provider_reference => amount, currency
 *   create_customer          full_name, email, customer_type
 *                         => customer_id, kyc_link, tos_link, kyc_status, link_id
 *   get_customer             customer_id => customer_id, kyc_status
 *   create_wallet            customer_id, network => wallet_id, wallet_address, network
 *   create_external_account  customer_id, currency, payee { as for payout, plus
 *                            checking_or_savings, street, city, state, postal_code }
 *                         => external_account_id, last_4
 *   delete_external_account  customer_id, external_account_id
 *   crypto_deposit           customer_id, amount, currency, network, wallet_id
 *                         => wallet_address, blockchain_memo, network, amount, currency
 */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

#include "base/json.h"
#include "base/money.h"

enum provider_status {
    PROVIDER_PENDING, /* accepted or unknown: wait for an event, ask again later */
    PROVIDER_SUCCEEDED,
    PROVIDER_FAILED, /* the provider says, in so many words, that it did not and will not happen */
    PROVIDER_RETRY,  /* not accepted, safe to send or ask again (not connected, 429) */
};

struct provider_outcome {
    enum provider_status status;
    struct str provider_reference; /* the provider's id of the thing */
    struct str reason;             /* for people, when failed */
    struct str data_json; /* operation-specific neutral result (account_number, tos_link, ...) */
    bool unknown;       /* PENDING only because the answer said nothing we know: raises an alert */
    bool absent;        /* RETRY, from a question: the provider never heard of the thing */
    usec_t retry_after; /* what the provider asks us to wait; 0: nothing said */
};

/* A callback, verified and translated. */
struct provider_event {
    struct str provider;   /* set when it is applied */
    struct str event_id;   /* for de-duplication */
    const char *operation; /* payout, deposit (core/provider_events.def); NULL: not ours, ignore */
    struct str provider_reference;
    struct str our_reference; /* when the provider echoes it */
    struct provider_outcome outcome;
    money_t amount; /* deposits */
    struct str currency;
    struct str account_number; /* deposits: which virtual account was credited */
    struct str account_id;     /* ... or the provider's id of it */
    struct str customer_id;    /* whom it is about, where the provider says */
    struct str sender_name;
};

struct http_request {
    const char *method;
    struct str url; /* base URL of the provider + path */
    const struct provider_header {
        const char *name;
        struct str value;
    } * headers;
    size_t header_count;
    struct str body;
    int64_t timeout_ms;
};

struct http_response {
    int status; /* 0: no answer (connect error, timeout): see `sent` */
    bool sent;  /* the request may have reached the provider */
    struct str body;
    struct str error;
    usec_t retry_after; /* the Retry-After header; 0: none */
};

/* Base URL and credentials of one provider, from the configuration (sandbox: made up at start). */
struct provider_settings {
    struct str base_url;
    struct str api_key;
    struct str secret;      /* signs or verifies callbacks */
    struct str public_key;  /* PEM, where callbacks are signed asymmetrically */
    struct str merchant_id; /* our own id there: Squad's merchant, Bridge's customer that pays on
                               our behalf */
    struct str wallet_id;   /* the wallet payouts are funded from (Bridge) */
    struct str callback_url;
    int64_t timeout_ms; /* of a whole call; 0: 20 s */
    usec_t now;         /* to tell a stale signature; set for each call */
};

struct connector; /* its tables: provider/connector.h */

struct provider {
    const char *name;
    const struct connector *connector;
    /* ERR_UNAUTHENTICATED unless the signature is right; ERR_MALFORMED_JSON when it is and the body
     * is no JSON. */
    int (*verify)(struct arena *arena, const struct provider_settings *settings,
                  struct str (*header)(void *context, const char *name), void *context,
                  struct str raw_body, struct provider_event *ret_event);
    /* The operation that has to be done first (its data_json is laid over the body), or NULL. May
     * be NULL. */
    const char *(*prerequisite)(const char *operation, const struct json *body);
};

/* By name or alias; NULL when there is none. */
const struct provider *provider_find(struct str name);
size_t provider_count(void);
const struct provider *provider_at(size_t index);

/*
 * The HTTP request of an operation. `body` is the neutral request; `reference` ours, unique, sent
 * as the provider's idempotency key. ERR_NOT_FOUND when the provider has no such operation,
 * ERR_REQUIRED when `body` lacks what it needs.
 */
int provider_build(const struct provider *provider, struct arena *arena,
                   const struct provider_settings *settings, const char *operation,
                   struct str reference, const struct json *body, struct http_request *ret_request);
/* What the answer, or the lack of one, means. ERR_NOT_FOUND when there is no such operation. */
int provider_read(const struct provider *provider, struct arena *arena, const char *operation,
                  const struct http_response *response, struct provider_outcome *ret_outcome);

#endif
