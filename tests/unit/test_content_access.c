/* tests/unit/test_content_access.c - a denied policy and open content: states, pages, keys. */
#include "tests/unit/content_fixture.h"

#include "fs/content/drain.h"
#include "fs/content/rewrap.h"
#include "fs/policy/scope.h"

static const struct request user = {.blocking = MAY_BLOCK, .class = REQUEST_USER};
static const struct request system_rq = {.blocking = MAY_BLOCK, .class = REQUEST_SYSTEM};
static const struct request user_page = {
	.blocking = MAY_BLOCK, .class = REQUEST_USER, .in_page = true};
static const struct request system_page = {
	.blocking = MAY_BLOCK, .class = REQUEST_SYSTEM, .in_page = true};

static int enter(struct content *c, const struct request *rq)
{
	bool borrowed;
	int r = file_enter(&c->v, &c->f, rq, &borrowed);

	if (r == 0)
		file_leave(&c->f, borrowed);
	return r;
}

static void deny(struct content *c)
{
	fake.denied = true;
	file_lock_write(&c->f.lock);
	drain_begin_locked(&c->f);
	file_unlock_write(&c->f.lock);
}

/* From the first instant of a denial, before any page is dropped, users are refused. */
static void a_denial_refuses_users_while_it_drains(void **state)
{
	struct content *c = *state;

	assert_int_equal(enter(c, &user), 0);
	deny(c);
	assert_int_equal(enter(c, &user), -EKEYREVOKED);
	assert_int_equal(enter(c, &user_page), -EKEYREVOKED);
	assert_int_equal(enter(c, &system_page), -EKEYREVOKED);
	assert_int_equal(enter(c, &system_rq), 0);
	assert_non_null(c->f.dek); /* dirty pages are still written */
}

/* The data key is gone when the denial has taken effect, and the header is on disk before that. */
static void drain_finish_wipes_the_key_behind_the_header(void **state)
{
	uint8_t text[100] = {1}, bytes[HEADER_LEN];
	struct content *c = *state;
	struct header hdr;

	content_write(c, 20000, text, sizeof(text));
	c->f.header_dirty = true;
	deny(c);
	drain_stop(&c->f);
	assert_int_equal(drain_finish(&c->f), 1);
	assert_null(c->f.dek);
	assert_false(c->f.header_dirty);
	assert_int_equal(pread(c->f.fd, bytes, sizeof(bytes), 0), HEADER_LEN);
	assert_int_equal(header_decode(bytes, &hdr, NULL), 0);
	assert_int_equal(hdr.version_no, c->f.hdr.version_no);
	assert_int_equal(drain_finish(&c->f), 0); /* once */
	assert_int_equal(enter(c, &user), -EKEYREVOKED);
}

/* A system request has the key for itself: with the last of them it is wiped again. */
static void a_borrowed_key_goes_with_the_last_borrower(void **state)
{
	struct content *c = *state;
	bool one, two;

	deny(c);
	assert_int_equal(drain_finish(&c->f), 1);
	assert_int_equal(file_enter(&c->v, &c->f, &system_rq, &one), 0);
	assert_int_equal(file_enter(&c->v, &c->f, &system_rq, &two), 0);
	assert_true(one && two);
	file_leave(&c->f, one);
	assert_non_null(c->f.dek);
	assert_int_equal(enter(c, &user), -EKEYREVOKED);
	file_leave(&c->f, two);
	assert_null(c->f.dek);
	assert_int_equal(enter(c, &system_page), -EKEYREVOKED); /* its page all would share */
}

/* A page's request may hold a slot that all files share: while no vault has answered it is refused,
 * also on a thread that may wait, and no other request is. */
static void a_page_waits_for_no_vault(void **state)
{
	struct content *c = *state;

	deny(c);
	assert_int_equal(drain_finish(&c->f), 1);
	fake.kek_errno = -EINPROGRESS;
	assert_int_equal(enter(c, &user_page), -EKEYREVOKED);
	assert_int_equal(fake.blocking, NO_VAULT);
	assert_int_equal(enter(c, &user), -EINPROGRESS);
	assert_int_equal(fake.blocking, MAY_BLOCK);
}

