/* kms/vault/observe.h - each call to a vault or token service is reported, for the metrics. */
#ifndef DEPFS_KMS_VAULT_OBSERVE_H
#define DEPFS_KMS_VAULT_OBSERVE_H

#include <stdint.h>

#include "kms/vault/outcome.h"

struct kms_observed {
	const char *vault; /* host with its port, or name of a local vault; borrowed */
	enum kms_operation operation;
	enum kms_outcome outcome;
	uint64_t duration_us; /* of the whole call, its retries and their waits included */
};

/* Called once for each call, by the thread that made it, under no lock; must not call the kms. */
typedef void kms_observe_fn(void *arg, const struct kms_observed *call);

struct kms_observer {
	kms_observe_fn *fn; /* NULL: calls are not reported */
	void *arg;
};

/* kms_observe() - @begun_us: of clock_now_us(). */
void kms_observe(const struct kms_observer *observer, const char *vault,
		 enum kms_operation operation, enum kms_outcome outcome, uint64_t begun_us);

#endif
