/* fs/store/intent.c - records of renames across scopes that have begun. */
#include "fs/store/intent.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/cleanup.h"

#define PREFIX	   "rename/"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define NAME_LEN   (PREFIX_LEN + 2 * FILE_ID_LEN)
#define VALUE_LEN  (2 * SCOPE_ID_LEN)

static void intent_name(const uint8_t file_id[static FILE_ID_LEN], char out[static NAME_LEN + 1])
{
	memcpy(out, PREFIX, PREFIX_LEN);
	hex_encode(file_id, FILE_ID_LEN, out + PREFIX_LEN);
}

int intent_add(struct store *s, const uint8_t file_id[static FILE_ID_LEN],
	       const uint8_t from[static SCOPE_ID_LEN], const uint8_t to[static SCOPE_ID_LEN],
	       struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	uint8_t value[VALUE_LEN];
	char name[NAME_LEN + 1];
	int r;

	intent_name(file_id, name);
	memcpy(value, from, SCOPE_ID_LEN);
	memcpy(value + SCOPE_ID_LEN, to, SCOPE_ID_LEN);
	r = store_begin(s, STORE_WRITE, &t, err);
	if (r < 0)
		return r;
	r = store_put(t, TABLE_META, name, NAME_LEN, value, VALUE_LEN, err);
	if (r < 0)
		return r;
	return store_commit(STEAL(t), STORE_COMMIT, err);
}

bool intent_allows(struct store *s, const uint8_t file_id[static FILE_ID_LEN],
		   const uint8_t a[static SCOPE_ID_LEN], const uint8_t b[static SCOPE_ID_LEN])
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	char name[NAME_LEN + 1];
	const uint8_t *value;
	size_t len;

	intent_name(file_id, name);
	if (store_begin(s, STORE_READ, &t, NULL) < 0 ||
	    store_get(t, TABLE_META, name, NAME_LEN, &value, &len, NULL) < 0 || len != VALUE_LEN)
		return false;
	return (memcmp(value, a, SCOPE_ID_LEN) == 0 &&
		memcmp(value + SCOPE_ID_LEN, b, SCOPE_ID_LEN) == 0) ||
	       (memcmp(value, b, SCOPE_ID_LEN) == 0 &&
		memcmp(value + SCOPE_ID_LEN, a, SCOPE_ID_LEN) == 0);
}

/* -ENOENT: there is none. */
static int intent_get(struct store *s, const uint8_t file_id[static FILE_ID_LEN],
		      uint8_t ret_value[static VALUE_LEN], struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	char name[NAME_LEN + 1];
	const uint8_t *value;
	size_t len;
	int r = store_begin(s, STORE_READ, &t, err);

	intent_name(file_id, name);
	if (r == 0)
		r = store_get(t, TABLE_META, name, NAME_LEN, &value, &len, err);
	if (r < 0)
		return r;
	if (len != VALUE_LEN)
		return err_set(err, -EBADMSG, "state: the record of a rename is damaged");
	memcpy(ret_value, value, VALUE_LEN);
	return 0;
}

int intent_follow(struct store *s, const uint8_t old_id[static FILE_ID_LEN],
		  const uint8_t new_id[static FILE_ID_LEN], struct err *err)
{
	uint8_t value[VALUE_LEN];
	int r = intent_get(s, old_id, value, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return intent_add(s, new_id, value, value + SCOPE_ID_LEN, err);
}

struct first {
	char name[NAME_LEN];
	bool found;
};

static int take_first(void *arg, const void *key, size_t key_len, const uint8_t *value,
		      size_t value_len)
{
	struct first *f = arg;

	(void)value;
	(void)value_len;
	f->found = key_len == NAME_LEN && memcmp(key, PREFIX, PREFIX_LEN) == 0;
	if (f->found)
		memcpy(f->name, key, NAME_LEN);
	return 1;
}

int intent_clear(struct store *s, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	struct first f = {.found = true};
	int r, removed = 0;

	r = store_begin(s, STORE_WRITE, &t, err);
	while (r >= 0) {
		f.found = false;
		r = store_each(t, TABLE_META, PREFIX, PREFIX_LEN, take_first, &f, err);
		if (r < 0 || !f.found)
			break;
		r = store_del(t, TABLE_META, f.name, NAME_LEN, err);
		removed++;
	}
	if (r < 0)
		return r;
	return removed ? store_commit(STEAL(t), STORE_COMMIT, err) : 0;
}
