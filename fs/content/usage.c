#include "fs/content/usage.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "fs/content/file.h"
#include "fs/inode/disk.h"
#include "fs/inode/inoset.h"

struct tally {
	pthread_mutex_t lock;
	_Atomic bool on;	/* a scan runs; changes under the lock, which guards the rest */
	struct file *open;	/* those that may change, always */
	struct inoset open_set; /* the same, while a scan runs */
	struct inoset counted;	/* those that are in the sums */
	struct scan_result sums;
	int failed; /* why they cannot be right any more */
};

int tally_new(struct tally **ret_tally)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	(void)pthread_mutex_init(&t->lock, NULL);
	*ret_tally = t;
	return 0;
}

static void forget_locked(struct tally *t)
{
	atomic_store(&t->on, false);
	inoset_fini(&t->open_set);
	inoset_fini(&t->counted);
	scan_result_fini(&t->sums);
	t->failed = 0;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	forget_locked(t);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

/* What a file adds to the sums. */
struct share {
	struct stat st;
	bool readable;
	struct wrap_ref ref;
	uint64_t bytes;
};

/* 1: it counts; 0: no file, or an empty one, which is just being made (or damage, and refers to
 * nothing). A header that does not decode, or a length that no file has, is not readable. */
static int share_read(int fd, struct share *ret_share)
{
	struct share *sh = ret_share;
	uint8_t bytes[HEADER_LEN];
	struct header hdr;
	int r;

	*sh = (struct share){0};
	if (fstat(fd, &sh->st) < 0)
		return -errno;
	if (!S_ISREG(sh->st.st_mode) || sh->st.st_size == 0)
		return 0;
	r = disk_read(fd, bytes, HEADER_LEN, 0);
	if (r < 0 && r != -ENODATA && r != -EIO)
		return r;
	sh->readable = r == 0 && header_decode(bytes, &hdr, NULL) == 0;
	if (!sh->readable)
		return 1;
	sh->ref = hdr.ref;
	if (!file_plain_size((uint64_t)sh->st.st_size, &sh->bytes))
		sh->bytes = 0; /* its header refers to a policy all the same */
	return 1;
}

static int sums_add_locked(struct tally *t, const struct share *sh, enum workload workload,
			   int sign)
{
	if (sh->readable)
		return scan_add(&t->sums, workload, &sh->ref, sign, sign * (int64_t)sh->bytes);
	t->sums.unreadable += (uint64_t)(int64_t)sign;
	return 0;
}

/* A change that cannot be followed makes the whole count worthless, and never fails the change. */
static void failed_locked(struct tally *t, int r)
{
	if (r < 0 && !t->failed)
		t->failed = r;
}

static void take_off_locked(struct tally *t, const struct share *sh, enum workload workload)
{
	if (inoset_remove(&t->counted, sh->st.st_dev, sh->st.st_ino))
		failed_locked(t, sums_add_locked(t, sh, workload, -1));
}

static void put_on_locked(struct tally *t, const struct share *sh, enum workload workload)
{
	int r = inoset_add(&t->counted, sh->st.st_dev, sh->st.st_ino);

	if (r > 0)
		r = sums_add_locked(t, sh, workload, 1);
	failed_locked(t, r);
}

/* ---- who changes files ---- */

static void opens_locked(struct tally *t, const struct file *f)
{
	struct share sh;
	int r = share_read(f->fd, &sh);

	failed_locked(t, r);
	if (r > 0)
		take_off_locked(t, &sh, f->inode->scope->workload);
	if (r >= 0)
		failed_locked(t, inoset_add(&t->open_set, sh.st.st_dev, sh.st.st_ino));
}

void tally_open(struct session *s, struct file *f)
{
	struct tally *t = s->tally;

	pthread_mutex_lock(&t->lock);
	if (!f->tally_link) {
		f->tally_next = t->open;
		f->tally_link = &t->open;
		if (t->open)
			t->open->tally_link = &f->tally_next;
		t->open = f;
		if (atomic_load(&t->on))
			opens_locked(t, f);
	}
	pthread_mutex_unlock(&t->lock);
}

static void closes_locked(struct tally *t, const struct file *f)
{
	struct share sh;
	int r = share_read(f->fd, &sh);

	failed_locked(t, r);
	if (r >= 0)
		(void)inoset_remove(&t->open_set, sh.st.st_dev, sh.st.st_ino);
	if (r > 0 && sh.st.st_nlink)
		put_on_locked(t, &sh, f->inode->scope->workload);
}

void tally_close(struct session *s, struct file *f)
{
	struct tally *t = s->tally;

	pthread_mutex_lock(&t->lock);
	if (!f->tally_link) { /* it was only read */
		pthread_mutex_unlock(&t->lock);
		return;
	}
	*f->tally_link = f->tally_next;
	if (f->tally_next)
		f->tally_next->tally_link = f->tally_link;
	f->tally_link = NULL;
	if (atomic_load(&t->on))
		closes_locked(t, f);
	pthread_mutex_unlock(&t->lock);
}

bool tally_watches(const struct session *s)
{
	return atomic_load(&s->tally->on);
}

void tally_removed(struct session *s, int fd, enum workload workload)
{
	struct tally *t = s->tally;
	struct share sh;
	int r;

	pthread_mutex_lock(&t->lock);
	if (atomic_load(&t->on)) {
		r = share_read(fd, &sh);
		failed_locked(t, r);
		if (r > 0 && sh.st.st_nlink == 0)
			take_off_locked(t, &sh, workload);
	}
	pthread_mutex_unlock(&t->lock);
}

void tally_lost(struct session *s, int r)
{
	pthread_mutex_lock(&s->tally->lock);
	if (atomic_load(&s->tally->on))
		failed_locked(s->tally, r);
	pthread_mutex_unlock(&s->tally->lock);
}

/* ---- the scan ---- */

int tally_begin(struct session *s)
{
	struct tally *t = s->tally;
	int r;

	pthread_mutex_lock(&t->lock);
	forget_locked(t);
	atomic_store(&t->on, true);
	for (const struct file *f = t->open; f; f = f->tally_next)
		opens_locked(t, f);
	r = t->failed;
	pthread_mutex_unlock(&t->lock);
	if (r < 0)
		tally_give_up(s);
	return r;
}

int tally_see(struct session *s, int fd, enum workload workload, struct tally_seen *ret_seen)
{
	struct tally *t = s->tally;
	struct share sh;
	bool counted = false;
	int r;

	pthread_mutex_lock(&t->lock);
	r = share_read(fd, &sh);
	if (r > 0 && sh.st.st_nlink && !inoset_has(&t->open_set, sh.st.st_dev, sh.st.st_ino) &&
	    !inoset_has(&t->counted, sh.st.st_dev, sh.st.st_ino)) {
		put_on_locked(t, &sh, workload);
		counted = true;
	}
	pthread_mutex_unlock(&t->lock);
	if (r <= 0)
		return r;
	*ret_seen = (struct tally_seen){sh.ref, sh.st.st_dev, sh.st.st_ino};
	if (!sh.readable)
		ret_seen->ref = (struct wrap_ref){0};
	return !counted ? 0 : sh.readable ? 1 : -EBADMSG;
}

void tally_unreadable(struct session *s)
{
	pthread_mutex_lock(&s->tally->lock);
	s->tally->sums.unreadable++;
	pthread_mutex_unlock(&s->tally->lock);
}

/* As it is on disk, which must not be behind what memory has decided. Removed files that are still
 * open count: such a one may get a name again (O_TMPFILE). */
static int add_open_locked(struct tally *t, struct file *f)
{
	enum workload workload;
	struct share sh;
	int r = 0;

	file_lock_write(&f->lock);
	workload = f->inode->scope->workload;
	if (f->header_dirty && f->writable)
		r = file_write_header_locked(f, true);
	if (r == 0)
		r = share_read(f->fd, &sh);
	file_unlock_write(&f->lock);
	return r > 0 ? sums_add_locked(t, &sh, workload, 1) : r;
}

int tally_end(struct session *s, struct scan_result *ret_res)
{
	struct tally *t = s->tally;
	int r;

	pthread_mutex_lock(&t->lock);
	for (struct file *f = t->open; f && !t->failed; f = f->tally_next)
		failed_locked(t, add_open_locked(t, f));
	r = t->failed;
	if (r == 0) {
		*ret_res = t->sums;
		t->sums = (struct scan_result){0};
	}
	forget_locked(t);
	pthread_mutex_unlock(&t->lock);
	return r;
}

void tally_give_up(struct session *s)
{
	pthread_mutex_lock(&s->tally->lock);
	forget_locked(s->tally);
	pthread_mutex_unlock(&s->tally->lock);
}
