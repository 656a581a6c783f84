/*
 * fs/fuse/protocol.c - requests and replies between the kernel and libfuse: amended, and counted.
 *
 * libfuse 3.14 implements FUSE 7.38 only in part (linux/fuse.h names every field). Added here are:
 * - FUSE_TMPFILE, which is FUSE_CREATE byte for byte, with the name "/", which no creation can
 *   have: it is handed on as FUSE_CREATE.
 * - FUSE_HANDLE_KILLPRIV_V2: without it the kernel asks for security.capability at every write(2);
 *   with it, the kernel tells which requests clear set-id bits.
 * - FUSE_SETXATTR_EXT: with it the kernel tells which ACLs clear set-group-id. The flag is noted,
 * and the request handed on in its short form.
 * - FUSE_PARALLEL_DIROPS: without it the kernel serialises lookups in a folder.
 * Requests are counted here because each passes once when it arrives and once when it is answered.
 */
#include "fs/fuse/protocol.h"

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "crypto/base/clock.h"
#include "fs/fuse/ops.h"
#include "fs/metrics/metrics.h"

static _Thread_local bool kills_setid;
static _Thread_local struct protocol_request serving;

/* The INIT request of the mount, on whichever thread: its number, and what the kernel offered. */
static _Atomic uint64_t init_unique;
static _Atomic uint32_t init_offered;

struct protocol_request protocol_request(void)
{
	return serving;
}

void protocol_go_on(const struct protocol_request *rq)
{
	serving = *rq;
}

/* ---- counting ---- */

static const uint8_t op_of_opcode[] = {
	[FUSE_LOOKUP] = METRIC_OP_LOOKUP,
	[FUSE_FORGET] = METRIC_OP_FORGET,
	[FUSE_GETATTR] = METRIC_OP_GETATTR,
	[FUSE_SETATTR] = METRIC_OP_SETATTR,
	[FUSE_READLINK] = METRIC_OP_READLINK,
	[FUSE_SYMLINK] = METRIC_OP_SYMLINK,
	[FUSE_MKNOD] = METRIC_OP_MKNOD,
	[FUSE_MKDIR] = METRIC_OP_MKDIR,
	[FUSE_UNLINK] = METRIC_OP_UNLINK,
	[FUSE_RMDIR] = METRIC_OP_RMDIR,
	[FUSE_RENAME] = METRIC_OP_RENAME,
	[FUSE_RENAME2] = METRIC_OP_RENAME,
	[FUSE_LINK] = METRIC_OP_LINK,
	[FUSE_OPEN] = METRIC_OP_OPEN,
	[FUSE_READ] = METRIC_OP_READ,
	[FUSE_WRITE] = METRIC_OP_WRITE,
	[FUSE_STATFS] = METRIC_OP_STATFS,
	[FUSE_RELEASE] = METRIC_OP_RELEASE,
	[FUSE_FSYNC] = METRIC_OP_FSYNC,
	[FUSE_SETXATTR] = METRIC_OP_SETXATTR,
	[FUSE_GETXATTR] = METRIC_OP_GETXATTR,
	[FUSE_LISTXATTR] = METRIC_OP_LISTXATTR,
	[FUSE_REMOVEXATTR] = METRIC_OP_REMOVEXATTR,
	[FUSE_FLUSH] = METRIC_OP_FLUSH,
	[FUSE_OPENDIR] = METRIC_OP_OPENDIR,
	[FUSE_READDIR] = METRIC_OP_READDIR,
	[FUSE_READDIRPLUS] = METRIC_OP_READDIRPLUS,
	[FUSE_RELEASEDIR] = METRIC_OP_RELEASEDIR,
	[FUSE_FSYNCDIR] = METRIC_OP_FSYNCDIR,
	[FUSE_CREATE] = METRIC_OP_CREATE,
	[FUSE_TMPFILE] = METRIC_OP_TMPFILE,
	[FUSE_FALLOCATE] = METRIC_OP_FALLOCATE,
	[FUSE_LSEEK] = METRIC_OP_LSEEK,
	[FUSE_POLL] = METRIC_OP_POLL,
	[FUSE_INTERRUPT] = METRIC_OP_INTERRUPT,
	[FUSE_BATCH_FORGET] = METRIC_OP_FORGET,
};

static bool is_unanswered(enum metric_op op)
{
	return op == METRIC_OP_FORGET || op == METRIC_OP_INTERRUPT;
}

static enum metric_op op_of(const struct fuse_in_header *head)
{
	enum metric_op op =
		head->opcode < sizeof(op_of_opcode) ? op_of_opcode[head->opcode] : METRIC_OP_OTHER;

	return node_is_virtual(head->nodeid) && !is_unanswered(op) ? METRIC_OP_CONTROL : op;
}

/* A request without a reply counts as served when its thread reads the next one. */
static void count_unanswered(struct metrics *m)
{
	if (!serving.unique || !is_unanswered(serving.op))
		return;
	metrics_op(m, serving.op, clock_now_ns() - serving.since_ns, 0);
	serving.unique = 0;
}

