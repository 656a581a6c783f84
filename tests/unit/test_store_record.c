/* tests/unit/test_store_record.c - fs/store: records of the state as bytes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fs/store/record.h"
#include "kms/kms.h"

/* What a vault answers fits into a key record; fs/store/ does not know of vaults. */
_Static_assert(RECORD_KEY_ID_MAX == KEY_ID_MAX && RECORD_ROOT_WRAP_MAX == KMS_WRAP_MAX,
	       "the limits of record.h are those of kms.h");

/* Composed by a few lines of Python from record.h's tables, not by the code under test. */
#define POLICY_HEX                                                         \
	"444550500100010002000000101112131415161718191a1b1c1d1e1f03000000" \
	"0807060504030201404142434445464748494a4b4c4d4e4f5051525354555657" \
	"58595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f0a0045555220506f" \
	"6c6963790a0066c3bc72204bc3b66c6e11006c6f63616c3a2f2f612f6b657973" \
	"2f6b3111006c6f63616c3a2f2f622f6b6579732f6b32"
#define DRAFT_HEX                                                          \
	"444550500100020001000000101112131415161718191a1b1c1d1e1f00000000" \
	"0700000000000000000000000000000000000000000000000000000000000000" \
	"0000000000000000000000000000000000000000000000000100640000000000" \
	"00"
#define KEY_HEX                                                            \
	"4445504b01000000101112131415161718191a1b1c1d1e1f0300000088776655" \
	"44332211404142434445464748494a4b4c4d4e4f505152535455565758595a5b" \
	"5c5d5e5f606162636465666768696a6b6c6d6e6f13006c6f63616c3a2f2f612f" \
	"6b6579732f6b312f76030001020313006c6f63616c3a2f2f622f6b6579732f6b" \
	"322f770400ff00fefd"
#define ASSIGNMENT_HEX "4445504101000000101112131415161718191a1b1c1d1e1f0d0c0b0a00000000"

/* The bytes of a record, each field named where a test needs it. */
#define VERSION_OFF	 4
#define FLAGS_OFF	 6
#define P_KIND_OFF	 8
#define P_ZERO_OFF	 9
#define P_ID_OFF	 12
#define P_GEN_OFF	 28
#define P_AVAIL_OFF	 40
#define P_NAME_OFF	 88
#define K_ID_OFF	 8
#define K_GEN_OFF	 24
#define K_KEY_ID_LEN_OFF 84
#define A_ID_OFF	 8

struct bytes {
	uint8_t at[RECORD_MAX + 1];
	size_t len;
};

union record {
	struct policy_record policy;
	struct key_record key;
	struct assignment_record assignment;
};

/* One kind of record, so that each claim is tried on all of them. */
struct codec {
	const char *name, *hex;
	int (*decode)(const uint8_t *in, size_t in_len, union record *ret_rec);
	int (*encode)(const union record *rec, uint8_t out[static RECORD_MAX], size_t *ret_len);
};

static int policy_dec(const uint8_t *in, size_t in_len, union record *ret_rec)
{
	return policy_record_decode(in, in_len, &ret_rec->policy);
}

static int policy_enc(const union record *rec, uint8_t out[static RECORD_MAX], size_t *ret_len)
{
	return policy_record_encode(&rec->policy, out, ret_len);
}

static int key_dec(const uint8_t *in, size_t in_len, union record *ret_rec)
{
	return key_record_decode(in, in_len, &ret_rec->key);
}

static int key_enc(const union record *rec, uint8_t out[static RECORD_MAX], size_t *ret_len)
{
	return key_record_encode(&rec->key, out, ret_len);
}

static int assignment_dec(const uint8_t *in, size_t in_len, union record *ret_rec)
{
	return assignment_record_decode(in, in_len, &ret_rec->assignment);
}

static int assignment_enc(const union record *rec, uint8_t out[static RECORD_MAX], size_t *ret_len)
{
	return assignment_record_encode(&rec->assignment, out, ret_len);
}

