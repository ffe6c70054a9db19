/*
 * Wallets as a SaaS app sees them: those of its users and of its owner, whichever dialect opened
 * them. A wallet of anybody else does not exist for the app.
 */
#ifndef CORE_WALLET_APP_WALLET_H
#define CORE_WALLET_APP_WALLET_H

#include "core/wallet/wallet.h"

/* The wallet's members come first. first_wallet_id: the oldest wallet of the same user. */
#define APP_WALLET_ROW(F) \
    WALLET_ROW(F)         \
    F(INTEGER, first_wallet_id)
ROW_STRUCT(app_wallet, APP_WALLET_ROW);
struct wallet wallet_of_app_wallet(const struct app_wallet *wallet);

/* Of the calling app; ERR_NOT_FOUND for `field`. */
int app_wallet_get(struct call *c, id_t64 wallet_id, const char *field,
                   struct app_wallet *ret_wallet);

/* Newest first. What is 0 does not filter. */
struct app_wallet_filter {
    id_t64 user_id;
    int asset;
    bool active_only;
    int64_t page, per_page; /* from 1 */
};
int app_wallet_list(struct call *c, const struct app_wallet_filter *filter,
                    struct app_wallet **ret_wallets, size_t *ret_count, int64_t *ret_total);

#endif
