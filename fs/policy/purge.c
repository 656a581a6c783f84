/* fs/policy/purge.c - a mailbox policy's key destroyed, wherever the store keeps it. */
#include "fs/policy/purge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "fs/policy/act_internal.h"
#include "fs/policy/purge_internal.h"
#include "fs/store/scrub.h"

static int field_check(const char *text, const char *what, struct err *err)
{
	if (!text || !*text)
		return err_set(err, -EINVAL, "purge: %s= is missing", what);
	if (strlen(text) > PURGE_TEXT_MAX)
		return err_set(err, -EINVAL, "purge: %s has at most %d bytes", what,
			       PURGE_TEXT_MAX);
	return text_check(text, what, err);
}

static int request_check(struct act *a, const struct purge_request *rq)
{
	const struct policy *p = a->policy;
	int r;

	if (p->rec.kind != POLICY_MAILBOX)
		return err_set(a->err, -EPERM,
			       "policy \"%s\" is of kind %s, which is never purged: unassign it, "
			       "and remove it when a scan finds no file under it",
			       p->rec.name, policy_kind_name(p->rec.kind));
	if (policy_is_draft(p))
		return err_set(a->err, -EINVAL, "policy \"%s\" is a draft: it has no keys yet",
			       p->rec.name);
	r = field_check(rq->reason, "reason", a->err);
	if (r == 0)
		r = field_check(rq->contact, "contact", a->err);
	if (r == 0 && (!rq->confirm || !*rq->confirm))
		return err_set(a->err, -EINVAL, "purge: confirm= is missing: the policy's id, %s",
			       a->policy_id);
	if (r == 0 && strcasecmp(rq->confirm, a->policy_id) != 0)
		return err_set(a->err, -EINVAL,
			       "purge: confirm=%.80s is not the id of policy \"%s\"", rq->confirm,
			       p->rec.name);
	return r;
}

/* Only a denial counts: the vault's owner closed it, and it is no mistake in depfs's configuration.
 */
static int root_denies(struct act *a, const struct key_record *key, unsigned i,
		       const struct root_answer *answer)
{
	if (answer->asked && (answer->outcome == KMS_DENIED || answer->outcome == KMS_NOT_FOUND))
		return 0;
	if (answer->asked && (answer->outcome == KMS_OK || answer->outcome == KMS_DAMAGED))
		return err_set(a->err, -EBUSY,
			       "key %u (%s) still grants access: take it away in both vaults first",
			       i + 1, key->roots[i].key_id);
	return err_set(a->err, answer->asked ? answer->r : -EAGAIN,
		       "key %u (%s) does not answer, and only a denial counts: %s", i + 1,
		       key->roots[i].key_id, answer->text);
}

static int generation_denied(struct act *a, const struct key_record *key,
			     struct root_answer answers[static 2])
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	const struct policy *p = a->policy;
	struct key_source src = {.key = *key, .newest = key->generation == p->rec.generation};
	enum verdict verdict;
	int r = 0;

	memcpy(src.policy_name, p->rec.name, sizeof(src.policy_name));
	verdict = roots_ask(a->ps->keyring, &src, ASK_BOTH, answers, &dep_key);
	roots_report(a->ps->keyring, &src, answers);
	for (unsigned i = 0; r == 0 && i < 2; i++)
		r = root_denies(a, key, i, &answers[i]);
	return r < 0 || verdict == VERDICT_DENIED
		       ? r
		       : err_set(a->err, -EAGAIN, "the vaults' answers do not agree");
}

/* Of every generation; @answers: of the newest, for the receipt. */
static int all_denied(struct act *a, struct root_answer answers[static 2])
{
	struct root_answer older[2];
	const struct policy *p = a->policy;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < p->n_keys; i++)
		r = generation_denied(a, p->keys[i],
				      p->keys[i]->generation == p->rec.generation ? answers
										  : older);
	return r;
}

static int keys_del(struct store_txn *txn, const struct policy *p, struct err *err)
{
	uint8_t key[KEY_TABLE_KEY_LEN];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < p->n_keys; i++) {
		key_table_key(p->rec.id, p->keys[i]->generation, key);
		r = store_del(txn, TABLE_KEYS, key, sizeof(key), err);
	}
	return r;
}

