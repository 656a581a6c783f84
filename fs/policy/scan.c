/* fs/policy/scan.c - scans started, their results kept, and what they prove of a policy. */
#include "fs/policy/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/acts_internal.h"

#define SCAN_KEY       "scan"
#define UNTARGETED     "untargeted/"
#define UNTARGETED_LEN (sizeof(UNTARGETED) - 1 + UUID_TEXT_LEN)

static void untargeted_key(const uint8_t id[static UUID_LEN], char out[static UNTARGETED_LEN])
{
	memcpy(out, UNTARGETED, sizeof(UNTARGETED) - 1);
	uuid_encode(id, out + sizeof(UNTARGETED) - 1);
}

int untargeted_put(struct store_txn *txn, const uint8_t id[static UUID_LEN], struct err *err)
{
	char key[UNTARGETED_LEN];
	uint8_t when[8];
	struct wbuf w = wbuf_to(when, sizeof(when));

	wbuf_u64(&w, (uint64_t)time(NULL));
	untargeted_key(id, key);
	return store_put(txn, TABLE_META, key, strlen(key), when, sizeof(when), err);
}

int untargeted_del(struct store_txn *txn, const uint8_t id[static UUID_LEN], struct err *err)
{
	char key[UNTARGETED_LEN];
	struct err none = {0};
	int r;

	untargeted_key(id, key);
	r = store_del(txn, TABLE_META, key, strlen(key), &none);
	return r == -ENOENT || r == 0 ? 0 : err_set(err, r, "%s", none.text);
}

/* ---- loaded ---- */

static int load_untargeted(void *arg, const void *key, size_t key_len, const uint8_t *value,
			   size_t value_len)
{
	struct engine *e = arg;
	char text[UUID_TEXT_LEN];
	uint8_t id[UUID_LEN];
	struct policy *p;

	(void)value, (void)value_len;
	if (key_len < sizeof(UNTARGETED) - 1 ||
	    memcmp(key, UNTARGETED, sizeof(UNTARGETED) - 1) != 0)
		return 1; /* they stand together */
	if (key_len != UNTARGETED_LEN - 1)
		return 0;
	memcpy(text, (const char *)key + sizeof(UNTARGETED) - 1, UUID_TEXT_LEN - 1);
	text[UUID_TEXT_LEN - 1] = '\0';
	p = uuid_decode(text, id) == 0 ? tables_find_id_locked(&e->tables, id) : NULL;
	if (p)
		p->proof.untargeted = true;
	return 0;
}

int scan_load(struct engine *e, struct store_txn *txn, struct err *err)
{
	const uint8_t *rec;
	size_t len;
	int r = store_get(txn, TABLE_META, SCAN_KEY, strlen(SCAN_KEY), &rec, &len, err);

	if (r == -ENOENT)
		r = 0; /* there was no scan yet */
	else if (r == 0)
		r = scan_decode(rec, len, &e->tables.scan);
	if (r < 0)
		return err_set(err, r, "state: the record of the last scan %s",
			       r == -ENOTSUP ? "is of a later version of depfs" : "is damaged");
	r = store_each(txn, TABLE_META, UNTARGETED, sizeof(UNTARGETED) - 1, load_untargeted, e,
		       err);
	return r < 0 ? r : 0;
}

/* ---- looked at ---- */

int scan_last(struct engine *e, struct scan_result *ret_res)
{
	struct scan_result res;
	int r = 0;

	pthread_rwlock_rdlock(&e->tables.lock);
	res = e->tables.scan;
	res.rows = calloc(res.n_rows + 1, sizeof(*res.rows));
	res.room = res.n_rows + 1;
	if (!res.ended)
		r = -ENOENT;
	else if (!res.rows)
		r = -ENOMEM;
	else
		memcpy(res.rows, e->tables.scan.rows, res.n_rows * sizeof(*res.rows));
	pthread_rwlock_unlock(&e->tables.lock);
	if (r < 0)
		free(res.rows);
	else
		*ret_res = res;
	return r;
}

static int refuse_files(const struct engine *e, const struct policy *p, uint64_t files,
			struct err *err)
{
	char when[32] = "";
	const time_t ended = (time_t)e->tables.scan.ended;
	struct tm tm;

