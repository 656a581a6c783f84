/* fs/policy/target.c - what new data is wrapped under, and the grace period when that changes. */
#include "fs/policy/target.h"

#include <string.h>
#include <time.h>

#include "fs/policy/policies_internal.h"

unsigned target_read_begin(struct policies *ps)
{
	for (;;) {
		unsigned side = atomic_load(&ps->grace.current);

		atomic_fetch_add(&ps->grace.readers[side], 1);
		if (atomic_load(&ps->grace.current) == side)
			return side;
		atomic_fetch_sub(&ps->grace.readers[side], 1); /* a writer waits for this side */
	}
}

void target_read_end(struct policies *ps, unsigned side)
{
	atomic_fetch_sub(&ps->grace.readers[side], 1);
}

void targets_synchronize(struct policies *ps)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	unsigned side = atomic_load(&ps->grace.current);

	atomic_store(&ps->grace.current, !side);
	while (atomic_load(&ps->grace.readers[side]) > 0)
		(void)nanosleep(&moment,
				NULL); /* a reader may wait for a vault, which is bounded */
}

uint64_t targets_epoch(const struct policies *ps)
{
	return atomic_load_explicit(&ps->epoch, memory_order_acquire);
}

static void ref_of(const struct policy *p, struct wrap_ref *ret_ref)
{
	memcpy(ret_ref->policy_id, p->rec.id, UUID_LEN);
	ret_ref->generation = p->rec.generation;
}

enum target_source target_resolve(struct policies *ps, const struct scope *scope,
				  struct wrap_ref *ret_ref)
{
	enum target_source source = TARGET_SERVICE;
	struct tables *t = &ps->tables;
	const struct mailbox *m;

	*ret_ref = (struct wrap_ref){.generation = 1}; /* zeros: the service key */
	pthread_rwlock_rdlock(&t->lock);
	m = scope->mailbox ? tables_mailbox_locked(t, scope->mailbox) : NULL;
	if (m) {
		ref_of(m->policy, ret_ref);
		source = TARGET_MAILBOX;
	} else if (t->tenant && workload_covered(scope->workload)) {
		ref_of(t->tenant, ret_ref);
		source = TARGET_TENANT;
	}
	pthread_rwlock_unlock(&t->lock);
	return source;
}
