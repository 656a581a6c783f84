/* fs/jobs/rules.c - where a job's files lie, and which later job makes it pointless. */
#include <stdio.h>
#include <string.h>

#include "fs/jobs/jobs_internal.h"
#include "fs/workload/workload.h"

static bool job_kind_rewraps(enum job_kind kind)
{
	return kind != JOB_SCAN && kind != JOB_PURGE;
}

bool job_rewraps(const struct job *j)
{
	return job_kind_rewraps(j->rec.kind);
}

/* The folders whose files a newly assigned policy takes over. */
static size_t rewrapped_folders(char out[static JOB_ROOTS_MAX][JOB_ROOT_LEN])
{
	size_t n = 0;

	for (enum workload w = 0; w < WORKLOAD_COUNT; w++)
		if (workload_rewraps_existing(w))
			(void)snprintf(out[n++], JOB_ROOT_LEN, "%s", workload_name(w));
	return n;
}

size_t job_roots(const struct job *j, char out[static JOB_ROOTS_MAX][JOB_ROOT_LEN])
{
	if (j->rec.kind == JOB_RENEW) {
		strcpy(out[0], j->rec.path);
		return 1;
	}
	if (j->rec.mailbox[0]) {
		(void)snprintf(out[0], JOB_ROOT_LEN, "%s/%s", workload_name(WORKLOAD_MAILBOX),
			       j->rec.mailbox);
		return 1;
	}
	if (j->rec.kind == JOB_ASSIGN)
		return rewrapped_folders(out);
	out[0][0] = '\0';
	return 1;
}

/*
 * Assigning decides about mailbox/ and signals/ anew, for the tenant or for one mailbox. It does
 * not end the offboarding of another policy, whose chat and EDM files no other job would come to.
 */
bool job_supersedes(const struct job_record *newer, const struct job_record *older)
{
	bool same_policy = memcmp(newer->policy_id, older->policy_id, UUID_LEN) == 0;

	if (job_state_is_final(older->state) || older->no == newer->no)
		return false;
	if (!job_kind_rewraps(newer->kind) || !job_kind_rewraps(older->kind))
		return false; /* scans and purges count files: none is pointless */
	if (newer->kind == JOB_RENEW || older->kind == JOB_RENEW)
		return newer->kind == older->kind && strcmp(newer->path, older->path) == 0;
	if (newer->kind == JOB_ROTATE || older->kind == JOB_ROTATE)
		return newer->kind == older->kind && same_policy;
	if (strcmp(newer->mailbox, older->mailbox) != 0)
		return false;
	if (newer->mailbox[0] || older->kind == JOB_ASSIGN)
		return true;
	return same_policy;
}
