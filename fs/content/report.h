/* fs/content/report.h - events that name a file of the store. */
#ifndef DEPFS_CONTENT_REPORT_H
#define DEPFS_CONTENT_REPORT_H

#include <stdint.h>

#include "fs/content/volume.h"

/* All take a descriptor of the backing file, from which the path in the store is found. */

/* file_damage() - an event that names the file and the block; gives -EIO. */
int file_damage(struct volume *v, int fd, uint64_t block_no, const char *what);

/* file_event() - an event that names the file and one number, such as its size. */
void file_event(struct volume *v, int fd, const char *event, uint64_t number);

/* file_budget_event() - an event that the file's data key is good for few more block writes, or for
 * none, and how to renew it; @used: block writes so far. */
void file_budget_event(struct volume *v, int fd, const char *event, uint64_t used);

#endif
