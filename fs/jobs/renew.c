/* fs/jobs/renew.c - the job that gives files new data keys: its start, and the file ids it draws.
 */
#include <errno.h>
#include <string.h>

#include "crypto/kdf.h"
#include "fs/jobs/jobs_internal.h"
#include "fs/jobs/plan.h"

#define DRAWN_LEN 10 /* random bytes of a file id; the rest marks the job */

/* SHA-256 over the job's random number and the drawn bytes. */
static int sign(const struct job *j, const uint8_t drawn[static DRAWN_LEN],
		uint8_t ret_sign[static SHA256_LEN])
{
	const struct kdf_part parts[] = {{j->rec.policy_id, UUID_LEN}, {drawn, DRAWN_LEN}};

	return sha256(parts, 2, ret_sign);
}

int job_file_id(const struct job *j, uint8_t ret_id[static FILE_ID_LEN])
{
	uint8_t mark[SHA256_LEN];
	int r = random_bytes(ret_id, DRAWN_LEN);

	if (r == 0)
		r = sign(j, ret_id, mark);
	if (r == 0)
		memcpy(ret_id + DRAWN_LEN, mark, FILE_ID_LEN - DRAWN_LEN);
	return r;
}

bool job_file_id_is_of(const struct job *j, const uint8_t file_id[static FILE_ID_LEN])
{
	uint8_t mark[SHA256_LEN];

	/* when OpenSSL fails, the file is renewed again, which does no harm */
	return sign(j, file_id, mark) == 0 &&
	       memcmp(file_id + DRAWN_LEN, mark, FILE_ID_LEN - DRAWN_LEN) == 0;
}

static int check_path(struct jobs *jobs, const char *path, struct err *err)
{
	const struct job_runner *runner = &jobs->runner;

	if (!jobs->serving || !runner->find)
		return err_set(err, -EROFS, "the store is mounted for reading only");
	if (strlen(path) > JOB_PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "a path has at most %d bytes", JOB_PATH_MAX);
	return runner->find(runner->arg, path, err);
}

static int commit(struct jobs *jobs, struct job_plan *plan, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(jobs->store, STORE_WRITE, &txn, err);

	if (r == 0)
		r = job_plan_put(plan, txn, err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT, err);
}

static int start(struct jobs *jobs, const char *path, uint64_t *ret_no, struct err *err)
{
	uint8_t number[UUID_LEN];
	struct job_plan plan;
	int r = random_bytes(number, sizeof(number));

	if (r < 0)
		return err_set(err, r, "no random bytes are to be had");
	r = job_plan_begin(&plan, jobs, JOB_RENEW, number, NULL, err);
	if (r == 0) {
		strcpy(plan.job->rec.path, path);
		r = commit(jobs, &plan, err);
	}
	*ret_no = job_plan_end(&plan, r);
	return r;
}

int renew_start(struct jobs *jobs, const char *path, const struct actor *actor, uint64_t *ret_no,
		struct err *err)
{
	struct audit_field fields[3];
	struct err own = {0};
	uint64_t no = 0;
	int r;

	err = err ? err : &own;
	r = check_path(jobs, path, err);
	if (r == 0)
		r = start(jobs, path, &no, err);
	fields[0] = AUDIT_FIELD_STR("path", path);
	fields[1] = AUDIT_FIELD_STR("reason", r < 0 ? err_text(err, r) : NULL);
	fields[2] = AUDIT_FIELD_U64("job", no);
	audit_event(jobs->audit, "renew", actor, errno_name(r), fields, r < 0 ? 2 : 3);
	if (r == 0)
		*ret_no = no;
	if (audit_sync(jobs->audit, NULL) < 0)
		return r; /* started all the same; the log counts what it lost, see act_end() */
	return r;
}
