/*
 * Outgoing HTTP over libcurl: one handle per thread, kept with its connections for the next call.
 * TLS is verified, redirects are not followed, answers are cut off at a limit. URLs, headers and
 * bodies are never logged here.
 */
#ifndef PROVIDER_HTTP_H
#define PROVIDER_HTTP_H

#include "provider/provider.h"

struct http_policy {
    size_t answer_limit; /* bytes of the body that are kept; the rest is an error (0: 1 MiB) */
    bool cut_answer;     /* ... or is dropped without one */
    bool public_only; /* connects to public addresses over https only, whatever the name resolves to
                       */
};

/*
 * Blocks until the answer is there or the time is up. *ret_response tells apart what was not sent
 * (status 0, sent false: no harm in sending it again) from what may have been (status 0, sent
 * true).
 */
void http_perform(struct arena *arena, const struct http_request *request,
                  const struct http_policy *policy, struct http_response *ret_response);

/* Is it an absolute http(s) URL with a host? With `public_only`: https, no user info, and every
 * address the host resolves to is public. May ask the DNS. */
bool http_url_allowed(struct str url, bool public_only);

struct sockaddr;
/* Not loopback, private, link-local, multicast, reserved or documentation (IANA special-purpose
 * registries). */
bool http_address_public(const struct sockaddr *address);

#endif
