/* fs/policy/copies.c - the copies of a policy that has keys: refreshed, replaced, checked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/act_internal.h"

#define PREFIX_LEN 32

/* "generation 2 " where there are several, so that the usual report stays short. */
static void generation_prefix(const struct policy *p, uint32_t generation,
			      char out[static PREFIX_LEN])
{
	out[0] = '\0';
	if (p->n_keys > 1)
		(void)snprintf(out, PREFIX_LEN, "generation %u ", generation);
}

/* New key records of all a policy's generations. */
struct key_set {
	struct key_record **keys;
	uint32_t n_keys;
};

static void key_set_fini(struct key_set *set)
{
	for (uint32_t i = 0; i < set->n_keys; i++)
		free(set->keys[i]);
	free(set->keys);
}

static int key_set_copy(const struct policy *p, struct key_set *set)
{
	set->keys = calloc(p->n_keys, sizeof(struct key_record *));
	if (!set->keys)
		return -ENOMEM;
	for (; set->n_keys < p->n_keys; set->n_keys++) {
		struct key_record *key = malloc(sizeof(*key));

		if (!key)
			return -ENOMEM;
		*key = *p->keys[set->n_keys];
		set->keys[set->n_keys] = key;
	}
	return 0;
}

/* Durable first, then in the tables. Afterwards @set holds the old records, to be freed. */
static int key_set_install(struct act *a, struct key_set *set, const struct policy_record *rec)
{
	struct tables *t = &a->ps->tables;
	struct policy *p = a->policy;
	struct key_record **old;
	int r;

	r = act_commit(a, rec, (const struct key_record *const *)set->keys, set->n_keys);
	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&t->lock);
	old = p->keys;
	p->keys = set->keys;
	set->keys = old;
	p->rec = *rec;
	pthread_rwlock_unlock(&t->lock);
	act_changed(a, TARGETS_SAME);
	return 0;
}

static void source_fill(const struct policy *p, const struct key_record *key,
			struct key_source *ret_src)
{
	ret_src->key = *key;
	ret_src->newest = key->generation == p->rec.generation;
	memcpy(ret_src->wrapped_avail, p->rec.wrapped_avail, WRAP_LEN);
	memcpy(ret_src->policy_name, p->rec.name, sizeof(ret_src->policy_name));
}

void roots_proved(struct policies *ps, const struct policy *p)
{
	const struct root_answer answers[2] = {{.asked = true}, {.asked = true}};
	struct key_source src;

	source_fill(p, policy_key(p, p->rec.generation), &src);
	keyring_note(ps->keyring, &src, answers);
}

int roots_prove(struct act *a)
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	const struct policy *p = a->policy;
	struct root_answer answers[2] = {0};
	const struct root_answer *worse = &answers[0];
	char text[ROOTS_TEXT_MAX];
	struct key_source src;

	source_fill(p, policy_key(p, p->rec.generation), &src);
	(void)!roots_ask(a->ps->keyring, &src, ASK_BOTH, answers,
			 &dep_key); /* the answers hold the outcomes */
	roots_report(a->ps->keyring, &src, answers);
	keyring_note(a->ps->keyring, &src, answers);
	if (worse->asked && (worse->outcome == KMS_OK ||
			     (worse->outcome == KMS_TRANSIENT && answers[1].outcome != KMS_OK)))
		worse = &answers[1];
	if (worse->asked && worse->outcome == KMS_OK)
		return 0;
	roots_text(answers, text, sizeof(text));
	return err_set(a->err, worse->asked ? worse->r : -EAGAIN, "%s", text);
}

static int key_replace(struct act *a, const struct key_id ids[static 2], struct key_record *key,
		       struct report *rep)
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	char prefix[PREFIX_LEN];
	struct key_source src;
	int r;

	source_fill(a->policy, key, &src);
	generation_prefix(a->policy, key->generation, prefix);
	/* this repairs a policy whose root keys are lost, so the availability key may open it too
	 */
	r = keyring_open_any(a->ps->keyring, &src, &dep_key, a->err);
	if (r < 0)
		return r;
	return copies_make(a->ps, ids, prefix, dep_key, key->roots, rep, a->err);
}

int policy_replace_keys(struct act *a, const struct key_id ids[static 2], struct report *rep)
{
	CLEANUP(key_set_fini) struct key_set set = {0};
	struct policy_record rec = a->policy->rec;
	int r;

	r = key_set_copy(a->policy, &set);
	if (r < 0)
		return err_set(a->err, r, "no memory for key records");
	for (uint32_t i = 0; i < set.n_keys; i++) {
		r = key_replace(a, ids, set.keys[i], rep);
		if (r < 0)
			return r;
	}
	for (unsigned i = 0; i < 2; i++) {
		memset(rec.key_ids[i], 0, KEY_ID_MAX);
		key_id_format(&ids[i], rec.key_ids[i]);
	}
	r = key_set_install(a, &set, &rec);
	if (r < 0)
		return r;
	keyring_forget(a->ps->keyring, rec.id);
	roots_proved(a->ps, a->policy);
	return 0;
}

/* One root's old copy; for a root that fails the other's plaintext is wrapped. */
static void copy_open(struct act *a, const struct key_source *src, unsigned i, const char *prefix,
		      struct root_answer *answer, struct secret **ret_dep_key, struct report *rep)
{
	char what[80];

