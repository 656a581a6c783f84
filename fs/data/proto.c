/*
 * libfuse 3.14 speaks FUSE 7.38 only in part. Three things are added where bytes come in and go out
 * (linux/fuse.h names every field):
 * - FUSE_TMPFILE is FUSE_CREATE to the byte, with the name "/", which no creation can have: it is
 * handed on as one.
 * - FUSE_HANDLE_KILLPRIV_V2: without it the kernel asks for security.capability at every write(2).
 * With it, it says when set-id bits are to go.
 * - FUSE_PARALLEL_DIROPS: without it the kernel serialises look-ups in a folder.
 */
#include "proto.h"

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static _Thread_local bool kills_setid;

/* The handshake, once a mount, by whichever thread: its number, and what the kernel offered. */
static _Atomic uint64_t init_unique;
static _Atomic uint32_t init_offered;

bool proto_kills_setid(void)
{
	return kills_setid;
}

/* Copies a request's body when it is there in full. */
static bool body_of(const void *buf, ssize_t n, void *ret_body, size_t len)
{
	if (n < (ssize_t)(sizeof(struct fuse_in_header) + len))
		return false;
	memcpy(ret_body, (const char *)buf + sizeof(struct fuse_in_header), len);
	return true;
}

static void note_init(const struct fuse_in_header *head, const void *buf, ssize_t n)
{
	struct fuse_init_in in;
	const size_t short_len = offsetof(struct fuse_init_in, flags) + sizeof(in.flags);

	if (!body_of(buf, n, &in, short_len))
		return;
	atomic_store(&init_offered, in.flags);
	atomic_store(&init_unique, head->unique);
}

static bool asks_to_kill(uint32_t opcode, const void *buf, ssize_t n)
{
	struct fuse_setattr_in setattr;
	struct fuse_write_in write_in;
	struct fuse_open_in open_in;

	switch (opcode) {
	case FUSE_WRITE:
		return body_of(buf, n, &write_in, sizeof(write_in)) &&
		       (write_in.write_flags & FUSE_WRITE_KILL_SUIDGID);
	case FUSE_SETATTR:
		return body_of(buf, n, &setattr, sizeof(setattr)) &&
		       (setattr.valid & FATTR_KILL_SUIDGID);
	case FUSE_OPEN:
		return body_of(buf, n, &open_in, sizeof(open_in)) &&
		       (open_in.open_flags & FUSE_OPEN_KILL_SUIDGID);
	default:
		return false;
	}
}

static ssize_t receive(int fd, void *buf, size_t len, void *userdata)
{
	ssize_t n = read(fd, buf, len);
	struct fuse_in_header head;

	(void)userdata;
	if (n < (ssize_t)sizeof(head))
		return n;
	memcpy(&head, buf, sizeof(head));
	kills_setid = asks_to_kill(head.opcode, buf, n);
	if (head.opcode == FUSE_INIT)
		note_init(&head, buf, n);
	if (head.opcode == FUSE_TMPFILE) {
		head.opcode = FUSE_CREATE;
		memcpy(buf, &head, sizeof(head));
	}
	return n;
}

static void amend_init(const struct iovec *body)
{
	const uint32_t more = FUSE_HANDLE_KILLPRIV_V2 | FUSE_PARALLEL_DIROPS;
	struct fuse_init_out out;
	const size_t head_len = offsetof(struct fuse_init_out, flags) + sizeof(out.flags);

	if (body->iov_len < head_len)
		return;
	memcpy(&out, body->iov_base, head_len);
	out.flags |= more & atomic_load(&init_offered);
	memcpy(body->iov_base, &out, head_len);
}

static ssize_t reply(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fuse_out_header head;

	(void)userdata;
	if (count == 2 && iov[0].iov_len == sizeof(head) &&
	    atomic_load_explicit(&init_unique, memory_order_relaxed)) {
		memcpy(&head, iov[0].iov_base, sizeof(head));
		if (head.unique == atomic_load(&init_unique) && !head.error) {
			amend_init(&iov[1]);
			atomic_store(&init_unique, 0);
		}
	}
	return writev(fd, iov, count);
}

const struct fuse_custom_io proto_io = {.read = receive, .writev = reply};
