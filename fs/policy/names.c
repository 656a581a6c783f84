/* fs/policy/names.c - the rules for names, descriptions and mailbox ids. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "crypto/base/utf8.h"
#include "fs/policy/act_internal.h"

/* ASCII alone: folding all of Unicode needs tables that change, and a name must stay unique. */
static int fold(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

int name_compare(const char *a, const char *b)
{
	while (*a && fold(*a) == fold(*b))
		a++, b++;
	return fold(*a) - fold(*b);
}

/* Control characters, those of writing direction, and the two that Unicode lets break a line: a
 * value is one line of text, which reads as it is. */
static bool is_control(uint32_t c)
{
	return utf8_is_control(c) || utf8_is_bidi(c) || c == 0x2028 || c == 0x2029;
}

int text_check(const char *text, const char *what, struct err *err)
{
	while (*text) {
		uint32_t c;
		size_t len = utf8_next(text, &c);

		if (len == 0)
			return err_set(err, -EINVAL, "%s: not valid UTF-8", what);
		if (is_control(c))
			return err_set(err, -EINVAL, "%s: control characters are not allowed",
				       what);
		text += len;
	}
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int policy_name_check(const char *name, struct err *err)
{
	uint8_t id[UUID_LEN];
	size_t len = strlen(name);
	int r;

	if (len == 0)
		return err_set(err, -EINVAL, "a policy's name must not be empty");
	if (len > POLICY_NAME_MAX)
		return err_set(err, -ENAMETOOLONG, "a policy's name has at most %d bytes",
			       POLICY_NAME_MAX);
	r = text_check(name, "policy name", err);
	if (r < 0)
		return r;
	if (strchr(name, '/'))
		return err_set(err, -EINVAL, "policy name \"%s\": '/' is not allowed", name);
	if (is_blank(name[0]) || is_blank(name[len - 1]))
		return err_set(err, -EINVAL, "policy name \"%s\": begins or ends with a blank",
			       name);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, -EINVAL, "policy name \"%s\" means a folder", name);
	if (strcasecmp(name, "none") == 0) /* the word that unassigns */
		return err_set(err, -EINVAL, "policy name \"%s\" means that there is none", name);
	if (uuid_decode(name, id) == 0)
		return err_set(err, -EINVAL, "policy name \"%s\" is shaped like an id", name);
	return 0;
}

int mailbox_id_check(const char *id, struct err *err)
{
	size_t len = strlen(id);

	if (len == 0)
		return err_set(err, -EINVAL, "a mailbox id must not be empty");
	if (len > MAILBOX_ID_MAX)
		return err_set(err, -EINVAL, "a mailbox id has at most %d bytes", MAILBOX_ID_MAX);
	if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0 || strchr(id, '/'))
		return err_set(err, -EINVAL, "mailbox id \"%s\" is not a folder's name", id);
	for (size_t i = 0; i < len; i++) /* bytes, not text: a folder's name may be any bytes */
		if ((unsigned char)id[i] < 0x20 || id[i] == 0x7f)
			return err_set(err, -EINVAL,
				       "mailbox id: control characters are not allowed");
	return 0;
}

int description_check(const char *text, struct err *err)
{
	if (strlen(text) > POLICY_DESCRIPTION_MAX)
		return err_set(err, -EINVAL, "a description has at most %d bytes",
			       POLICY_DESCRIPTION_MAX);
	return text_check(text, "description", err);
}

int kind_check(enum policy_kind kind, struct err *err)
{
	if (kind == POLICY_MULTI_WORKLOAD || kind == POLICY_MAILBOX)
		return 0;
	return err_set(err, -EINVAL, "a policy is of kind multi-workload or mailbox");
}
