/* fs/control/control.c - one mount's control directory, and the operations it serves. */
#include "fs/control/control.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/handle_internal.h"
#include "fs/engine/engine.h"

static int op_lookup(void *tree, uint64_t parent, const char *name, struct vtree_attr *ret_attr)
{
	struct ctl_ref ref;
	int r = ctl_resolve(tree, parent, &ref);

	if (r < 0)
		return r;
	if (ref.row)
		return -ENOTDIR;
	r = ctl_child(tree, ref.folder, name, &ref);
	if (r < 0)
		return r;
	ctl_attr(tree, &ref, ret_attr);
	return 0;
}

static int op_getattr(void *tree, uint64_t node, struct vtree_attr *ret_attr)
{
	struct ctl_ref ref;
	int r = ctl_resolve(tree, node, &ref);

	if (r < 0)
		return r;
	ctl_attr(tree, &ref, ret_attr);
	return 0;
}

static void op_quiet(void *tree)
{
	ctl_events_stop(tree);
}

/* Borrows the pieces of the open store that the files of this folder use; none of them uses the
 * engine itself. */
static void take_pieces(struct control *c, struct engine *e)
{
	c->policies = e->policies;
	c->jobs = e->jobs;
	c->keyring = e->keyring;
	c->scopes = e->scopes;
	c->audit = e->audit;
	c->metrics = e->metrics;
	c->store = e->store;
	c->kms = e->kms;
	c->key_check_s = e->key_check_s;
	c->started = e->started;
}

const struct vtree_ops control_vtree_ops = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.readdir = ctl_readdir,
	.open = ctl_open,
	.read = ctl_read,
	.write = ctl_write,
	.release = ctl_release,
	.poll = ctl_poll,
	.quiet = op_quiet,
	.mkdir = ctl_mkdir,
	.rmdir = ctl_rmdir,
	.rename = ctl_rename,
};

int control_new(const struct control_config *config, struct control **ret_control, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		return err_set(err, r, "control directory: no memory");
	c->config = *config;
	take_pieces(c, config->engine);
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->streams_lock, NULL);
	c->mount = strdup(config->mount);
	c->config.mount = c->mount;
	if (c->mount)
		r = ctl_folders_init(&c->folders);
	if (r == 0)
		r = ctl_policies_sync(c);
	ctl_events_start(c);
	if (r < 0) {
		control_free(c);
		return err_set(err, r, "control directory: %s", strerror(-r));
	}
	*ret_control = c;
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	ctl_events_stop(c);
	ctl_files_fini(c);
	ctl_failures_fini(c);
	ctl_folders_fini(&c->folders);
	free(c->mount);
	pthread_mutex_destroy(&c->streams_lock);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
