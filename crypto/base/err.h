/* crypto/base/err.h - one line of text beside an errno, for the person who reads the outcome. */
#ifndef DEPFS_CRYPTO_BASE_ERR_H
#define DEPFS_CRYPTO_BASE_ERR_H

#define ERR_TEXT_LEN 512 /* bytes, with the final NUL; longer sentences are cut */

struct err {
	char text[ERR_TEXT_LEN]; /* no newline, no secret; empty: not set */
	int r;		/* the errno given to err_set(), whatever a caller returns instead */
	unsigned cause; /* set by the module of the text, to choose a remedy; 0: none */
};

/**
 * err_set() - set the text, once, where the cause is known
 * @err: where to; NULL allowed
 * @r: negative errno, handed back
 * Clears err->cause.
 * Return: @r.
 */
int err_set(struct err *err, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * err_prefix() - put "<prefix>: " before the text; arguments as of err_set()
 * Keeps err->r and err->cause. Where no text was set, strerror(-r) is prefixed.
 */
int err_prefix(struct err *err, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* err_add() - append to the text; @err: NULL allowed. Keeps err->r and err->cause. */
void err_add(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_text() - the text, or strerror(-r) where none was set; valid as long as @err. */
const char *err_text(const struct err *err, int r);

/* errno_name() - "EACCES" for -EACCES or EACCES; "ok" for 0; "EUNKNOWN" for no errno. */
const char *errno_name(int r);

#endif
