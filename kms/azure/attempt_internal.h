/* kms/azure/attempt_internal.h - one attempt of a call: its times, and its verdict. */
#ifndef DEPFS_KMS_AZURE_ATTEMPT_INTERNAL_H
#define DEPFS_KMS_AZURE_ATTEMPT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/bytes.h"
#include "kms/azure/http_internal.h"
#include "kms/vault/outcome.h"

struct verdict {
	enum kms_outcome outcome;
	bool retry;   /* another attempt may help */
	bool waits;   /* the host asked for a pause: wait_ms */
	bool unasked; /* no host was asked, so none has failed */
	uint64_t wait_ms;
};

/* verdict_misconfigured() - KMS_MISCONFIGURED, without another attempt. */
static inline struct verdict verdict_misconfigured(void)
{
	return (struct verdict){.outcome = KMS_MISCONFIGURED};
}

/* verdict_of_fault() - of an exchange without an answer; http_send() has set the sentence. */
struct verdict verdict_of_fault(enum http_fault fault);

/* attempt_timeouts() - sets @req's times: a third of a whole call of @call_ms, so that a host that
 * hangs is asked again, one second at least, and never beyond @deadline_ms of clock_now_ms(). */
void attempt_timeouts(uint64_t call_ms, uint64_t deadline_ms, struct http_request *req);

/* request_uuid() - for x-ms-client-request-id; random, or zeros when there is no randomness. */
void request_uuid(char out[static UUID_TEXT_LEN]);

#endif
