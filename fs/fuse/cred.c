#include "fs/fuse/cred.h"

#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "crypto/base/clock.h"

static _Thread_local bool own_umask;

/* Held while it creates by a thread that has no umask of its own, because unshare(2) failed. */
static pthread_mutex_t shared_umask = PTHREAD_MUTEX_INITIALIZER;

void cred_init(struct session *s)
{
	/*
	 * The kernel has already decided, with the caller's groups and the ACLs
	 * (default_permissions), that the creation is allowed; keeping the capabilities avoids a
	 * second decision here.
	 */
	s->drops_ids = geteuid() == 0 && prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == 0;
}

void cred_enter(const struct session *s, uid_t uid, gid_t gid, mode_t umask_bits)
{
	if (!own_umask)
		own_umask = unshare(CLONE_FS) == 0; /* of this thread alone; needs no privilege */
	if (!own_umask)
		pthread_mutex_lock(&shared_umask);
	(void)umask(umask_bits); /* a default ACL overrides it, below, as POSIX wants */
	if (s->drops_ids && gid)
		(void)setfsgid(gid);
	if (s->drops_ids && uid)
		(void)setfsuid(uid);
}

void cred_leave(const struct session *s)
{
	if (!own_umask)
		pthread_mutex_unlock(&shared_umask);
	if (!s->drops_ids)
		return;
	(void)setfsuid(0); /* back to what the process is: cannot be refused */
	(void)setfsgid(0);
}

/* 512 MiB in 100 ms are more than users write through FUSE. */
#define SPACE_SHORT    (512ull << 20) /* bytes */
#define SPACE_CHECK_MS 100u

/* Whether users come near the blocks kept for root; false where the filesystem keeps none. */
static bool space_is_short(struct session *s)
{
	uint64_t now = clock_now_ms(), due = atomic_load(&s->space.check_ms);
	struct statvfs v;

	if (now < due ||
	    !atomic_compare_exchange_strong(&s->space.check_ms, &due, now + SPACE_CHECK_MS))
		return atomic_load(&s->space.is_short);
	if (fstatvfs(s->v.top_fd, &v) == 0)
		atomic_store(&s->space.is_short,
			     v.f_bfree > v.f_bavail && v.f_bavail < SPACE_SHORT / v.f_frsize);
	return atomic_load(&s->space.is_short);
}

bool cred_space_enter(struct session *s, uid_t uid)
{
	if (!s->drops_ids || !uid || !space_is_short(s))
		return false;
	(void)setfsuid(uid);
	return true;
}

void cred_space_leave(bool entered)
{
	if (entered)
		(void)setfsuid(0); /* cannot be refused */
}
