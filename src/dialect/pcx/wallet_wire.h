/* Wallets and their entries in PCX's words: what several of the virtual-account groups answer. */
#ifndef DIALECT_PCX_WALLET_WIRE_H
#define DIALECT_PCX_WALLET_WIRE_H

#include "core/wallet/wallet.h"
#include "dialect/pcx/wire.h"

/* Reads the balances; in the call's arena. */
int pcx_wallet(struct call *c, const struct wallet *wallet, struct pcx_virtual_account **ret_wire);
int pcx_wallets(struct call *c, const struct wallet *wallets, size_t count,
                struct pcx_virtual_account_array *ret_wire);
int pcx_wallet_details(struct call *c, const struct wallet_detail *details, size_t count,
                       struct pcx_admin_virtual_account_array *ret_wire);

struct pcx_virtual_account_transaction *pcx_entry(struct call *c, const struct wallet_entry *entry);
struct pcx_virtual_account_transaction_array
pcx_entries(struct call *c, const struct wallet_entry *entries, size_t count);

#endif
