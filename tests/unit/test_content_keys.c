/* tests/unit/test_content_keys.c - blocks of a file that is being renewed, under either key. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "fs/content/keys_internal.h"

static const struct block_meta full = {.used = BLOCK_CAP};

/* A file whose blocks below @renewed_to are done. */
static struct file *renewing(uint64_t renewed_to)
{
	struct file *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(dek_new(&f->dek), 0);
	assert_int_equal(dek_new(&f->old_dek), 0);
	memset(f->hdr.file_id, 1, FILE_ID_LEN);
	memset(f->old_id, 2, FILE_ID_LEN);
	f->renewed_to = renewed_to;
	return f;
}

static void drop(struct file *f)
{
	dek_free(f->dek);
	dek_free(f->old_dek);
	free(f);
}

static void seal(const struct dek *dek, const uint8_t *id, uint32_t block_no, uint8_t *out)
{
	struct worker *w = worker_self();
	uint8_t plain[BLOCK_CAP];

	assert_non_null(w);
	memset(plain, (int)block_no, sizeof(plain));
	assert_int_equal(block_ctx_load(w->crypt, dek, id), 0);
	assert_int_equal(block_seal(w->crypt, block_no, full, plain, out), 0);
	block_ctx_forget(w->crypt);
}

static int try_open(const struct file *f, uint32_t block_no, const uint8_t *in,
		    enum key_age *ret_age)
{
	struct worker *w = worker_self();
	uint8_t plain[BLOCK_LEN];
	struct block_meta meta;
	int r = keys_load(f, w);

	assert_int_equal(r, 0);
	r = keys_open(f, w, block_no, in, plain, &meta, ret_age);
	keys_forget(w);
	assert_false(w->has_old);
	if (r == 0)
		assert_true(plain[0] == (uint8_t)block_no && plain[BLOCK_CAP - 1] == plain[0]);
	return r;
}

/* Else a reader that comes between two pieces of a renewal would see damage. */
static void blocks_open_by_either_key(void **state)
{
	struct file *f = renewing(1);
	uint8_t old[BLOCK_LEN], new[BLOCK_LEN];
	enum key_age age;

	(void)state;
	seal(f->old_dek, f->old_id, 5, old);
	seal(f->dek, f->hdr.file_id, 5, new);
	assert_int_equal(try_open(f, 5, old, &age), 0);
	assert_int_equal(age, KEY_OLD);
	assert_int_equal(try_open(f, 5, new, &age), 0);
	assert_int_equal(age, KEY_NEW);
	drop(f);
}

/* That two keys are tried does not make a block open that was moved, changed, or sealed under the
 * key of the one and the file id of the other. */
static void other_blocks_open_by_neither(void **state)
{
	struct file *f = renewing(1);
	struct dek *other = NULL;
	uint8_t bytes[BLOCK_LEN];
	enum key_age age;

	(void)state;
	seal(f->old_dek, f->old_id, 5, bytes);
	assert_int_equal(try_open(f, 6, bytes, &age), -EBADMSG); /* at another place */
	bytes[100] ^= 1;
	assert_int_equal(try_open(f, 5, bytes, &age), -EBADMSG);
	seal(f->old_dek, f->hdr.file_id, 5, bytes); /* the one's key with the other's id */
	assert_int_equal(try_open(f, 5, bytes, &age), -EBADMSG);
	seal(f->dek, f->old_id, 5, bytes);
	assert_int_equal(try_open(f, 5, bytes, &age), -EBADMSG);
	assert_int_equal(dek_new(&other), 0);
	seal(other, f->old_id, 5, bytes);
	assert_int_equal(try_open(f, 5, bytes, &age), -EBADMSG);
	dek_free(other);
	drop(f);
}

/* What is renewed already does not go back, not even before all is. */
static void old_blocks_are_refused_where_the_renewal_was(void **state)
{
	struct file *f = renewing(6);
	uint8_t bytes[BLOCK_LEN];
	enum key_age age;

	(void)state;
	seal(f->old_dek, f->old_id, 5, bytes);
	assert_int_equal(try_open(f, 5, bytes, &age), -EBADMSG);
	seal(f->old_dek, f->old_id, 6, bytes);
	assert_int_equal(try_open(f, 6, bytes, &age), 0);
	dek_free(f->old_dek);
	f->old_dek = NULL; /* the end of it */
	assert_int_equal(try_open(f, 6, bytes, &age), -EBADMSG);
	drop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_open_by_either_key),
		cmocka_unit_test(other_blocks_open_by_neither),
		cmocka_unit_test(old_blocks_are_refused_where_the_renewal_was),
	};

	if (CRYPTO_secure_malloc_init(1 << 20, 32) == 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