/* A policy that is allowed again needs no new open: the handles go on. */
static void access_that_comes_back_opens_the_content(void **state)
{
	uint8_t text[5000] = {9};
	struct content *c = *state;

	content_write(c, 0, text, sizeof(text));
	deny(c);
	assert_int_equal(drain_finish(&c->f), 1);
	fake.denied = false;
	assert_int_equal(enter(c, &user), 0);
	assert_int_equal(atomic_load(&c->f.state), CONTENT_OPEN);
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, 0, sizeof(text)), sizeof(text));
	assert_memory_equal(c->w->plain, text, sizeof(text));
}

/* A header that does not open by the key it names is damage, and leaves no key behind. */
static void a_header_that_does_not_open_is_damage(void **state)
{
	struct content *c = *state;

	deny(c);
	assert_int_equal(drain_finish(&c->f), 1);
	fake.denied = false;
	c->f.hdr.wrapped_dek[20] ^= 1;
	assert_int_equal(enter(c, &user), -EIO);
	assert_int_equal(fake.damages, 1);
	assert_null(c->f.dek);
	assert_int_equal(atomic_load(&c->f.state), CONTENT_REVOKED);
}

static void count_drain(void *arg, struct file *f)
{
	(void)f;
	++*(unsigned *)arg;
}

/*
 * Dropping the kernel's pages waits for requests that serving threads answer, so a denial that
 * comes between their look at it and the re-wrap sends the request on to another thread, and what
 * it has not done yet shows nowhere.
 */
static void a_denial_never_drains_on_a_serving_thread(void **state)
{
	const struct request serving = {.blocking = NEVER_BLOCK, .class = REQUEST_SYSTEM};
	struct scope scope = {.index = 0};
	struct content *c = *state;
	struct wrap_ref target = c->f.hdr.ref, before = c->f.hdr.ref;
	unsigned drained = 0;

	memcpy(scope.id, c->f.hdr.scope_id, SCOPE_ID_LEN);
	c->inode.scope = &scope;
	(void)file_tag_locked(&c->v, &c->f, &before); /* as when it was opened */
	c->v.drain = count_drain;
	c->v.drain_arg = &drained;
	target.policy_id[0] ^= 1;
	fake.denied_behind = true;
	assert_int_equal(file_rewrap_now(&c->v, &c->f, &target, &serving), -EINPROGRESS);
	assert_int_equal(drained, 0);
	assert_int_equal(atomic_load(&c->f.state), CONTENT_OPEN);
	assert_true(wrap_ref_equal(&c->f.hdr.ref, &before));
	assert_int_equal(atomic_load(&c->inode.policy_tag), access_tag_of(before.policy_id));
	assert_int_equal(file_rewrap_now(&c->v, &c->f, &target, &serving), -EINPROGRESS);
	assert_int_equal(file_rewrap_now(&c->v, &c->f, &target, &system_rq), 0);
	assert_int_equal(drained, 1);
	assert_int_equal(atomic_load(&c->f.state), CONTENT_DRAINING);
}

/* A program that goes on dirtying pages cannot hold a denial up; what is lost is counted. */
static void drain_accepts_pages_until_it_is_stopped(void **state)
{
	struct content *c = *state;

	deny(c);
	assert_true(drain_accepts(&c->f, 100));
	drain_account(&c->f, 100, 0);
	assert_true(drain_accepts(&c->f, 10));
	drain_account(&c->f, 10, -EIO);
	drain_stop(&c->f);
	assert_false(drain_accepts(&c->f, 1000));
	assert_int_equal(atomic_load(&c->f.flushed), 100);
	assert_int_equal(atomic_load(&c->f.lost), 1010);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, content_setup, content_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_denial_refuses_users_while_it_drains),
		TEST(drain_finish_wipes_the_key_behind_the_header),
		TEST(a_borrowed_key_goes_with_the_last_borrower),
		TEST(a_page_waits_for_no_vault),
		TEST(access_that_comes_back_opens_the_content),
		TEST(a_header_that_does_not_open_is_damage),
		TEST(a_denial_never_drains_on_a_serving_thread),
		TEST(drain_accepts_pages_until_it_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