	if (gmtime_r(&ended, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return err_set(err, -EBUSY,
		       "%llu file%s under policy \"%s\" at the last scan (%s): bring them under "
		       "another key or remove them, scan again (depctl scan), then try again",
		       (unsigned long long)files, files == 1 ? " was" : "s were", p->rec.name,
		       when);
}

int scan_proves_empty(struct engine *e, const uint8_t id[static UUID_LEN], struct err *err)
{
	const struct scan_result *scan = &e->tables.scan; /* the gate is enough to read */
	const struct policy *p = tables_find_id_locked(&e->tables, id);
	uint64_t files, bytes;

	scan_sum(scan, id, &files, &bytes);
	if (p->proof.untargeted && !files)
		return 0;
	if (p->proof.untargeted)
		return refuse_files(e, p, files, err);
	if (scan->unreadable)
		return err_set(err, -EBUSY,
			       "the last scan could not read %llu file%s (jobs/%llu/failed names "
			       "them), so it proves nothing about policy \"%s\": see to them, and "
			       "scan again (depctl scan)",
			       (unsigned long long)scan->unreadable,
			       scan->unreadable == 1 ? "" : "s", (unsigned long long)scan->job,
			       p->rec.name);
	return err_set(err, -EBUSY,
		       "no complete scan since policy \"%s\" was last assigned proves that no file "
		       "is under it: scan (depctl scan), then try again",
		       p->rec.name);
}

/* ---- started ---- */

/* One that will see all that is there now. */
static uint64_t queued_scan(struct engine *e)
{
	uint64_t no = 0;

	pthread_mutex_lock(&e->jobs.lock);
	for (const struct job *j = e->jobs.first; j; j = j->next)
		if (j->rec.kind == JOB_SCAN && j->rec.state == JOB_QUEUED)
			no = j->rec.no;
	pthread_mutex_unlock(&e->jobs.lock);
	return no;
}

static int start_commit(struct act *a, struct job_plan *plan)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(a->e->store, STORE_WRITE, &txn, a->err);

	if (r == 0)
		r = job_plan_put(plan, txn, a->err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT, a->err);
}

static int start_do(struct act *a)
{
	static const uint8_t none[UUID_LEN];
	struct job_plan plan;
	int r;

	a->job = queued_scan(a->e);
	if (a->job)
		return 0;
	r = job_plan_begin(&plan, a->e, JOB_SCAN, none, NULL, a->err);
	if (r == 0)
		r = start_commit(a, &plan);
	a->job = job_plan_end(&plan, r);
	return r;
}

int scan_start(struct engine *e, const struct actor *who, uint64_t *ret_job, struct err *err)
{
	struct act a;
	int r = act_begin(&a, e, "scan-start", who, NULL, err);

	if (r == 0)
		r = start_do(&a);
	if (r == 0)
		*ret_job = a.job;
	return act_end(&a, r);
}

/* ---- carried out ---- */

void scan_begins(struct engine *e, const struct job *j)
{
	struct tables *t = &e->tables;

	pthread_rwlock_wrlock(&t->lock);
	for (size_t i = 0; i < t->n_policies; i++) {
		struct policy *p = t->policies[i];

		p->proof.quiet_job = p != t->tenant && !p->mailboxes ? j->rec.no : 0;
	}
	pthread_rwlock_unlock(&t->lock);
}

/* Unreadable headers may say anything: then nothing is proved that was not before. */
static bool is_proved(const struct policy *p, const struct job *j, const struct scan_result *res)
{
	return p->proof.quiet_job == j->rec.no && !res->unreadable;
}

static int ends_commit(struct act *a, const struct job *j, const struct scan_result *res)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	CLEANUP(free_mem_p) uint8_t *rec = NULL;
	const struct tables *t = &a->e->tables;
	size_t len = 0;
	int r = scan_encode(res, &rec, &len);

	if (r < 0)
		return err_set(a->err, r, "the record of the scan cannot be made");
	r = store_begin(a->e->store, STORE_WRITE, &txn, a->err);
	if (r == 0)
		r = store_put(txn, TABLE_META, SCAN_KEY, strlen(SCAN_KEY), rec, len, a->err);
	for (size_t i = 0; r == 0 && i < t->n_policies; i++) {
		const struct policy *p = t->policies[i];

		/* what was proved by the scan before is so no more: its counts are gone */
		r = is_proved(p, j, res) ? untargeted_put(txn, p->rec.id, a->err)
		    : p->proof.untargeted && res->unreadable
			    ? untargeted_del(txn, p->rec.id, a->err)
			    : 0;
	}
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, a->err);
}

static void ends_install(struct engine *e, const struct job *j, struct scan_result *res)
{
	struct tables *t = &e->tables;

	pthread_rwlock_wrlock(&t->lock);
	for (size_t i = 0; i < t->n_policies; i++) {
		struct scan_proof *proof = &t->policies[i]->proof;

		if (is_proved(t->policies[i], j, res))
			proof->untargeted = true;
		else if (res->unreadable)
			proof->untargeted = false;
	}
	scan_result_fini(&t->scan);
	t->scan = *res;
	pthread_rwlock_unlock(&t->lock);
	*res = (struct scan_result){0};
}

/* Under the gate, so that no policy is assigned between the proof and its record. */
int scan_ends(struct engine *e, struct job *j, struct scan_result *res, struct err *err)
{
	struct act a;
	int r;

	res->job = j->rec.no;
	res->started = j->rec.started;
	res->ended = (uint64_t)time(NULL);
	do {
		r = act_begin(&a, e, "scan-end", NULL, NULL, err);
		a.job = j->rec.no;
		if (r == 0)
			r = ends_commit(&a, j, res);
		if (r == 0) {
			ends_install(e, j, res);
			act_changed(&a, TARGETS_SAME);
		}
		r = act_end(&a, r);
	} while (r == -EBUSY && !job_stops(j));
	return r;
}
