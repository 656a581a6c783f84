/* fs/control/metrics_vaults.c - metrics of calls to key vaults, and of their circuit breakers. */
#include <errno.h>

#include "fs/control/metrics_internal.h"

static void show_calls(struct metrics_page *p, const struct metric_vault *list, size_t n)
{
	page_family(p, "depfs_vault_requests_total", METRIC_COUNTER,
		    "Calls of key vaults, by vault, operation and outcome.");
	for (size_t i = 0; i < n; i++)
		for (unsigned op = 0; op < METRIC_OPERATIONS; op++)
			for (unsigned o = 0; o < METRIC_OUTCOMES; o++)
				if (list[i].outcomes[op][o] > 0)
					page_count(p, list[i].outcomes[op][o], "vault",
						   list[i].name, "operation",
						   kms_operation_name(op), "outcome",
						   kms_outcome_name(o), NULL);
	page_family(p, "depfs_vault_request_duration_seconds", METRIC_HISTOGRAM,
		    "What calls of key vaults took, retries included.");
	for (size_t i = 0; i < n; i++)
		for (unsigned op = 0; op < METRIC_OPERATIONS; op++)
			if (histogram_count(&list[i].latency[op]) > 0)
				page_histogram(p, &list[i].latency[op], "vault", list[i].name,
					       "operation", kms_operation_name(op), NULL);
}

static void show_circuits(struct metrics_page *p, const struct kms_circuit *list, size_t n)
{
	page_family(p, "depfs_vault_circuit_closed", METRIC_GAUGE,
		    "1: the vault is asked as usual; 0: it failed again and again and is probed.");
	for (size_t i = 0; i < n; i++)
		page_count(p, list[i].state == KMS_CIRCUIT_CLOSED, "vault", list[i].vault, NULL);
	page_family(p, "depfs_vault_retry_seconds", METRIC_GAUGE,
		    "Until the vault is asked again, while it is not.");
	for (size_t i = 0; i < n; i++)
		page_value(p, (double)list[i].retry_in_ms / 1000, "vault", list[i].vault, NULL);
}

int metrics_vaults_show(struct metrics_page *p)
{
	CLEANUP(free_mem_p) struct metric_vault *calls = NULL;
	CLEANUP(free_mem_p) struct kms_circuit *circuits = NULL;
	size_t n;
	int r = metrics_vaults(p->c->metrics, &calls, &n);

	if (r < 0)
		return r;
	show_calls(p, calls, n);
	circuits = calloc(METRIC_VAULTS_MAX, sizeof(*circuits));
	if (!circuits)
		return -ENOMEM;
	n = kms_circuits(p->c->kms, circuits, METRIC_VAULTS_MAX);
	show_circuits(p, circuits, n);
	return 0;
}
