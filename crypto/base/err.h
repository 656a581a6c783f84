/* crypto/base/err.h - one line of text beside an errno, for the person who reads the outcome. */
#ifndef DEPFS_CRYPTO_BASE_ERR_H
#define DEPFS_CRYPTO_BASE_ERR_H

#define ERR_TEXT_LEN 512 /* bytes, with the final NUL; longer sentences are cut */

struct err {
	char text[ERR_TEXT_LEN]; /* no newline, no secret; empty while nothing was said */
	int r;			 /* as err_set() was given it, whatever callers made of it since */
	unsigned cause; /* one of the causes of the module that said it, for a remedy; 0: none */
};

/**
 * err_set() - say what went wrong, once, where the cause is known
 * @err: where to; NULL allowed
 * @r: negative errno, handed back
 * The sentence has no cause yet.
 * Return: @r.
 */
int err_set(struct err *err, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * err_prefix() - widen a sentence: "<prefix>: <what was there>"; same arguments as err_set()
 */
int err_prefix(struct err *err, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* err_add() - append to a sentence that is there; @err: NULL allowed. Errno and cause stay. */
void err_add(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_text() - the sentence, or strerror(-r) where nothing was said; valid as long as @err. */
const char *err_text(const struct err *err, int r);

/* errno_name() - "EACCES" for -EACCES or EACCES; "ok" for 0; "EUNKNOWN" for no errno. */
const char *errno_name(int r);

#endif
