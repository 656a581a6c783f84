/* kms/local_look.c - what lies in the local vaults, for people: list and show. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "kms/local_store.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-_"

static void closedir_p(DIR **d)
{
	if (*d)
		(void)closedir(*d); /* was only read */
}

/* Names are collected one behind the other, and cut into an array at the end. */
struct names {
	char *text;
	size_t len, n;
};

static int names_add(struct names *s, const char *name)
{
	size_t len = strlen(name) + 1;
	char *text = realloc(s->text, s->len + len);

	if (!text)
		return -ENOMEM;
	memcpy(text + s->len, name, len);
	s->text = text;
	s->len += len;
	s->n++;
	return 0;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **names_array(const struct names *s)
{
	size_t head = (s->n + 1) * sizeof(char *);
	char **array = malloc(head + s->len);
	char *at;

	if (!array)
		return NULL;
	at = (char *)array + head;
	if (s->len > 0)
		memcpy(at, s->text, s->len);
	for (size_t i = 0; i < s->n; i++, at += strlen(at) + 1)
		array[i] = at;
	array[s->n] = NULL;
	qsort(array, s->n, sizeof(char *), name_compare);
	return array;
}

int dir_names(const char *path, char ***ret_names, struct err *err)
{
	CLEANUP(closedir_p) DIR *dir = opendir(path);
	struct names names = {0};
	CLEANUP(free_mem_p) char *text = NULL;
	char **array;
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return err_set(err, -errno, "folder %s: %s", path, strerror(errno));
	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = names_add(&names, entry->d_name);
	text = names.text; /* now the one that is freed */
	if (r == 0 && errno != 0)
		r = -errno;
	if (r < 0)
		return err_set(err, r, "folder %s: %s", path, strerror(-r));
	array = names_array(&names);
	if (!array)
		return err_set(err, -ENOMEM, "no memory");
	*ret_names = array;
	return 0;
}

/* Vaults and keys are folders whose names an id can hold; all else is the vault's own, or not ours.
 */
static bool is_member(const char *parent, const char *name)
{
	CLEANUP(free_mem_p) char *path = NULL;
	struct stat st;

	if (name[strspn(name, NAME_CHARS)] != '\0')
		return false;
	if (asprintf(&path, "%s/%s", parent, name) < 0) {
		path = NULL; /* undefined after a failure */
		return false;
	}
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int local_list(const char *vaults_dir, const char *vault, char ***ret_names, struct err *err)
{
	CLEANUP(free_mem_p) char **names = NULL;
	CLEANUP(free_mem_p) char *path = NULL;
	size_t kept = 0;
	int r;

	if (asprintf(&path, "%s%s%s", vaults_dir, vault ? "/" : "", vault ? vault : "") < 0) {
		path = NULL; /* undefined after a failure */
		return err_set(err, -ENOMEM, "no memory");
	}
	r = dir_names(path, &names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; names[i]; i++)
		if (is_member(path, names[i]))
			names[kept++] = names[i];
	names[kept] = NULL;
	*ret_names = STEAL(names);
	return 0;
}

int local_key_show(const char *vaults_dir, const struct key_id *id, struct local_key **ret_key,
		   struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir vault = LOCAL_DIR_NONE;
	CLEANUP(local_dir_close_p) struct local_dir dir = LOCAL_DIR_NONE;
	int r;

	if (!id->name[0])
		return err_set(err, -EINVAL, "a key is meant, but only a vault is named");
	r = vault_open(vaults_dir, id->vault, &vault, err);
	return r < 0 ? r : key_open(&vault, id->name, &dir, ret_key, err);
}

int local_vault_show(const char *vaults_dir, const struct key_id *id, struct local_rules *ret_rules,
		     struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir vault = LOCAL_DIR_NONE;
	int r = vault_open(vaults_dir, id->vault, &vault, err);

	return r < 0 ? r : vault_rules_load(&vault, ret_rules, err);
}
