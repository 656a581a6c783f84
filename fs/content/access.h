/* fs/content/access.h - whether a request may use open content; its data key, wiped and unwrapped
 * again. */
#ifndef DEPFS_CONTENT_ACCESS_H
#define DEPFS_CONTENT_ACCESS_H

#include "fs/content/file.h"

/**
 * file_authorise() - whether a request may open content that is already open
 * An open file keeps its data key, so a new opener is asked about by the policy's key.
 * Return: as keyring_peek() and keyring_get().
 */
int file_authorise(struct volume *v, struct file *f, const struct request *rq) MUST_CHECK;

/**
 * file_enter() - before content is used, by a handle or not; file_leave() after it
 * One atomic load while the policy is not denied; else the policy's key is asked for again, and the
 * data key unwrapped from the header: for good where users may have it, for this request where only
 * the system may. Takes the content's lock.
 * @ret_borrowed: the data key is there for this request alone; file_leave() wipes it, and does
 * nothing otherwise
 * Return: 0; -EKEYREVOKED and others of keyring_peek() and keyring_get(); -EIO: the data key does
 * not open.
 */
int file_enter(struct volume *v, struct file *f, const struct request *rq,
	       bool *ret_borrowed) MUST_CHECK;
void file_leave(struct file *f, bool borrowed);

/* file_forget_key_locked() - wipes the data key of revoked content that no request uses; a header
 * that is behind is written first. Returns how many keys were wiped: two while it is renewed.
 * Expects the write lock. */
unsigned file_forget_key_locked(struct file *f);

/**
 * file_tag_locked() - content is about to be under @ref
 * Sets the tag by which a denial finds the inode before it asks whether the policy is denied: of a
 * denial and this call at the same time, one always sees the other. Expects the stripe, or the
 * write lock of content that is published.
 * Return: whether the policy is denied.
 */
bool file_tag_locked(struct volume *v, struct file *f, const struct wrap_ref *ref);

/* access_tag_of() - a policy's tag (struct inode): the first bytes of its random id; 0 for the
 * service key. Two policies may share one, so the header decides. */
uint32_t access_tag_of(const uint8_t policy_id[static UUID_LEN]);

#endif
