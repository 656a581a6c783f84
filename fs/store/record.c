/* fs/store/record.c - records of the state as bytes. */
#include "fs/store/record.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define RECORD_VERSION 1
#define POLICY_FLAGS \
	(POLICY_FLAG_ENABLED | POLICY_FLAG_DRAFT | POLICY_FLAG_REMOVED | POLICY_FLAG_PURGED)

static_assert(4 + 2 + 2 + UUID_LEN + 4 + 8 + WRAP_LEN +
			      2 * (2 + RECORD_KEY_ID_MAX + 2 + RECORD_ROOT_WRAP_MAX) <=
		      RECORD_MAX,
	      "the longest key record fits");
static_assert(4 + 2 + 2 + 4 + UUID_LEN + 4 + 8 + WRAP_LEN + 4 * 2 + POLICY_NAME_MAX +
			      POLICY_DESCRIPTION_MAX + 2 * RECORD_KEY_ID_MAX <=
		      RECORD_MAX,
	      "the longest policy record fits");

static void head_put(struct wbuf *w, const char magic[static 4], uint16_t flags)
{
	wbuf_bytes(w, magic, 4);
	wbuf_u16(w, RECORD_VERSION);
	wbuf_u16(w, flags);
}

/* A later version may have another layout: it is -ENOTSUP, whatever follows. */
static int head_get(struct rbuf *b, const char magic[static 4], uint16_t known_flags,
		    uint16_t *ret_flags)
{
	uint16_t version, flags;

	rbuf_magic(b, magic);
	version = rbuf_u16(b);
	flags = rbuf_u16(b);
	if (b->failed)
		return -EBADMSG;
	if (version != RECORD_VERSION || (flags & ~known_flags) != 0)
		return -ENOTSUP;
	*ret_flags = flags;
	return 0;
}

/* The length of what was written, or -EINVAL when a field did not fit. */
static int encode_done(const struct wbuf *w, size_t *ret_len)
{
	if (w->failed)
		return -EINVAL;
	*ret_len = RECORD_MAX - w->left_len;
	return 0;
}

static bool text_fits(const char *text, size_t max)
{
	return strnlen(text, max + 1) <= max;
}

/* The rules of its table that concern several fields of a policy record. */
static bool policy_record_is_valid(const struct policy_record *rec)
{
	bool draft = rec->flags & POLICY_FLAG_DRAFT;
	bool keys = rec->key_ids[0][0] && rec->key_ids[1][0];
	bool no_keys = !rec->key_ids[0][0] && !rec->key_ids[1][0];
	bool avail = !bytes_are_zero(rec->wrapped_avail, WRAP_LEN);

	if (rec->kind != POLICY_MULTI_WORKLOAD && rec->kind != POLICY_MAILBOX)
		return false;
	if (!rec->name[0] || bytes_are_zero(rec->id, UUID_LEN)) /* zeros name the service key */
		return false;
	if (draft)
		return rec->generation == 0 && no_keys && !avail && rec->flags == POLICY_FLAG_DRAFT;
	if (rec->flags & POLICY_FLAG_REMOVED && rec->flags & POLICY_FLAG_ENABLED)
		return false;
	if (rec->flags & POLICY_FLAG_PURGED && (avail || rec->flags & POLICY_FLAG_ENABLED))
		return false;
	return rec->generation > 0 && keys;
}

int policy_record_encode(const struct policy_record *rec, uint8_t out[static RECORD_MAX],
			 size_t *ret_len)
{
	struct wbuf w = wbuf_to(out, RECORD_MAX);

	if ((rec->flags & ~POLICY_FLAGS) || !text_fits(rec->name, POLICY_NAME_MAX) ||
	    !text_fits(rec->description, POLICY_DESCRIPTION_MAX) ||
	    !text_fits(rec->key_ids[0], RECORD_KEY_ID_MAX - 1) ||
	    !text_fits(rec->key_ids[1], RECORD_KEY_ID_MAX - 1) || !policy_record_is_valid(rec))
		return -EINVAL;
	head_put(&w, "DEPP", rec->flags);
	wbuf_u8(&w, (uint8_t)rec->kind);
	wbuf_zero(&w, 3);
	wbuf_bytes(&w, rec->id, UUID_LEN);
	wbuf_u32(&w, rec->generation);
	wbuf_u64(&w, rec->created);
	wbuf_bytes(&w, rec->wrapped_avail, WRAP_LEN);
	wbuf_str16(&w, rec->name);
	wbuf_str16(&w, rec->description);
	wbuf_str16(&w, rec->key_ids[0]);
	wbuf_str16(&w, rec->key_ids[1]);
	return encode_done(&w, ret_len);
}

