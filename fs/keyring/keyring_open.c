/* fs/keyring/keyring_open.c - opening one DEP key: the two vaults, then the availability key. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/keyring/keyring_internal.h"
#include "fs/store/service_key.h"

int keyring_source(struct engine *e, const struct wrap_ref *ref, struct key_source *ret_src)
{
	struct tables *t = &e->tables;
	const struct key_record *key = NULL;
	const struct policy *p;
	bool purged;

	pthread_rwlock_rdlock(&t->lock);
	p = tables_find_id_locked(t, ref->policy_id);
	purged = p && policy_is_purged(p);
	if (p)
		key = policy_key(p, ref->generation ? ref->generation : p->rec.generation);
	if (key) {
		ret_src->key = *key;
		ret_src->newest = key->generation == p->rec.generation;
		memcpy(ret_src->wrapped_avail, p->rec.wrapped_avail, WRAP_LEN);
		memcpy(ret_src->policy_name, p->rec.name, sizeof(ret_src->policy_name));
	}
	pthread_rwlock_unlock(&t->lock);
	return key ? 0 : purged ? -EKEYREVOKED : -ENOKEY;
}

bool secrets_equal(struct secret *a, struct secret *b)
{
	const volatile uint8_t *at_a = secret_bytes(a), *at_b = secret_bytes(b);
	uint8_t differ = 0;

	if (secret_len(a) != secret_len(b))
		return false;
	for (size_t i = 0; i < secret_len(a); i++)
		differ |= at_a[i] ^ at_b[i];
	return differ == 0;
}

/*
 * A vault may answer with any 32 bytes: what is wrapped under those is lost, and known to it. The
 * availability copy tells; nothing is opened by it here, so no event. Without it (it is damaged)
 * the vault's word has to do.
 * Return: 1: it is another key; 0; -ENOMEM.
 */
static int key_is_another(struct engine *e, const struct key_source *src, struct secret *key)
{
	CLEANUP(secret_free_p) struct secret *ours = NULL;
	int r;

	r = secret_new(WRAP_KEY_LEN, &ours);
	if (r == 0)
		r = avail_unwrap(e, src, ours);
	if (r == -EBADMSG)
		return 0;
	return r < 0 ? r : !secrets_equal(key, ours);
}

