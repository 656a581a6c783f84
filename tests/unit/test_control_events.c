/* tests/unit/test_control_events.c - the audit log as a stream, and its poll. */
#include "tests/unit/control_fixture.h"

#include <poll.h>
#include <stdatomic.h>
#include <time.h>

static void sync_events(struct fix *f)
{
	assert_int_equal(audit_sync(f->engine->audit, NULL), 0);
}

static size_t lines_in(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Whole lines, oldest first, though the reader's buffer ends within them. */
static void events_read_as_lines_in_order(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file;
	char text[TEXT_MAX], want[32];
	const char *at = text;

	make_policy(f, "EUR", "multi-workload");
	sync_events(f);
	file = handle(f, "events", O_RDONLY);
	drain(file, text, 0);
	assert_true(lines_in(text) >= 3);
	assert_int_equal(lines_in(text), audit_last_seq(f->engine->audit));
	for (size_t i = 1; *at; at = strchr(at, '\n') + 1, i++) {
		(void)snprintf(want, sizeof(want), "{\"seq\":%zu,", i);
		assert_memory_equal(at, want, strlen(want));
	}
	ops->release(file);
}

/* A handle at the end goes on with what came since, whatever offset it asks for. */
static void handle_at_the_end_goes_on(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file = handle(f, "events", O_RDONLY), *second;
	char text[TEXT_MAX];

	sync_events(f);
	drain(file, text, 0);
	assert_int_equal(make(f, "D"), 0);
	sync_events(f);
	drain(file, text, 0);
	assert_int_equal(lines_in(text), 1);
	assert_has(text, "\"outcome\":\"ok\"");
	second = handle(f, "events", O_RDONLY); /* each handle has its own cursor */
	drain(second, text, 0);
	assert_has(text, "{\"seq\":1,");
	assert_int_equal(ops->read(file, text, 10, 0), 0);
	ops->release(second);
	ops->release(file);
}

struct watch {
	atomic_int notified, dropped;
};

static void on_notify(void *arg)
{
	atomic_fetch_add(&((struct watch *)arg)->notified, 1);
}

static void on_drop(void *arg)
{
	atomic_fetch_add(&((struct watch *)arg)->dropped, 1);
}

static void wait_dropped(struct watch *w)
{
	const struct timespec tick = {.tv_nsec = 1000000};

	for (int i = 0; i < 10000 && atomic_load(&w->dropped) == 0; i++)
		(void)nanosleep(&tick, NULL);
	assert_int_equal(atomic_load(&w->dropped), 1);
}

/* A reader at the end is woken once, when there is more. */
static void poll_wakes_a_reader_at_the_end(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file = handle(f, "events", O_RDONLY);
	struct watch w = {0};
	char text[TEXT_MAX];

	assert_int_equal(make(f, "D"), 0);
	sync_events(f);
	assert_true(ops->poll(file, NULL, NULL, NULL) & POLLIN);
	drain(file, text, 0);
	assert_int_equal(ops->poll(file, on_notify, on_drop, &w), 0);
	assert_int_equal(make(f, "E"), 0);
	wait_dropped(&w);
	assert_int_equal(atomic_load(&w.notified), 1);
	assert_true(ops->poll(file, NULL, NULL, NULL) & POLLIN);
	ops->release(file);
}

/* The argument of notify is dropped exactly once, however the watch ends. */
static void poll_drops_each_watch_once(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file = handle(f, "events", O_RDONLY);
	struct watch first = {0}, second = {0}, third = {0};
	char text[TEXT_MAX];

	sync_events(f);
	drain(file, text, 0);
	assert_int_equal(ops->poll(file, on_notify, on_drop, &first), 0);
	assert_int_equal(ops->poll(file, on_notify, on_drop, &second), 0);
	assert_int_equal(first.dropped, 1);
	ops->release(file);
	assert_true(second.dropped == 1 && second.notified == 0);

	file = handle(f, "assignment", O_RDWR); /* always ready, never to be woken */
	assert_true((ops->poll(file, on_notify, on_drop, &third) & (POLLIN | POLLOUT)) ==
		    (POLLIN | POLLOUT));
	assert_true(third.dropped == 1 && third.notified == 0);
	ops->release(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(events_read_as_lines_in_order),
		FIX_TEST(handle_at_the_end_goes_on),
		FIX_TEST(poll_wakes_a_reader_at_the_end),
		FIX_TEST(poll_drops_each_watch_once),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
