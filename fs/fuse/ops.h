/* fs/fuse/ops.h - the FUSE operations, and what they share: nodes, handles, requests that may have
 * to wait, attributes. */
#ifndef DEPFS_FUSE_OPS_H
#define DEPFS_FUSE_OPS_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fs/content/file.h"
#include "fs/fuse/session.h"
#include "fs/inode/inode.h"

#define CACHE_S 3600.0 /* entries and attributes: this daemon alone changes the store */

/*
 * Node numbers: a data inode is its address, which is even; a virtual node n is 2n + 1; 1 is the
 * mount's top.
 */
static inline bool node_is_virtual(fuse_ino_t ino)
{
	return (ino & 1) && ino != FUSE_ROOT_ID;
}

static inline struct session *session_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline struct inode *inode_of(struct session *s, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? inode_root(s->v.inodes) : (struct inode *)(uintptr_t)ino;
}

/* An open file of a program. */
struct handle {
	LIST_ENTRY(handle) others; /* guarded by session.opened.lock */
	struct file *file;
	struct inode *inode;
	enum request_class class; /* the opener's: writes out of the page cache name no caller */
	uid_t uid;		  /* the opener's, as well */
	bool writes;
	bool direct; /* nothing of what it reads or writes goes into the page cache */
};

static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/*
 * One request with all its arguments. Work is done by an op_fn, first on the serving thread and
 * without waiting for a vault; when it returns -EINPROGRESS, again on the blocking pool with a
 * copy.
 */
struct op {
	fuse_req_t req;
	fuse_ino_t ino, ino2;
	const char *name, *name2;
	const uint8_t *data;
	size_t len;
	uint64_t off;
	mode_t mode;
	dev_t rdev;
	int flags;
	struct stat attr;
	struct fuse_file_info fi;
	bool kills_setid; /* the request also clears set-id bits */
};

/* Return: 0: replied; -EINPROGRESS: nothing was done yet and nothing replied; else the errno to
 * reply. */
typedef int (*op_fn)(struct session *s, struct op *op, const struct request *rq);

/* dispatch.c */
void op_run(struct op *op, op_fn fn);	      /* on the serving thread first */
void op_run_control(struct op *op, op_fn fn); /* control files: on a pool of their own */

/* op_sync_begin() - before a request waits for a disk's sync. False: not on this thread, since one
 * serving thread always stays free of slow disks. op_sync_end() follows in any case. */
bool op_sync_begin(const struct session *s, const struct request *rq);
void op_sync_end(void);

/* ---- lookup.c: nodes ---- */

/* op_lookup() - the node of a name in a folder, with one more lookup count, and its attributes. */
int op_lookup(struct session *s, struct inode *parent, const char *name,
	      struct fuse_entry_param *ret_e) MUST_CHECK;
/* op_entry_of() - the same for a descriptor that was just opened; @fd is consumed. */
int op_entry_of(struct session *s, struct inode *parent, const char *name, int fd,
		struct fuse_entry_param *ret_e) MUST_CHECK;
/* op_reply_entry() - replies; takes the lookup count back when the caller was interrupted. */
void op_reply_entry(fuse_req_t req, struct session *s, const struct fuse_entry_param *e);
bool name_is_control(const struct inode *parent, const struct session *s, const char *name);
void op_lookup_reply(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_readlink(fuse_req_t req, fuse_ino_t ino);

/* ---- attr.c: attributes read and set ---- */

/* op_stat() - attributes with the plaintext size. */
int op_stat(struct session *s, struct inode *i, struct stat *ret_st) MUST_CHECK;
/* op_stat_for() - the same, and how long the kernel may keep them. */
int op_stat_for(struct session *s, struct inode *i, struct stat *ret_st,
		double *ret_timeout) MUST_CHECK;
/* op_complete_stat() - the backing file's attributes, read after @seq was read from v->mtime_seq,
 * as programs see them. Returns how long the kernel may keep them. */
double op_complete_stat(struct session *s, struct inode *i, unsigned seq, struct stat *st);
/**
 * op_stat_with_times() - attributes of a regular file whose mtime and ctime are those in @times
 * For times that the kernel has just sent. They are not read from the backing filesystem. One with
 * multigrain timestamps (Linux 6.13) stamps the next change after they were read finer than the
 * clock ticks, and from then on the kernel's own clock is ahead: it would send new times at each
 * fsync(2).
 */
int op_stat_with_times(struct session *s, struct inode *i, const struct stat *times,
		       struct stat *ret_st, double *ret_timeout) MUST_CHECK;
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi);

static inline int reply_r(fuse_req_t req, int r)
{
	return fuse_reply_err(req, r < 0 ? -r : 0);
}

extern const struct fuse_lowlevel_ops session_ops; /* ops.c */

/* ---- setid.c: set-id bits that a change of the content takes ---- */

/**
 * op_kill_setid() - clears a file's set-id bits, for a request that asks for it (op.kills_setid)
 * Before the content changes, as the kernel does. Set-group-id without group execution stays for a
 * caller in the file's group. The kernel then asks for the mode again.
 * Return: 0, also when there were none; -EINPROGRESS; an errno.
 */
int op_kill_setid(struct session *s, struct inode *i, const struct op *op,
		  const struct request *rq) MUST_CHECK;
/* op_kill_setid_unasked() - the same for FALLOCATE, which does not say whether the caller has
 * CAP_FSETID; with it the bits stay. */
int op_kill_setid_unasked(struct session *s, struct inode *i, const struct op *op,
			  const struct request *rq) MUST_CHECK;
/* op_kill_sgid() - clears set-group-id of a file or folder, as setting its ACL does for a caller
 * outside the group. */
int op_kill_sgid(struct session *s, struct inode *i) MUST_CHECK;

/* ---- entries.c: entries created, linked, removed, renamed ---- */

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t parent2,
	       const char *name2, unsigned flags);

/* ---- dir.c: folders opened, read, synced, closed ---- */

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off,
		    struct fuse_file_info *fi);
/* ops_close_dirs(), ops_close_files() - close what is still open after the last request was
 * served. */
void ops_close_dirs(struct session *s);
void ops_close_files(struct session *s);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

/* ---- file.c: files created, opened, synced and closed ---- */

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph);
/* op_make_regular() - a regular file created without opening it (mknod). */
int op_make_regular(struct session *s, struct op *op, const struct request *rq);

/* ---- data.c: bytes and space ---- */

void op_read(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *in, size_t len, off_t off,
	      struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		  struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);

/* ---- xattr.c ---- */

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t len,
		 int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t len);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t len);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* ---- virtual.c: the control directory ---- */

void virtual_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
int virtual_entry(struct session *s, uint64_t parent, const char *name,
		  struct fuse_entry_param *ret_e) MUST_CHECK;
void virtual_getattr(fuse_req_t req, fuse_ino_t ino);
void virtual_setattr(fuse_req_t req, fuse_ino_t ino, const struct stat *attr, int to_set);
void virtual_open(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi);
void virtual_read(fuse_req_t req, size_t len, off_t off, const struct fuse_file_info *fi);
void virtual_write(fuse_req_t req, const char *in, size_t len, off_t off,
		   const struct fuse_file_info *fi);
void virtual_release(fuse_req_t req, const struct fuse_file_info *fi);
void virtual_poll(fuse_req_t req, const struct fuse_file_info *fi, struct fuse_pollhandle *ph);
void virtual_readdir(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off, bool plus);
void virtual_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void virtual_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void virtual_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t parent2,
		    const char *name2);

#endif
