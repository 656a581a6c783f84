/* fs/content/volume.h - one open store: the pieces of it that the contents of its files need. */
#ifndef DEPFS_CONTENT_VOLUME_H
#define DEPFS_CONTENT_VOLUME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct audit;
struct damage_log;
struct file;
struct inode_table;
struct keyring;
struct metrics;
struct policies;
struct renewals;
struct scope_table;
struct store;
struct usage;

/* All but the atomics is set before the first file is opened, and constant from then on;
 * `unclean_since` is cleared before the mount is served. */
struct volume {
	struct store *store;
	struct audit *audit;
	struct damage_log *damage;
	struct metrics *metrics;
	struct scope_table *scopes;
	struct keyring *keyring;
	struct renewals *renewals;
	struct policies *policies;
	struct inode_table *inodes;
	struct usage *usage;
	int top_fd;	       /* the store's folder */
	const char *path;      /* its absolute path */
	const char *mount;     /* where it is mounted, for messages that name a path there */
	int64_t unclean_since; /* s; files changed since may have a tail to complete; 0: none */
	bool read_only;
	_Atomic unsigned requests_waiting; /* for a vault's answer, at this moment */
	_Atomic unsigned mtime_seq;	   /* seqcount: odd while a renewal's writes show in the
					      mtime of a file, which renew.c puts back */
	/* Has the kernel write and drop its pages of content that began to drain, then calls
	 * drain_finish(); called without locks. NULL: no kernel has pages (drain_content()). */
	void (*drain)(void *arg, struct file *f);
	void *drain_arg;
};

#endif
