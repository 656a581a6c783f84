/* fs/policy/proof.c - what is known of the files under a policy: the records that scans leave, and
 * whether they prove that there is none. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/policies_internal.h"

#define UNTARGETED     "untargeted/"
#define UNTARGETED_LEN (sizeof(UNTARGETED) - 1 + UUID_TEXT_LEN)

static void untargeted_key(const uint8_t id[static UUID_LEN], char out[static UNTARGETED_LEN])
{
	memcpy(out, UNTARGETED, sizeof(UNTARGETED) - 1);
	uuid_encode(id, out + sizeof(UNTARGETED) - 1);
}

int untargeted_put(struct store_txn *txn, const uint8_t id[static UUID_LEN], uint64_t since,
		   struct err *err)
{
	char key[UNTARGETED_LEN];
	uint8_t when[8];
	struct wbuf w = wbuf_to(when, sizeof(when));

	wbuf_u64(&w, since);
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

static int load_untargeted(void *arg, const void *key, size_t key_len, const uint8_t *value,
			   size_t value_len)
{
	struct policies *ps = arg;
	struct rbuf since = rbuf_from(value, value_len);
	char text[UUID_TEXT_LEN];
	uint8_t id[UUID_LEN];
	struct policy *p;

	if (key_len < sizeof(UNTARGETED) - 1 ||
	    memcmp(key, UNTARGETED, sizeof(UNTARGETED) - 1) != 0)
		return 1; /* the keys are in order: no more of them */
	if (key_len != UNTARGETED_LEN - 1)
		return 0;
	memcpy(text, (const char *)key + sizeof(UNTARGETED) - 1, UUID_TEXT_LEN - 1);
	text[UUID_TEXT_LEN - 1] = '\0';
	p = uuid_decode(text, id) == 0 ? tables_find_id_locked(&ps->tables, id) : NULL;
	if (p) {
		p->proof.never = rbuf_u64(&since) == UNTARGETED_EVER && rbuf_done(&since);
		p->proof.untargeted = true;
	}
	return 0;
}

int scan_load(struct policies *ps, struct store_txn *txn, struct err *err)
{
	const uint8_t *rec;
	size_t len;
	int r = store_get(txn, TABLE_META, SCAN_KEY, strlen(SCAN_KEY), &rec, &len, err);

	if (r == -ENOENT)
		r = 0; /* there was no scan yet */
	else if (r == 0)
		r = scan_decode(rec, len, &ps->tables.scan);
	if (r < 0)
		return err_set(err, r, "state: the record of the last scan %s",
			       r == -ENOTSUP ? "is of a later version of depfs" : "is damaged");
	r = store_each(txn, TABLE_META, UNTARGETED, sizeof(UNTARGETED) - 1, load_untargeted, ps,
		       err);
	return r < 0 ? r : 0;
}

static int refuse_files(const struct policies *ps, const struct policy *p, uint64_t files,
			struct err *err)
{
	char when[32] = "";
	const time_t ended = (time_t)ps->tables.scan.ended;
	struct tm tm;

	if (gmtime_r(&ended, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return err_set(err, -EBUSY,
		       "%llu file%s under policy \"%s\" at the last scan (%s): bring them under "
		       "another key or remove them, scan again (depctl scan), then try again",
		       (unsigned long long)files, files == 1 ? " was" : "s were", p->rec.name,
		       when);
}

int scan_proves_empty(struct policies *ps, const uint8_t id[static UUID_LEN], struct err *err)
{
	const struct scan_result *scan = &ps->tables.scan; /* the act lock is enough to read */
	const struct policy *p = tables_find_id_locked(&ps->tables, id);
	uint64_t files, bytes;

	scan_sum(scan, id, &files, &bytes);
	if (p->proof.untargeted && !files)
		return 0;
	if (p->proof.untargeted)
		return refuse_files(ps, p, files, err);
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
