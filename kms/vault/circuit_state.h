/* kms/vault/circuit_state.h - the state of a host's circuit breaker, as it is reported. */
#ifndef DEPFS_KMS_VAULT_CIRCUIT_STATE_H
#define DEPFS_KMS_VAULT_CIRCUIT_STATE_H

#include <stdint.h>

enum kms_circuit_state {
	KMS_CIRCUIT_CLOSED,    /* calls go out */
	KMS_CIRCUIT_OPEN,      /* none goes out until retry_in_ms have passed; calls fail at once */
	KMS_CIRCUIT_HALF_OPEN, /* one call, the probe, is on its way to the host */
};
const char *kms_circuit_state_name(enum kms_circuit_state state); /* "closed", "open",
								     "half-open" */

struct kms_circuit {
	char vault[256]; /* host with its port */
	enum kms_circuit_state state;
	unsigned failures;    /* calls in a row that failed */
	uint64_t retry_in_ms; /* until a call may go out, open circuit or hold (circuit_hold()) */
};

#endif
