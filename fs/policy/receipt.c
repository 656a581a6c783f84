/* fs/policy/receipt.c - the receipt of a purge. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/kdf.h"
#include "fs/policy/purge_internal.h"
#include "fs/store/receipt.h"
#include "fs/store/scrub.h"

#define HEAD_KEY     "purge/"
#define HEAD_KEY_LEN (sizeof(HEAD_KEY) - 1 + UUID_TEXT_LEN)
#define NAME_PREFIX  "purge-"
#define NAME_LEN     (sizeof(NAME_PREFIX) - 1 + UUID_TEXT_LEN)

struct receipt {
	struct policies *ps;
	FILE *out;
	uint64_t files;
	uint8_t policy_id[UUID_LEN];
};

static void head_key(const uint8_t id[static UUID_LEN], char out[static HEAD_KEY_LEN])
{
	memcpy(out, HEAD_KEY, sizeof(HEAD_KEY) - 1);
	uuid_encode(id, out + sizeof(HEAD_KEY) - 1);
}

static void receipt_name(const uint8_t id[static UUID_LEN], char out[static NAME_LEN])
{
	memcpy(out, NAME_PREFIX, sizeof(NAME_PREFIX) - 1);
	uuid_encode(id, out + sizeof(NAME_PREFIX) - 1);
}

static void time_print(FILE *out, const char *what)
{
	const time_t now = time(NULL);
	char text[32] = "unknown";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)fprintf(out, "%s: %s\n", what, text);
}

/* Prints one line: control characters in @text become '?'. */
static void line_print(FILE *out, const char *what, const char *text)
{
	(void)fprintf(out, "%s: ", what);
	for (; *text; text++)
		(void)fputc((unsigned char)*text < ' ' || *text == 127 ? '?' : *text, out);
	(void)fputc('\n', out);
}

int purge_head_make(struct act *a, const struct purge_request *rq,
		    const struct root_answer answers[static 2], char **ret_head)
{
	const struct policy *p = a->policy;
	const struct key_record *key = policy_key(p, p->rec.generation);
	size_t len;
	FILE *out = open_memstream(ret_head, &len);

	if (!out)
		return err_set(a->err, -ENOMEM, "no memory for a receipt");
	(void)fprintf(out, "receipt: purge\nstore: %s\n", store_path(a->ps->store));
	line_print(out, "policy", p->rec.name);
	(void)fprintf(out, "policy id: %s\nkind: %s\ngenerations: %u\nmailboxes assigned: %u\n",
		      a->policy_id, policy_kind_name(p->rec.kind), p->n_keys, p->mailboxes);
	line_print(out, "reason", rq->reason);
	line_print(out, "contact", rq->contact);
	if (a->actor)
		(void)fprintf(out, "by: uid %u, gid %u, pid %d\n", a->actor->uid, a->actor->gid,
			      (int)a->actor->pid);
	time_print(out, "purged");
	for (unsigned i = 0; i < 2; i++)
		(void)fprintf(out, "key %u: %s, %s\n", i + 1, key->roots[i].key_id,
			      kms_outcome_name(answers[i].outcome));
	return fclose(out) == 0 ? 0 : err_set(a->err, -ENOMEM, "no memory for a receipt");
}

int purge_head_put(struct store_txn *txn, const uint8_t id[static UUID_LEN], const char *head,
		   struct err *err)
{
	char key[HEAD_KEY_LEN];

	head_key(id, key);
	return store_put(txn, TABLE_META, key, strlen(key), head, strlen(head), err);
}

static int head_print(struct receipt *rc, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	char key[HEAD_KEY_LEN];
	const uint8_t *head;
	size_t len;
	int r = store_begin(rc->ps->store, STORE_READ, &txn, err);

	head_key(rc->policy_id, key);
	if (r == 0)
		r = store_get(txn, TABLE_META, key, strlen(key), &head, &len, err);
	if (r == -ENOENT)
		r = err_set(err, -EBADMSG, "state: the record %s is missing", key);
	if (r == 0)
		(void)fwrite(head, 1, len, rc->out);
	return r;
}

int receipt_begin(struct policies *ps, const struct job *j, struct receipt **ret_receipt,
		  struct err *err)
{
	struct receipt *rc = calloc(1, sizeof(*rc));
	char name[NAME_LEN];
	int r;

	if (!rc)
		return err_set(err, -ENOMEM, "no memory for a receipt");
	rc->ps = ps;
	memcpy(rc->policy_id, job_of(j)->policy_id, UUID_LEN);
	receipt_name(rc->policy_id, name);
	r = store_scrub(ps->store, err);
	if (r == 0)
		r = store_receipt_begin(ps->store, name, &rc->out, err);
	if (r == 0)
		r = head_print(rc, err);
	if (r < 0)
		receipt_give_up(rc);
	else
		*ret_receipt = rc;
	return r;
}

void receipt_file(struct receipt *rc, const char *path)
{
	line_print(rc->out, "file", path);
	rc->files++;
}

static void receipt_report(const struct receipt *rc, const char *name, const uint8_t *hash)
{
	char id[UUID_TEXT_LEN], hex[2 * SHA256_LEN + 1];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_STR("receipt", name),
		AUDIT_FIELD_STR("sha256", hex),
		AUDIT_FIELD_U64("files", rc->files),
	};

	uuid_encode(rc->policy_id, id);
	hex_encode(hash, SHA256_LEN, hex);
	audit_event(rc->ps->audit, "purge-receipt", NULL, "ok", fields, 4);
}

int receipt_end(struct receipt *rc, const struct scan_result *res, struct err *err)
{
	uint8_t hash[SHA256_LEN];
	char name[NAME_LEN];
	int r;

	receipt_name(rc->policy_id, name);
	(void)fprintf(rc->out, "files: %llu\nfiles of unreadable header: %llu\n",
		      (unsigned long long)rc->files, (unsigned long long)res->unreadable);
	time_print(rc->out, "listed");
	r = store_receipt_end(rc->ps->store, name, STEAL(rc->out), hash, err);
	if (r == 0) {
		receipt_report(rc, name, hash);
		r = audit_sync(rc->ps->audit, err);
	}
	receipt_give_up(rc);
	return r;
}

/* The file stays under its temporary name; the job, repeated, replaces it. */
void receipt_give_up(struct receipt *rc)
{
	if (!rc)
		return;
	if (rc->out)
		(void)fclose(rc->out);
	free(rc);
}

int purge_receipt(struct policies *ps, const uint8_t id[static UUID_LEN], char **ret_text)
{
	char name[NAME_LEN];

	receipt_name(id, name);
	return store_receipt_read(ps->store, name, ret_text);
}
