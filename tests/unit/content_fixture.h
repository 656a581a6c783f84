/* tests/unit/content_fixture.h - one open file over memory, without a store: for
 * test_content_{blocks,access}.c, whose calls to events and to the keyring the linker diverts here.
 */
#ifndef DEPFS_TEST_CONTENT_FIXTURE_H
#define DEPFS_TEST_CONTENT_FIXTURE_H

#include "tests/unit/crypto_test.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs/content/access.h"
#include "fs/content/blocks_internal.h"
#include "fs/content/header.h"
#include "fs/content/new_file.h"

struct content {
	struct volume v;
	struct inode inode;
	struct wrap_key *kek;
	struct file f;
	struct worker *w;
};

/* What was reported, and what the keyring answers. */
static struct {
	unsigned damages;
	uint64_t block_no; /* of the last one */
	bool denied;
	int kek_errno;		/* 0: it gives a key */
	enum blocking blocking; /* of the last request for a key */
	bool denied_behind;	/* as soon as it has given a key */
	struct wrap_key *kek;
} fake;

int __wrap_file_damage(struct volume *v, int fd, uint64_t block_no, const char *what);
int __wrap_file_damage(struct volume *v, int fd, uint64_t block_no, const char *what)
{
	(void)v, (void)fd, (void)what;
	fake.damages++;
	fake.block_no = block_no;
	return -EIO;
}

void __wrap_file_budget_event(struct volume *v, int fd, const char *event, uint64_t used);
void __wrap_file_budget_event(struct volume *v, int fd, const char *event, uint64_t used)
{
	(void)v, (void)fd, (void)event, (void)used;
}

bool __wrap_keyring_denied(struct keyring *k, const struct wrap_ref *ref);
bool __wrap_keyring_denied(struct keyring *k, const struct wrap_ref *ref)
{
	(void)k, (void)ref;
	return fake.denied;
}

int __wrap_request_kek(struct volume *v, const struct wrap_ref *ref, const struct request *rq,
		       struct wrap_key **ret_kek);
int __wrap_request_kek(struct volume *v, const struct wrap_ref *ref, const struct request *rq,
		       struct wrap_key **ret_kek)
{
	(void)v, (void)ref;
	fake.blocking = rq->blocking;
	if (fake.kek_errno)
		return fake.kek_errno;
	if (fake.denied && rq->class == REQUEST_USER)
		return -EKEYREVOKED;
	*ret_kek = wrap_key_get(fake.kek);
	fake.denied |= fake.denied_behind;
	return 0;
}

/* An empty file under a fixed key, as file_take_over() would have it. */
static inline int content_setup(void **state)
{
	struct content *c = calloc(1, sizeof(*c));
	struct new_file n = {.hdr = fixed_header()};

	assert_non_null(c);
	n.hdr.flags = 0;
	n.hdr.budget = 1;
	memset(n.hdr.holes, 0, sizeof(n.hdr.holes));
	c->kek = key_of(0x40, KDF_DEP_DEK_WRAP);
	n.dek = fixed_dek(c->kek, &n.hdr);
	c->w = worker_self();
	assert_non_null(c->w);
	file_lock_init(&c->f.lock);
	c->f.inode = &c->inode;
	c->f.fd = memfd_create("content", MFD_CLOEXEC);
	assert_true(c->f.fd >= 0);
	assert_int_equal(new_file_write(&n, c->f.fd), 0);
	c->f.writable = c->f.published = true;
	c->f.hdr = n.hdr;
	c->f.dek = n.dek;
	c->f.budget_used = c->f.unsynced = 1;
	memset(&fake, 0, sizeof(fake));
	fake.kek = c->kek;
	*state = c;
	return 0;
}

static inline int content_teardown(void **state)
{
	struct content *c = *state;

	dek_free(c->f.dek);
	holes_fini(&c->f.holes);
	file_lock_fini(&c->f.lock);
	(void)close(c->f.fd); /* memory */
	wrap_key_put(c->kek);
	free(c);
	return 0;
}

static inline void content_write(struct content *c, uint64_t off, const uint8_t *in, size_t len)
{
	assert_int_equal(blocks_write(&c->v, &c->f, c->w, off, in, len), 0);
}

/* A file of @len bytes that are no two blocks alike. */
static inline void content_fill(struct content *c, uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = (uint8_t)(i * 7 + i / 251);
	content_write(c, 0, text, len);
}

#endif
