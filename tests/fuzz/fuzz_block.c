/*
 * tests/fuzz/fuzz_block.c - blocks that do and do not authenticate into block_open(): it takes what
 * keeps the rules of block.h, and leaves nothing but zeros behind when it refuses.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/block_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t in_len);

static void must(int ok)
{
	if (!ok)
		abort();
}

static const uint8_t FILE_ID[FILE_ID_LEN] = "one file for all";

static struct block_ctx *fixed_ctx(void)
{
	static const uint8_t key[DEK_LEN] = "thirty-two bytes, and all known.";
	static struct block_ctx *ctx;

	if (!ctx)
		must(block_ctx_new(&ctx) == 0);
	must(block_ctx_load_key(ctx, key, FILE_ID) == 0);
	return ctx;
}

/* The rules once more, from the table and not from the code. */
static int keeps_rules(const uint8_t meta[static 4], const uint8_t *text, uint32_t cap)
{
	uint32_t used = meta[0] | (uint32_t)meta[1] << 8;

	if (meta[3] != 0 || meta[2] > 1 || used > cap || (meta[2] == 0 && used != cap))
		return 0;
	for (uint32_t i = used; i < cap; i++)
		if (text[i] != 0)
			return 0;
	return 1;
}

static void open_and_check(uint32_t block_no, const uint8_t block[static BLOCK_LEN], int want,
			   const uint8_t *text)
{
	uint32_t cap = block_cap(block_no);
	uint8_t *out = malloc(cap); /* to the byte, so that ASan sees one too many */
	struct block_meta meta = {0};
	int r;

	must(out != NULL);
	memset(out, 0xee, cap);
	r = block_open(fixed_ctx(), block_no, block, out, &meta);
	must(r == (want ? 0 : -EBADMSG));
	must(want ? memcmp(out, text, cap) == 0 && meta.used <= cap : bytes_are_zero(out, cap));
	free(out);
}

/* A block that authenticates: @in is meta 4, block number 1, then plaintext; zeros up to the end.
 */
static void forge(const uint8_t *in, size_t in_len)
{
	uint32_t block_no = in[4], cap = block_cap(block_no);
	uint8_t block[BLOCK_LEN] = {0}, text[BLOCK_CAP] = {0}, aad[FILE_ID_LEN + 8];
	uint8_t *at = block + (block_no == 0 ? HEADER_LEN : 0);
	struct wbuf b = wbuf_to(aad, sizeof(aad));
	struct gcm_aad whole = {aad, sizeof(aad)};
	size_t len = in_len - 5 < cap ? in_len - 5 : cap;

	wbuf_bytes(&b, FILE_ID, FILE_ID_LEN);
	wbuf_u32(&b, block_no);
	wbuf_bytes(&b, in, 4);
	must(wbuf_done(&b));
	memcpy(text, in + 5, len);
	memcpy(at + 28, in, 4);
	must(gcm_seal_with_nonce(fixed_ctx(), at, whole, text, cap, at + 32, at + 12) == 0);
	open_and_check(block_no, block, keeps_rules(in, text, cap), text);
	at[12] ^= 1;
	open_and_check(block_no, block, 0, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t in_len)
{
	uint8_t block[BLOCK_LEN] = {0};

	if (in_len < 5 || in_len > BLOCK_LEN)
		return -1;
	forge(in, in_len);
	memcpy(block, in, in_len);
	open_and_check(in[0], block, 0, NULL); /* no tag, or a tag no one made */
	return 0;
}
