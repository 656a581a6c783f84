/* fs/control/control.h - the control directory: virtual files that steer policies
 * (depfs-control(5)). */
#ifndef DEPFS_CONTROL_H
#define DEPFS_CONTROL_H

#include <sys/types.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "fs/vtree/vtree.h"

struct engine;
struct control;

struct control_gauges {
	unsigned requests_waiting; /* for a vault */
	unsigned inodes_cached;
};

struct control_config {
	struct engine *engine;
	uid_t owner;	   /* of every virtual file: root, or the user that mounted */
	gid_t admin_gid;   /* members may use it beside the owner */
	const char *mount; /* absolute path of the mount, for texts */
	/* what the data path has in memory, for `status` and `metrics`; may be NULL */
	void (*gauges)(void *arg, struct control_gauges *ret_gauges);
	void *gauges_arg;
};

extern const struct vtree_ops control_vtree_ops; /* its `tree` argument is a struct control */

int control_new(const struct control_config *config, struct control **ret_control,
		struct err *err) MUST_CHECK;
void control_free(struct control *c); /* after the last request; NULL allowed */

#endif
