/* fs/policy/scan_record.c - counts of a scan: added up, and their record. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/bytes.h"
#include "crypto/base/cleanup.h"
#include "fs/policy/scan.h"

#define SCAN_VERSION  1
#define SCAN_HEAD_LEN (4 + 2 + 2 + 5 * 8 + 4)
#define SCAN_ROW_LEN  (1 + 3 + 4 + UUID_LEN + 8 + 8)

void scan_result_fini(struct scan_result *res)
{
	free(res->rows);
	*res = (struct scan_result){0};
}

static struct scan_row *row_find(const struct scan_result *res, enum workload workload,
				 const struct wrap_ref *ref)
{
	for (size_t i = 0; i < res->n_rows; i++)
		if (res->rows[i].workload == workload && wrap_ref_equal(&res->rows[i].ref, ref))
			return &res->rows[i];
	return NULL;
}

static struct scan_row *row_new(struct scan_result *res, enum workload workload,
				const struct wrap_ref *ref)
{
	size_t capacity = res->capacity ? 2 * res->capacity : 16;
	struct scan_row *rows;

	if (res->n_rows == res->capacity) {
		rows = reallocarray(res->rows, capacity, sizeof(*rows));
		if (!rows)
			return NULL;
		res->rows = rows;
		res->capacity = capacity;
	}
	res->rows[res->n_rows] = (struct scan_row){.workload = workload, .ref = *ref};
	return &res->rows[res->n_rows++];
}

int scan_add(struct scan_result *res, enum workload workload, const struct wrap_ref *ref,
	     int64_t files, int64_t bytes)
{
	struct scan_row *row = row_find(res, workload, ref);

	if (!row)
		row = row_new(res, workload, ref);
	if (!row)
		return -ENOMEM;
	row->files += (uint64_t)files;
	row->bytes += (uint64_t)bytes;
	return 0;
}

void scan_sum(const struct scan_result *res, const uint8_t *policy_id, uint64_t *ret_files,
	      uint64_t *ret_bytes)
{
	*ret_files = *ret_bytes = 0;
	for (size_t i = 0; i < res->n_rows; i++) {
		if (policy_id && memcmp(res->rows[i].ref.policy_id, policy_id, UUID_LEN) != 0)
			continue;
		*ret_files += res->rows[i].files;
		*ret_bytes += res->rows[i].bytes;
	}
}

static uint32_t rows_kept(const struct scan_result *res)
{
	uint32_t n = 0;

	for (size_t i = 0; i < res->n_rows; i++)
		n += res->rows[i].files > 0;
	return n;
}

static void row_put(struct wbuf *w, const struct scan_row *row)
{
	wbuf_u8(w, (uint8_t)row->workload);
	wbuf_zero(w, 3);
	wbuf_u32(w, row->ref.generation);
	wbuf_bytes(w, row->ref.policy_id, UUID_LEN);
	wbuf_u64(w, row->files);
	wbuf_u64(w, row->bytes);
}

int scan_encode(const struct scan_result *res, uint8_t **ret_rec, size_t *ret_len)
{
	uint32_t n = rows_kept(res);
	size_t len = SCAN_HEAD_LEN + (size_t)n * SCAN_ROW_LEN;
	CLEANUP(free_mem_p) uint8_t *rec = n <= SCAN_ROWS_MAX ? malloc(len) : NULL;
	struct wbuf w = wbuf_to(rec, len);

	if (!rec)
		return -ENOMEM;
	wbuf_bytes(&w, "DEPC", 4);
	wbuf_u16(&w, SCAN_VERSION);
	wbuf_u16(&w, 0);
	wbuf_u64(&w, res->job);
	wbuf_u64(&w, res->started);
	wbuf_u64(&w, res->ended);
	wbuf_u64(&w, res->mailboxes);
	wbuf_u64(&w, res->unreadable);
	wbuf_u32(&w, n);
	for (size_t i = 0; i < res->n_rows; i++)
		if (res->rows[i].files)
			row_put(&w, &res->rows[i]);
	if (!wbuf_done(&w))
		return -EINVAL;
	*ret_rec = STEAL(rec);
	*ret_len = len;
	return 0;
}

static int row_get(struct rbuf *b, struct scan_result *res)
{
	unsigned workload = rbuf_u8(b);
	struct wrap_ref ref = {0};
	uint64_t files, bytes;

	rbuf_zero(b, 3);
	ref.generation = rbuf_u32(b);
	rbuf_bytes(b, ref.policy_id, UUID_LEN);
	files = rbuf_u64(b);
	bytes = rbuf_u64(b);
	if (b->failed || workload >= WORKLOAD_COUNT || !files ||
	    row_find(res, (enum workload)workload, &ref))
		return -EBADMSG;
	return scan_add(res, (enum workload)workload, &ref, (int64_t)files, (int64_t)bytes);
}

static int head_get(struct rbuf *b, struct scan_result *res, uint32_t *ret_rows)
{
	uint16_t version, flags;

	rbuf_magic(b, "DEPC");
	version = rbuf_u16(b);
	flags = rbuf_u16(b);
	if (b->failed)
		return -EBADMSG;
	if (version != SCAN_VERSION || flags)
		return -ENOTSUP;
	res->job = rbuf_u64(b);
	res->started = rbuf_u64(b);
	res->ended = rbuf_u64(b);
	res->mailboxes = rbuf_u64(b);
	res->unreadable = rbuf_u64(b);
	*ret_rows = rbuf_u32(b);
	return b->failed || *ret_rows > SCAN_ROWS_MAX ? -EBADMSG : 0;
}

int scan_decode(const uint8_t *in, size_t in_len, struct scan_result *ret_res)
{
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	struct rbuf b = rbuf_from(in, in_len);
	uint32_t rows = 0;
	int r = head_get(&b, &res, &rows);

	for (uint32_t i = 0; r == 0 && i < rows; i++)
		r = row_get(&b, &res);
	if (r < 0)
		return r;
	if (!rbuf_done(&b))
		return -EBADMSG;
	*ret_res = res;
	res = (struct scan_result){0};
	return 0;
}