static int purge_put(struct act *a, const struct policy_record *rec, const char *head,
		     struct job_plan *plan)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(a->ps->store, STORE_WRITE, &txn, a->err);

	if (r == 0)
		r = policy_put(txn, rec, a->err);
	if (r == 0)
		r = keys_del(txn, a->policy, a->err);
	if (r == 0)
		r = purge_head_put(txn, rec->id, head, a->err);
	if (r == 0)
		r = job_plan_put(plan, txn, a->err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, a->err);
}

static void purge_install(struct act *a, const struct policy_record *rec)
{
	struct policy *p = a->policy;
	struct key_record **keys;
	uint32_t n;

	pthread_rwlock_wrlock(&a->ps->tables.lock);
	keys = STEAL(p->keys);
	n = p->n_keys;
	p->n_keys = 0;
	p->rec = *rec;
	p->last_rotate[0] = p->last_refresh[0] = p->last_check[0] = '\0';
	pthread_rwlock_unlock(&a->ps->tables.lock);
	for (uint32_t i = 0; i < n; i++)
		free(keys[i]);
	free(keys);
	act_changed(a, TARGETS_CHANGED);
}

/* What LMDB and the previous snapshot leave on the disk. The job does it again, so a failure only
 * delays it, and makes an event. */
static void overwrite(struct policies *ps, int snapshot_fd)
{
	struct err err = {0};
	struct audit_field field;
	int r = store_shred(snapshot_fd, &err);

	if (r == 0)
		r = store_scrub(ps->store, &err);
	if (r == 0)
		return;
	field = AUDIT_FIELD_STR("reason", err_text(&err, r));
	audit_event(ps->audit, "purge-overwrite", NULL, errno_name(r), &field, 1);
}

static int purge_do(struct act *a, const struct purge_request *rq)
{
	CLEANUP(free_mem_p) char *head = NULL;
	CLEANUP(close_fd_p) int snapshot_fd = -1;
	struct policy_record rec = a->policy->rec;
	struct root_answer answers[2] = {0};
	struct job_plan plan;
	int r = all_denied(a, answers);

	if (r == 0)
		r = purge_head_make(a, rq, answers, &head);
	if (r == 0)
		r = store_snapshot_hold(a->ps->store, &snapshot_fd, a->err);
	if (r < 0)
		return r;
	rec.flags = (uint16_t)((rec.flags & ~POLICY_FLAG_ENABLED) | POLICY_FLAG_PURGED);
	memset(rec.wrapped_avail, 0, sizeof(rec.wrapped_avail));
	r = job_plan_begin(&plan, a->ps->jobs, JOB_PURGE, rec.id, NULL, a->err);
	if (r == 0)
		r = purge_put(a, &rec, head, &plan);
	if (r == 0) {
		purge_install(a, &rec);
		overwrite(a->ps, snapshot_fd);
	}
	a->job = job_plan_end(&plan, r);
	return r;
}

/* The policy whose files are shut after the act. */
static void purged_source(const struct policy *p, struct key_source *ret_src)
{
	memcpy(ret_src->key.policy_id, p->rec.id, UUID_LEN);
	memcpy(ret_src->policy_name, p->rec.name, sizeof(ret_src->policy_name));
}

int policy_purge(struct policies *ps, const char *p, const struct purge_request *rq,
		 const struct actor *actor, struct err *err)
{
	struct key_source purged = {0};
	struct act a;
	int r = act_begin(&a, ps, "policy-purge", actor, p, err);

	if (r == 0)
		r = request_check(&a, rq);
	if (r == 0 && !policy_is_purged(a.policy)) {
		r = purge_do(&a, rq);
		if (r == 0)
			purged_source(a.policy, &purged);
	}
	r = act_end(&a, r);
	if (purged.policy_name[0]) /* without the act lock: programs' pages are written back */
		keyring_purge(ps->keyring, &purged);
	return r;
}
