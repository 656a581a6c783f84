/* tests/unit/acts_table.h - every act that changes a store, each with a state to start from. */
#ifndef DEPFS_TEST_ACTS_TABLE_H
#define DEPFS_TEST_ACTS_TABLE_H

#include "tests/unit/engine_fixture.h"

#include "fs/jobs/jobs_internal.h"
#include "fs/policy/policies_internal.h"
#include "fs/policy/purge.h"
#include "fs/policy/scan.h"

#define MAILBOX "alice"

/* A state from which the act starts, and the act. */
struct act {
	const char *name;
	void (*prepare)(struct fix *f);
	int (*run)(struct fix *f);
	bool state_only; /* jobs alone: the snapshot keeps what it had */
};

static void nothing(struct fix *f)
{
	(void)f;
}

static void with_p(struct fix *f)
{
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
}

static void with_mailbox_p(struct fix *f)
{
	fix_policy(f, "P", POLICY_MAILBOX);
}

static void with_draft(struct fix *f)
{
	DONE(f, policy_create_draft(f->e->policies, "P", &WHO, &f->err));
}

static void with_disabled(struct fix *f)
{
	with_p(f);
	DONE(f, policy_disable(f->e->policies, "P", &WHO, &f->err));
}

static void with_assigned(struct fix *f)
{
	with_p(f);
	DONE(f, assign_tenant(f->e->policies, "P", ASSIGN_PROVED, &WHO, &f->err));
}

static void with_mailbox_assigned(struct fix *f)
{
	with_mailbox_p(f);
	DONE(f, assign_mailbox(f->e->policies, MAILBOX, "P", ASSIGN_PROVED, &WHO, &f->err));
}

static void with_newer_roots(struct fix *f)
{
	char key_id[KEY_ID_MAX];

	with_p(f);
	fix_rotate(f, KEY_A, key_id);
	fix_rotate(f, KEY_B, key_id);
}

static void with_two(struct fix *f)
{
	with_assigned(f);
	fix_policy(f, "Q", POLICY_MULTI_WORKLOAD);
}

/* Neither vault opens it any more. */
static void with_lost_roots(struct fix *f)
{
	with_assigned(f);
	fix_disable(f, KEY_A);
	fix_disable(f, KEY_B);
}

static void with_purgeable(struct fix *f)
{
	with_mailbox_assigned(f);
	DONE(f, policy_rotate(f->e->policies, "P", &WHO, &f->err));
	fix_disable(f, KEY_A);
	fix_disable(f, KEY_B);
}

/* Of a policy that was in use, so that a scan has something to prove. */
static void with_scan(struct fix *f)
{
	uint64_t no;

	with_assigned(f);
	DONE(f, unassign_tenant(f->e->policies, &WHO, &f->err));
	DONE(f, scan_start(f->e->policies, &WHO, &no, &f->err));
}

static void command_last(struct fix *f, enum job_command command)
{
	DONE(f, job_command(f->e->jobs, job_last(f->e->jobs), command, 0, &WHO, &f->err));
}

static void with_paused(struct fix *f)
{
	with_assigned(f);
	command_last(f, JOB_PAUSE);
}

static void with_cancelled(struct fix *f)
{
	with_assigned(f);
	command_last(f, JOB_CANCEL);
}

static int create(struct fix *f)
{
	return policy_create(f->e->policies, "P", AB, POLICY_MAILBOX, "of faults", &WHO, &f->err);
}

static int draft(struct fix *f)
{
	return policy_create_draft(f->e->policies, "P", &WHO, &f->err);
}

static int set_kind(struct fix *f)
{
	return policy_set_kind(f->e->policies, "P", POLICY_MAILBOX, &WHO, &f->err);
}

static int set_keys(struct fix *f)
{
	return policy_set_keys(f->e->policies, "P", CD, &WHO, &f->err);
}

static int rename_to_q(struct fix *f)
{
	return policy_rename(f->e->policies, "P", "Q", &WHO, &f->err);
}

static int describe(struct fix *f)
{
	return policy_describe(f->e->policies, "P", "another", &WHO, &f->err);
}

static int enable(struct fix *f)
{
	return policy_enable(f->e->policies, "P", &WHO, &f->err);
}

static int disable(struct fix *f)
{
	return policy_disable(f->e->policies, "P", &WHO, &f->err);
}

static int rotate(struct fix *f)
{
	return policy_rotate(f->e->policies, "P", &WHO, &f->err);
}

static int refresh(struct fix *f)
{
	return policy_refresh(f->e->policies, "P", &WHO, &f->err);
}

static int check(struct fix *f)
{
	return policy_check(f->e->policies, "P", &WHO, &f->err);
}

static int assign(struct fix *f)
{
	return assign_tenant(f->e->policies, "P", ASSIGN_PROVED, &WHO, &f->err);
}