static const struct codec codecs[] = {
	{"policy", POLICY_HEX, policy_dec, policy_enc},
	{"draft", DRAFT_HEX, policy_dec, policy_enc},
	{"key", KEY_HEX, key_dec, key_enc},
	{"assignment", ASSIGNMENT_HEX, assignment_dec, assignment_enc},
};
#define N_CODECS (sizeof(codecs) / sizeof(codecs[0]))

static struct bytes golden(const struct codec *c)
{
	struct bytes b = {.len = strlen(c->hex) / 2};

	assert_int_equal(hex_decode(c->hex, b.at, b.len), 0);
	return b;
}

static int decode(const struct codec *c, const struct bytes *b)
{
	static union record rec;

	return c->decode(b->at, b->len, &rec);
}

/* Other programs read records by depfs-format(5): the bytes are those of its tables. */
static void record_encode_gives_golden_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CODECS; i++) {
		struct bytes want = golden(&codecs[i]), got;
		static union record rec;

		assert_int_equal(codecs[i].decode(want.at, want.len, &rec), 0);
		assert_int_equal(codecs[i].encode(&rec, got.at, &got.len), 0);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.at, want.at, want.len);
	}
}

/* Each field must come out where the tables say it lies. */
static void policy_record_decode_yields_every_field(void **state)
{
	struct bytes b = golden(&codecs[0]);
	struct policy_record rec;

	(void)state;
	assert_int_equal(policy_record_decode(b.at, b.len, &rec), 0);
	assert_int_equal(rec.flags, POLICY_FLAG_ENABLED);
	assert_int_equal(rec.kind, POLICY_MAILBOX);
	assert_int_equal(rec.id[0], 0x10);
	assert_int_equal(rec.id[15], 0x1f);
	assert_int_equal(rec.generation, 3);
	assert_true(rec.created == UINT64_C(0x0102030405060708));
	assert_int_equal(rec.wrapped_avail[0], 0x40);
	assert_int_equal(rec.wrapped_avail[47], 0x6f);
	assert_string_equal(rec.name, "EUR Policy");
	assert_string_equal(rec.description, "f\xc3\xbcr K\xc3\xb6ln");
	assert_string_equal(rec.key_ids[0], "local://a/keys/k1");
	assert_string_equal(rec.key_ids[1], "local://b/keys/k2");
}

static void key_record_decode_yields_every_field(void **state)
{
	struct bytes b = golden(&codecs[2]);
	struct key_record rec;

	(void)state;
	assert_int_equal(key_record_decode(b.at, b.len, &rec), 0);
	assert_int_equal(rec.policy_id[0], 0x10);
	assert_int_equal(rec.generation, 3);
	assert_true(rec.created == UINT64_C(0x1122334455667788));
	assert_int_equal(rec.avail_copy[0], 0x40);
	assert_string_equal(rec.roots[0].key_id, "local://a/keys/k1/v");
	assert_int_equal(rec.roots[0].wrapped_len, 3);
	assert_memory_equal(rec.roots[0].wrapped, "\x01\x02\x03", 3);
	assert_string_equal(rec.roots[1].key_id, "local://b/keys/k2/w");
	assert_int_equal(rec.roots[1].wrapped_len, 4);
	assert_memory_equal(rec.roots[1].wrapped, "\xff\x00\xfe\xfd", 4);
}

static void assignment_record_decode_yields_every_field(void **state)
{
	struct bytes b = golden(&codecs[3]);
	struct assignment_record rec;

	(void)state;
	assert_int_equal(assignment_record_decode(b.at, b.len, &rec), 0);
	assert_int_equal(rec.policy_id[15], 0x1f);
	assert_true(rec.since == 0x0a0b0c0d);
}

/* No two byte strings may mean the same record: whatever a flip yields is refused or encodes to
 * itself, so that nothing hides in bytes that the decoder overlooks. */
