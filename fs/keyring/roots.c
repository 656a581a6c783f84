/* fs/keyring/roots.c - one DEP key asked of its two vaults. */
#include "fs/keyring/roots.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/keyring/keyring_internal.h"

/*
 * A vault may answer with any 32 bytes; data wrapped under those would be lost, and readable to the
 * vault. So the answer is compared with the availability copy, which opens nothing here and makes
 * no event. When that copy is damaged the answer is taken as it is. Return: 1: it is another key;
 * 0; -ENOMEM.
 */
static int key_is_another(struct keyring *k, const struct key_source *src, struct secret *key)
{
	CLEANUP(secret_free_p) struct secret *ours = NULL;
	int r;

	r = secret_new(WRAP_KEY_LEN, &ours);
	if (r == 0)
		r = avail_unwrap(k, src, ours);
	if (r == -EBADMSG)
		return 0;
	return r < 0 ? r : !secrets_equal(key, ours);
}

static enum kms_outcome key_judge(struct keyring *k, const struct key_source *src,
				  const struct root_copy *copy, struct secret *key, struct err *err)
{
	int r;

	if (secret_len(key) != WRAP_KEY_LEN)
		return (void)err_set(err, -EBADMSG, "key %s: the copy opens, but to no DEP key",
				     copy->key_id),
		       KMS_DAMAGED;
	r = key_is_another(k, src, key);
	if (r < 0)
		return (void)err_set(err, r, "key %s: no memory to compare what it opens to",
				     copy->key_id),
		       KMS_TRANSIENT;
	if (r > 0)
		return (void)err_set(err, -EBADMSG,
				     "key %s: the vault's answer is another key than was wrapped",
				     copy->key_id),
		       KMS_DAMAGED;
	return KMS_OK;
}

void root_ask(struct keyring *k, const struct key_source *src, unsigned i, struct root_answer *a,
	      struct secret **ret_key)
{
	CLEANUP(secret_free_p) struct secret *key = NULL;
	const struct root_copy *copy = &src->key.roots[i];
	struct err err = {0};

	a->asked = true;
	a->outcome = kms_unwrap(k->kms, copy->key_id, copy->wrapped, copy->wrapped_len, &key,
				a->request_id, &err);
	if (a->outcome == KMS_OK)
		a->outcome = key_judge(k, src, copy, key, &err);
	a->r = kms_errno(a->outcome, &err);
	if (a->outcome == KMS_OK)
		*ret_key = STEAL(key);
	else
		(void)snprintf(a->text, sizeof(a->text), "%.*s", (int)sizeof(a->text) - 1,
			       err_text(&err, a->r));
}

/*
 * A recorded copy names a key and version, so "not found" means that the key was deleted: denied.
 * "Misconfigured" (an id or an answer that this depfs cannot use) counts as denied too: it does not
 * pass as an outage does, and in doubt the availability key must not open the data.
 */
static bool is_denial(const struct root_answer *a)
{
	return a->asked && (a->outcome == KMS_DENIED || a->outcome == KMS_NOT_FOUND ||
			    a->outcome == KMS_MISCONFIGURED);
}

/* One root after the other, in random order, until one opens. false: the keyring is closing; one
 * answer of two must not be judged. */
static bool ask_one_by_one(struct keyring *k, const struct key_source *src,
			   struct root_answer answers[static 2], struct secret **ret_key)
{
	uint8_t first;

	if (random_bytes(&first, 1) < 0)
		first = 0; /* any order will do */
	for (unsigned n = 0; n < 2 && !*ret_key; n++) {
		unsigned i = (first ^ n) & 1;

		if (atomic_load(&k->closing))
			return false;
		root_ask(k, src, i, &answers[i], ret_key);
	}
	return true;
}

/* One of two questions that are asked at the same time. */
struct side {
	struct keyring *k;
	const struct key_source *src;
	unsigned no; /* of the root */
	struct root_answer *answer;
	struct secret *key;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done; /* guarded by lock */
};

static void side_run(void *arg)
{
	struct side *side = arg;

	root_ask(side->k, side->src, side->no, side->answer, &side->key);
	pthread_mutex_lock(&side->lock);
	side->done = true;
	pthread_cond_signal(&side->answered);
	pthread_mutex_unlock(&side->lock);
}