int policy_record_decode(const uint8_t *in, size_t in_len, struct policy_record *ret_rec)
{
	struct rbuf b = rbuf_from(in, in_len);
	struct policy_record rec = {0};
	int r;

	r = head_get(&b, "DEPP", POLICY_FLAGS, &rec.flags);
	if (r < 0)
		return r;
	rec.kind = rbuf_u8(&b);
	rbuf_zero(&b, 3);
	rbuf_bytes(&b, rec.id, UUID_LEN);
	rec.generation = rbuf_u32(&b);
	rec.created = rbuf_u64(&b);
	rbuf_bytes(&b, rec.wrapped_avail, WRAP_LEN);
	rbuf_str16(&b, rec.name, sizeof(rec.name));
	rbuf_str16(&b, rec.description, sizeof(rec.description));
	rbuf_str16(&b, rec.key_ids[0], sizeof(rec.key_ids[0]));
	rbuf_str16(&b, rec.key_ids[1], sizeof(rec.key_ids[1]));
	if (!rbuf_done(&b) || !policy_record_is_valid(&rec))
		return -EBADMSG;
	*ret_rec = rec;
	return 0;
}

/* The rules of its table that concern several fields of a key record. */
static bool key_record_is_valid(const struct key_record *rec)
{
	for (size_t i = 0; i < 2; i++)
		if (!rec->roots[i].key_id[0] || rec->roots[i].wrapped_len == 0 ||
		    rec->roots[i].wrapped_len > RECORD_ROOT_WRAP_MAX)
			return false;
	return rec->generation > 0 && !bytes_are_zero(rec->policy_id, UUID_LEN);
}

int key_record_encode(const struct key_record *rec, uint8_t out[static RECORD_MAX], size_t *ret_len)
{
	struct wbuf w = wbuf_to(out, RECORD_MAX);

	if (!text_fits(rec->roots[0].key_id, RECORD_KEY_ID_MAX - 1) ||
	    !text_fits(rec->roots[1].key_id, RECORD_KEY_ID_MAX - 1) || !key_record_is_valid(rec))
		return -EINVAL;
	head_put(&w, "DEPK", 0);
	wbuf_bytes(&w, rec->policy_id, UUID_LEN);
	wbuf_u32(&w, rec->generation);
	wbuf_u64(&w, rec->created);
	wbuf_bytes(&w, rec->avail_copy, WRAP_LEN);
	for (size_t i = 0; i < 2; i++) {
		wbuf_str16(&w, rec->roots[i].key_id);
		wbuf_u16(&w, rec->roots[i].wrapped_len);
		wbuf_bytes(&w, rec->roots[i].wrapped, rec->roots[i].wrapped_len);
	}
	return encode_done(&w, ret_len);
}

static void root_copy_get(struct rbuf *b, struct root_copy *root)
{
	rbuf_str16(b, root->key_id, sizeof(root->key_id));
	root->wrapped_len = rbuf_u16(b);
	if (root->wrapped_len > RECORD_ROOT_WRAP_MAX) {
		b->failed = true;
		return;
	}
	rbuf_bytes(b, root->wrapped, root->wrapped_len);
}

int key_record_decode(const uint8_t *in, size_t in_len, struct key_record *ret_rec)
{
	struct rbuf b = rbuf_from(in, in_len);
	struct key_record rec = {0};
	uint16_t flags;
	int r;

	r = head_get(&b, "DEPK", 0, &flags);
	if (r < 0)
		return r;
	rbuf_bytes(&b, rec.policy_id, UUID_LEN);
	rec.generation = rbuf_u32(&b);
	rec.created = rbuf_u64(&b);
	rbuf_bytes(&b, rec.avail_copy, WRAP_LEN);
	root_copy_get(&b, &rec.roots[0]);
	root_copy_get(&b, &rec.roots[1]);
	if (!rbuf_done(&b) || !key_record_is_valid(&rec))
		return -EBADMSG;
	*ret_rec = rec;
	return 0;
}

int assignment_record_encode(const struct assignment_record *rec, uint8_t out[static RECORD_MAX],
			     size_t *ret_len)
{
	struct wbuf w = wbuf_to(out, RECORD_MAX);

	if (bytes_are_zero(rec->policy_id, UUID_LEN))
		return -EINVAL;
	head_put(&w, "DEPA", 0);
	wbuf_bytes(&w, rec->policy_id, UUID_LEN);
	wbuf_u64(&w, rec->since);
	return encode_done(&w, ret_len);
}

int assignment_record_decode(const uint8_t *in, size_t in_len, struct assignment_record *ret_rec)
{
	struct rbuf b = rbuf_from(in, in_len);
	struct assignment_record rec = {0};
	uint16_t flags;
	int r;

	r = head_get(&b, "DEPA", 0, &flags);
	if (r < 0)
		return r;
	rbuf_bytes(&b, rec.policy_id, UUID_LEN);
	rec.since = rbuf_u64(&b);
	if (!rbuf_done(&b) || bytes_are_zero(rec.policy_id, UUID_LEN))
		return -EBADMSG;
	*ret_rec = rec;
	return 0;
}

/* Big-endian, so that LMDB's order of keys is that of the generations. */
void key_table_key(const uint8_t policy_id[static UUID_LEN], uint32_t generation,
		   uint8_t out[static KEY_TABLE_KEY_LEN])
{
	memcpy(out, policy_id, UUID_LEN);
	for (size_t i = 0; i < 4; i++)
		out[UUID_LEN + i] = (uint8_t)(generation >> (24 - 8 * i));
}
