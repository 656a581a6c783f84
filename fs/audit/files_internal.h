/* fs/audit/files_internal.h - the older events, in files of lines.
 *
 * STORE/.depfs/events/NNNNNNNNNNNNNNNNNNNN.jsonl holds one line an event, from event N on. A file
 * gets its name when it is complete. After a crash it may have lines that the next file, or the
 * state, has as well; those there count.
 */
#ifndef DEPFS_AUDIT_FILES_INTERNAL_H
#define DEPFS_AUDIT_FILES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

#define AUDIT_FILES_DIR	     "events"
#define AUDIT_FILE_TMP	     "new"
#define AUDIT_FILE_NAME_LEN  27 /* 20 digits, ".jsonl", NUL */
#define AUDIT_FILES_NO_LIMIT UINT64_MAX

struct audit_file {
	uint64_t first; /* event */
	uint64_t len;	/* bytes */
};

struct audit_file_list {
	struct audit_file *files; /* oldest first */
	size_t n, capacity;
};

void audit_file_list_fini(struct audit_file_list *list);
void audit_file_name(uint64_t first, char out[static AUDIT_FILE_NAME_LEN]);

/* audit_files_open() - the folder. Where it is missing it is made, or (@make false) @ret_fd is -1.
 */
int audit_files_open(const char *store_path, bool make, int *ret_fd, struct err *err) MUST_CHECK;
/* audit_files_list() - @ret_list is empty before; @dir_fd may be -1: there are none. */
int audit_files_list(int dir_fd, struct audit_file_list *ret_list, struct err *err) MUST_CHECK;

/**
 * audit_files_read() - whole lines from event @seq on, up to and without event @end
 * Where no file has @seq, from the first event behind it that one has.
 * @ret_next: number to go on with; @end: no file has more
 * Return: bytes; -E2BIG when the next line alone does not fit.
 */
ssize_t audit_files_read(int dir_fd, uint64_t seq, uint64_t end, char *buf, size_t buf_len,
			 uint64_t *ret_next, struct err *err);

#endif
