/* fs/policy/audit.c - the audit log's queue and the one thread that writes it. */
#include "audit.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/audit_line.h"

#define QUEUE_LEN	4096
#define BACK_OFF_MIN_MS 100
#define BACK_OFF_MAX_MS 5000

/*
 * Callers put bodies into the queue; the writer takes all of it at once, so that however many came
 * in while it wrote cost one fsync together. A batch that cannot be written is kept and tried
 * again, while the queue fills behind it; what no longer fits is counted, and the count becomes an
 * event. lock is held for a moment only: never across a commit or a call of on_append.
 */
struct audit {
	struct store *store;
	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t work;	/* something for the writer to see to */
	pthread_cond_t settled; /* an attempt to write ended, or on_append returned */

	/* guarded by lock */
	char *queue[QUEUE_LEN]; /* malloc'ed bodies, oldest first */
	size_t queued;
	uint64_t lost; /* since the last event that told of it */
	uint64_t lost_ever;
	uint64_t accepted; /* events ever queued */
	uint64_t durable;  /* of these */
	uint64_t failures; /* attempts that failed */
	int failure;	   /* the last one's errno */
	bool stop, hurry;  /* hurry: somebody waits in audit_sync() */
	bool calling;	   /* on_append runs */
	void (*on_append)(void *arg);
	void *on_append_arg;
	uint64_t last_seq;
	char *last_line; /* NULL: none yet */

	/* the writer's own */
	struct audit_head head;
	char *batch[QUEUE_LEN + 1]; /* one more: events-lost */
	size_t batch_len;
	size_t batch_accepted; /* of these, how many audit_event() queued */
};

void audit_event(struct audit *a, const char *event, const struct actor *actor, const char *outcome,
		 const struct audit_field *fields, size_t n_fields)
{
	CLEANUP(free_mem_p) char *body = audit_body(event, actor, outcome, fields, n_fields);

	pthread_mutex_lock(&a->lock);
	if (body && a->queued < QUEUE_LEN) {
		a->queue[a->queued++] = STEAL(body);
		a->accepted++;
	} else {
		a->lost++;
		a->lost_ever++;
	}
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
}

/* The queue becomes the batch. */
static void batch_take_locked(struct audit *a)
{
	const struct audit_field count = AUDIT_FIELD_U64("count", a->lost);
	char *lost = NULL;

	if (a->lost > 0)
		lost = audit_body("events-lost", NULL, "ENOBUFS", &count, 1);
	memcpy(a->batch, a->queue, a->queued * sizeof(a->queue[0]));
	a->batch_len = a->batch_accepted = a->queued;
	a->queued = 0;
	if (!lost) /* out of memory: the count is kept for the next batch */
		return;
	a->batch[a->batch_len++] = lost;
	a->lost = 0;
}

static void batch_free(struct audit *a)
{
	for (size_t i = 0; i < a->batch_len; i++)
		free(a->batch[i]);
	a->batch_len = a->batch_accepted = 0;
}

/* @io_line: the line before is freed, this one is put in its place. */
static int line_put(struct store_txn *t, struct audit_head *head, const char *body, char **io_line,
		    struct err *err)
{
	uint8_t key[AUDIT_KEY_LEN];
	char *line;
	size_t len;
	int r = audit_chain(head, body, &line, &len);

	if (r < 0)
		return err_set(err, r, "events: a line cannot be made");
	free(*io_line);
	*io_line = line;
	audit_key(head->seq, key);
	return store_put(t, TABLE_EVENTS, key, sizeof(key), line, len, err);
}

static int batch_put(struct audit *a, struct store_txn *t, struct audit_head *head, char **io_line,
		     struct err *err)
{
	for (size_t i = 0; i < a->batch_len; i++) {
		int r = line_put(t, head, a->batch[i], io_line, err);

		if (r < 0)
			return r;
	}
	return audit_head_put(t, head, err);
}

/* One transaction, one fsync; on failure the batch and the chain stay as they were. */
static int batch_write(struct audit *a, char **ret_line)
{
	CLEANUP(free_mem_p) char *line = NULL;
	struct audit_head head = a->head;
	struct store_txn *t;
	int r = store_begin(a->store, STORE_WRITE, &t, NULL);

	if (r < 0)
		return r;
	r = batch_put(a, t, &head, &line, NULL);
	if (r < 0) {
		store_abort(t);
		return r;
	}
	r = store_commit(t, STORE_COMMIT, NULL);
	if (r < 0)
		return r;
	a->head = head;
	*ret_line = STEAL(line);
	return 0;
}

