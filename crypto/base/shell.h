/* crypto/base/shell.h - text as one word of a POSIX shell, for commands that are proposed. */
#ifndef DEPFS_CRYPTO_BASE_SHELL_H
#define DEPFS_CRYPTO_BASE_SHELL_H

#include <stddef.h>

#define SHELL_WORD_LEN(len) (4 * (len) + 3) /* space for any text of @len bytes, NUL included */

/* shell_word() - @text in single quotes, which keep every byte but their own kind: that is written
 * '\''. Cut to what fits as a whole, with the closing quote; @out_len at least 3. */
void shell_word(const char *text, char *out, size_t out_len);

#endif
