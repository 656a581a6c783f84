/* fs/audit/audit.c - the audit log's queue and the one thread that writes it. */
#include "fs/audit/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/audit/audit_internal.h"

#define LINGER_MS	50 /* so long the first event waits for others, if nobody waits for it */
#define STEP_LEN	(64u << 10) /* bytes of new events for each step of a rotation */
#define BACK_OFF_MIN_MS 100
#define BACK_OFF_MAX_MS 5000

void audit_event(struct audit *a, const char *event, const struct actor *actor, const char *outcome,
		 const struct audit_field *fields, size_t n_fields)
{
	CLEANUP(free_mem_p) char *body = NULL;
	bool admitted, counting;

	pthread_mutex_lock(&a->lock);
	counting = audit_flood_due_ms(&a->flood) != 0;
	admitted = audit_flood_admit(&a->flood, event, clock_now_ms());
	if (!admitted && !counting) /* the writer knows of no count yet */
		pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	if (!admitted)
		return;
	body = audit_body(event, actor, outcome, fields, n_fields);
	pthread_mutex_lock(&a->lock);
	if (body && a->queued < AUDIT_QUEUE_LEN) {
		a->queue[a->queued++] = STEAL(body);
		a->accepted++;
	} else {
		a->lost++;
		a->lost_ever++;
	}
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
}

