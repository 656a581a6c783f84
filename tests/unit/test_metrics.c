/* tests/unit/test_metrics.c - fs/metrics: every count arrives once, in its bucket and class. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/metrics/metrics.h"

static int setup(void **state)
{
	struct metrics *m;

	assert_int_equal(metrics_new(&m), 0);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	metrics_free(*state);
	return 0;
}

static struct metrics_total *total_of(struct metrics *m)
{
	struct metrics_total *t = malloc(sizeof(*t));

	assert_non_null(t);
	metrics_total(m, t);
	return t;
}

#define THREADS	   40 /* more than there are shards */
#define PER_THREAD 5000

static void *count_much(void *arg)
{
	for (unsigned i = 0; i < PER_THREAD; i++) {
		metrics_op(arg, METRIC_OP_READ, 20000, i % 2 ? -EIO : 0);
		metrics_add(arg, METRIC_READ_BYTES, 3);
	}
	return NULL;
}

/* Two threads in one shard, or in two, lose nothing of each other's. */
static void threads_lose_no_count(void **state)
{
	struct metrics_total *t;
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, *state), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	t = total_of(*state);
	assert_int_equal(t->ops[METRIC_OP_READ].buckets[1], THREADS * PER_THREAD);
	assert_int_equal(t->ops[METRIC_OP_READ].sum_ns, (uint64_t)THREADS * PER_THREAD * 20000);
	assert_int_equal(t->errors[METRIC_OP_READ][METRIC_ERROR_IO], THREADS * PER_THREAD / 2);
	assert_int_equal(t->counts[METRIC_READ_BYTES], THREADS * PER_THREAD * 3);
	assert_int_equal(t->ops[METRIC_OP_WRITE].sum_ns, 0);
	free(t);
}

/* A bound belongs to the bucket it closes, as "le" says. */
static void bounds_are_inclusive(void **state)
{
	struct metrics_total *t;

	for (unsigned b = 0; b + 1 < METRIC_BUCKETS; b++) {
		metrics_op(*state, METRIC_OP_OPEN, metric_bound_ns(b), 0);
		metrics_op(*state, METRIC_OP_WRITE, metric_bound_ns(b) + 1, 0);
		assert_true(b == 0 || metric_bound_ns(b) > metric_bound_ns(b - 1));
	}
	t = total_of(*state);
	for (unsigned b = 0; b < METRIC_BUCKETS; b++) {
		assert_int_equal(t->ops[METRIC_OP_OPEN].buckets[b], b + 1 < METRIC_BUCKETS);
		assert_int_equal(t->ops[METRIC_OP_WRITE].buckets[b], b > 0);
	}
	free(t);
}

/* Each errno is counted in the class that depfs-metrics(5) lists it under. */
static void errnos_have_their_class(void **state)
{
	static const struct {
		int r;
		const char *name;
	} rows[] = {
		{-ENOENT, "not_found"}, {ENOENT, "not_found"},
		{-EEXIST, "exists"},	{-EACCES, "permission"},
		{-EKEYREVOKED, "key"},	{-ENOKEY, "key"},
		{-EIO, "io"},		{-ENOSPC, "space"},
		{-EDQUOT, "space"},	{-ETIMEDOUT, "timeout"},
		{-EAGAIN, "timeout"},	{-EINTR, "interrupted"},
		{-ENOMEM, "resources"}, {-ENODATA, "no_data"},
		{-EINVAL, "invalid"},	{-EOPNOTSUPP, "unsupported"},
		{-EXDEV, "invalid"},	{-ENOTTY, "other"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(metric_error_name(metric_error_of(rows[i].r)), rows[i].name);
}

/* A row without a name would print "(null)", or a label twice. */
static void names_are_there_and_differ(void **state)
{
	(void)state;
	for (unsigned a = 0; a < METRIC_OP_END; a++) {
		assert_non_null(metric_op_name(a));
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(metric_op_name(a), metric_op_name(b));
	}
	for (unsigned a = 0; a < METRIC_ERROR_END; a++) {
		assert_non_null(metric_error_name(a));
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(metric_error_name(a), metric_error_name(b));
	}
}

static void call_vault(struct metrics *m, const char *vault, enum kms_outcome outcome)
{
	const struct kms_observed seen = {
		.vault = vault, .operation = KMS_UNWRAP, .outcome = outcome, .duration_us = 20};

	metrics_vault(m, &seen);
}

static void vaults_are_counted_apart(void **state)
{
	struct metric_vault *list;
	size_t n;

	call_vault(*state, "a", KMS_OK);
	call_vault(*state, "b", KMS_DENIED);
	call_vault(*state, "b", KMS_OK);
	assert_int_equal(metrics_vaults(*state, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[1].name, "b");
	assert_int_equal(list[1].outcomes[KMS_UNWRAP][KMS_DENIED], 1);
	assert_int_equal(list[1].outcomes[KMS_UNWRAP][KMS_OK], 1);
	assert_int_equal(list[1].outcomes[KMS_WRAP][KMS_OK], 0);
	assert_int_equal(list[1].latency[KMS_UNWRAP].buckets[1], 2);
	assert_int_equal(list[1].latency[KMS_UNWRAP].sum_ns, 40000);
	free(list);
}

/* However many vaults come by, the page stays bounded and no call goes uncounted. */
static void too_many_vaults_are_other(void **state)
{
	struct metric_vault *list;
	uint64_t calls = 0;
	char name[16];
	size_t n;

	for (unsigned i = 0; i < METRIC_VAULTS_MAX + 30; i++) {
		(void)snprintf(name, sizeof(name), "v%u", i);
		call_vault(*state, name, KMS_OK);
	}
	call_vault(*state, "v3", KMS_OK);
	assert_int_equal(metrics_vaults(*state, &list, &n), 0);
	assert_int_equal(n, METRIC_VAULTS_MAX + 1);
	assert_string_equal(list[METRIC_VAULTS_MAX].name, "other");
	assert_int_equal(list[METRIC_VAULTS_MAX].outcomes[KMS_UNWRAP][KMS_OK], 30);
	assert_int_equal(list[3].outcomes[KMS_UNWRAP][KMS_OK], 2);
	for (size_t i = 0; i < n; i++)
		calls += list[i].outcomes[KMS_UNWRAP][KMS_OK];
	assert_int_equal(calls, METRIC_VAULTS_MAX + 31);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_lose_no_count, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds_are_inclusive, setup, teardown),
		cmocka_unit_test(errnos_have_their_class),
		cmocka_unit_test(names_are_there_and_differ),
		cmocka_unit_test_setup_teardown(vaults_are_counted_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_vaults_are_other, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
