/* fs/fuse/dispatch.c - runs requests that may have to wait for a vault: first on the serving
 * thread, then on the blocking pool. */
#include <errno.h>
#include <string.h>

#include "fs/fuse/ops.h"
#include "fs/fuse/protocol.h"
#include "fs/pool/pool.h"

static bool request_interrupted(void *req)
{
	return atomic_load(&session_of(req)->ending) || fuse_req_interrupted(req);
}

static enum request_class class_of(struct session *s, fuse_req_t req, bool all_groups)
{
	gid_t groups[256];
	int n;

	if (!s->has_system_gid)
		return REQUEST_USER;
	if (fuse_req_ctx(req)->gid == s->system_gid)
		return REQUEST_SYSTEM;
	/* This reads /proc, so only on the blocking pool. */
	n = all_groups ? fuse_req_getgroups(req, 256, groups) : 0;
	for (int i = 0; i < n && i < 256; i++)
		if (groups[i] == s->system_gid)
			return REQUEST_SYSTEM;
	return REQUEST_USER;
}

/* A request on its way to a pool: it outlives the buffers of the serving thread. */
struct parked {
	struct op op;
	op_fn fn;
	char *name, *name2; /* owned copies */
	uint8_t *data;
	struct protocol_request served; /* for the thread that will answer it */
};

static void parked_free(struct parked *p)
{
	if (p->data)
		explicit_bzero(p->data, p->op.len);
	free(p->name);
	free(p->name2);
	free(p->data);
	free(p);
}
DEFINE_CLEANUP(struct parked *, parked_free)

static struct parked *parked_new(const struct op *op, op_fn fn)
{
	CLEANUP(parked_free_p) struct parked *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->op = *op;
	p->fn = fn;
	p->served = protocol_request();
	p->name = op->name ? strdup(op->name) : NULL;
	p->name2 = op->name2 ? strdup(op->name2) : NULL;
	p->data = op->data ? malloc(op->len ? op->len : 1) : NULL;
	if ((op->name && !p->name) || (op->name2 && !p->name2) || (op->data && !p->data))
		return NULL;
	if (op->data)
		memcpy(p->data, op->data, op->len);
	p->op.name = p->name;
	p->op.name2 = p->name2;
	p->op.data = p->data;
	return STEAL(p);
}

static void run_parked(void *arg)
{
	struct parked *p = arg;
	struct session *s = session_of(p->op.req);
	const struct request rq = {
		.blocking = MAY_BLOCK,
		.class = class_of(s, p->op.req, true),
		.wait = {.interrupted = request_interrupted, .arg = p->op.req},
	};
	int r;

	protocol_go_on(&p->served);
	r = p->fn(s, &p->op, &rq);
	if (r < 0)
		fuse_reply_err(p->op.req, r == -EINPROGRESS ? ETIMEDOUT : -r);
	parked_free(p);
}

static void run_on(struct pool *pool, struct op *op, op_fn fn)
{
	struct parked *p = parked_new(op, fn);
	int r = p ? pool_run(pool, run_parked, p) : -ENOMEM;

	if (r < 0) {
		if (p)
			parked_free(p);
		fuse_reply_err(op->req, -r);
	}
}

void op_run_control(struct op *op, op_fn fn)
{
	run_on(session_of(op->req)->control_pool, op, fn);
}

void op_run(struct op *op, op_fn fn)
{
	struct session *s = session_of(op->req);
	const struct request rq = {.blocking = NEVER_BLOCK, .class = class_of(s, op->req, false)};
	int r = fn(s, op, &rq);

	/* When it was refused as a user's request, a supplementary group may still make it a system
	 * request. */
	if (r == -EINPROGRESS ||
	    (r == -EKEYREVOKED && s->has_system_gid && rq.class == REQUEST_USER))
		run_on(op->fi.writepage ? s->page_pool : s->pool, op, fn);
	else if (r < 0)
		fuse_reply_err(op->req, -r);
}
