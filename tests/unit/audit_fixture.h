/* tests/unit/audit_fixture.h - fs/audit: a store with its audit log. */
#ifndef DEPFS_TEST_AUDIT_FIXTURE_H
#define DEPFS_TEST_AUDIT_FIXTURE_H

#include "tests/unit/store_fixture.h"

#include <inttypes.h>

#include <jansson.h>

#include "fs/audit/audit.h"
#include "fs/audit/verify.h"

struct log {
	struct fix *f;
	struct store *s;
	struct audit *a;
};

static inline struct log log_open(void **state)
{
	struct log l = {.f = *state, .s = fix_open(*state, STORE_SERVE)};
	struct err err = {0};

	assert_int_equal(fix_judged(audit_new(l.s, NULL, &l.a, &err), &err), 0);
	return l;
}

static inline void log_close(struct log *l)
{
	audit_free(l->a);
	store_close(l->s, true);
}

static inline void event(struct log *l, const char *name)
{
	audit_event(l->a, name, NULL, "ok", NULL, 0);
}

static inline void events(struct log *l, unsigned n)
{
	char name[32];

	for (unsigned i = 1; i <= n; i++) {
		(void)snprintf(name, sizeof(name), "event-%u", i);
		event(l, name);
	}
	assert_int_equal(audit_sync(l->a, NULL), 0);
}

/* One line, without its newline; valid until the next call. */
static inline const char *line_of(struct log *l, uint64_t seq)
{
	static char buf[AUDIT_LINE_MAX + 1];
	struct err err = {0};
	uint64_t next;
	ssize_t n = audit_read(l->a, seq, buf, sizeof(buf), &next, &err);

	if (n <= 0)
		fail_msg("event %" PRIu64 ": %zd %s", seq, n, err.text);
	*strchr(buf, '\n') = '\0';
	return buf;
}

/* A member as text. */
static inline const char *member(const char *line, const char *name)
{
	static char out[4100];
	json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL), *v;

	if (!j)
		fail_msg("not JSON: %s", line);
	v = json_object_get(j, name);
	if (json_is_string(v))
		(void)snprintf(out, sizeof(out), "%s", json_string_value(v));
	else if (json_is_integer(v))
		(void)snprintf(out, sizeof(out), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		(void)snprintf(out, sizeof(out), "%s", v ? "?" : "none");
	json_decref(j);
	return out;
}

static inline int verify_all(struct log *l, struct audit_check *ret_check, struct err *err)
{
	memset(err, 0, sizeof(*err));
	audit_check_init(ret_check,
			 sign_key_public(service_key_audit_sign(store_service_key(l->s))));
	return fix_judged(audit_verify(l->s, ret_check, err), err);
}

static inline void assert_verifies(struct log *l, struct audit_check *ret_check)
{
	struct err err;

	if (verify_all(l, ret_check, &err) != 0)
		fail_msg("it should verify: %s", err.text);
}

static inline int verify(struct log *l, uint64_t *ret_checked, struct err *err)
{
	struct audit_check check;
	int r = verify_all(l, &check, err);

	*ret_checked = check.checked;
	return r;
}

#endif
