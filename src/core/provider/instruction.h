/* Private to core/provider: an instruction's outcome, wherever it comes from. */
#ifndef CORE_PROVIDER_INSTRUCTION_H
#define CORE_PROVIDER_INSTRUCTION_H

#include "core/provider/providers.h"

/* In the writer. Records the outcome and calls the operation's apply function; an instruction that
 * has ended, and an outcome that says nothing new, are left alone. */
int instruction_apply(struct call *c, id_t64 instruction_id,
                      const struct provider_outcome *outcome);
int instruction_get(struct call *c, id_t64 instruction_id,
                    struct provider_instruction *ret_instruction);
/* By the reference we gave, else by the provider's own. Across tenants. */
int instruction_find(struct call *c, const char *provider, struct str our_reference,
                     struct str provider_reference, struct provider_instruction *ret_instruction);

/* One HTTP exchange, with its prerequisite. `body_json` is the neutral request; *ret_body the same
 * with what the prerequisite brought (may be NULL; absent when there was none). */
int provider_exchange(struct app *app, struct arena *arena, const struct provider *provider,
                      const struct provider_settings *settings, const char *operation,
                      struct str reference, struct str body_json,
                      struct provider_outcome *ret_outcome, struct str *ret_body);

void provider_alert(struct app *app, const char *what, struct str provider, struct str operation,
                    id_t64 subject_id, struct str reason);

#endif