static enum kms_outcome key_judge(struct engine *e, const struct key_source *src,
				  const struct root_copy *copy, struct secret *key, struct err *err)
{
	int r;

	if (secret_len(key) != WRAP_KEY_LEN)
		return (void)err_set(err, -EBADMSG, "key %s: the copy opens, but to no DEP key",
				     copy->key_id),
		       KMS_DAMAGED;
	r = key_is_another(e, src, key);
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

void root_ask(struct engine *e, const struct key_source *src, unsigned i, struct root_answer *a,
	      struct secret **ret_key)
{
	CLEANUP(secret_free_p) struct secret *key = NULL;
	const struct root_copy *copy = &src->key.roots[i];
	struct err err = {0};

	a->asked = true;
	a->outcome = kms_unwrap(e->kms, copy->key_id, copy->wrapped, copy->wrapped_len, &key,
				a->request_id, &err);
	if (a->outcome == KMS_OK)
		a->outcome = key_judge(e, src, copy, key, &err);
	a->r = kms_errno(a->outcome, &err);
	if (a->outcome == KMS_OK)
		*ret_key = STEAL(key);
	else
		(void)snprintf(a->text, sizeof(a->text), "%.*s", (int)sizeof(a->text) - 1,
			       err_text(&err, a->r));
}

/*
 * DESIGN 5.1. A recorded copy names a key and version, so "not found" means that somebody took it
 * away: denied. "Misconfigured" (an id or an answer that this depfs cannot use) is counted as
 * denied too: it is no outage that passes, and what is in doubt must not open by the back door.
 */
static bool is_denial(const struct root_answer *a)
{
	return a->asked && (a->outcome == KMS_DENIED || a->outcome == KMS_NOT_FOUND ||
			    a->outcome == KMS_MISCONFIGURED);
}

/* One root after the other, in random order, until one opens. false: the engine closes: nobody
 * waits any more, and half an answer judges nothing. */
static bool ask_in_turn(struct engine *e, const struct key_source *src,
			struct root_answer answers[static 2], struct secret **ret_key)
{
	uint8_t first;

	if (random_bytes(&first, 1) < 0)
		first = 0; /* any order will do */
	for (unsigned n = 0; n < 2 && !*ret_key; n++) {
		unsigned i = (first ^ n) & 1;

		if (atomic_load(&e->closing))
			return false;
		root_ask(e, src, i, &answers[i], ret_key);
	}
	return true;
}

/* One of two questions that are asked at the same time. */
struct side {
	struct engine *e;
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

	root_ask(side->e, side->src, side->no, side->answer, &side->key);
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
static void ask_both(struct engine *e, const struct key_source *src,
		     struct root_answer answers[static 2], struct secret **ret_key)
{
	struct side other = {.e = e, .src = src, .no = 1, .answer = &answers[1]};

	(void)pthread_mutex_init(&other.lock, NULL);
	(void)pthread_cond_init(&other.answered, NULL);
	if (engine_worker(e, side_run, &other) < 0)
		side_run(&other); /* no thread to be had: one after the other */
	root_ask(e, src, 0, &answers[0], ret_key);
	side_wait(&other);
	if (!*ret_key)
		*ret_key = STEAL(other.key);
	secret_free(other.key);
}

enum verdict roots_ask(struct engine *e, const struct key_source *src, enum ask how,
		       struct root_answer answers[static 2], struct secret **ret_dep_key)
{
	CLEANUP(secret_free_p) struct secret *key = NULL;

	memset(answers, 0, 2 * sizeof(answers[0]));
	if (how == ASK_BOTH && !atomic_load(&e->closing))
		ask_both(e, src, answers, &key);
	else if (how == ASK_BOTH || !ask_in_turn(e, src, answers, &key))
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

static void copy_damaged_tell(struct engine *e, const struct key_source *src, const char *copy,
			      const char *text)
{
	char id[UUID_TEXT_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", src->policy_name),
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_U64("generation", src->key.generation),
		AUDIT_FIELD_STR("copy", copy),
		AUDIT_FIELD_STR("reason", text),
	};

	uuid_encode(src->key.policy_id, id);
	audit_event(e->audit, "key-copy-damaged", NULL, "EBADMSG", fields, 5);
}

static void root_tell(struct engine *e, const struct key_source *src, unsigned i,
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
	audit_event(e->audit, "key-open", NULL, errno_name(a->r), fields,
		    sizeof(fields) / sizeof(fields[0]));
}

void key_tell(struct audit *audit, const char *event, const char *key_id, enum kms_outcome outcome,
	      const char *request_id, const struct err *said)
{
	int r = kms_errno(outcome, said);
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("key_id", key_id),
		AUDIT_FIELD_STR("vault_outcome", kms_outcome_name(outcome)),
		AUDIT_FIELD_STR("request_id", request_id[0] ? request_id : NULL),
		AUDIT_FIELD_STR("reason", r < 0 ? err_text(said, r) : NULL),
	};

	if (audit)
		audit_event(audit, event, NULL, errno_name(r), fields,
			    sizeof(fields) / sizeof(fields[0]));
}

void roots_tell(struct engine *e, const struct key_source *src,
		const struct root_answer answers[static 2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (!answers[i].asked)
			continue;
		root_tell(e, src, i, &answers[i]);
		if (answers[i].outcome == KMS_DAMAGED)
			copy_damaged_tell(e, src, src->key.roots[i].key_id, answers[i].text);
	}
}

/* Service key opens availability key, that one opens the DEP key. */
int avail_unwrap(struct engine *e, const struct key_source *src, struct secret *dep_key)
{
	CLEANUP(secret_free_p) struct secret *avail = NULL;
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct service_key *sk = store_service_key(e->store);
	uint8_t aad[WRAP_AAD_MAX];
	size_t aad_len;
	int r;

	r = secret_new(WRAP_KEY_LEN, &avail);
	if (r < 0)
		return r;
	aad_len = wrap_record_aad(src->key.policy_id, 0, WRAP_PURPOSE_AVAIL_KEY, aad);
	r = wrap_open(service_key_avail_wrap(sk), aad, aad_len, src->wrapped_avail,
		      secret_bytes(avail));
	if (r < 0)
		return r;
	r = wrap_key_new(secret_bytes(avail), KDF_AVAIL_DEP_WRAP, &kek);
	if (r < 0)
		return r;
	aad_len =
		wrap_record_aad(src->key.policy_id, src->key.generation, WRAP_PURPOSE_DEP_KEY, aad);
	return wrap_open(kek, aad, aad_len, src->key.avail_copy, secret_bytes(dep_key));
}

enum metric_count avail_why(enum verdict v, const struct root_answer answers[static 2])
{
	if (v == VERDICT_DENIED)
		return METRIC_AVAIL_DENIED;
	if (answers[0].outcome == KMS_DAMAGED && answers[1].outcome == KMS_DAMAGED)
		return METRIC_AVAIL_DAMAGED;
	return METRIC_AVAIL_OUTAGE;
}

int avail_open(struct engine *e, const struct key_source *src, enum metric_count why,
	       const char *reason, struct secret **ret_dep_key)
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	char id[UUID_TEXT_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", src->policy_name),
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_U64("generation", src->key.generation),
		AUDIT_FIELD_STR("reason", reason),
	};
	int r;

	metrics_add(e->metrics, why, 1);
	uuid_encode(src->key.policy_id, id);
	r = secret_new(WRAP_KEY_LEN, &dep_key);
	if (r == 0)
		r = avail_unwrap(e, src, dep_key);
	audit_event(e->audit, "availability-key-used", NULL, errno_name(r), fields, 4);
	if (r == -EBADMSG)
		copy_damaged_tell(e, src, "availability", "the availability copy does not open");
	if (r < 0)
		return r;
	*ret_dep_key = STEAL(dep_key);
	return 0;
}

int keyring_open_any(struct engine *e, const struct key_source *src, struct secret **ret_dep_key,
		     struct err *err)
{
	struct root_answer answers[2];
	char reason[ROOTS_TEXT_MAX];
	enum verdict v = roots_ask(e, src, ASK_UNTIL_OPEN, answers, ret_dep_key);
	int r;

	roots_tell(e, src, answers);
	if (v == VERDICT_OPEN)
		return 0;
	roots_text(answers, reason, sizeof(reason));
	r = avail_open(e, src, avail_why(v, answers), reason, ret_dep_key);
	if (r < 0)
		return err_set(err, r, "no copy of generation %u opens; %s", src->key.generation,
			       reason);
	return 0;
}