	(void)snprintf(what, sizeof(what), "%skey %u recorded copy", prefix, i + 1);
	root_ask(a->ps->keyring, src, i, answer, ret_dep_key);
	if (answer->outcome == KMS_OK)
		report_line(rep, what, "ok");
	else
		report_line(rep, what, "%s, %s", kms_outcome_name(answer->outcome), answer->text);
}

/* Not an outage, which may pass. */
static bool is_lost(const struct root_answer *answer)
{
	return answer->outcome != KMS_OK && answer->outcome != KMS_TRANSIENT;
}

/* Neither opened: the errno of a denial goes before that of an outage, which may pass. */
static int none_opened(struct act *a, const struct root_answer answers[static 2])
{
	const struct root_answer *worse = &answers[0];
	char text[ROOTS_TEXT_MAX];

	if (worse->outcome == KMS_TRANSIENT)
		worse = &answers[1];
	roots_text(answers, text, sizeof(text));
	return err_set(a->err, worse->r, "neither root key opens its copy%s; %s",
		       is_lost(&answers[0]) && is_lost(&answers[1])
			       ? " (are both lost, give it two others: depctl policy replace-keys)"
			       : "",
		       text);
}

static int copies_open(struct act *a, const struct key_source *src, const char *prefix,
		       struct secret **ret_dep_key, struct report *rep)
{
	CLEANUP(secret_free_p) struct secret *first = NULL;
	CLEANUP(secret_free_p) struct secret *second = NULL;
	struct root_answer answers[2] = {0};

	copy_open(a, src, 0, prefix, &answers[0], &first, rep);
	copy_open(a, src, 1, prefix, &answers[1], &second, rep);
	roots_report(a->ps->keyring, src, answers);
	if (!first && !second)
		return none_opened(a, answers);
	if (first && second && !secrets_equal(first, second))
		return err_set(a->err, -EBADMSG,
			       "the two copies of generation %u open to different keys",
			       src->key.generation);
	*ret_dep_key = first ? STEAL(first) : STEAL(second);
	return 0;
}

static int key_refresh(struct act *a, struct key_record *key, struct report *rep)
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	char prefix[PREFIX_LEN];
	struct key_source src;
	struct key_id ids[2];
	int r;

	source_fill(a->policy, key, &src);
	generation_prefix(a->policy, key->generation, prefix);
	r = copies_open(a, &src, prefix, &dep_key, rep);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < 2; i++) {
		r = key_id_parse(a->policy->rec.key_ids[i], &ids[i], a->err);
		if (r < 0)
			return r;
	}
	return copies_make(a->ps, ids, prefix, dep_key, key->roots, rep, a->err);
}

/* Every generation, so that an old root version can be retired and data from before still opens. */
int policy_refresh_keys(struct act *a, struct report *rep)
{
	CLEANUP(key_set_fini) struct key_set set = {0};
	int r;

	r = key_set_copy(a->policy, &set);
	if (r < 0)
		return err_set(a->err, r, "no memory for key records");
	for (uint32_t i = 0; i < set.n_keys; i++) {
		r = key_refresh(a, set.keys[i], rep);
		if (r < 0)
			return r;
	}
	r = key_set_install(a, &set, &a->policy->rec);
	if (r < 0)
		return r;
	roots_proved(a->ps, a->policy); /* each new copy was opened just now */
	return 0;
}

static void copy_report(struct act *a, const char *prefix, unsigned no,
			const struct root_answer *answer, struct report *rep)
{
	struct err cause = {0};
	char what[80];

	(void)snprintf(what, sizeof(what), "%skey %u recorded copy", prefix, no);
	(void)err_set(&cause, answer->r, "%s", answer->text);
	report_outcome(rep, a->err, what, answer->outcome, &cause);
}

/* A root whose vault did not answer a moment ago is not asked: that would take its deadline again,
 * for each generation. */
static void copies_ask(struct act *a, const struct key_source *src, const bool down[static 2],
		       struct root_answer answers[static 2])
{
	CLEANUP(secret_free_p) struct secret *first = NULL;
	CLEANUP(secret_free_p) struct secret *second = NULL;
	struct secret **opened[2] = {&first, &second};

	if (!down[0] && !down[1])
		(void)!roots_ask(a->ps->keyring, src, ASK_BOTH, answers,
				 &first); /* the answers hold the outcomes */
	for (unsigned i = 0; (down[0] || down[1]) && i < 2; i++)
		if (!down[i])
			root_ask(a->ps->keyring, src, i, &answers[i], opened[i]);
	roots_report(a->ps->keyring, src, answers);
	for (unsigned i = 0; i < 2; i++)
		if (down[i])
			answers[i] = (struct root_answer){
				.asked = true,
				.outcome = KMS_TRANSIENT,
				.r = -EAGAIN,
				.text = "not asked, for the vault does not answer"};
}

/* Of each generation both recorded copies, by the versions that wrapped them. */
void check_copies(struct act *a, struct report *rep)
{
	const struct policy *p = a->policy;

	for (uint32_t i = 0; i < p->n_keys; i++) {
		struct root_answer answers[2] = {0};
		char prefix[PREFIX_LEN];
		struct key_source src;

		source_fill(p, p->keys[i], &src);
		generation_prefix(p, src.key.generation, prefix);
		copies_ask(a, &src, rep->down, answers);
		for (unsigned n = 0; n < 2; n++)
			copy_report(a, prefix, n + 1, &answers[n], rep);
		if (src.newest)
			keyring_note(a->ps->keyring, &src, answers);
	}
}
