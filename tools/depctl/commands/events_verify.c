/* tools/depctl/commands/events_verify.c - the lines of an audit log checked, and the report. */
#include "tools/depctl/commands/events_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "fs/audit/verify.h"
#include "tools/depctl/client/client.h"
#include "tools/depctl/client/fields.h"
#include "tools/depctl/commands/lines.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

#define NOTES_MAX 6
#define NOTE_LEN  320

struct verify {
	struct audit_check check;
	struct err err;
	char notes[NOTES_MAX][NOTE_LEN]; /* sentences about the log that are not failures */
	size_t n_notes;
};

static void note(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct verify *v, const char *fmt, ...)
{
	va_list args;

	if (v->n_notes == NOTES_MAX)
		return;
	va_start(args, fmt);
	(void)vsnprintf(v->notes[v->n_notes++], NOTE_LEN, fmt, args);
	va_end(args);
}

/* ---- where the lines come from ---- */

static int check_line(void *arg, const char *line)
{
	struct verify *v = arg;

	return audit_check_line(&v->check, line, strlen(line), &v->err);
}

static int check_stream(struct verify *v, int fd)
{
	struct lines l = {.fn = check_line, .arg = v};
	int r = lines_read(&l, fd);

	if (r == 0 && l.len > 0) {
		v->check.bad = v->check.last + 1;
		r = err_set(&v->err, -EBADMSG, "record %" PRIu64 " is cut off", v->check.bad);
	}
	free(l.buf);
	return r;
}

static int check_file(struct verify *v, const char *path)
{
	CLEANUP(close_fd_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_set(&v->err, -errno, "%s: %m", path);
	r = check_stream(v, fd);
	return r < 0 ? err_prefix(&v->err, r, "%s", path) : 0;
}

static int verify_files(struct verify *v, char **paths, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = check_file(v, paths[i]);
	if (r == 0)
		r = audit_check_end(&v->check, &v->err);
	if (r == 0 && !v->check.stopped)
		note(v, "it does not end with a clean stop: whether more was written, these files "
			"cannot tell; the store can");
	return r;
}

/* The newest record and the audit key, from the file "status"; where that is missing, none. */
static int mount_facts(struct client *ctl, uint64_t *ret_newest, uint8_t ret_key[SIGN_PUBLIC_LEN],
		       bool *ret_key_known)
{
	CLEANUP(fields_fini) struct fields fields = {0};
	struct err ignored = {0};
	const char *value;
	int r = fields_read(ctl, "status", &fields, &ignored);

	*ret_newest = 0;
	*ret_key_known = false;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	value = fields_get(&fields, "events");
	*ret_newest = value ? strtoull(value, NULL, 10) : 0;
	value = fields_get(&fields, "audit key");
	*ret_key_known = value && hex_decode(value, ret_key, SIGN_PUBLIC_LEN) == 0;
	return 0;
}

static int verify_mount(struct verify *v, const char *mount)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(close_fd_p) int fd = -1;
	uint8_t key[SIGN_PUBLIC_LEN];
	uint64_t newest = 0;
	bool known = false;
	int r = client_open(mount, &ctl, &v->err);

	if (r == 0)
		r = mount_facts(ctl, &newest, key, &known);
	if (r == 0)
		r = client_fd(ctl, "events", &fd, &v->err);
	if (r < 0)
		return r;
	if (known && !v->check.key_known)
		audit_check_init(&v->check, key);
	r = check_stream(v, fd);
	if (r == 0)
		r = audit_check_end(&v->check, &v->err);
	if (r == 0 && v->check.last < newest) {
		v->check.bad = v->check.last + 1;
		r = err_set(&v->err, -EBADMSG,
			    "record %" PRIu64 " and all after it, up to %" PRIu64 ", are missing",
			    v->check.bad, newest);
	}
	return r;
}

/* An event and the record "events-head" that names it as the newest are one transaction, so a power
 * cut loses both or neither. */
static void store_notes(struct verify *v, struct store *s)
{
	if (store_is_rebuilt(s))
		note(v, "it was read from the store's snapshot: newer records may be in its "
			"state/, which is in use or was copied while in use");
	else if (store_unclean_since(s) != 0)
		note(v,
		     "depfs did not stop cleanly, or runs; no record was removed from the end: "
		     "%" PRIu64 " is the newest that was ever durable",
		     v->check.last);
}

