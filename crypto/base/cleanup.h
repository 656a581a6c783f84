/* crypto/base/cleanup.h - resources released at the end of a scope: CLEANUP() and its functions. */
#ifndef DEPFS_CRYPTO_BASE_CLEANUP_H
#define DEPFS_CRYPTO_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK  __attribute__((warn_unused_result))

/* STEAL() - hands ownership on: yields the pointer and sets the variable to NULL. */
#define STEAL(p)                             \
	({                                   \
		__typeof__(p) stolen_ = (p); \
		(p) = NULL;                  \
		stolen_;                     \
	})

/* STEAL_FD() - the same for a file descriptor, which becomes -1. */
#define STEAL_FD(fd)                \
	({                          \
		int stolen_ = (fd); \
		(fd) = -1;          \
		stolen_;            \
	})

/* DEFINE_CLEANUP() - defines fn##_p(), for CLEANUP() of a variable of pointer type @type. */
#define DEFINE_CLEANUP(type, fn)           \
	static inline void fn##_p(type *p) \
	{                                  \
		if (*p)                    \
			fn(*p);            \
	}

static inline void close_fd_p(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* where failure matters, close() is called and checked */
}

static inline void free_mem_p(void *p)
{
	free(*(void **)p);
}

static inline void fclose_p(FILE **f)
{
	if (*f)
		(void)fclose(*f); /* as close() above */
}

#endif
