/* fs/content/keys_internal.h - the data key of an open file, and while it is renewed the key before
 * it, in a thread's cipher contexts. */
#ifndef DEPFS_CONTENT_KEYS_INTERNAL_H
#define DEPFS_CONTENT_KEYS_INTERNAL_H

#include "fs/content/file.h"
#include "fs/content/worker.h"

enum key_age {
	KEY_NEW,
	KEY_OLD
};

/* keys_load() - for keys_open(), and for block_seal() by the new key; the file's lock is held until
 * keys_forget(). keys_load_new() - for block_seal() alone, until block_ctx_forget(); the lock is
 * needed for the call only. -EKEYREVOKED: a denial wiped the key after the request was let in. */
int keys_load_new(const struct file *f, struct worker *w) MUST_CHECK;
int keys_load(const struct file *f, struct worker *w) MUST_CHECK;
void keys_forget(struct worker *w);

/* keys_open() - block_open() by the new key; a block that does not open by it and that the renewal
 * has not reached is opened by the old key. */
int keys_open(const struct file *f, struct worker *w, uint32_t block_no,
	      const uint8_t in[static BLOCK_LEN], uint8_t *out, struct block_meta *ret_meta,
	      enum key_age *ret_age) MUST_CHECK;

/**
 * keys_load_old() - the old key of a file whose header says that it is being renewed
 * @f: header and data key are loaded; it is not published, or the write lock is held
 * A denial wipes both keys but keeps the hold on the renewal's record; then only the key is loaded.
 * Return: 0; -EIO: the record is missing, or of another file; -ENOMEM.
 */
int keys_load_old(struct volume *v, struct file *f) MUST_CHECK;
/* keys_drop_old() - the renewal has ended, no block is under the old key: wipes it and drops its
 * record. @f is not published, or the write lock is held. */
void keys_drop_old(struct volume *v, struct file *f);
/* keys_put_old() - wipes the old key and gives up the hold on its record; the renewal has not
 * ended. */
void keys_put_old(struct volume *v, struct file *f);

#endif
