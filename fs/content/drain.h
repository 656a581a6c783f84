/* fs/content/drain.h - open content of a denied policy: for a while its dirty pages are written,
 * then its data key is wiped. */
#ifndef DEPFS_CONTENT_DRAIN_H
#define DEPFS_CONTENT_DRAIN_H

#include "fs/content/file.h"

/* drain_begin_locked() - open content begins to drain. Expects the write lock; drain_content()
 * follows, or the sweep of its policy (fs/fuse/revoke.h). */
void drain_begin_locked(struct file *f);

/* drain_content() - its pages are written out and dropped, its data key wiped. Without locks, and
 * from a thread that serves no requests: the kernel's writes have to be answered meanwhile. */
void drain_content(struct volume *v, struct file *f);

/* drain_stop() - no dirty page is accepted any more. drain_finish() - after that, when the kernel
 * has no page left: the header is written and the data key wiped, unless access came back. Returns
 * how many keys were wiped; one that a system request uses is wiped by that request. */
void drain_stop(struct file *f);
unsigned drain_finish(struct file *f);

/* drain_accepts() - whether a dirty page of @len bytes is still written although its content
 * drains; drain_account() - what became of it. */
bool drain_accepts(struct file *f, size_t len);
void drain_account(struct file *f, size_t len, int r);

/*
 * drain_interrupts() - @rq, but its wait for a vault ends when the content of @i begins to drain
 * For requests until whose answer the kernel holds back dirty pages, or a page, of the file: a
 * denial of its policy must not wait for another policy's vault. @wait lives as long as the
 * request. drain_errno() - of such a request: -EKEYREVOKED when it ended so, else @r.
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
