/* fs/fuse/revoke.h - a revoked policy reaches its files: dirty pages written, cached ones
 * dropped, data keys wiped, requests refused. */
#ifndef DEPFS_FUSE_REVOKE_H
#define DEPFS_FUSE_REVOKE_H

#include <fuse_lowlevel.h>

#include "fs/content/file.h"
#include "fs/fuse/session.h"

/* revoke_listen() - from now on; s->fuse is set. */
void revoke_listen(struct session *s);
/* revoke_silence() - when no thread serves any more: answers what revocations under way still need,
 * waits for them, and none comes after. */
void revoke_silence(struct session *s);

/* revoke_mark_locked() - open content begins to drain. Expects the write lock; revoke_content()
 * follows, or the sweep of its policy. */
void revoke_mark_locked(struct file *f);

/* revoke_content() - what was marked is written out and dropped, and its key wiped. Without locks,
 * from a thread that serves no requests: pages may have to be answered for. */
void revoke_content(struct session *s, struct file *f);

/* revoke_takes() - whether a dirty page of @len bytes is still written although its content drains;
 * revoke_took() - what became of it. */
bool revoke_takes(struct file *f, size_t len);
void revoke_took(struct file *f, size_t len, int r);

/*
 * revoke_hurries() - @rq, but whoever waits for a vault stops when the content of @i begins to
 * drain. For those whose kernel holds back the dirty pages, or a page, until they are answered: a
 * denial of its policy does not wait for another policy's vault. revoke_hurried(): the errno of
 * what ended so is the denial's. @room: lives as long as the request.
 */
struct revoke_wait {
	const struct key_wait *caller;
	struct session *s;
	struct inode *i;
};
struct request revoke_hurries(struct session *s, struct inode *i, const struct request *rq,
			      struct revoke_wait *room);
int revoke_hurried(struct session *s, struct inode *i, int r) MUST_CHECK;

/*
 * revoke_look() before the attributes in a reply are read, revoke_retold() after it: the kernel
 * takes those of a creation or a change of attributes as they come, also when they are older than
 * what a revocation told it meanwhile. Then they are not to be believed.
 */
uint64_t revoke_look(struct session *s);
void revoke_retold(struct session *s, fuse_ino_t ino, uint64_t look);

#endif
