/*
 * What the world is told about wallets: webhook events, and the log that administrators read. The
 * log holds what is not a movement of money (those are entries, and listed with it).
 */
#ifndef CORE_WALLET_EVENTS_H
#define CORE_WALLET_EVENTS_H

#include "core/wallet/wallet.h"

/*
 * virtual_account.credited or .debited when the entry is completed,
 * virtual_account.withdrawal_<status> or virtual_account.deposit_<status> before and otherwise.
 */
int wallet_entry_event(struct call *c, const struct wallet_entry *entry);
int wallet_entry_events(struct call *c, const struct wallet_entry *entries, size_t count);

/* Writes to the log of a wallet. `metadata` is a JSON object or absent. */
int wallet_log(struct call *c, const struct wallet *wallet, const char *type, const char *status,
               const char *message, struct str metadata);

/* A line of the log: of wallet_log, or an entry seen as an event (type "withdrawal", status
 * "completed"...). */
#define WALLET_LOG_ROW(F)       \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(INTEGER, wallet_id)       \
    F(INTEGER, user_id)         \
    F(TEXT, type)               \
    F(TEXT, status)             \
    F(TEXT, message)            \
    F(JSON, metadata)           \
    F(INTEGER, created_at)
ROW_STRUCT(wallet_log, WALLET_LOG_ROW);

struct wallet_log_filter {
    id_t64 organisation_id;
    id_t64 wallet_id;
    struct str type;
    usec_t from, until;
};
int wallet_log_list(struct call *c, const struct wallet_log_filter *filter, const struct page *page,
                    struct wallet_log **ret_logs, size_t *ret_count);

/* Events by type and status. */
#define WALLET_LOG_COUNT_ROW(F) \
    F(TEXT, type)               \
    F(TEXT, status)             \
    F(INTEGER, event_count)     \
    F(INTEGER, first_at)        \
    F(INTEGER, last_at)
ROW_STRUCT(wallet_log_count, WALLET_LOG_COUNT_ROW);
int wallet_log_counts(struct call *c, const struct wallet_log_filter *filter,
                      struct wallet_log_count **ret_counts, size_t *ret_count);

#endif
