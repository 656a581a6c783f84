/* fs/content/keys_internal.h - the data keys of an open file in a thread's cipher contexts: the one
 * that it has, and while it is being renewed the one before. */
#ifndef DEPFS_CONTENT_KEYS_INTERNAL_H
#define DEPFS_CONTENT_KEYS_INTERNAL_H

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

/* keys_open() - block_open() by the new key; a block that the renewal has not come to, by the old
 * one next. */
int keys_open(const struct file *f, struct worker *w, uint32_t block_no,
	      const uint8_t in[static BLOCK_LEN], uint8_t *out, struct block_meta *ret_meta,
	      enum key_age *ret_age) MUST_CHECK;

/**
 * keys_load_old() - the old key of a file whose header says that it is being renewed
 * @f: header and data key are there; it is not published, or the write lock is held. Where a denial
 * wiped both keys, its record has been held all the time.
 * Return: 0; -EIO: its record is missing, or of another file; -ENOMEM.
 */
int keys_load_old(struct volume *v, struct file *f) MUST_CHECK;
/* keys_drop_old() - no block is under it any more; @f is not published, or the write lock is held.
 */
void keys_drop_old(struct volume *v, struct file *f);
/* keys_put_old() - wipes it and gives up its record's hold; the renewal does not end with it. */
void keys_put_old(struct volume *v, struct file *f);

#endif