static int verify_store(struct verify *v, const char *path, const char *service_spec)
{
	struct store *s = NULL;
	int r = secret_init(&v->err);

	if (r >= 0)
		r = store_open(path, STORE_READ_ONLY, service_spec, &s, &v->err);
	if (r < 0)
		return r;
	if (!v->check.key_known)
		audit_check_init(&v->check,
				 sign_key_public(service_key_audit_sign(store_service_key(s))));
	r = audit_verify(s, &v->check, &v->err);
	if (r == 0)
		store_notes(v, s);
	store_close(s, false); /* read only: nothing to mark */
	return r;
}

static bool is_store(const char *path)
{
	struct store_format format;
	struct err ignored = {0};
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       store_read_format(path, &format, &ignored) != -ENOENT;
}

/* ---- the report ---- */

static void check_notes(struct verify *v)
{
	const struct audit_check *c = &v->check;

	if (c->continued)
		note(v,
		     "it begins at record %" PRIu64 ", where a file of the log begins: the "
		     "files before it were taken away",
		     c->first);
	if (c->rebuilt.to != 0)
		note(v,
		     "records %" PRIu64 " to %" PRIu64 " are not there: the store was opened "
		     "from its snapshot, which keeps the newest only",
		     c->rebuilt.from, c->rebuilt.to);
	if (c->signatures == 0)
		note(v, "no record is signed: the log is young, or an older depfs wrote it");
	else if (c->signed_last < c->last)
		note(v,
		     "the %" PRIu64 " records behind the newest signature, %" PRIu64
		     ", are not signed yet",
		     c->last - c->signed_last, c->signed_last);
	else if (c->stopped)
		note(v, "it ends with the signature of a clean stop");
}

static json_t *number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static void report_json(const struct verify *v, int r, const char *hash, const char *key)
{
	const struct audit_check *c = &v->check;
	json_t *object = json_object(), *notes = json_array();

	for (size_t i = 0; i < v->n_notes; i++)
		out_append(notes, out_text_json(v->notes[i]));
	out_set(object, "verified", number(c->checked));
	out_set(object, "ok", json_boolean(r == 0));
	out_set(object, "first", number(c->first));
	out_set(object, "last", number(c->last));
	out_set(object, "last_hash", out_text_json(hash));
	out_set(object, "signatures", number(c->signatures));
	out_set(object, "signed_to", number(c->signed_last));
	out_set(object, "key", c->signatures ? out_text_json(key) : json_null());
	out_set(object, "bad_record", r < 0 && c->bad ? number(c->bad) : json_null());
	out_set(object, "why", r < 0 ? out_text_json(err_text(&v->err, r)) : json_null());
	out_set(object, "notes", notes);
	out_json(object);
}

static void report_text(const struct verify *v, const char *hash, const char *key)
{
	const struct audit_check *c = &v->check;

	if (c->checked == 0)
		out_line("no record verifies");
	else
		out_line("%" PRIu64 " record%s, the last has hash %s", c->checked,
			 c->checked == 1 ? " verifies" : "s verify", hash);
	if (c->signatures > 0)
		out_line("%" PRIu64 " signature%s, the newest is record %" PRIu64 ", by the key %s",
			 c->signatures, c->signatures == 1 ? " holds" : "s hold", c->signed_last,
			 key);
	for (size_t i = 0; i < v->n_notes; i++)
		out_line("note: %s", v->notes[i]);
}

static int report(const struct cmd_env *env, struct verify *v, int r)
{
	char hash[2 * SHA256_LEN + 1], key[2 * SIGN_PUBLIC_LEN + 1];

	if (r == 0)
		check_notes(v);
	hex_encode(v->check.hash, SHA256_LEN, hash);
	hex_encode(v->check.key, SIGN_PUBLIC_LEN, key);
	if (env->json)
		report_json(v, r, hash, key);
	else if (r == 0 || v->check.checked > 0 ||
		 v->check.bad > 0) /* nothing at all may have been read */
		report_text(v, hash, key);
	return r < 0 ? cmd_refuse(r, &v->err) : CMD_OK;
}

int events_verify(const struct cmd_env *env, const struct verify_what *what)
{
	struct verify v = {0};
	bool store = what->n_paths == 1 && is_store(what->paths[0]);
	int r;

	if (what->service_spec && !store)
		return cmd_usage_error("events", "events: --service-key is for one store");
	audit_check_init(&v.check, what->key);
	if (store)
		r = verify_store(&v, what->paths[0], what->service_spec);
	else if (what->n_paths > 0)
		r = verify_files(&v, what->paths, what->n_paths);
	else
		r = verify_mount(&v, env->mount);
	if (r == 0 && what->key && v.check.signatures == 0)
		r = err_set(&v.err, -EBADMSG, "no record is signed by that key");
	return report(env, &v, r);
}
