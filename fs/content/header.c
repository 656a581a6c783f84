#include "fs/content/header.h"

#include <errno.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/content/report.h"
#include "fs/content/worker.h"
#include "fs/inode/disk.h"
#include "fs/metrics/metrics.h"

/* Block writes reserved ahead at first; doubles while a file keeps being written. */
#define RESERVE_FIRST 64u
/* More unused reservation than this is given back at the last close. */
#define SLACK_MAX 4096u

static void declare_holes(struct file *f)
{
	/* file_flush_header() checks whether the cover is exact. */
	(void)holes_cover(&f->holes, f->hdr.holes);
}

int file_encode_header_locked(struct file *f, uint8_t out[static HEADER_LEN])
{
	int r;

	if (!f->dek)
		return -EKEYREVOKED;
	f->hdr.version_no++;
	if (!(f->hdr.flags & HEADER_FLAG_LOOSE_HOLES))
		declare_holes(f);
	r = header_encode(&f->hdr, f->dek, out);
	return r < 0 ? -EIO : 0;
}

/* The kernel drops a file's capabilities at any write to it, so they are put back after a write
 * that changes the header alone. */
struct file_caps {
	uint8_t bytes[64]; /* linux/capability.h: 24 at most */
	ssize_t len;
};

static struct file_caps caps_of(const struct file *f, mode_t mode)
{
	struct file_caps c = {.len = 0};

	if (mode & (S_IXUSR | S_IXGRP | S_IXOTH)) /* other files have none: no call */
		c.len = fgetxattr(f->fd, XATTR_NAME_CAPS, c.bytes, sizeof(c.bytes));
	return c;
}

int file_write_header_locked(struct file *f, bool keep_times)
{
	struct worker *w = worker_self();
	struct file_caps caps = {.len = 0};
	struct stat st;
	int r;

	if (!w)
		return -ENOMEM;
	if (keep_times && fstat(f->fd, &st) < 0)
		return -errno;
	if (keep_times)
		caps = caps_of(f, st.st_mode);
	/* w->tail may hold plaintext of a write under way, so the block goes through w->edge. */
	r = disk_read(f->fd, w->edge, BLOCK_LEN, 0);
	if (r == 0)
		r = file_encode_header_locked(f, w->edge);
	if (r == 0)
		r = disk_write(f->fd, w->edge, BLOCK_LEN, 0);
	if (r == 0)
		f->header_dirty = false;
	if (r == 0 && keep_times) {
		struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};

		if (caps.len > 0 &&
		    fsetxattr(f->fd, XATTR_NAME_CAPS, caps.bytes, (size_t)caps.len, 0) < 0)
			r = -errno;
		if (futimens(f->fd, times) < 0)
			r = -errno;
	}
	return r == -ENODATA ? -EIO : r;
}

/* Each limit is reported once while the file is open: a program may go on trying. */
static void report_budget(struct volume *v, struct file *f, enum budget_report what)
{
	if (f->budget_report >= what)
		return;
	f->budget_report = what;
	if (what == REPORTED_LOW)
		metrics_add(v->metrics, METRIC_BUDGET_LOW, 1);
	file_budget_event(v, f->fd,
			  what == REPORTED_LOW ? "write-budget-low" : "write-budget-used-up",
			  f->budget_used);
}

int file_reserve_locked(struct volume *v, struct file *f, uint64_t blocks, bool with_block0)
{
	uint64_t used = f->budget_used + blocks, ahead, raised;

	if (used > BUDGET_MAX) {
		report_budget(v, f, REPORTED_USED_UP);
		return -ENOSPC;
	}
	if (used >= BUDGET_WARN)
		report_budget(v, f, REPORTED_LOW);
	if (used <= f->hdr.budget)
		return 0;
	/* When block 0 is written anyway, the exact count goes out in the same 4 KiB, so a small
	 * file needs no second write. */
	ahead = with_block0 ? 0 : f->unsynced < RESERVE_FIRST ? RESERVE_FIRST : f->unsynced;
	raised = used + (ahead > BUDGET_STEP ? BUDGET_STEP : ahead);
	raised = raised > BUDGET_MAX ? BUDGET_MAX : raised;
	f->unsynced += raised - f->hdr.budget;
	f->hdr.budget = raised;
	f->header_dirty = true;
	return 0;
}

int file_flush_header(struct file *f)
{
	struct hole exact[HEADER_HOLES_MAX];
	int r = 0;

	if (!f->writable)
		return 0;
	file_lock_write(&f->lock);
	if (!f->dek) { /* wiped by a denial, after the header was written */
		file_unlock_write(&f->lock);
		return 0;
	}
	if (f->holes_changed && !(f->hdr.flags & HEADER_FLAG_LOOSE_HOLES)) {
		/* A declared range that covers data would count as a hole at the next open. */
		if (!holes_cover(&f->holes, exact)) {
			f->hdr.flags |= HEADER_FLAG_LOOSE_HOLES;
			f->header_dirty = true;
		}
		f->header_dirty |= memcmp(exact, f->hdr.holes, sizeof(exact)) != 0;
	}
	if (f->hdr.budget > f->budget_used + SLACK_MAX) {
		f->hdr.budget = f->budget_used;
		f->header_dirty = true;
	}
	if (f->header_dirty)
		r = file_write_header_locked(f, true);
	f->holes_changed = false;
	file_unlock_write(&f->lock);
	return r;
}

int file_sync(struct file *f, bool data_only)
{
	uint64_t unsynced;
	int r = 0;

	file_lock_write(&f->lock);
	if (f->header_dirty)
		r = file_write_header_locked(f, true);
	unsynced = f->unsynced;
	file_unlock_write(&f->lock);
	if (r < 0)
		return r;
	if ((data_only ? fdatasync(f->fd) : fsync(f->fd)) < 0)
		return -errno;
	file_lock_write(&f->lock);
	f->unsynced -= unsynced < f->unsynced ? unsynced : f->unsynced;
	file_unlock_write(&f->lock);
	return 0;
}
