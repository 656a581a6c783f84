/* tests/unit/crypto_test.h - what the tests of crypto/ share: fixed keys and ids, published
 * vectors. */
#ifndef DEPFS_TEST_CRYPTO_TEST_H
#define DEPFS_TEST_CRYPTO_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "crypto/dek_internal.h"
#include "crypto/header.h"
#include "crypto/kdf.h"
#include "crypto/wrap_internal.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

/* ascending() - len bytes that count up from @from: ids and keys one can tell apart */
static inline void ascending(uint8_t from, void *ret_out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)ret_out)[i] = (uint8_t)(from + i);
}

/* key_of() - the wrapping key derived from 32 ascending bytes */
static inline struct wrap_key *key_of(uint8_t from, const char *info)
{
	struct wrap_key *k = NULL;
	uint8_t bytes[WRAP_KEY_LEN];

	ascending(from, bytes, sizeof(bytes));
	assert_int_equal(wrap_key_new(bytes, info, &k), 0);
	return k;
}

/* The golden file's header: every field set, no two alike. Its wrapped DEK is still zero. */
static inline struct header fixed_header(void)
{
	struct header hdr = {
		.ref.generation = 0x01020304,
		.flags = HEADER_FLAG_LOOSE_HOLES,
		.holes = {{1, 2}, {0x0a0b0c0d, 7}, {0xffffffff, 1}},
		.version_no = 0x1122334455667788,
		.budget = BUDGET_STEP,
	};

	ascending(0x10, hdr.store_id, UUID_LEN);
	ascending(0x20, hdr.file_id, FILE_ID_LEN);
	ascending(0x30, hdr.scope_id, SCOPE_ID_LEN);
	ascending(0x60, hdr.ref.policy_id, UUID_LEN);
	return hdr;
}

/* fixed_dek() - the DEK of 32 bytes ascending from 0xa0, taken from a wrap like any other */
static inline struct dek *fixed_dek(const struct wrap_key *kek, struct header *hdr)
{
	uint8_t bytes[DEK_LEN], aad[HEADER_AAD_LEN];
	struct dek *dek = NULL;

	ascending(0xa0, bytes, sizeof(bytes));
	header_aad(hdr, aad);
	assert_int_equal(wrap_seal(kek, aad, sizeof(aad), bytes, hdr->wrapped_dek), 0);
	assert_int_equal(dek_unwrap(kek, hdr, &dek), 0);
	return dek;
}

/*
 * A file of tests/unit/vectors: "name = hex" lines, entries set apart by empty lines, # comments.
 * The comment above an entry names it; it is printed when the entry fails.
 */
#define VEC_VALUE_MAX 4096
#define VEC_LINES_MAX 8

struct vec {
	FILE *file;
	unsigned n_seen;
	size_t n_lines;
	char note[128];
	char lines[VEC_LINES_MAX][VEC_VALUE_MAX];
};

static inline void vec_open(struct vec *v, const char *name)
{
	char path[4096];

	memset(v, 0, sizeof(*v));
	(void)snprintf(path, sizeof(path), "%s/vectors/%s", UNIT_DIR, name);
	v->file = fopen(path, "r");
	if (!v->file)
		fail_msg("%s cannot be read", path);
}

/* vec_next() - read the next entry; at the end close the file and check that there were @n_want */
static inline bool vec_next(struct vec *v, unsigned n_want)
{
	char line[VEC_VALUE_MAX];

	v->n_lines = 0;
	while (fgets(line, sizeof(line), v->file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			(void)snprintf(v->note, sizeof(v->note), "%.120s", line);
		else if (line[0] != '\0' && v->n_lines < VEC_LINES_MAX)
			memcpy(v->lines[v->n_lines++], line, sizeof(line));
		else if (v->n_lines > 0)
			break;
	}
	if (v->n_lines > 0) {
		v->n_seen++;
		return true;
	}
	(void)fclose(v->file);
	assert_int_equal(v->n_seen, n_want);
	return false;
}

static inline const char *vec_text(const struct vec *v, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < v->n_lines; i++)
		if (strncmp(v->lines[i], name, len) == 0 &&
		    strncmp(v->lines[i] + len, " =", 2) == 0)
			return v->lines[i] + len + 2 + (v->lines[i][len + 2] == ' ');
	fail_msg("%s: no %s", v->note, name);
	return NULL;
}

/* vec_bytes() - a value's bytes; its length is handed back */
static inline size_t vec_bytes(const struct vec *v, const char *name, uint8_t *out, size_t out_len)
{
	const char *text = vec_text(v, name);
	size_t len = strlen(text) / 2;

	assert_true(len <= out_len);
	assert_int_equal(hex_decode(text, out, len), 0);
	return len;
}

/* vec_equal() - memcmp, which names the entry */
static inline void vec_equal(const struct vec *v, const void *got, const void *want, size_t len)
{
	if (len > 0 && memcmp(got, want, len) != 0)
		fail_msg("%s: wrong bytes", v->note);
}

#endif
