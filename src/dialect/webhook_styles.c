/* The webhook styles of the dialects. */
#include "core/webhook/style.h"

extern const struct webhook_style pcx_webhook_style, platform_webhook_style,
    vaultspay_webhook_style, fincode_webhook_style;

const struct webhook_style *const webhook_styles[] = {&pcx_webhook_style, &platform_webhook_style,
                                                      &vaultspay_webhook_style,
                                                      &fincode_webhook_style, NULL};
