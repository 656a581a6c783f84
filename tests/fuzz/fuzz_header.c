/*
 * tests/fuzz/fuzz_header.c - any 256 bytes into header_decode(); what it takes must encode to the
 * same bytes again, so that no two byte strings mean one header.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/dek.h"
#include "crypto/header.h"
#include "crypto/kdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t in_len);

static void must(int ok)
{
	if (!ok)
		abort();
}

/* The same for every input; made at the first. */
static struct wrap_key *fixed_kek(void)
{
	static const uint8_t bytes[WRAP_KEY_LEN] = "a key that no fuzzer will find..";
	static struct wrap_key *kek;

	if (!kek)
		must(wrap_key_new(bytes, KDF_DEP_DEK_WRAP, &kek) == 0);
	return kek;
}

static struct dek *fixed_dek(void)
{
	static struct dek *dek;

	if (!dek)
		must(dek_new(&dek) == 0);
	return dek;
}

/* What decodes, encodes: with our MAC the header must then verify and open. */
static void check_round_trip(const uint8_t in[static HEADER_LEN], struct header *hdr)
{
	uint8_t out[HEADER_LEN];
	struct header again;
	struct dek *dek = NULL;

	must(header_encode(hdr, fixed_dek(), out) == 0);
	must(memcmp(in, out, HEADER_LEN - HEADER_MAC_LEN) == 0);
	must(header_verify(out, fixed_dek()) == 0);
	must(header_verify(in, fixed_dek()) == -EBADMSG);

	must(dek_unwrap(fixed_kek(), hdr, &dek) == -EBADMSG);
	must(dek_wrap(fixed_dek(), fixed_kek(), hdr) == 0);
	must(header_encode(hdr, fixed_dek(), out) == 0);
	must(header_decode(out, &again, NULL) == 0);
	must(dek_unwrap(fixed_kek(), &again, &dek) == 0);
	must(header_verify(out, dek) == 0);
	dek_free(dek);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t in_len)
{
	/* Random bytes seldom have the magic: a shorter input is laid over a start that is right.
	 */
	uint8_t bytes[HEADER_LEN] = {'D', 'E', 'P', 'F', 1, 0, 1, 0, [72] = 1};
	struct header hdr;
	struct err err = {0};
	int r;

	if (in_len > HEADER_LEN)
		return -1;
	if (in_len == HEADER_LEN)
		memcpy(bytes, in, in_len);
	else if (in_len > 0)
		memcpy(bytes + 8, in, in_len < HEADER_LEN - 8 ? in_len : HEADER_LEN - 8);
	r = header_decode(bytes, &hdr, &err);
	must(r == 0 || r == -EBADMSG || r == -ENOTSUP);
	must((r == 0) == (err.text[0] == '\0'));
	if (r == 0)
		check_round_trip(bytes, &hdr);
	return 0;
}
