/* kms/azure.c - see azure.h: the client's parts, made and unmade, and what they share. */
#include "kms/azure.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/bytes.h"
#include "crypto/base/clock.h"
#include "kms/akv.h"

#define CONNECT_MS	    5000
#define TRY_MIN_MS	    1000
#define TRIES_A_CALL	    3
#define PROBE_MAX_DEFAULT_S 30

int azure_new(const struct kms *kms, const struct kms_config *config, struct azure **ret_azure,
	      struct err *err)
{
	CLEANUP(azure_free_p) struct azure *a = calloc(1, sizeof(*a));
	uint64_t probe_s = config->probe_max_s ? config->probe_max_s : PROBE_MAX_DEFAULT_S;
	int r;

	if (!a)
		return err_set(err, -ENOMEM, "no memory for the key services");
	a->kms = kms;
	r = azure_config_new(config, &a->config, err);
	if (r == 0)
		r = http_new(a->config->ca_file, &a->http, err);
	if (r < 0)
		return r;
	r = circuits_new(probe_s * 1000, &a->circuits);
	if (r == 0)
		r = token_cache_new(&a->tokens);
	if (r == 0)
		r = challenge_cache_new(&a->challenges);
	if (r < 0)
		return err_set(err, r, "no memory for the key services");
	*ret_azure = STEAL(a);
	return 0;
}

void azure_free(struct azure *a)
{
	if (!a)
		return;
	challenge_cache_free(a->challenges);
	token_cache_free(a->tokens);
	circuits_free(a->circuits);
	http_free(a->http);
	azure_config_free(a->config);
	free(a);
}

/* TLS that does not verify is an outage to the data, and never tried again: somebody may be
 * listening. */
struct verdict verdict_of_fault(enum http_fault fault)
{
	switch (fault) {
	case HTTP_TLS:
	case HTTP_OWN:
		return (struct verdict){.outcome = KMS_TRANSIENT};
	case HTTP_TOO_LARGE:
		return (struct verdict){.outcome = KMS_MISCONFIGURED};
	default:
		return (struct verdict){.outcome = KMS_TRANSIENT, .retry = true};
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void azure_timeouts(const struct azure *a, uint64_t deadline_ms, struct http_request *req)
{
	uint64_t share = a->config->timeout_ms / TRIES_A_CALL;

	if (share < TRY_MIN_MS)
		share = TRY_MIN_MS;
	req->total_ms = least(share, clock_left_ms(deadline_ms));
	if (req->total_ms == 0)
		req->total_ms = 1; /* 0 would mean for ever */
	req->connect_ms = least(CONNECT_MS, req->total_ms);
}

void azure_request_uuid(char out[static 37])
{
	uint8_t id[UUID_LEN] = {0};

	if (random_bytes(id, sizeof(id)) < 0)
		memset(id, 0, sizeof(id));	  /* it is for support cases only */
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	uuid_encode(id, out);
}
