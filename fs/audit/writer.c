/* fs/audit/writer.c - the thread that writes queued events, signs the log and rotates it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fs/audit/audit_internal.h"

#define LINGER_MS	50 /* that an event waits for others, unless audit_sync() waits for it */
#define STEP_LEN	(64u << 10) /* bytes of new events for each step of a rotation */
#define BACK_OFF_MIN_MS 100
#define BACK_OFF_MAX_MS 5000

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

void audit_sign_note(struct audit *a)
{
	if (a->tail.signed_seq >= a->tail.head.seq)
		a->sign_ms = 0;
	else if (a->sign_ms == 0)
		a->sign_ms = clock_now_ms() + AUDIT_SIGN_SECONDS * 1000u;
}

/* The lock is dropped for the call. */
static void on_append_call_locked(struct audit *a)
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
	pthread_cond_broadcast(&a->progress);
}

static void newest_line_set_locked(struct audit *a, char *line)
{
	a->last_seq = a->tail.head.seq;
	if (line) {
		free(a->last_line);
		a->last_line = line;
		on_append_call_locked(a);
	}
}

static void batch_done_locked(struct audit *a, int r, char *line)
{
	if (r == 0) {
		a->durable += a->batch_accepted;
		audit_batch_free(a);
		newest_line_set_locked(a, line);
	} else {
		a->failures++;
		a->failure = r;
	}
	pthread_cond_broadcast(&a->progress);
}

/* Wait before the next attempt; audit_sync() and audit_free() make it happen at once. */
static void back_off_locked(struct audit *a, unsigned ms)
{
	uint64_t until_ms = clock_now_ms() + ms;

	a->sync_wanted = false;
	while (!a->stop && !a->sync_wanted && clock_cond_wait(&a->work, &a->lock, until_ms) == 0)
		;
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/* Wait until there is an event to write, a signature or a count of coalesced events is due, a
 * rotation has a further step, or audit_free() stops the writer. */
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

/* Whether the signature of a clean stop is due: at a clean stop, also where every event is covered
 * by a signature, unless the newest event is the signature of a clean stop. */
static bool seal_is_due_locked(const struct audit *a)
{
	return a->seal && a->last_line && !audit_line_is_stop(a->last_line, strlen(a->last_line));
}

/* Group commit: an act queues several events and waits for its last one; all share one fsync(2). */
static void linger_locked(struct audit *a)
{
	uint64_t until_ms = clock_now_ms() + LINGER_MS;

	while (!a->stop && !a->sync_wanted && a->batch_len == 0 && a->queued > 0 &&
	       a->queued < AUDIT_QUEUE_LEN / 2 &&
	       clock_cond_wait(&a->work, &a->lock, until_ms) == 0)
		;
	a->sync_wanted = false;
}

/* Write one batch; the lock is dropped meanwhile. Return: 0; 1: there was nothing to write;
 * negative errno, after a pause unless the writer is being stopped. */
static int batch_do_locked(struct audit *a, unsigned *io_back_off_ms)
{
	bool last = a->stop && a->queued == 0 && a->lost == 0 && a->batch_len == 0;
	bool sign = (a->sign_ms != 0 && clock_now_ms() >= a->sign_ms) ||
		    (last && seal_is_due_locked(a));
	char *line = NULL;
	int r;

	if (a->batch_len == 0)
		audit_batch_take_locked(a);
	if (a->batch_len == 0 && !sign && a->lost == 0)
		return 1;
	if (last && a->batch_len > 0)
		sign = false; /* counts were due; the signature comes with the next, empty batch */
	pthread_mutex_unlock(&a->lock);
	r = a->batch_len > 0 || sign
		    ? batch_write(a, sign, last ? AUDIT_SIGNED_STOP : AUDIT_SIGNED_INTERVAL, &line)
		    : -ENOMEM;
	if (r == 0)
		audit_sign_note(a);
	pthread_mutex_lock(&a->lock);
	batch_done_locked(a, r, line);
	if (r < 0 && !a->stop)
		back_off_locked(a, *io_back_off_ms);
	*io_back_off_ms = r < 0 ? 2 * *io_back_off_ms : BACK_OFF_MIN_MS;
	if (*io_back_off_ms > BACK_OFF_MAX_MS)
		*io_back_off_ms = BACK_OFF_MAX_MS;
	return r;
}

/* One step of the rotation, more after a long batch, so that it keeps up with the events; the lock
 * is dropped meanwhile. */
static bool rotate_do_locked(struct audit *a)
{
	uint64_t steps = 1 + a->rotation.batch_len / STEP_LEN;
	char *line = NULL;
	bool more = true;

	pthread_mutex_unlock(&a->lock);
	while (more && steps-- > 0)
		more = audit_rotate_step(a, &line);
	audit_sign_note(a);
	pthread_mutex_lock(&a->lock);
	newest_line_set_locked(a, line);
	return more;
}

static void *writer_run(void *arg)
{
	unsigned back_off_ms = BACK_OFF_MIN_MS;
	struct audit *a = arg;
	bool rotating = true; /* at the start the table may be too long already */

	pthread_mutex_lock(&a->lock);
	for (;;) {
		bool stopping;
		int r;

		wait_for_work_locked(a, rotating);
		linger_locked(a);
		stopping = a->stop;
		r = batch_do_locked(a, &back_off_ms);
		if (stopping && r != 0) /* nothing is left, or the last attempt failed */
			break;
		if (!stopping && r >= 0)
			rotating = rotate_do_locked(a);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* With all signals blocked, so that none is delivered to the writer. */
int audit_writer_start(struct audit *a)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fail only for a bad argument */
	rc = pthread_create(&a->writer, NULL, writer_run, a);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}