static struct timespec in_ms(unsigned ms)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at); /* fails only for a bad argument */
	at.tv_sec += ms / 1000;
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* Called with the lock held, which is dropped for the call. */
static void tell_appended_locked(struct audit *a)
{
	void (*fn)(void *arg) = a->on_append;
	void *arg = a->on_append_arg;

	if (!fn)
		return;
	a->calling = true;
	pthread_mutex_unlock(&a->lock);
	fn(arg);
	pthread_mutex_lock(&a->lock);
	a->calling = false;
}

static void batch_settle_locked(struct audit *a, int r, char *line)
{
	if (r == 0) {
		a->durable += a->batch_accepted;
		a->last_seq = a->head.seq;
		free(a->last_line);
		a->last_line = line;
		batch_free(a);
		tell_appended_locked(a);
	} else {
		a->failures++;
		a->failure = r;
	}
	pthread_cond_broadcast(&a->settled);
}

/* Until it is time to try again; a caller of audit_sync(), or the end, makes that at once. */
static void back_off_locked(struct audit *a, unsigned ms)
{
	struct timespec until = in_ms(ms);

	a->hurry = false;
	while (!a->stop && !a->hurry &&
	       pthread_cond_clockwait(&a->work, &a->lock, CLOCK_MONOTONIC, &until) == 0)
		;
}

