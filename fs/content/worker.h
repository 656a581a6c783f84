/* fs/content/worker.h - what a serving thread owns: cipher contexts and buffers, created at first
 * use. */
#ifndef DEPFS_CONTENT_WORKER_H
#define DEPFS_CONTENT_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/block.h"

#define REQUEST_MAX   (1u << 20) /* bytes of one read or write */
#define WORKER_BLOCKS (REQUEST_MAX / BLOCK_CAP + 4)

struct worker {
	struct block_ctx *crypt;
	struct block_ctx *crypt_old; /* for the old key of a file that is being renewed */
	bool has_old;		     /* crypt_old has a key loaded */
	uint8_t *disk;		     /* WORKER_BLOCKS ciphertext blocks, page-aligned */
	uint8_t *plain; /* REQUEST_MAX bytes of answer, page-aligned; wiped after each reply */
	uint8_t *edge;	/* BLOCK_LEN: a block that is only partly wanted, or its ciphertext */
	uint8_t *tail;	/* BLOCK_LEN: plaintext of the block that was the last one */
};

/* worker_self() - this thread's worker; NULL when memory is short. Freed, wiped, when the thread
 * ends. */
struct worker *worker_self(void);

#endif
