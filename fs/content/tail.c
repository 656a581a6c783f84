#include "fs/content/tail_internal.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/blocks_internal.h"
#include "fs/content/header.h"
#include "fs/content/report.h"
#include "fs/inode/disk.h"

#define META_OFF 28 /* of a block's meta, behind nonce and tag */

/* A block's meta as it stands on disk, not authenticated: it only tells where to look for the
 * end. */
struct raw_meta {
	bool written; /* not all zero */
	bool final;
	uint16_t used;
};

static int read_raw_meta(int fd, uint64_t block_no, struct raw_meta *ret_meta)
{
	uint8_t head[32];
	off_t off = (off_t)(block_no * BLOCK_LEN) + (block_no == 0 ? HEADER_LEN : 0);
	struct rbuf b;
	int r = disk_read(fd, head, sizeof(head), off);

	if (r < 0)
		return r;
	b = rbuf_from(head + META_OFF, 4);
	ret_meta->written = !bytes_are_zero(head, sizeof(head));
	ret_meta->used = rbuf_u16(&b);
	ret_meta->final = rbuf_u8(&b) & BLOCK_FLAG_FINAL;
	return 0;
}

/* Goes through the blocks up to the first that is marked final. *ret_end: how many blocks belong to
 * the file; *ret_meta: the meta of the last of them. */
static int find_end(struct file *f, uint64_t n_blocks, uint64_t *ret_end, struct raw_meta *ret_meta)
{
	struct raw_meta m = {0};

	*ret_end = 0;
	for (uint64_t b = 0, next; b < n_blocks; b = next) {
		int r = read_raw_meta(f->fd, b, &m);

		if (r < 0)
			return r;
		if (!m.written && !(b && blocks_may_be_hole(f, (uint32_t)b)))
			return 0;
		/* The declared range was wider than the holes; SEEK_DATA must find this block. */
		if (m.written && b && holes_contain(&f->holes, (uint32_t)b))
			r = blocks_forget_holes(f, b, b);
		if (r < 0)
			return r;
		next = m.written ? b + 1 : blocks_next_data(f, b);
		next = next < n_blocks ? next : n_blocks;
		*ret_meta = m;
		*ret_end = next;
		if (m.final)
			return 0;
	}
	return 0;
}

/* Makes block @last the final one of a file of @size bytes, and sets the size hint accordingly. */
static int write_end(struct volume *v, struct file *f, uint64_t last, bool reseal, uint64_t size)
{
	struct worker *w = worker_self();
	int r = 0;

	if (!w)
		return -ENOMEM;
	if (!f->writable)
		return -EROFS;
	if (reseal) {
		r = file_reserve_locked(v, f, 1, last == 0);
		if (r == 0 && last && f->header_dirty)
			r = file_write_header_locked(f, true);
		if (r == 0)
			r = blocks_seal_one_locked(f, w, (uint32_t)last, size, w->tail);
	}
	if (r == 0)
		r = blocks_cut_disk(f->fd, size);
	if (r < 0)
		return r;
	holes_cut(&f->holes, (uint32_t)last);
	f->holes_changed = true;
	file_event(v, f->fd, "file-completed", size);
	return 0;
}

/*
 * A power cut may have kept blocks and lost the header that counted them; at most BUDGET_STEP of
 * them, since a reservation beyond that is synced before it is used (blocks_sync_count()). The
 * header of a one-block file is written with its block.
 */
static void distrust_budget(struct file *f)
{
	uint64_t left = BUDGET_MAX - f->hdr.budget;

	f->hdr.budget += left < BUDGET_STEP ? left : BUDGET_STEP;
	f->budget_used = f->hdr.budget;
	f->header_dirty = true;
}

int recover_tail(struct volume *v, struct file *f, uint64_t disk_len, uint64_t *ret_size)
{
	struct worker *w = worker_self();
	struct raw_meta meta = {0};
	uint64_t end, size, hint;
	int r;

	if (!w)
		return -ENOMEM;
	if (disk_len >= 2 * BLOCK_LEN)
		distrust_budget(f);
	r = find_end(f, disk_len / BLOCK_LEN, &end, &meta);
	if (r < 0)
		return r;
	if (end == 0)
		return file_damage(v, f->fd, 0, "size");
	size = block_start(end - 1) + (meta.final ? meta.used : block_cap((uint32_t)end - 1));
	if (meta.final && file_plain_size(disk_len, &hint) && hint == size) {
		*ret_size = size;
		return 0;
	}
	/* The end is put right only if its block authenticates. */
	r = blocks_open_one(v, f, w, (uint32_t)end - 1, w->tail);
	if (r == 0)
		r = write_end(v, f, end - 1, !meta.final, size);
	*ret_size = size;
	return r;
}
