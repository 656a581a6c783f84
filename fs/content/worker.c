#include "fs/content/worker.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "crypto/base/cleanup.h"

static pthread_key_t worker_key;
static pthread_once_t worker_once = PTHREAD_ONCE_INIT;

#define PLAIN_LEN (REQUEST_MAX + 2 * (size_t)BLOCK_LEN)
#define DISK_LEN  (WORKER_BLOCKS * (size_t)BLOCK_LEN)

/* Plaintext passes through the buffers: kept out of swap where RLIMIT_MEMLOCK allows, and out of
 * core files. */
static uint8_t *map_buffer(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, len, MADV_DONTDUMP); /* may fail: core files are forbidden anyway */
	(void)mlock2(p, len, MLOCK_ONFAULT);  /* may fail: unprivileged mounts have a low limit */
	return p;
}

static void unmap_buffer(uint8_t *p, size_t len)
{
	if (!p)
		return;
	explicit_bzero(p, len);
	(void)munmap(p, len); /* cannot fail for a mapping that map_buffer() made */
}

static void worker_free(struct worker *w)
{
	block_ctx_free(w->crypt);
	block_ctx_free(w->crypt_old);
	unmap_buffer(w->disk, DISK_LEN);
	unmap_buffer(w->plain, PLAIN_LEN);
	unmap_buffer(w->edge, 2 * BLOCK_LEN);
	free(w);
}
DEFINE_CLEANUP(struct worker *, worker_free)

static void worker_thread_exit(void *w)
{
	worker_free(w);
}

static void worker_make_key(void)
{
	/* Without a key worker_self() gives NULL. */
	(void)pthread_key_create(&worker_key, worker_thread_exit);
}

static struct worker *worker_new(void)
{
	CLEANUP(worker_free_p) struct worker *w = calloc(1, sizeof(*w));

	if (!w || block_ctx_new(&w->crypt) < 0 || block_ctx_new(&w->crypt_old) < 0)
		return NULL;
	w->disk = map_buffer(DISK_LEN);
	w->plain = map_buffer(PLAIN_LEN);
	w->edge = map_buffer(2 * BLOCK_LEN);
	if (!w->disk || !w->plain || !w->edge)
		return NULL;
	w->tail = w->edge + BLOCK_LEN;
	return STEAL(w);
}

struct worker *worker_self(void)
{
	struct worker *w;

	(void)pthread_once(&worker_once, worker_make_key);
	w = pthread_getspecific(worker_key);
	if (w)
		return w;
	w = worker_new();
	if (w && pthread_setspecific(worker_key, w) != 0) {
		worker_free(w);
		return NULL;
	}
	return w;
}