static void begin(const struct fuse_in_header *head)
{
	serving = (struct protocol_request){head->unique, clock_now_ns(), op_of(head)};
}

static void count_bytes(struct metrics *m, const struct fuse_out_header *head,
			const struct iovec *body, int count)
{
	struct fuse_write_out out;

	if (serving.op == METRIC_OP_READ) {
		metrics_add(m, METRIC_READ_BYTES, head->len - sizeof(*head));
	} else if (serving.op == METRIC_OP_WRITE && count == 2 && body->iov_len >= sizeof(out)) {
		memcpy(&out, body->iov_base, sizeof(out));
		metrics_add(m, METRIC_WRITTEN_BYTES, out.size);
	}
}

/* Called after the write to the kernel, so that its time is counted too. */
static void count_answer(struct metrics *m, const struct fuse_out_header *head)
{
	metrics_op(m, serving.op, clock_now_ns() - serving.since_ns, head->error);
	serving.unique = 0;
}

/* ---- requests ---- */

bool protocol_kills_setid(void)
{
	return kills_setid;
}

/* Copies a request's body, if the buffer has all of it. */
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

static bool setxattr_is_extended(void)
{
	return atomic_load_explicit(&init_offered, memory_order_relaxed) & FUSE_SETXATTR_EXT;
}

static bool asks_to_kill(uint32_t opcode, const void *buf, ssize_t n)
{
	struct fuse_setattr_in setattr;
	struct fuse_setxattr_in setxattr;
	struct fuse_write_in write_in;
	struct fuse_open_in open_in;

	switch (opcode) {
	case FUSE_WRITE:
		return body_of(buf, n, &write_in, sizeof(write_in)) &&
		       (write_in.write_flags & FUSE_WRITE_KILL_SUIDGID);
	case FUSE_SETATTR:
		return body_of(buf, n, &setattr, sizeof(setattr)) &&
		       (setattr.valid & FATTR_KILL_SUIDGID);
	case FUSE_SETXATTR:
		return setxattr_is_extended() && body_of(buf, n, &setxattr, sizeof(setxattr)) &&
		       (setxattr.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID);
	case FUSE_OPEN:
		return body_of(buf, n, &open_in, sizeof(open_in)) &&
		       (open_in.open_flags & FUSE_OPEN_KILL_SUIDGID);
	default:
		return false;
	}
}

/* Makes an extended SETXATTR the short one, whose body lacks the last two fields. */
static ssize_t shorten_setxattr(char *buf, ssize_t n)
{
	const size_t short_len =
		sizeof(struct fuse_in_header) + offsetof(struct fuse_setxattr_in, setxattr_flags);
	const size_t long_len = sizeof(struct fuse_in_header) + sizeof(struct fuse_setxattr_in);
	struct fuse_in_header head;

	if (n < (ssize_t)long_len)
		return n;
	memcpy(&head, buf, sizeof(head));
	head.len -= (uint32_t)(long_len - short_len);
	memcpy(buf, &head, sizeof(head));
	memmove(buf + short_len, buf + long_len, (size_t)n - long_len);
	return n - (ssize_t)(long_len - short_len);
}

static ssize_t receive(int fd, void *buf, size_t len, void *userdata)
{
	struct session *s = userdata;
	struct fuse_in_header head;
	ssize_t n;

	count_unanswered(s->v.metrics);
	n = read(fd, buf, len);
	if (n < (ssize_t)sizeof(head))
		return n;
	memcpy(&head, buf, sizeof(head));
	begin(&head);
	kills_setid = asks_to_kill(head.opcode, buf, n);
	if (head.opcode == FUSE_INIT)
		note_init(&head, buf, n);
	if (head.opcode == FUSE_TMPFILE) {
		head.opcode = FUSE_CREATE;
		memcpy(buf, &head, sizeof(head));
	}
	if (head.opcode == FUSE_SETXATTR && setxattr_is_extended())
		n = shorten_setxattr(buf, n);
	return n;
}

/* ---- replies ---- */

static void amend_init(const struct iovec *body)
{
	const uint32_t more = FUSE_HANDLE_KILLPRIV_V2 | FUSE_PARALLEL_DIROPS | FUSE_SETXATTR_EXT;
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
	struct session *s = userdata;
	struct fuse_out_header head;
	ssize_t n;

	if (iov[0].iov_len != sizeof(head)) /* not so with libfuse 3.14 */
		return writev(fd, iov, count);
	memcpy(&head, iov[0].iov_base, sizeof(head));
	if (count == 2 && atomic_load_explicit(&init_unique, memory_order_relaxed) &&
	    head.unique == atomic_load(&init_unique) && !head.error) {
		amend_init(&iov[1]);
		atomic_store(&init_unique, 0);
	}
	if (!serving.unique || head.unique != serving.unique) /* a notification */
		return writev(fd, iov, count);
	if (!head.error)
		count_bytes(s->v.metrics, &head, &iov[1], count);
	n = writev(fd, iov, count);
	count_answer(s->v.metrics, &head);
	return n;
}

const struct fuse_custom_io protocol_io = {.read = receive, .writev = reply};
