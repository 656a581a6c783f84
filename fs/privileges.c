#include "fs/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const uint8_t kept[] = {
	CAP_CHOWN,	     /* chown of a caller */
	CAP_DAC_OVERRIDE,    /* the kernel has checked the caller already (default_permissions) */
	CAP_DAC_READ_SEARCH, /* open_by_handle_at */
	CAP_FOWNER,	     /* chmod, utimensat */
	CAP_FSETID,	     /* set-id bits are cleared when the kernel says so */
	CAP_SETUID,	     /* creations under the caller's fsuid */
	CAP_SETGID,	     CAP_SETPCAP, /* securebits: capabilities stay across setfsuid() */
	CAP_MKNOD,			  /* device nodes */
	CAP_SETFCAP,			  /* security.capability of a file */
	CAP_IPC_LOCK,			  /* keys and plaintext buffers stay out of swap */
	CAP_SYS_ADMIN,			  /* mount, unmount, trusted.* attributes */
};

static bool is_kept(unsigned cap)
{
	for (size_t i = 0; i < sizeof(kept); i++)
		if (kept[i] == cap)
			return true;
	return false;
}

static int set_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		uint32_t bit = 1u << (cap % 32);

		if (is_kept(cap))
			continue;
		data[cap / 32].effective &= ~bit;
		data[cap / 32].permitted &= ~bit;
		data[cap / 32].inheritable &= ~bit;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int privileges_drop(struct err *err)
{
	int r;

	if (geteuid() != 0)
		return 0;
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!is_kept(cap) && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_set(err, -errno, "capability %u stays: %s", cap,
				       strerror(errno));
	r = set_capabilities();
	if (r < 0)
		return err_set(err, r, "capabilities cannot be dropped: %s", strerror(-r));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "no_new_privs: %s", strerror(errno));
	return 0;
}
