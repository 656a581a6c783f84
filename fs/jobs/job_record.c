/* fs/jobs/job_record.c - codec of a job's record, and the names of its kinds and states. */
#include "fs/jobs/job_record.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define JOB_VERSION 1

static_assert(4 + 2 + 2 + 1 + 1 + 2 + 4 + UUID_LEN + 3 * 8 + 5 * 8 + 4 + 3 * 2 + MAILBOX_ID_MAX +
			      JOB_CURSOR_MAX + JOB_NOTE_MAX + 2 + JOB_PATH_MAX <=
		      JOB_RECORD_MAX,
	      "the longest job record fits");

int job_record_encode(const struct job_record *rec, uint8_t out[static JOB_RECORD_MAX],
		      size_t *ret_len)
{
	struct wbuf w = wbuf_to(out, JOB_RECORD_MAX);

	if ((rec->flags & ~JOB_FLAG_AGAIN) || rec->kind < JOB_ASSIGN || rec->kind >= JOB_KIND_END ||
	    rec->state < JOB_QUEUED || rec->state >= JOB_STATE_END)
		return -EINVAL;
	wbuf_bytes(&w, "DEPJ", 4);
	wbuf_u16(&w, JOB_VERSION);
	wbuf_u16(&w, rec->flags);
	wbuf_u8(&w, (uint8_t)rec->kind);
	wbuf_u8(&w, (uint8_t)rec->state);
	wbuf_zero(&w, 2);
	wbuf_u32(&w, rec->rate);
	wbuf_bytes(&w, rec->policy_id, UUID_LEN);
	wbuf_u64(&w, rec->created);
	wbuf_u64(&w, rec->started);
	wbuf_u64(&w, rec->ended);
	wbuf_u64(&w, rec->total);
	wbuf_u64(&w, rec->done);
	wbuf_u64(&w, rec->failed);
	wbuf_u64(&w, rec->skipped);
	wbuf_u64(&w, rec->repeat);
	wbuf_u32(&w, rec->listed);
	wbuf_str16(&w, rec->mailbox);
	wbuf_str16(&w, rec->cursor);
	wbuf_str16(&w, rec->note);
	if (rec->kind == JOB_RENEW)
		wbuf_str16(&w, rec->path);
	if (w.failed)
		return -EINVAL;
	*ret_len = JOB_RECORD_MAX - w.left_len;
	return 0;
}

/* A later version may have another layout, so the version is checked before the fields behind it.
 */
static int head_decode(struct rbuf *b, struct job_record *rec)
{
	uint16_t version;

	rbuf_magic(b, "DEPJ");
	version = rbuf_u16(b);
	rec->flags = rbuf_u16(b);
	rec->kind = rbuf_u8(b);
	rec->state = rbuf_u8(b);
	rbuf_zero(b, 2);
	if (b->failed)
		return -EBADMSG;
	if (version != JOB_VERSION || (rec->flags & ~JOB_FLAG_AGAIN) || rec->kind >= JOB_KIND_END ||
	    rec->state >= JOB_STATE_END)
		return -ENOTSUP;
	return rec->kind && rec->state ? 0 : -EBADMSG;
}

int job_record_decode(const uint8_t *in, size_t in_len, struct job_record *ret_rec)
{
	struct rbuf b = rbuf_from(in, in_len);
	uint64_t no = ret_rec->no;
	int r;

	memset(ret_rec, 0, sizeof(*ret_rec));
	ret_rec->no = no;
	r = head_decode(&b, ret_rec);
	if (r < 0)
		return r;
	ret_rec->rate = rbuf_u32(&b);
	rbuf_bytes(&b, ret_rec->policy_id, UUID_LEN);
	ret_rec->created = rbuf_u64(&b);
	ret_rec->started = rbuf_u64(&b);
	ret_rec->ended = rbuf_u64(&b);
	ret_rec->total = rbuf_u64(&b);
	ret_rec->done = rbuf_u64(&b);
	ret_rec->failed = rbuf_u64(&b);
	ret_rec->skipped = rbuf_u64(&b);
	ret_rec->repeat = rbuf_u64(&b);
	ret_rec->listed = rbuf_u32(&b);
	rbuf_str16(&b, ret_rec->mailbox, sizeof(ret_rec->mailbox));
	rbuf_str16(&b, ret_rec->cursor, sizeof(ret_rec->cursor));
	rbuf_str16(&b, ret_rec->note, sizeof(ret_rec->note));
	if (ret_rec->kind == JOB_RENEW)
		rbuf_str16(&b, ret_rec->path, sizeof(ret_rec->path));
	return rbuf_done(&b) && ret_rec->listed <= JOB_FAILURES_MAX ? 0 : -EBADMSG;
}

static void put_big_endian(uint64_t v, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
}

void job_key(uint64_t no, uint8_t out[static JOB_KEY_LEN])
{
	put_big_endian(no, out, JOB_KEY_LEN);
}

uint64_t job_key_no(const uint8_t in[static JOB_KEY_LEN])
{
	uint64_t no = 0;

	for (size_t i = 0; i < JOB_KEY_LEN; i++)
		no = no << 8 | in[i];
	return no;
}

void job_failure_key(uint64_t no, uint32_t index, uint8_t out[static JOB_FAILURE_KEY_LEN])
{
	job_key(no, out);
	put_big_endian(index, out + JOB_KEY_LEN, 4);
}

const char *job_kind_name(enum job_kind k)
{
	static const char *const names[] = {
		[JOB_ASSIGN] = "assign", [JOB_OFFBOARD] = "offboard", [JOB_ROTATE] = "rotate",
		[JOB_RENEW] = "renew",	 [JOB_SCAN] = "scan",	      [JOB_PURGE] = "purge",
	};

	return k > 0 && k < JOB_KIND_END && names[k] ? names[k] : "unknown";
}

const char *job_state_name(enum job_state s)
{
	static const char *const names[] = {
		[JOB_QUEUED] = "queued",       [JOB_RUNNING] = "running",
		[JOB_WAITING] = "waiting",     [JOB_PAUSED] = "paused",
		[JOB_DONE] = "done",	       [JOB_FAILED] = "failed",
		[JOB_CANCELLED] = "cancelled", [JOB_SUPERSEDED] = "superseded",
	};

	return s > 0 && s < JOB_STATE_END ? names[s] : "unknown";
}

bool job_state_is_final(enum job_state s)
{
	return s >= JOB_DONE;
}
