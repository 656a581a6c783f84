#include "fs/content/usage.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "fs/content/file.h"
#include "fs/content/header.h"
#include "fs/inode/disk.h"
#include "fs/inode/inoset.h"
#include "fs/policy/scope.h"

struct usage {
	pthread_mutex_t lock;
	_Atomic bool on;	/* a scan runs; changes under the lock, which guards the rest */
	struct file *open;	/* files that may change; kept also while no scan runs */
	struct inoset open_set; /* their inodes, while a scan runs */
	struct inoset counted;	/* inodes of the files that are in the sums */
	struct scan_result sums;
	int failed; /* errno: the sums are wrong; 0: they are right */
};

int usage_new(struct usage **ret_usage)
{
	struct usage *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	(void)pthread_mutex_init(&u->lock, NULL);
	*ret_usage = u;
	return 0;
}

static void reset_locked(struct usage *u)
{
	atomic_store(&u->on, false);
	inoset_fini(&u->open_set);
	inoset_fini(&u->counted);
	scan_result_fini(&u->sums);
	u->failed = 0;
}

void usage_free(struct usage *u)
{
	if (!u)
		return;
	reset_locked(u);
	(void)pthread_mutex_destroy(&u->lock);
	free(u);
}

/* What a file adds to the sums. */
struct contribution {
	struct stat st;
	bool readable;
	struct wrap_ref ref;
	uint64_t bytes;
};

/* 1: it counts; 0: not a regular file, or an empty one, which is just being created (or is damaged,
 * and names no policy). c->readable is false when its header does not decode. */
static int contribution_read(int fd, struct contribution *ret_c)
{
	struct contribution *c = ret_c;
	uint8_t bytes[HEADER_LEN];
	struct header hdr;
	int r;

	*c = (struct contribution){0};
	if (fstat(fd, &c->st) < 0)
		return -errno;
	if (!S_ISREG(c->st.st_mode) || c->st.st_size == 0)
		return 0;
	r = disk_read(fd, bytes, HEADER_LEN, 0);
	if (r < 0 && r != -ENODATA && r != -EIO)
		return r;
	c->readable = r == 0 && header_decode(bytes, &hdr, NULL) == 0;
	if (!c->readable)
		return 1;
	c->ref = hdr.ref;
	if (!file_plain_size((uint64_t)c->st.st_size, &c->bytes))
		c->bytes = 0; /* a damaged length; its header names a policy all the same */
	return 1;
}

static int sums_add_locked(struct usage *u, const struct contribution *c, enum workload workload,
			   int sign)
{
	if (c->readable)
		return scan_add(&u->sums, workload, &c->ref, sign, sign * (int64_t)c->bytes);
	u->sums.unreadable += (uint64_t)(int64_t)sign;
	return 0;
}

/* A change that cannot be followed fails the scan, never the change. */
static void fail_locked(struct usage *u, int r)
{
	if (r < 0 && !u->failed)
		u->failed = r;
}

static void subtract_locked(struct usage *u, const struct contribution *c, enum workload workload)
{
	if (inoset_remove(&u->counted, c->st.st_dev, c->st.st_ino))
		fail_locked(u, sums_add_locked(u, c, workload, -1));
}

static void add_locked(struct usage *u, const struct contribution *c, enum workload workload)
{
	int r = inoset_add(&u->counted, c->st.st_dev, c->st.st_ino);

	if (r > 0)
		r = sums_add_locked(u, c, workload, 1);
	fail_locked(u, r);
}

/* ---- operations that change files ---- */

static void leave_sums_locked(struct usage *u, const struct file *f)
{
	struct contribution c;
	int r = contribution_read(f->fd, &c);

	fail_locked(u, r);
	if (r > 0)
		subtract_locked(u, &c, f->inode->scope->workload);
	if (r >= 0)
		fail_locked(u, inoset_add(&u->open_set, c.st.st_dev, c.st.st_ino));
}

void usage_open(struct usage *u, struct file *f)
{
	pthread_mutex_lock(&u->lock);
	if (!f->usage_link) {
		f->usage_next = u->open;
		f->usage_link = &u->open;
		if (u->open)
			u->open->usage_link = &f->usage_next;
		u->open = f;
		if (atomic_load(&u->on))
			leave_sums_locked(u, f);
	}
	pthread_mutex_unlock(&u->lock);
}

