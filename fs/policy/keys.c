/* fs/policy/keys.c - the three wrapped copies of a DEP key: made, and each opened again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/act_internal.h"
#include "fs/store/service_key.h"

/* Blanks around an id come from terminals and from `echo`. */
int root_id_parse(const char *text, struct key_id *ret_id, struct err *err)
{
	char trimmed[KEY_ID_MAX];
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len >= sizeof(trimmed))
		return err_set(err, -EINVAL, "longer than %d characters", KEY_ID_MAX - 1);
	memcpy(trimmed, text, len);
	trimmed[len] = '\0';
	return key_id_parse(trimmed, ret_id, err);
}

int root_ids_parse(const char *const ids[static 2], struct key_id ret_ids[static 2],
		   struct err *err)
{
	for (unsigned i = 0; i < 2; i++) {
		int r = root_id_parse(ids[i], &ret_ids[i], err);

		if (r < 0)
			return err_prefix(err, r, "key %u \"%.200s\"", i + 1, ids[i]);
	}
	return 0;
}

/* The copy is good only when the vault gives back what went in. */
static int copy_prove(struct kms *kms, const struct root_copy *copy, const char *label,
		      struct secret *dep_key, struct report *rep, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *again = NULL;
	struct err cause = {0};
	enum kms_outcome o;
	char what[80], request_id[KMS_REQUEST_ID_LEN] = "";

	(void)snprintf(what, sizeof(what), "%s%sunwrap", label, *label ? " " : "");
	o = kms_unwrap(kms, copy->key_id, copy->wrapped, copy->wrapped_len, &again, request_id,
		       &cause);
	if (o == KMS_OK && !secrets_equal(again, dep_key)) {
		o = KMS_DAMAGED;
		(void)err_set(&cause, -EBADMSG, "key %s: what was wrapped opens to something else",
			      copy->key_id);
	}
	vault_call_report(rep->audit, "key-unwrap", copy->key_id, o, request_id, &cause);
	report_outcome(rep, err, what, o, &cause);
	return kms_errno(o, &cause);
}

int copy_make(struct kms *kms, const struct key_id *id, const char *label, struct secret *dep_key,
	      struct root_copy *ret_copy, struct report *rep, struct err *err)
{
	struct root_copy copy = {0};
	struct key_id newest = *id;
	char text[KEY_ID_MAX], what[80], request_id[KMS_REQUEST_ID_LEN] = "";
	struct err cause = {0};
	enum kms_outcome o;
	size_t len = 0;
	int r;

	newest.version[0] = '\0';
	key_id_format(&newest, text);
	(void)snprintf(what, sizeof(what), "%s%swrap", label, *label ? " " : "");
	o = kms_wrap(kms, text, dep_key, copy.wrapped, &len, copy.key_id, request_id, &cause);
	vault_call_report(rep->audit, "key-wrap", o == KMS_OK ? copy.key_id : text, o, request_id,
			  &cause);
	report_outcome(rep, err, what, o, &cause);
	if (o != KMS_OK)
		return kms_errno(o, &cause);
	copy.wrapped_len = (uint16_t)len;
	r = copy_prove(kms, &copy, label, dep_key, rep, err);
	if (r < 0)
		return r;
	*ret_copy = copy;
	return 0;
}

