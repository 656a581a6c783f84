/* fs/jobs/save.c - jobs in the state: records, and lists of what failed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/jobs/jobs_internal.h"

int job_put(struct store_txn *txn, const struct job_record *rec, struct err *err)
{
	CLEANUP(free_mem_p) uint8_t *buf = malloc(JOB_RECORD_MAX);
	uint8_t key[JOB_KEY_LEN];
	size_t len;
	int r;

	if (!buf)
		return err_set(err, -ENOMEM, "no memory for the record of a job");
	r = job_record_encode(rec, buf, &len);
	if (r < 0)
		return err_set(err, r, "the record of job %llu cannot be written",
			       (unsigned long long)rec->no);
	job_key(rec->no, key);
	return store_put(txn, TABLE_JOBS, key, sizeof(key), buf, len, err);
}

static int failures_del(struct store_txn *txn, const struct job_record *rec, struct err *err)
{
	uint8_t key[JOB_FAILURE_KEY_LEN];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < rec->listed; i++) {
		job_failure_key(rec->no, i, key);
		r = store_del(txn, TABLE_JOBS, key, sizeof(key), err);
	}
	return r;
}

int job_erase(struct store_txn *txn, const struct job_record *rec, struct err *err)
{
	uint8_t key[JOB_KEY_LEN];
	int r = failures_del(txn, rec, err);

	job_key(rec->no, key);
	return r < 0 ? r : store_del(txn, TABLE_JOBS, key, sizeof(key), err);
}

/* What there is to write, copied from the job, so that jobs.lock is not held across the commit. */
struct saving {
	struct job_record rec;
	char **new_failures;
	uint32_t n_new_failures;
	bool forget;
};

static int saving_put(struct saving *sv, struct store_txn *txn, struct err *err)
{
	uint8_t key[JOB_FAILURE_KEY_LEN];
	int r = 0;

	if (sv->forget) {
		r = failures_del(txn, &sv->rec, err);
		sv->rec.listed = 0;
	}
	for (uint32_t i = 0; r == 0 && i < sv->n_new_failures && sv->rec.listed < JOB_FAILURES_MAX;
	     i++) {
		job_failure_key(sv->rec.no, sv->rec.listed++, key);
		r = store_put(txn, TABLE_JOBS, key, sizeof(key), sv->new_failures[i],
			      strlen(sv->new_failures[i]), err);
	}
	return r < 0 ? r : job_put(txn, &sv->rec, err);
}

static int saving_commit(struct jobs *jobs, struct saving *sv, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(jobs->store, STORE_WRITE, &txn, err);

	if (r == 0)
		r = saving_put(sv, txn, err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT, err);
}

static void failures_free(char **failures, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(failures[i]);
	free(failures);
}

/* After a failed commit the failures go back, before those that came meanwhile. */
static void failures_give_back_locked(struct job *j, struct saving *sv)
{
	char **both =
		reallocarray(sv->new_failures, (size_t)sv->n_new_failures + j->n_new_failures + 1,
			     sizeof(*both));

	if (both) {
		memcpy(both + sv->n_new_failures, j->new_failures ? j->new_failures : both,
		       j->n_new_failures * sizeof(*both));
		free(j->new_failures);
		j->new_failures = both;
		j->n_new_failures += sv->n_new_failures;
		j->forget = sv->forget;
	} else {
		failures_free(sv->new_failures, sv->n_new_failures); /* not listed, but counted */
	}
}

int job_save(struct jobs *jobs, struct job *j, struct err *err)
{
	CLEANUP(free_mem_p) struct saving *sv = calloc(1, sizeof(*sv));
	int r;

	if (!sv)
		return err_set(err, -ENOMEM, "no memory for the record of a job");
	pthread_mutex_lock(&jobs->lock);
	j->rec.total = atomic_load(&j->total);
	j->rec.done = atomic_load(&j->done);
	j->rec.failed = atomic_load(&j->failed);
	j->rec.skipped = atomic_load(&j->skipped);
	sv->rec = j->rec;
	sv->new_failures = STEAL(j->new_failures);
	sv->n_new_failures = j->n_new_failures;
	sv->forget = j->forget;
	j->n_new_failures = 0;
	j->forget = false;
	pthread_mutex_unlock(&jobs->lock);

	r = saving_commit(jobs, sv, err);

	pthread_mutex_lock(&jobs->lock);
	if (r == 0) {
		j->rec.listed = sv->rec.listed;
		failures_free(sv->new_failures, sv->n_new_failures);
	} else {
		failures_give_back_locked(j, sv);
	}
	pthread_mutex_unlock(&jobs->lock);
	return r;
}