/* Counts of what was not written one by one. */
static void counts_take_locked(struct audit *a)
{
	uint64_t now_ms = a->stop ? UINT64_MAX : clock_now_ms(), count;
	const char *event;

	while (audit_flood_take(&a->flood, now_ms, &event, &count)) {
		const struct audit_field fields[] = {AUDIT_FIELD_STR("of", event),
						     AUDIT_FIELD_U64("count", count)};
		char *body = audit_body("events-coalesced", NULL, "ok", fields, 2);

		if (!body) { /* out of memory: later */
			audit_flood_untake(&a->flood, event, count, clock_now_ms());
			return;
		}
		a->batch[a->batch_len++] = body;
	}
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
	counts_take_locked(a);
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

/* A signature is added when the oldest event without one has waited long enough. */
static int batch_write(struct audit *a, bool sign_now, const char *reason, char **ret_line)
{
	const struct audit_append what = {
		.bodies = a->batch,
		.n = a->batch_len,
		.sign = sign_now ? reason : NULL,
		.how = STORE_COMMIT,
	};

	int r = audit_append(a->store, &a->tail, &what, ret_line, NULL);

	a->rotation.batch_len = 0;
	for (size_t i = 0; r == 0 && i < a->batch_len; i++)
		a->rotation.batch_len += strlen(a->batch[i]);
	a->rotation.unseen_len += a->rotation.batch_len;
	return r;
}

/* Whether what is durable waits for a signature, and until when. */
static void sign_note(struct audit *a)
{
	if (a->tail.signed_seq >= a->tail.head.seq)
		a->sign_ms = 0;
	else if (a->sign_ms == 0)
		a->sign_ms = clock_now_ms() + AUDIT_SIGN_SECONDS * 1000u;
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

static void line_settle_locked(struct audit *a, char *line)
{
	a->last_seq = a->tail.head.seq;
	if (line) {
		free(a->last_line);
		a->last_line = line;
		tell_appended_locked(a);
	}
}

static void batch_settle_locked(struct audit *a, int r, char *line)
{
	if (r == 0) {
		a->durable += a->batch_accepted;
		batch_free(a);
		line_settle_locked(a, line);
	} else {
		a->failures++;
		a->failure = r;
	}
	pthread_cond_broadcast(&a->settled);
}

/* Until it is time to try again; a caller of audit_sync(), or the end, makes that at once. */
static void back_off_locked(struct audit *a, unsigned ms)
{
	uint64_t until_ms = clock_now_ms() + ms;

	a->hurry = false;
	while (!a->stop && !a->hurry && clock_cond_wait(&a->work, &a->lock, until_ms) == 0)
		;
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/* Until there is a batch to write, or time has come to sign, to tell a count, or to rotate. */
static void wait_for_work_locked(struct audit *a, bool rotating)
{
	while (!a->stop && a->batch_len == 0 && a->queued == 0 && a->lost == 0 && !rotating) {
		uint64_t due_ms = sooner(a->sign_ms, audit_flood_due_ms(&a->flood));

		if (due_ms == 0)
			pthread_cond_wait(&a->work, &a->lock);
		else if (clock_now_ms() >= due_ms)
			return;
		else
			(void)clock_cond_wait(&a->work, &a->lock, due_ms);
	}
}

/* A clean stop is signed even where all before it is, but not twice. */
static bool seal_is_due_locked(const struct audit *a)
{
	return a->seal && a->last_line && !audit_line_is_stop(a->last_line, strlen(a->last_line));
}

/* An act makes some events, then its own, which it waits for: they share one fsync. */
static void linger_locked(struct audit *a)
{
	uint64_t until_ms = clock_now_ms() + LINGER_MS;

	while (!a->stop && !a->hurry && a->batch_len == 0 && a->queued > 0 &&
	       a->queued < AUDIT_QUEUE_LEN / 2 &&
	       clock_cond_wait(&a->work, &a->lock, until_ms) == 0)
		;
	a->hurry = false;
}

/* One batch, or nothing to do: 1. The lock is dropped while it is written. */
static int batch_do_locked(struct audit *a, unsigned *io_back_off_ms)
{
	bool last = a->stop && a->queued == 0 && a->lost == 0 && a->batch_len == 0;
	bool sign = (a->sign_ms != 0 && clock_now_ms() >= a->sign_ms) ||
		    (last && seal_is_due_locked(a));
	char *line = NULL;
	int r;

	if (a->batch_len == 0)
		batch_take_locked(a);
	if (a->batch_len == 0 && !sign && a->lost == 0)
		return 1;
	if (last && a->batch_len > 0)
		sign = false; /* counts came up: the signature is to be the last */
	pthread_mutex_unlock(&a->lock);
	r = a->batch_len > 0 || sign
		    ? batch_write(a, sign, last ? AUDIT_SIGNED_STOP : AUDIT_SIGNED_INTERVAL, &line)
		    : -ENOMEM;
	if (r == 0)
		sign_note(a);
	pthread_mutex_lock(&a->lock);
	batch_settle_locked(a, r, line);
	if (r < 0 && !a->stop)
		back_off_locked(a, *io_back_off_ms);
	*io_back_off_ms = r < 0 ? 2 * *io_back_off_ms : BACK_OFF_MIN_MS;
	if (*io_back_off_ms > BACK_OFF_MAX_MS)
		*io_back_off_ms = BACK_OFF_MAX_MS;
	return r;
}

/* A step of the rotation, or after a long batch more of them, so that it keeps up; the lock is
 * dropped for it. */
static bool rotate_do_locked(struct audit *a)
{
	uint64_t steps = 1 + a->rotation.batch_len / STEP_LEN;
	char *line = NULL;
	bool more = true;

	pthread_mutex_unlock(&a->lock);
	while (more && steps-- > 0)
		more = audit_rotate_step(a, &line);
	sign_note(a);
	pthread_mutex_lock(&a->lock);
	line_settle_locked(a, line);
	return more;
}

static void *writer_run(void *arg)
{
	unsigned back_off_ms = BACK_OFF_MIN_MS;
	struct audit *a = arg;
	bool rotating = true; /* the table may be too long from before */

	pthread_mutex_lock(&a->lock);
	for (;;) {
		bool stopping;
		int r;

		wait_for_work_locked(a, rotating);
		linger_locked(a);
		stopping = a->stop;
		r = batch_do_locked(a, &back_off_ms);
		if (stopping && r != 0) /* nothing left; or the last attempt failed, and nobody
					   waits for another */
			break;
		if (!stopping && r >= 0)
			rotating = rotate_do_locked(a);
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
	audit_rotate_fini(&a->rotation);
	close_fd_p(&a->files_fd);
	pthread_cond_destroy(&a->settled);
	pthread_cond_destroy(&a->work);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
DEFINE_CLEANUP(struct audit *, audit_release)

static uint64_t file_len_of(const struct audit_config *config)
{
	if (config->file_len != 0)
		return config->file_len;
	return config->max_len != 0 && config->max_len / 8 < AUDIT_FILE_LEN ? config->max_len / 8
									    : AUDIT_FILE_LEN;
}

static struct audit *audit_alloc(struct store *store, const struct audit_config *config)
{
	static const struct audit_config none;
	struct audit *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->store = store;
	a->max_len = config ? config->max_len : 0;
	a->file_len = file_len_of(config ? config : &none);
	a->files_fd = a->rotation.fd = -1;
	a->rotation.unseen_len = a->file_len; /* it may be too long from before */
	pthread_mutex_init(&a->lock, NULL);   /* these three cannot fail with glibc */
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->settled, NULL);
	return a;
}

/* A log that begins anew, or was touched, must not keep the store from being served; it says so
 * itself, before anything else. */
static void state_tell(struct audit *a, uint64_t events_from, bool damaged)
{
	const struct audit_field from = AUDIT_FIELD_U64("events_from", events_from);

	if (damaged)
		audit_event(a, "events-damaged", NULL, "EBADMSG", NULL, 0);
	if (store_is_rebuilt(a->store))
		audit_event(a, AUDIT_KIND_REBUILT, NULL, "ok", &from, 1);
}

static int events_from_get(struct store *s, uint64_t *ret_from, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	int r = store_begin(s, STORE_READ, &t, err);

	return r < 0 ? r : audit_number_get(t, STORE_META_EVENTS_FROM, ret_from, err);
}

int audit_new(struct store *store, const struct audit_config *config, struct audit **ret_audit,
	      struct err *err)
{
	CLEANUP(audit_release_p) struct audit *a = audit_alloc(store, config);
	uint64_t events_from;
	bool damaged;
	int r;

	if (!a)
		return err_set(err, -ENOMEM, "events: out of memory");
	r = audit_tail_load(store, &a->tail, &a->last_line, &damaged, err);
	if (r == 0)
		r = events_from_get(store, &events_from, err);
	if (r == 0)
		r = audit_files_open(store_path(store), true, &a->files_fd, err);
	if (r < 0)
		return r;
	a->last_seq = a->tail.head.seq;
	sign_note(a);
	audit_rotate_resume(a);
	state_tell(a, events_from > 0 ? events_from : 1, damaged);
	if (store_is_rebuilt(store))
		a->sign_ms = clock_now_ms(); /* who verifies believes that only when it is signed */
	r = writer_start(a);
	if (r < 0)
		return err_set(err, r, "events: the writer cannot start: %s", strerrordesc_np(-r));
	*ret_audit = STEAL(a);
	return 0;
}

void audit_seal(struct audit *a)
{
	pthread_mutex_lock(&a->lock);
	a->seal = true;
	pthread_mutex_unlock(&a->lock);
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

static bool is_waiting(struct audit *a)
{
	bool waiting;

	pthread_mutex_lock(&a->lock);
	waiting = a->durable < a->accepted;
	pthread_mutex_unlock(&a->lock);
	return waiting;
}

ssize_t audit_read(struct audit *a, uint64_t seq, char *buf, size_t buf_len, uint64_t *ret_next,
		   struct err *err)
{
	ssize_t n = audit_read_from(a->store, a->files_fd, seq, buf, buf_len, ret_next, err);

	/* whoever reads on sees what he caused, though it lingers yet */
	if (n != 0 || !is_waiting(a) || audit_sync(a, NULL) < 0)
		return n;
	return audit_read_from(a->store, a->files_fd, seq, buf, buf_len, ret_next, err);
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
