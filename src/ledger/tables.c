/* The descriptors of the ledger's rows: one list per table, in internal.h. */
#include "ledger/internal.h"

#define ROW_SELF struct ledger_tenant_
ROW_TYPE(ledger_tenant_, LEDGER_TENANT_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_segment_
ROW_TYPE(ledger_segment_, LEDGER_SEGMENT_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_account_
ROW_TYPE(ledger_account_, LEDGER_ACCOUNT_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_counters_
ROW_TYPE(ledger_counters_, LEDGER_COUNTERS_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_loaded_
ROW_TYPE(ledger_loaded_, LEDGER_LOADED_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_transfer_
ROW_TYPE(ledger_transfer_, LEDGER_TRANSFER_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_journal_
ROW_TYPE(ledger_journal_, LEDGER_JOURNAL_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_hold_
ROW_TYPE(ledger_hold_, LEDGER_HOLD_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_waypoint_
ROW_TYPE(ledger_waypoint_, LEDGER_WAYPOINT_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_dated_
ROW_TYPE(ledger_dated_, LEDGER_DATED_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_lien_
ROW_TYPE(ledger_lien_, LEDGER_LIEN_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_key_
ROW_TYPE(ledger_key_, LEDGER_KEY_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_refusal_
ROW_TYPE(ledger_refusal_, LEDGER_REFUSAL_ROW);
#undef ROW_SELF
