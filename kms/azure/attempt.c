/* kms/azure/attempt.c - the times of one attempt, its verdict without an answer, request UUIDs. */
#include "kms/azure/attempt_internal.h"

#include <string.h>

#include "crypto/base/clock.h"
#include "crypto/secret.h"

#define CONNECT_MS	5000
#define ATTEMPT_MIN_MS	1000
#define ATTEMPTS_A_CALL 3

/* HTTP_TLS: a certificate that does not verify may be an attack, so no further attempt is made; the
 * outcome is transient, since only a denial by the vault may revoke a policy. */
struct verdict verdict_of_fault(enum http_fault fault)
{
	switch (fault) {
	case HTTP_TLS:
	case HTTP_OWN:
		return (struct verdict){.outcome = KMS_TRANSIENT};
	case HTTP_TOO_LARGE:
		return verdict_misconfigured();
	default:
		return (struct verdict){.outcome = KMS_TRANSIENT, .retry = true};
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void attempt_timeouts(uint64_t call_ms, uint64_t deadline_ms, struct http_request *req)
{
	uint64_t ms = call_ms / ATTEMPTS_A_CALL;

	if (ms < ATTEMPT_MIN_MS)
		ms = ATTEMPT_MIN_MS;
	req->total_ms = least(ms, clock_left_ms(deadline_ms));
	if (req->total_ms == 0)
		req->total_ms = 1; /* 0 means without limit to libcurl */
	req->connect_ms = least(CONNECT_MS, req->total_ms);
}

void request_uuid(char out[static UUID_TEXT_LEN])
{
	uint8_t id[UUID_LEN] = {0};

	if (random_bytes(id, sizeof(id)) < 0)
		memset(id, 0, sizeof(id));	  /* the id is for support cases only */
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* RFC 9562 section 5.4: version 4 */
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	uuid_encode(id, out);
}
