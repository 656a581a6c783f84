/* fs/audit/audit.c - the audit log opened, closed, and asked by its callers. */
#include "fs/audit/audit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/audit/audit_internal.h"

static void audit_release(struct audit *a)
{
	audit_batch_free(a);
	for (size_t i = 0; i < a->queued; i++)
		free(a->queue[i]);
	free(a->last_line);
	audit_rotate_fini(&a->rotation);
	close_fd_p(&a->files_fd);
	pthread_cond_destroy(&a->progress);
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
	a->rotation.unseen_len = a->file_len; /* the first step reads the length */
	pthread_mutex_init(&a->lock, NULL);   /* these three cannot fail with glibc */
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->progress, NULL);
	return a;
}

/* A log that lost events, or was changed, does not keep the store from being served; its first new
 * event reports that. */
static void state_report(struct audit *a, uint64_t events_from, bool damaged)
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
	audit_sign_note(a);
	audit_rotate_resume(a);
	state_report(a, events_from > 0 ? events_from : 1, damaged);
	if (store_is_rebuilt(store))
		a->sign_ms = clock_now_ms(); /* audit_check_line() expects a signature after it */
	r = audit_writer_start(a);
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
	(void)pthread_join(a->writer, NULL); /* cannot fail: it is joined once */
	audit_release(a);
}

int audit_sync(struct audit *a, struct err *err)
{
	uint64_t until, failures;
	int r = 0;

	pthread_mutex_lock(&a->lock);
	until = a->accepted;
	failures = a->failures;
	a->sync_wanted = true;
	pthread_cond_signal(&a->work);
	while (a->durable < until && a->failures == failures)
		pthread_cond_wait(&a->progress, &a->lock);
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

	/* a reader sees the events it caused, though they are still queued */
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

void audit_on_append(struct audit *a, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&a->lock);
	while (a->calling && !pthread_equal(pthread_self(), a->writer))
		pthread_cond_wait(&a->progress, &a->lock);
	a->on_append = fn;
	a->on_append_arg = arg;
	pthread_mutex_unlock(&a->lock);
}
