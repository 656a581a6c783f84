/* fs/content/keys.h - the data keys of an open file in a thread's cipher contexts: the one that it
 * has, and while it is being renewed the one before. */
#ifndef DEPFS_CONTENT_KEYS_H
#define DEPFS_CONTENT_KEYS_H

#include "fs/content/file.h"
#include "fs/content/worker.h"

enum key_age {
	KEY_NEW,
	KEY_OLD
};

/* keys_load() - for keys_open(), and for block_seal() by the new one; the file's lock is held until
 * keys_forget(). keys_load_new() - for block_seal() alone, until block_ctx_forget().
 * -EKEYREVOKED: the policy was denied since the request was let in. */
int keys_load_new(const struct file *f, struct worker *w) MUST_CHECK;
int keys_load(const struct file *f, struct worker *w) MUST_CHECK;
void keys_forget(struct worker *w);

/* keys_open() - block_open() by the new key; where the renewal has not been yet, by the old one
 * next. */
int keys_open(const struct file *f, struct worker *w, uint32_t block_no,
	      const uint8_t in[static BLOCK_LEN], uint8_t *out, struct block_meta *ret_meta,
	      enum key_age *ret_age) MUST_CHECK;

/**
 * keys_load_old() - the old key of a file whose header says that it is being renewed
 * @f: header and data key are there; nobody else has it yet, or the write lock is held. Where a
 * denial wiped both, its record has been held all the time.
 * Return: 0; -EIO: its record is missing, or of another file; -ENOMEM.
 */
int keys_load_old(struct session *s, struct file *f) MUST_CHECK;
/* keys_drop_old() - no block is under it any more; the write lock is held, or @f is nobody's. */
void keys_drop_old(struct session *s, struct file *f);
/* keys_put_old() - what is open goes; the renewal does not end with it. */
void keys_put_old(struct session *s, struct file *f);

#endif