static void record_decode_overlooks_no_flipped_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CODECS; i++) {
		struct bytes b = golden(&codecs[i]), again;
		static union record rec;

		for (size_t at = 0; at < b.len; at++)
			for (unsigned flip = 1; flip < 256; flip++) {
				b.at[at] ^= (uint8_t)flip;
				if (codecs[i].decode(b.at, b.len, &rec) == 0) {
					assert_int_equal(
						codecs[i].encode(&rec, again.at, &again.len), 0);
					assert_int_equal(again.len, b.len);
					assert_memory_equal(again.at, b.at, b.len);
				}
				b.at[at] ^= (uint8_t)flip;
			}
	}
}

/* A torn record must never pass for a shorter one, nor one with something behind it. */
static void record_decode_refuses_every_other_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CODECS; i++) {
		struct bytes whole = golden(&codecs[i]), b = whole;

		for (b.len = 0; b.len < whole.len; b.len++)
			assert_int_equal(decode(&codecs[i], &b), -EBADMSG);
		b.len = whole.len + 1;
		assert_int_equal(decode(&codecs[i], &b), -EBADMSG);
	}
}

/* A record of another kind in this one's place is damage. */
static void record_decode_refuses_other_magic(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CODECS; i++)
		for (size_t at = 0; at < 4; at++) {
			struct bytes b = golden(&codecs[i]);

			b.at[at] ^= 0x20;
			assert_int_equal(decode(&codecs[i], &b), -EBADMSG);
		}
}

/* A record of a later depfs is reported as that, not as damage. */
static void record_decode_reports_unknown_version_and_flags(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CODECS; i++) {
		struct bytes b = golden(&codecs[i]);

		b.at[VERSION_OFF] = 2;
		assert_int_equal(decode(&codecs[i], &b), -ENOTSUP);
		b = golden(&codecs[i]);
		b.at[FLAGS_OFF] |= 0x80;
		assert_int_equal(decode(&codecs[i], &b), -ENOTSUP);
	}
}

/* One byte of a golden record replaced by what its table forbids. */
static void record_decode_refuses_broken_rules(void **state)
{
	static const struct {
		size_t codec, off;
		uint8_t value;
	} rows[] = {
		{0, P_KIND_OFF, 0},
		{0, P_KIND_OFF, 3},
		{0, P_ZERO_OFF, 1},
		{0, P_ZERO_OFF + 2, 1},
		{0, P_GEN_OFF, 0}, /* ready, without a generation */
		{0, P_NAME_OFF, 65},
		{0, P_NAME_OFF + 2, 0},
		{1, P_GEN_OFF, 1},   /* a draft with a generation */
		{1, P_AVAIL_OFF, 1}, /* or with an availability key */
		{1, FLAGS_OFF, POLICY_FLAG_DRAFT | POLICY_FLAG_ENABLED},
		{1, FLAGS_OFF, 0},
		{1, P_NAME_OFF, 0},
		{2, K_GEN_OFF, 0},
		{2, K_KEY_ID_LEN_OFF, 0},
		{2, K_KEY_ID_LEN_OFF + 1, 2}, /* longer than RECORD_KEY_ID_MAX */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = golden(&codecs[rows[i].codec]);

		b.at[rows[i].off] = rows[i].value;
		if (decode(&codecs[rows[i].codec], &b) != -EBADMSG)
			fail_msg("row %zu was taken", i);
	}
}

/* An id of zeros names the service key: no policy may carry it. */
static void record_decode_refuses_id_of_zeros(void **state)
{
	static const size_t offs[N_CODECS] = {P_ID_OFF, P_ID_OFF, K_ID_OFF, A_ID_OFF};

	(void)state;
	for (size_t i = 0; i < N_CODECS; i++) {
		struct bytes b = golden(&codecs[i]);

		memset(b.at + offs[i], 0, UUID_LEN);
		assert_int_equal(decode(&codecs[i], &b), -EBADMSG);
	}
}

