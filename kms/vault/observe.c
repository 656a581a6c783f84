/* kms/vault/observe.c - gives one call, with its duration, to the observer. */
#include "kms/vault/observe.h"

#include "crypto/base/clock.h"

void kms_observe(const struct kms_observer *observer, const char *vault,
		 enum kms_operation operation, enum kms_outcome outcome, uint64_t begun_us)
{
	const struct kms_observed call = {
		.vault = vault,
		.operation = operation,
		.outcome = outcome,
		.duration_us = clock_now_us() - begun_us,
	};

	if (observer->fn)
		observer->fn(observer->arg, &call);
}
