/* fs/content/drain.h - open content of a denied policy: for a while its dirty pages are still
 * written, then its data key is wiped. */
#ifndef DEPFS_CONTENT_DRAIN_H
#define DEPFS_CONTENT_DRAIN_H

#include "fs/content/file.h"

/* drain_begin_locked() - open content begins to drain. Expects the write lock. The caller then
 * calls drain_content(), or sweeps all content of the policy (fs/fuse/revoke.h). */
void drain_begin_locked(struct file *f);

/* drain_content() - has the file's pages written out and dropped, and its data key wiped. Called
 * without locks, from a thread that serves no requests: serving threads answer the kernel's writes
 * meanwhile. */
void drain_content(struct volume *v, struct file *f);

/* drain_stop() - from now on no dirty page is accepted. drain_finish() - after drain_stop(), when
 * the kernel has no page of the file left: writes the header and wipes the data key, unless access
 * came back. Returns how many keys were wiped; a key that a system request uses is wiped when that
 * request ends. */
void drain_stop(struct file *f);
unsigned drain_finish(struct file *f);

/* drain_accepts() - whether a dirty page of @len bytes is still written while its content drains;
 * if not, it counts as lost. drain_account() - counts an accepted page as flushed (@r is 0) or
 * lost. */
bool drain_accepts(struct file *f, size_t len);
void drain_account(struct file *f, size_t len, int r);

/*
 * drain_interrupts() - a copy of @rq whose wait for a vault ends when the content of @i begins to
 * drain. For requests during which the kernel holds back pages of the file: a denial of its policy
 * must not wait for another policy's vault. @wait must live as long as the copy.
 * drain_errno() - the errno of such a request: -EKEYREVOKED when its wait ended so, else @r.
 */
struct drain_wait {
	const struct key_wait *caller;
	struct inode_table *inodes;
	struct inode *inode;
};
struct request drain_interrupts(struct inode_table *t, struct inode *i, const struct request *rq,
				struct drain_wait *wait);
int drain_errno(struct inode_table *t, struct inode *i, int r) MUST_CHECK;

#endif