/* The codec must hold what the tables promise at most, for both kinds of long record. */
static void record_encode_takes_the_longest_fields(void **state)
{
	struct policy_record p = {.kind = POLICY_MULTI_WORKLOAD, .id = {1}, .generation = 1}, p2;
	struct key_record k = {.policy_id = {1}, .generation = 1}, k2;
	uint8_t out[RECORD_MAX];
	size_t len;

	(void)state;
	memset(p.name, 'n', POLICY_NAME_MAX);
	memset(p.description, 'd', POLICY_DESCRIPTION_MAX);
	for (size_t i = 0; i < 2; i++) {
		memset(p.key_ids[i], 'k', RECORD_KEY_ID_MAX - 1);
		memset(k.roots[i].key_id, 'k', RECORD_KEY_ID_MAX - 1);
		memset(k.roots[i].wrapped, 0xee, RECORD_ROOT_WRAP_MAX);
		k.roots[i].wrapped_len = RECORD_ROOT_WRAP_MAX;
	}
	assert_int_equal(policy_record_encode(&p, out, &len), 0);
	assert_int_equal(policy_record_decode(out, len, &p2), 0);
	assert_string_equal(p2.description, p.description);
	assert_int_equal(key_record_encode(&k, out, &len), 0);
	assert_int_equal(key_record_decode(out, len, &k2), 0);
	assert_memory_equal(k2.roots[1].wrapped, k.roots[1].wrapped, RECORD_ROOT_WRAP_MAX);
}

/* What could not be read back is not written. */
static void record_encode_refuses_broken_rules(void **state)
{
	struct policy_record ok = {.kind = POLICY_MAILBOX,
				   .id = {1},
				   .generation = 1,
				   .name = "n",
				   .key_ids = {"a", "b"}},
			     p;
	struct key_record k = {.policy_id = {1},
			       .generation = 1,
			       .roots = {{.key_id = "a", .wrapped_len = 1}, {.key_id = "b"}}};
	struct assignment_record a = {.since = 1};
	uint8_t out[RECORD_MAX];
	size_t len;

	(void)state;
	assert_int_equal(policy_record_encode(&ok, out, &len), 0);
	p = ok;
	p.flags = 0x10;
	assert_int_equal(policy_record_encode(&p, out, &len), -EINVAL);
	p = ok;
	p.kind = 9;
	assert_int_equal(policy_record_encode(&p, out, &len), -EINVAL);
	p = ok;
	p.key_ids[1][0] = '\0';
	assert_int_equal(policy_record_encode(&p, out, &len), -EINVAL);
	p = ok;
	memset(p.name, 'n', sizeof(p.name)); /* not terminated */
	assert_int_equal(policy_record_encode(&p, out, &len), -EINVAL);
	assert_int_equal(key_record_encode(&k, out, &len), -EINVAL); /* one copy is missing */
	assert_int_equal(assignment_record_encode(&a, out, &len), -EINVAL);
}

/* Generations are listed oldest first only while their key sorts that way. */
static void key_table_key_sorts_by_generation(void **state)
{
	uint8_t id[UUID_LEN] = {7}, low[KEY_TABLE_KEY_LEN], high[KEY_TABLE_KEY_LEN];

	(void)state;
	key_table_key(id, 0x01020304, low);
	assert_memory_equal(low, id, UUID_LEN);
	assert_memory_equal(low + UUID_LEN, "\x01\x02\x03\x04", 4);
	key_table_key(id, 255, low);
	key_table_key(id, 256, high);
	assert_true(memcmp(low, high, sizeof(low)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_encode_gives_golden_bytes),
		cmocka_unit_test(policy_record_decode_yields_every_field),
		cmocka_unit_test(key_record_decode_yields_every_field),
		cmocka_unit_test(assignment_record_decode_yields_every_field),
		cmocka_unit_test(record_decode_overlooks_no_flipped_byte),
		cmocka_unit_test(record_decode_refuses_every_other_length),
		cmocka_unit_test(record_decode_refuses_other_magic),
		cmocka_unit_test(record_decode_reports_unknown_version_and_flags),
		cmocka_unit_test(record_decode_refuses_broken_rules),
		cmocka_unit_test(record_decode_refuses_id_of_zeros),
		cmocka_unit_test(record_encode_takes_the_longest_fields),
		cmocka_unit_test(record_encode_refuses_broken_rules),
		cmocka_unit_test(key_table_key_sorts_by_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
