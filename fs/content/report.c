#include "fs/content/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/fdpath.h"
#include "crypto/base/shell.h"
#include "crypto/header.h"
#include "fs/audit/audit.h"
#include "fs/audit/damage.h"
#include "fs/inode/fds.h"

#define STORE_PATH_LEN 4096

/* Path relative to the store's top, for events; the inode number where the path is not known. */
static const char *path_in_store(struct volume *v, int fd, char out[static STORE_PATH_LEN])
{
	const char *path = fd_path_in(fd, v->path, out, STORE_PATH_LEN);
	struct stat st;

	if (path)
		return path;
	(void)snprintf(out, STORE_PATH_LEN, "inode %ju",
		       fstat(fd, &st) == 0 ? (uintmax_t)st.st_ino : 0);
	return out;
}

int file_damage(struct volume *v, int fd, uint64_t block_no, const char *what)
{
	char space[STORE_PATH_LEN];

	damage_report(v->damage, path_in_store(v, fd, space), block_no, what);
	return -EIO;
}

void file_event(struct volume *v, int fd, const char *event, uint64_t number)
{
	char space[STORE_PATH_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("path", path_in_store(v, fd, space)),
		AUDIT_FIELD_U64("number", number),
	};

	audit_event(v->audit, event, NULL, "ok", fields, 2);
}

void file_budget_event(struct volume *v, int fd, const char *event, uint64_t used)
{
	char space[STORE_PATH_LEN], whole[2 * STORE_PATH_LEN];
	char word[STORE_PATH_LEN], reason[sizeof(word) + 160];
	const char *path = path_in_store(v, fd, space);
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("path", path),
		AUDIT_FIELD_U64("number", used),
		AUDIT_FIELD_STR("reason", reason),
	};

	/* A longer one is cut; the field "path" has the name. */
	(void)snprintf(whole, sizeof(whole), "%s/%s", v->mount, path);
	shell_word(whole, word, sizeof(word));
	(void)snprintf(reason, sizeof(reason),
		       "%llu of the %llu block writes that its data key is good for are used%s: "
		       "depctl renew %s gives it a fresh key",
		       (unsigned long long)used, (unsigned long long)BUDGET_MAX,
		       used + 1 > BUDGET_WARN && strcmp(event, "write-budget-low") != 0
			       ? ", and writing to it is refused"
			       : "",
		       word);
	audit_event(v->audit, event, NULL, "ok", fields, 3);
}