int copies_make(struct policies *ps, const struct key_id ids[static 2], const char *prefix,
		struct secret *dep_key, struct root_copy ret_copies[static 2], struct report *rep,
		struct err *err)
{
	for (unsigned i = 0; i < 2; i++) {
		char label[64];
		int r;

		(void)snprintf(label, sizeof(label), "%skey %u copy", prefix, i + 1);
		rep->audit = ps->audit;
		r = copy_make(ps->kms, &ids[i], label, dep_key, &ret_copies[i], rep, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int avail_make(struct policies *ps, struct policy_record *rec, struct secret *avail)
{
	uint8_t aad[WRAP_AAD_MAX];
	size_t aad_len = wrap_record_aad(rec->id, 0, WRAP_PURPOSE_AVAIL_KEY, aad);

	return wrap_seal(service_key_avail_wrap(store_service_key(ps->store)), aad, aad_len,
			 secret_bytes(avail), rec->wrapped_avail);
}

static int avail_copy_make(struct key_record *key, struct secret *avail, struct secret *dep_key)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	uint8_t aad[WRAP_AAD_MAX];
	size_t aad_len;
	int r;

	r = wrap_key_new(secret_bytes(avail), KDF_AVAIL_DEP_WRAP, &kek);
	if (r < 0)
		return r;
	aad_len = wrap_record_aad(key->policy_id, key->generation, WRAP_PURPOSE_DEP_KEY, aad);
	return wrap_seal(kek, aad, aad_len, secret_bytes(dep_key), key->avail_copy);
}

/* The availability copy, opened again by the way that an outage would take. */
static int avail_copy_prove(struct policies *ps, const struct policy_record *rec,
			    const struct key_record *key, struct secret *dep_key)
{
	CLEANUP(secret_free_p) struct secret *again = NULL;
	struct key_source src = {.key = *key};
	int r;

	memcpy(src.wrapped_avail, rec->wrapped_avail, WRAP_LEN);
	r = secret_new(WRAP_KEY_LEN, &again);
	if (r < 0)
		return r;
	r = avail_unwrap(ps->keyring, &src, again);
	if (r < 0)
		return r;
	return secrets_equal(again, dep_key) ? 0 : -EBADMSG;
}

static int avail_all(struct policies *ps, struct policy_record *rec, struct key_record *key,
		     struct secret *dep_key)
{
	CLEANUP(secret_free_p) struct secret *avail = NULL;
	int r;

	r = secret_new_random(WRAP_KEY_LEN, &avail);
	if (r < 0)
		return r;
	r = avail_make(ps, rec, avail);
	if (r < 0)
		return r;
	r = avail_copy_make(key, avail, dep_key);
	if (r < 0)
		return r;
	return avail_copy_prove(ps, rec, key, dep_key);
}

int policy_make_keys(struct policies *ps, struct policy_record *rec,
		     const struct key_id ids[static 2], struct key_record **ret_key,
		     struct report *rep, struct err *err)
{
	CLEANUP(free_mem_p) struct key_record *key = calloc(1, sizeof(*key));
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	int r;

	if (!key)
		return err_set(err, -ENOMEM, "no memory for a key record");
	r = secret_new_random(WRAP_KEY_LEN, &dep_key);
	if (r < 0)
		return err_set(err, r, "no space in the secure heap for a DEP key");
	memcpy(key->policy_id, rec->id, UUID_LEN);
	key->generation = 1;
	key->created = (uint64_t)time(NULL);
	r = copies_make(ps, ids, "", dep_key, key->roots, rep, err);
	if (r < 0)
		return r;
	r = avail_all(ps, rec, key, dep_key);
	if (r < 0) {
		report_refuse(rep, err, r, "availability copy", "availability key",
			      "its copy cannot be made or does not open");
		return r;
	}
	report_line(rep, "availability copy", "ok");
	rec->generation = 1;
	for (unsigned i = 0; i < 2; i++)
		key_id_format(&ids[i], rec->key_ids[i]);
	*ret_key = STEAL(key);
	return 0;
}

static int avail_key_open(struct policies *ps, const struct policy_record *rec,
			  struct secret **ret_avail)
{
	CLEANUP(secret_free_p) struct secret *avail = NULL;
	uint8_t aad[WRAP_AAD_MAX];
	size_t aad_len = wrap_record_aad(rec->id, 0, WRAP_PURPOSE_AVAIL_KEY, aad);
	int r = secret_new(WRAP_KEY_LEN, &avail);

	if (r == 0)
		r = wrap_open(service_key_avail_wrap(store_service_key(ps->store)), aad, aad_len,
			      rec->wrapped_avail, secret_bytes(avail));
	if (r == 0)
		*ret_avail = STEAL(avail);
	return r;
}

static int avail_copy_next(struct policies *ps, const struct policy_record *rec,
			   struct key_record *key, struct secret *dep_key)
{
	CLEANUP(secret_free_p) struct secret *avail = NULL;
	int r = avail_key_open(ps, rec, &avail);

	if (r == 0)
		r = avail_copy_make(key, avail, dep_key);
	return r < 0 ? r : avail_copy_prove(ps, rec, key, dep_key);
}

int policy_next_key(struct act *a, struct key_record **ret_key, struct report *rep)
{
	const struct policy_record *rec = &a->policy->rec;
	const char *const ids[2] = {rec->key_ids[0], rec->key_ids[1]};
	CLEANUP(free_mem_p) struct key_record *key = calloc(1, sizeof(*key));
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	struct key_id parsed[2];
	int r;

	if (!key)
		return err_set(a->err, -ENOMEM, "no memory for a key record");
	r = secret_new_random(WRAP_KEY_LEN, &dep_key);
	if (r < 0)
		return err_set(a->err, r, "no space in the secure heap for a DEP key");
	memcpy(key->policy_id, rec->id, UUID_LEN);
	key->generation = rec->generation + 1;
	key->created = (uint64_t)time(NULL);
	r = root_ids_parse(ids, parsed, a->err);
	if (r == 0)
		r = copies_make(a->ps, parsed, "", dep_key, key->roots, rep, a->err);
	if (r < 0)
		return r;
	r = avail_copy_next(a->ps, rec, key, dep_key);
	if (r < 0) {
		report_refuse(rep, a->err, r, "availability copy", "availability key",
			      "its copy cannot be made or does not open");
		return r;
	}
	report_line(rep, "availability copy", "ok");
	*ret_key = STEAL(key);
	return 0;
}
