#include "fs/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const uint8_t kept[] = {
	CAP_CHOWN,	     /* chown by a caller */
	CAP_DAC_OVERRIDE,    /* the kernel has checked the caller already (default_permissions) */
	CAP_DAC_READ_SEARCH, /* open_by_handle_at(2) */
	CAP_FOWNER,	     /* chmod, utimensat */
	CAP_FSETID,	     /* set-id bits are cleared when the kernel says so */
	CAP_SETUID,	     /* creations under the caller's fsuid, see fs/fuse/cred.c */
	CAP_SETGID,	     /* and fsgid */
	CAP_SETPCAP,	     /* securebits: capabilities stay across setfsuid(2) */
	CAP_MKNOD,	     /* device nodes */
	CAP_SETFCAP,	     /* security.capability of a file */
	CAP_IPC_LOCK,	     /* keys and plaintext buffers stay out of swap */
	CAP_SYS_ADMIN,	     /* mount, unmount, trusted.* attributes */
};

static bool is_kept(unsigned cap)
{
	for (size_t i = 0; i < sizeof(kept); i++)
		if (kept[i] == cap)
			return true;
	return false;
}

static int refused(int error, struct err *err)
{
	return err_set(err, -error, "capabilities cannot be dropped: %s", strerror(error));
}

/* The kernel is asked which capabilities exist: it may know more than the headers. */
static int drop_capabilities(struct err *err)
{
	const capng_type_t all =
		CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_BOUNDING_SET;
	bool bounds = false;
	int in_bounds;

	if (capng_get_caps_process() < 0)
		return refused(EIO, err);
	for (unsigned cap = 0; (in_bounds = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++) {
		if (is_kept(cap))
			continue;
		bounds |= in_bounds;
		if (capng_update(CAPNG_DROP, all, cap) < 0)
			return refused(EINVAL, err);
	}
	errno = EPERM; /* for refusals by libcap-ng itself: no CAP_SETPCAP */
	/* Changing the bounding set takes CAP_SETPCAP, so it is left alone when nothing in it is to
	 * be dropped. */
	if (capng_apply(bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0)
		return refused(errno, err);
	return 0;
}

int privileges_drop(struct err *err)
{
	int r;

	if (geteuid() != 0)
		return 0;
	r = drop_capabilities(err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "no_new_privs: %s", strerror(errno));
	return 0;
}
