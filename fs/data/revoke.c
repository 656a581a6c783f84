#include "revoke.h"

#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cleanup.h"
#include "file.h"
#include "inode.h"

/* The open content of a node under @policy_id, with one more user; NULL: not open, or not under it.
 */
static struct file *open_under(struct session *s, struct inode *i,
			       const uint8_t policy_id[static UUID_LEN])
{
	pthread_mutex_t *stripe = inode_stripe(s->inodes, i);
	struct file *f;
	bool under = false;

	pthread_mutex_lock(stripe);
	f = i->file;
	if (f) {
		file_lock_read(&f->lock);
		under = memcmp(f->hdr.ref.policy_id, policy_id, UUID_LEN) == 0;
		file_unlock_read(&f->lock);
		f->opens += under;
	}
	pthread_mutex_unlock(stripe);
	return under ? f : NULL;
}

/*
 * Dirty pages are written while the data key may still be used, then every request is refused, then
 * what was read in between is dropped too. Runs on the key checker's thread, with no lock held; the
 * serving threads answer what the kernel writes.
 */
static void revoke_file(struct session *s, struct inode *i, struct file *f)
{
	fuse_ino_t ino = (fuse_ino_t)(uintptr_t)i;

	(void)fuse_lowlevel_notify_inval_inode(s->fuse, ino, 0,
					       0); /* ENOENT: the kernel has no pages */
	atomic_store(&f->revoked, true);
	(void)fuse_lowlevel_notify_inval_inode(s->fuse, ino, 0, 0);
}

static size_t revoke_open_files(struct session *s, const uint8_t policy_id[static UUID_LEN],
				int *ret_r)
{
	CLEANUP(free_mem_p) struct inode **nodes = NULL;
	size_t count = 0, files = 0;

	*ret_r = inode_table_held(s->inodes, &nodes, &count);
	for (size_t n = 0; n < count; n++) {
		struct file *f = open_under(s, nodes[n], policy_id);

		if (f) {
			revoke_file(s, nodes[n], f);
			(void)file_put(s, f); /* a last user gone meanwhile: only its header is left
						 to write */
			files++;
		}
		inode_unhold(s->inodes, nodes[n]);
	}
	return files;
}

static void on_revoked(void *arg, const uint8_t policy_id[UUID_LEN])
{
	struct session *s = arg;
	struct audit_field fields[2];
	char id[UUID_TEXT_LEN];
	int r = 0;

	pthread_mutex_lock(&s->revoke_lock);
	uuid_encode(policy_id, id);
	fields[0] = AUDIT_FIELD_STR("policy_id", id);
	fields[1] =
		AUDIT_FIELD_U64("open_files", s->fuse ? revoke_open_files(s, policy_id, &r) : 0);
	metrics_add(engine_metrics(s->engine), METRIC_REVOKED_FILES, fields[1].num);
	audit_event(engine_audit(s->engine), "revocation-done", NULL, errno_name(r), fields, 2);
	pthread_mutex_unlock(&s->revoke_lock);
}

void revoke_listen(struct session *s)
{
	(void)pthread_mutex_init(&s->revoke_lock,
				 NULL); /* default attributes cannot fail on Linux */
	engine_on_revoked(s->engine, on_revoked, s);
}

void revoke_silence(struct session *s)
{
	engine_on_revoked(s->engine, NULL, NULL);
	pthread_mutex_lock(&s->revoke_lock);
	s->fuse = NULL;
	pthread_mutex_unlock(&s->revoke_lock);
}
