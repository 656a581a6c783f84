/* tests/fuzz/fuzz_record.c - any bytes: what decodes as a record encodes to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_same(int r, const uint8_t *out, size_t out_len, const uint8_t *in, size_t len)
{
	require(r == 0 && out_len == len && memcmp(out, in, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *in = malloc(size ? size : 1); /* its own, so that a read past it is seen */
	struct policy_record policy;
	struct key_record key;
	struct assignment_record assignment;
	uint8_t out[RECORD_MAX];
	size_t len = 0;
	int r;

	if (!in)
		return 0;
	memcpy(in, data, size);
	if (policy_record_decode(in, size, &policy) == 0) {
		r = policy_record_encode(&policy, out, &len);
		require_same(r, out, len, in, size);
	}
	if (key_record_decode(in, size, &key) == 0) {
		r = key_record_encode(&key, out, &len);
		require_same(r, out, len, in, size);
	}
	if (assignment_record_decode(in, size, &assignment) == 0) {
		r = assignment_record_encode(&assignment, out, &len);
		require_same(r, out, len, in, size);
	}
	free(in);
	return 0;
}