static int unassign(struct fix *f)
{
	return unassign_tenant(f->e->policies, &WHO, &f->err);
}

static int mailbox_assign(struct fix *f)
{
	return assign_mailbox(f->e->policies, MAILBOX, "P", ASSIGN_PROVED, &WHO, &f->err);
}

static int mailbox_unassign(struct fix *f)
{
	return unassign_mailbox(f->e->policies, MAILBOX, &WHO, &f->err);
}

static int assign_q(struct fix *f)
{
	return assign_tenant(f->e->policies, "Q", ASSIGN_PROVED, &WHO, &f->err);
}

static int remove_keep(struct fix *f)
{
	return policy_remove(f->e->policies, "P", REMOVE_KEEP, &WHO, &f->err);
}

static int remove_force(struct fix *f)
{
	return policy_remove(f->e->policies, "P", REMOVE_FORCE, &WHO, &f->err);
}

static int purge(struct fix *f)
{
	char id[UUID_TEXT_LEN];
	const struct purge_request rq = {.reason = "left", .contact = "dpo", .confirm = id};

	uuid_encode(fix_info(f, "P").id, id);
	return policy_purge(f->e->policies, "P", &rq, &WHO, &f->err);
}

static int scan(struct fix *f)
{
	uint64_t no;

	return scan_start(f->e->policies, &WHO, &no, &f->err);
}

/* The walk is over: two files, none of them under P. */
static int scan_end(struct fix *f)
{
	const struct wrap_ref service = {.generation = 1};
	CLEANUP(scan_result_fini) struct scan_result res = {.mailboxes = 1};
	struct job *j = f->e->jobs->first;

	while (j && j->rec.kind != JOB_SCAN)
		j = j->next;
	assert_non_null(j);
	scan_begins(f->e->policies, j);
	assert_int_equal(scan_add(&res, WORKLOAD_CHAT, &service, 2, 10), 0);
	return scan_ends(f->e->policies, j, &res, &f->err);
}

static int find_anything(void *arg, const char *path, struct err *err)
{
	(void)arg, (void)path, (void)err;
	return 0;
}

/* Served, but without a thread that would run it. */
static int renew(struct fix *f)
{
	struct jobs *jobs = f->e->jobs;
	uint64_t no;
	int r;

	jobs->runner.find = find_anything;
	jobs->serving = true;
	r = renew_start(f->e->jobs, "chat/1", &WHO, &no, &f->err);
	jobs->serving = false;
	return r;
}

static int command(struct fix *f, enum job_command command, uint32_t rate)
{
	return job_command(f->e->jobs, job_last(f->e->jobs), command, rate, &WHO, &f->err);
}

static int pause_job(struct fix *f)
{
	return command(f, JOB_PAUSE, 0);
}

static int resume_job(struct fix *f)
{
	return command(f, JOB_RESUME, 0);
}

static int cancel_job(struct fix *f)
{
	return command(f, JOB_CANCEL, 0);
}

static int retry_job(struct fix *f)
{
	return command(f, JOB_RETRY, 0);
}

static int rate_job(struct fix *f)
{
	return command(f, JOB_RATE, 7);
}

static const struct act acts[] = {
	{"create", nothing, create, false},
	{"draft", nothing, draft, false},
	{"set kind", with_draft, set_kind, false},
	{"complete a draft", with_draft, set_keys, false},
	{"discard", with_draft, remove_keep, false},
	{"replace keys", with_assigned, set_keys, false},
	{"rename", with_p, rename_to_q, false},
	{"describe", with_p, describe, false},
	{"enable", with_disabled, enable, false},
	{"disable", with_p, disable, false},
	{"rotate", with_assigned, rotate, false},
	{"refresh", with_newer_roots, refresh, false},
	{"check", with_p, check, false},
	{"assign", with_p, assign, false},
	{"unassign", with_assigned, unassign, false},
	{"assign to a mailbox", with_mailbox_p, mailbox_assign, false},
	{"unassign a mailbox", with_mailbox_assigned, mailbox_unassign, false},
	{"assign another", with_two, assign_q, false},
	{"replace lost keys", with_lost_roots, set_keys, false},
	{"remove", with_p, remove_keep, false},
	{"remove with force", with_p, remove_force, false},
	{"purge", with_purgeable, purge, false},
	{"scan", with_p, scan, true},
	{"end of a scan", with_scan, scan_end, false},
	{"renew", with_assigned, renew, true},
	{"pause", with_assigned, pause_job, true},
	{"resume", with_paused, resume_job, true},
	{"cancel", with_assigned, cancel_job, true},
	{"retry", with_cancelled, retry_job, true},
	{"rate", with_assigned, rate_job, true},
};

#define N_ACTS (sizeof(acts) / sizeof(acts[0]))

#endif