/* ---- read ---- */

struct load {
	struct jobs *jobs;
	struct err *err;
};

static int load_job(void *arg, const void *key, size_t key_len, const uint8_t *value,
		    size_t value_len)
{
	struct load *l = arg;
	CLEANUP(job_free_p) struct job *j = NULL;
	int r;

	if (key_len == JOB_FAILURE_KEY_LEN)
		return 0;
	j = job_new(l->jobs);
	if (!j)
		return -ENOMEM;
	r = key_len == JOB_KEY_LEN ? job_record_decode(value, value_len, &j->rec) : -EBADMSG;
	if (r < 0)
		return err_set(l->err, r,
			       r == -ENOTSUP
				       ? "state: a job's record is of a later version of depfs"
				       : "state: a job's record is damaged");
	j->rec.no = job_key_no(key);
	atomic_store(&j->total, j->rec.total);
	atomic_store(&j->done, j->rec.done);
	atomic_store(&j->failed, j->rec.failed);
	atomic_store(&j->skipped, j->rec.skipped);
	atomic_store(&j->rate, j->rec.rate);
	atomic_store(&j->again, j->rec.flags & JOB_FLAG_AGAIN);
	if (j->rec.state == JOB_RUNNING)
		j->rec.state = JOB_QUEUED;    /* its cursor says that another pass has to follow */
	job_insert_locked(l->jobs, STEAL(j)); /* no other thread knows the table yet */
	return 0;
}

int jobs_load(struct jobs *jobs, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	struct load l = {jobs, err};
	int r = store_begin(jobs->store, STORE_READ, &txn, err);

	return r < 0 ? r : store_each(txn, TABLE_JOBS, NULL, 0, load_job, &l, err);
}

struct listing {
	uint64_t no;
	FILE *out;
};

static int list_failure(void *arg, const void *key, size_t key_len, const uint8_t *value,
			size_t value_len)
{
	struct listing *l = arg;

	if (key_len < JOB_KEY_LEN || job_key_no(key) != l->no)
		return 1;
	if (key_len == JOB_FAILURE_KEY_LEN)
		(void)fprintf(l->out, "%.*s\n", (int)value_len, (const char *)value);
	return 0;
}

static int failures_print(struct jobs *jobs, uint64_t no, FILE *out, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	struct listing l = {no, out};
	uint8_t key[JOB_KEY_LEN];
	int r = store_begin(jobs->store, STORE_READ, &txn, err);

	job_key(no, key);
	if (r == 0)
		r = store_each(txn, TABLE_JOBS, key, sizeof(key), list_failure, &l, err);
	return r < 0 ? r : 0;
}

/* What is listed, then those that are not durable yet, then how many are only counted. */
int job_failures(struct jobs *jobs, uint64_t no, char **ret_text, struct err *err)
{
	CLEANUP(free_mem_p) char *text = NULL;
	uint64_t listed = 0, failed = 0;
	struct job *j;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (!out)
		return err_set(err, -ENOMEM, "no memory for the list");
	r = failures_print(jobs, no, out, err);
	pthread_mutex_lock(&jobs->lock);
	j = job_find_locked(jobs, no);
	for (uint32_t i = 0; j && i < j->n_new_failures; i++)
		(void)fprintf(out, "%s\n", j->new_failures[i]);
	if (j) {
		listed = (j->forget ? 0 : j->rec.listed) + j->n_new_failures;
		failed = atomic_load(&j->failed);
	}
	pthread_mutex_unlock(&jobs->lock);
	if (failed > listed)
		(void)fprintf(out, "and %llu more\n", (unsigned long long)(failed - listed));
	if (fclose(out) != 0 && r == 0)
		r = err_set(err, -ENOMEM, "no memory for the list");
	if (r == 0 && !j)
		r = err_set(err, -ENOENT, "there is no job %llu", (unsigned long long)no);
	if (r == 0)
		*ret_text = STEAL(text);
	return r;
}