static void side_wait(struct side *side)
{
	pthread_mutex_lock(&side->lock);
	while (!side->done)
		pthread_cond_wait(&side->answered, &side->lock);
	pthread_mutex_unlock(&side->lock);
	(void)pthread_mutex_destroy(&side->lock);
	(void)pthread_cond_destroy(&side->answered);
}

/* Both at once: a denial is not known before the slower one has answered. */
static void ask_both(struct keyring *k, const struct key_source *src,
		     struct root_answer answers[static 2], struct secret **ret_key)
{
	struct side other = {.k = k, .src = src, .no = 1, .answer = &answers[1]};

	(void)pthread_mutex_init(&other.lock, NULL);
	(void)pthread_cond_init(&other.answered, NULL);
	if (pool_run(k->pool, side_run, &other) < 0)
		side_run(&other); /* no thread can be made: one after the other */
	root_ask(k, src, 0, &answers[0], ret_key);
	side_wait(&other);
	if (!*ret_key)
		*ret_key = STEAL(other.key);
	secret_free(other.key);
}

enum verdict roots_ask(struct keyring *k, const struct key_source *src, enum ask how,
		       struct root_answer answers[static 2], struct secret **ret_dep_key)
{
	CLEANUP(secret_free_p) struct secret *key = NULL;

	memset(answers, 0, 2 * sizeof(answers[0]));
	if (how == ASK_BOTH && !atomic_load(&k->closing))
		ask_both(k, src, answers, &key);
	else if (how == ASK_BOTH || !ask_one_by_one(k, src, answers, &key))
		return VERDICT_OUTAGE;
	if (!key)
		return is_denial(&answers[0]) || is_denial(&answers[1]) ? VERDICT_DENIED
									: VERDICT_OUTAGE;
	*ret_dep_key = STEAL(key);
	return VERDICT_OPEN;
}

void roots_text(const struct root_answer answers[static 2], char *out, size_t out_len)
{
	char part[2][440] = {"", ""};

	for (unsigned i = 0; i < 2; i++)
		if (answers[i].asked)
			(void)snprintf(part[i], sizeof(part[i]), "key %u %s%s%s", i + 1,
				       kms_outcome_name(answers[i].outcome),
				       answers[i].text[0] ? ": " : "", answers[i].text);
	(void)snprintf(out, out_len, "%s%s%s", part[0], part[0][0] && part[1][0] ? "; " : "",
		       part[1]);
}

static void root_report(struct keyring *k, const struct key_source *src, unsigned i,
			const struct root_answer *a)
{
	char id[UUID_TEXT_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", src->policy_name),
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_U64("generation", src->key.generation),
		AUDIT_FIELD_STR("key_id", src->key.roots[i].key_id),
		AUDIT_FIELD_STR("vault_outcome", kms_outcome_name(a->outcome)),
		AUDIT_FIELD_STR("request_id", a->request_id[0] ? a->request_id : NULL),
		AUDIT_FIELD_STR("reason", a->text[0] ? a->text : NULL),
	};

	uuid_encode(src->key.policy_id, id);
	audit_event(k->audit, "key-open", NULL, errno_name(a->r), fields,
		    sizeof(fields) / sizeof(fields[0]));
}

void roots_report(struct keyring *k, const struct key_source *src,
		  const struct root_answer answers[static 2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (!answers[i].asked)
			continue;
		root_report(k, src, i, &answers[i]);
		if (answers[i].outcome == KMS_DAMAGED)
			copy_damaged_report(k, src, src->key.roots[i].key_id, answers[i].text);
	}
}

int keyring_open_any(struct keyring *k, const struct key_source *src, struct secret **ret_dep_key,
		     struct err *err)
{
	struct root_answer answers[2];
	char reason[ROOTS_TEXT_MAX];
	enum verdict v = roots_ask(k, src, ASK_UNTIL_OPEN, answers, ret_dep_key);
	int r;

	roots_report(k, src, answers);
	if (v == VERDICT_OPEN)
		return 0;
	roots_text(answers, reason, sizeof(reason));
	r = avail_open(k, src, avail_cause(v, answers), reason, ret_dep_key);
	if (r < 0)
		return err_set(err, r, "no copy of generation %u opens; %s", src->key.generation,
			       reason);
	return 0;
}
