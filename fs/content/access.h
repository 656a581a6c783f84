/* fs/content/access.h - whether a request may use an open file's content; its data key wiped, and
 * unwrapped again. */
#ifndef DEPFS_CONTENT_ACCESS_H
#define DEPFS_CONTENT_ACCESS_H

#include "fs/content/file.h"

/**
 * file_authorise() - whether a request may open content that is already open
 * The content keeps its data key while it is open, so a new opener is checked by asking the keyring
 * for the key of the file's policy.
 * Return: as keyring_peek() and keyring_get().
 */
int file_authorise(struct volume *v, struct file *f, const struct request *rq) MUST_CHECK;

/**
 * file_enter() - before content is used, by a handle or not; file_leave() after it
 * Costs one atomic load while the state is CONTENT_OPEN. Else the keyring is asked for the policy's
 * key again and the data key is unwrapped from the header: the content is open again if the policy
 * is no longer denied; while it is denied, only a system request gets the data key, and only for
 * its own duration. A request for a page of the kernel's cache never waits for a vault: it is
 * refused at once, and the vaults are asked for those that follow. Takes the content's lock.
 * @ret_borrowed: this request alone has the data key: file_leave() wipes it, and does nothing
 * otherwise
 * Return: 0; -EKEYREVOKED and others of keyring_peek() and keyring_get(); -EIO: the data key does
 * not open.
 */
int file_enter(struct volume *v, struct file *f, const struct request *rq,
	       bool *ret_borrowed) MUST_CHECK;
void file_leave(struct file *f, bool borrowed);

/* file_forget_key_locked() - wipes the data key of revoked content that no request uses, after
 * writing a header that is behind. Returns how many keys were wiped: two while the file is renewed.
 * Expects the write lock. */
unsigned file_forget_key_locked(struct file *f);

/**
 * file_tag_locked() - called before content comes under @ref
 * Stores the tag by which a denial finds the inode before it asks whether the policy is denied: of
 * a denial and this call at the same time, at least one sees the other. Expects the inode's stripe,
 * or the write lock if the content is published.
 * Return: whether the policy is denied.
 */
bool file_tag_locked(struct volume *v, struct file *f, const struct wrap_ref *ref);

/* access_tag_of() - the tag of a policy (struct inode): the first bytes of its random id; 0 for the
 * service key. Two policies may have the same tag, so the header decides. */
uint32_t access_tag_of(const uint8_t policy_id[static UUID_LEN]);

#endif