static void enter_sums_locked(struct usage *u, const struct file *f)
{
	struct contribution c;
	int r = contribution_read(f->fd, &c);

	fail_locked(u, r);
	if (r >= 0)
		(void)inoset_remove(&u->open_set, c.st.st_dev, c.st.st_ino);
	if (r > 0 && c.st.st_nlink)
		add_locked(u, &c, f->inode->scope->workload);
}

void usage_close(struct usage *u, struct file *f)
{
	pthread_mutex_lock(&u->lock);
	if (!f->usage_link) { /* it was only open for reading */
		pthread_mutex_unlock(&u->lock);
		return;
	}
	*f->usage_link = f->usage_next;
	if (f->usage_next)
		f->usage_next->usage_link = f->usage_link;
	f->usage_link = NULL;
	if (atomic_load(&u->on))
		enter_sums_locked(u, f);
	pthread_mutex_unlock(&u->lock);
}

bool usage_is_on(const struct usage *u)
{
	return atomic_load(&u->on);
}

void usage_name_removed(struct usage *u, int fd, enum workload workload)
{
	struct contribution c;
	int r;

	pthread_mutex_lock(&u->lock);
	if (atomic_load(&u->on)) {
		r = contribution_read(fd, &c);
		fail_locked(u, r);
		if (r > 0 && c.st.st_nlink == 0)
			subtract_locked(u, &c, workload);
	}
	pthread_mutex_unlock(&u->lock);
}

void usage_fail(struct usage *u, int r)
{
	pthread_mutex_lock(&u->lock);
	if (atomic_load(&u->on))
		fail_locked(u, r);
	pthread_mutex_unlock(&u->lock);
}

/* ---- the scan ---- */

int usage_scan_begin(struct usage *u)
{
	int r;

	pthread_mutex_lock(&u->lock);
	reset_locked(u);
	atomic_store(&u->on, true);
	for (const struct file *f = u->open; f; f = f->usage_next)
		leave_sums_locked(u, f);
	r = u->failed;
	pthread_mutex_unlock(&u->lock);
	if (r < 0)
		usage_scan_abort(u);
	return r;
}

int usage_count(struct usage *u, int fd, enum workload workload, struct usage_file *ret_file)
{
	struct contribution c;
	bool counted = false;
	int r;

	pthread_mutex_lock(&u->lock);
	r = contribution_read(fd, &c);
	if (r > 0 && c.st.st_nlink && !inoset_has(&u->open_set, c.st.st_dev, c.st.st_ino) &&
	    !inoset_has(&u->counted, c.st.st_dev, c.st.st_ino)) {
		add_locked(u, &c, workload);
		counted = true;
	}
	pthread_mutex_unlock(&u->lock);
	if (r <= 0)
		return r;
	*ret_file = (struct usage_file){c.ref, c.st.st_dev, c.st.st_ino};
	if (!c.readable)
		ret_file->ref = (struct wrap_ref){0};
	return !counted ? 0 : c.readable ? 1 : -EBADMSG;
}

void usage_count_unreadable(struct usage *u)
{
	pthread_mutex_lock(&u->lock);
	u->sums.unreadable++;
	pthread_mutex_unlock(&u->lock);
}

/* Adds a file as it is on disk, after writing its header if memory is ahead. Removed files that are
 * still open count: one may get a name again (O_TMPFILE). */
static int add_open_locked(struct usage *u, struct file *f)
{
	enum workload workload;
	struct contribution c;
	int r = 0;

	file_lock_write(&f->lock);
	workload = f->inode->scope->workload;
	if (f->header_dirty && f->writable)
		r = file_write_header_locked(f, true);
	if (r == 0)
		r = contribution_read(f->fd, &c);
	file_unlock_write(&f->lock);
	return r > 0 ? sums_add_locked(u, &c, workload, 1) : r;
}

int usage_scan_end(struct usage *u, struct scan_result *ret_res)
{
	int r;

	pthread_mutex_lock(&u->lock);
	for (struct file *f = u->open; f && !u->failed; f = f->usage_next)
		fail_locked(u, add_open_locked(u, f));
	r = u->failed;
	if (r == 0) {
		*ret_res = u->sums;
		u->sums = (struct scan_result){0};
	}
	reset_locked(u);
	pthread_mutex_unlock(&u->lock);
	return r;
}

void usage_scan_abort(struct usage *u)
{
	pthread_mutex_lock(&u->lock);
	reset_locked(u);
	pthread_mutex_unlock(&u->lock);
}