static void *writer_run(void *arg)
{
	unsigned back_off_ms = BACK_OFF_MIN_MS;
	struct audit *a = arg;

	pthread_mutex_lock(&a->lock);
	for (;;) {
		char *line = NULL;
		int r;

		while (!a->stop && a->batch_len == 0 && a->queued == 0 && a->lost == 0)
			pthread_cond_wait(&a->work, &a->lock);
		if (a->batch_len == 0)
			batch_take_locked(a);
		if (a->batch_len == 0 && a->stop)
			break;
		pthread_mutex_unlock(&a->lock);
		r = a->batch_len > 0 ? batch_write(a, &line) : -ENOMEM;
		pthread_mutex_lock(&a->lock);
		batch_settle_locked(a, r, line);
		if (r < 0 && a->stop) /* the last attempt: there is nobody left to wait for */
			break;
		if (r < 0)
			back_off_locked(a, back_off_ms);
		back_off_ms = r < 0 ? 2 * back_off_ms : BACK_OFF_MIN_MS;
		if (back_off_ms > BACK_OFF_MAX_MS)
			back_off_ms = BACK_OFF_MAX_MS;
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* Signals are for the threads that expect them. */
static int writer_start(struct audit *a)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fail only for a bad argument */
	rc = pthread_create(&a->writer, NULL, writer_run, a);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

static void audit_release(struct audit *a)
{
	batch_free(a);
	for (size_t i = 0; i < a->queued; i++)
		free(a->queue[i]);
	free(a->last_line);
	pthread_cond_destroy(&a->settled);
	pthread_cond_destroy(&a->work);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
DEFINE_CLEANUP(struct audit *, audit_release)

/* The newest line, when it is where and what the record of it says. */
static int newest_check(struct audit *a, struct store_txn *t)
{
	uint8_t prev[SHA256_LEN], hash[SHA256_LEN], key[AUDIT_KEY_LEN];
	const uint8_t *line;
	const void *last;
	size_t len, last_len;
	int r = store_last(t, TABLE_EVENTS, &last, &last_len, &line, &len, NULL);

	if (r == -ENOENT && a->head.seq == 0)
		return 0;
	audit_key(a->head.seq, key);
	if (r < 0 || last_len != sizeof(key) || memcmp(last, key, sizeof(key)) != 0)
		return -EBADMSG;
	r = audit_unchain(line, len, a->head.seq, prev, hash);
	if (r < 0 || memcmp(hash, a->head.hash, SHA256_LEN) != 0)
		return -EBADMSG;
	a->last_line = strndup((const char *)line, len);
	return a->last_line ? 0 : -ENOMEM;
}

/* Events behind the head that nobody wrote are not to be overwritten: they are evidence. */
static uint64_t seq_beyond(struct store_txn *t)
{
	const uint8_t *line;
	const void *key;
	size_t key_len, len;
	struct rbuf b;

	if (store_last(t, TABLE_EVENTS, &key, &key_len, &line, &len, NULL) < 0)
		return 0;
	b = rbuf_from(key, key_len);
	return __builtin_bswap64(rbuf_u64(&b));
}

/* A log that was touched must not keep the store from being served; it says so itself. */
static int head_load(struct audit *a, bool *ret_damaged, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	int r = store_begin(a->store, STORE_READ, &t, err);

	if (r == 0)
		r = audit_head_get(t, &a->head, err);
	if (r < 0)
		return err_prefix(err, r, "events");
	r = newest_check(a, t);
	*ret_damaged = r == -EBADMSG;
	if (r == -EBADMSG && seq_beyond(t) > a->head.seq)
		a->head.seq = seq_beyond(t);
	a->last_seq = a->head.seq;
	return r == -ENOMEM ? err_set(err, r, "events: out of memory") : 0;
}

int audit_new(struct store *store, struct audit **ret_audit, struct err *err)
{
	CLEANUP(audit_release_p) struct audit *a = calloc(1, sizeof(*a));
	bool damaged;
	int r;

	if (!a)
		return err_set(err, -ENOMEM, "events: out of memory");
	a->store = store;
	pthread_mutex_init(&a->lock, NULL); /* these three cannot fail with glibc */
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->settled, NULL);
	r = head_load(a, &damaged, err);
	if (r < 0)
		return r;
	r = writer_start(a);
	if (r < 0)
		return err_set(err, r, "events: the writer cannot start: %s", strerrordesc_np(-r));
	if (damaged)
		audit_event(a, "events-damaged", NULL, "EBADMSG", NULL, 0);
	*ret_audit = STEAL(a);
	return 0;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	(void)pthread_join(a->writer, NULL); /* it was started, and ends by itself */
	audit_release(a);
}

int audit_sync(struct audit *a, struct err *err)
{
	uint64_t until, failures;
	int r = 0;

	pthread_mutex_lock(&a->lock);
	until = a->accepted;
	failures = a->failures;
	a->hurry = true;
	pthread_cond_signal(&a->work);
	while (a->durable < until && a->failures == failures)
		pthread_cond_wait(&a->settled, &a->lock);
	if (a->durable < until)
		r = a->failure;
	pthread_mutex_unlock(&a->lock);
	return r < 0 ? err_set(err, r, "events cannot be written: %s", strerrordesc_np(-r)) : 0;
}

ssize_t audit_read(struct audit *a, uint64_t seq, char *buf, size_t buf_len, uint64_t *ret_next,
		   struct err *err)
{
	return audit_read_from(a->store, seq, buf, buf_len, ret_next, err);
}

uint64_t audit_last_seq(struct audit *a)
{
	uint64_t seq;

	pthread_mutex_lock(&a->lock);
	seq = a->last_seq;
	pthread_mutex_unlock(&a->lock);
	return seq;
}

void audit_counts(struct audit *a, struct audit_counts *ret_counts)
{
	pthread_mutex_lock(&a->lock);
	*ret_counts = (struct audit_counts){
		.accepted = a->accepted,
		.lost = a->lost_ever,
		.write_failures = a->failures,
		.waiting = a->accepted - a->durable,
	};
	pthread_mutex_unlock(&a->lock);
}

void audit_last_line(struct audit *a, char *out, size_t out_len)
{
	pthread_mutex_lock(&a->lock);
	(void)snprintf(out, out_len, "%s", a->last_line ? a->last_line : "");
	pthread_mutex_unlock(&a->lock);
}

/* The old one is not running any more when this returns, unless it called us itself. */
void audit_on_append(struct audit *a, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&a->lock);
	while (a->calling && !pthread_equal(pthread_self(), a->writer))
		pthread_cond_wait(&a->settled, &a->lock);
	a->on_append = fn;
	a->on_append_arg = arg;
	pthread_mutex_unlock(&a->lock);
}
