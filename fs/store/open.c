/* fs/store/open.c - a store opened and closed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "fs/store/store_internal.h"

size_t store_map_min_len = 16u << 20;

struct store *store_new(void)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->dir_fd = s->lock_fd = -1;
	pthread_mutex_init(&s->write_lock, NULL); /* these three cannot fail with glibc */
	pthread_mutex_init(&s->gate.lock, NULL);
	pthread_cond_init(&s->gate.idle, NULL);
	return s;
}

void store_free(struct store *s)
{
	clock_watch_end(s);
	env_close(&s->env);
	service_key_free(s->sk);
	close_fd_p(&s->dir_fd);
	close_fd_p(&s->lock_fd); /* last: another daemon may come now */
	pthread_cond_destroy(&s->gate.idle);
	pthread_mutex_destroy(&s->gate.lock);
	pthread_mutex_destroy(&s->write_lock);
	free(s->dir);
	free(s->path);
	free(s);
}

static int store_locate(struct store *s, const char *path, struct err *err)
{
	s->path = realpath(path, NULL);
	if (!s->path)
		return err_set(err, -errno, "store %s: %m", path);
	if (asprintf(&s->dir, "%s/" STORE_DIR, s->path) < 0) {
		s->dir = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->dir_fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "%s is not a store: it has no folder " STORE_DIR,
			       s->path);
	if (s->dir_fd < 0)
		return err_set(err, -errno, "%s: %m", s->dir);
	return 0;
}

static int store_unlock_keys(struct store *s, const char *spec, struct err *err)
{
	char default_spec[sizeof(SERVICE_KEY_DIR) + UUID_TEXT_LEN + 16];
	int r = format_read(s->dir_fd, &s->format, err);

	if (r < 0)
		return err_prefix(err, r, "store %s", s->path);
	if (!spec) {
		service_key_default_spec(s->format.store_id, default_spec, sizeof(default_spec));
		spec = default_spec;
	}
	return service_key_load(spec, s->format.store_id, &s->sk, err);
}

/* The mark stays until store_close() or a crash; the oldest of several crashes counts. */
static int mark_in_use(struct store *s, struct err *err)
{
	struct store_txn *t;
	uint64_t since = 0;
	int r = store_begin(s, STORE_WRITE, &t, err);

	if (r < 0)
		return r;
	r = txn_get_u64(t, META_IN_USE, &since, err);
	if (r == 0 && (since == 0 || since > (uint64_t)s->opened)) /* or the clock is behind it */
		r = txn_put_u64(t, META_IN_USE, (uint64_t)s->opened, err);
	if (r < 0) {
		store_abort(t);
		return r;
	}
	s->unclean_since = (int64_t)since;
	return store_commit(t, STORE_COMMIT_SNAPSHOT, err);
}

static bool lock_is_there(const struct store *s)
{
	return faccessat(s->dir_fd, STORE_LOCK_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A store that was never served has no lock file yet, and when it is refused it gets none: it is
 * looked at before one is made. */
static int look_first(struct store *s, struct err *err)
{
	const struct lock_text nobody = {0};
	struct err why = {0};
	int r;

	if (lock_is_there(s))
		return 0;
	s->mode = STORE_READ_ONLY;
	r = state_open(s, &nobody, false, &why);
	s->mode = STORE_SERVE;
	s->rebuilt = false;
	env_close(&s->env);
	/* A daemon that came meanwhile is at work on what was looked at. */
	return r < 0 && !lock_is_there(s) ? err_set(err, r, "%s", why.text) : 0;
}

static int open_serve(struct store *s, struct err *err)
{
	struct lock_text before;
	int r = look_first(s, err);

	if (r < 0)
		return r;
	r = lock_take(s->dir_fd, &s->lock_fd, &before, err);
	if (r == 0)
		r = faccessat(s->dir_fd, ".", W_OK, AT_EACCESS) < 0 ? -errno : 0;
	if (r == -EROFS)
		(void)err_set(err, r, "the store lies on a read-only filesystem");
	if (r < 0)
		return err_prefix(err, r, "store %s", s->path);
	r = state_open(s, &before, false, err);
	if (r < 0)
		return r;
	r = mark_in_use(s, err);
	if (r == 0)
		r = lock_say(s->dir_fd, s->lock_fd, err);
	if (r == 0)
		r = clock_watch(s);
	return r < 0 ? err_prefix(err, r, "store %s", s->path) : 0;
}

static int open_read_only(struct store *s, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	struct lock_text before = {0};
	bool held = lock_look(s->dir_fd, &before);
	uint64_t since = 0;
	int r = state_open(s, &before, held, err);

	if (r == 0)
		r = store_begin(s, STORE_READ, &t, err);
	if (r < 0)
		return r;
	r = txn_get_u64(t, META_IN_USE, &since, err);
	s->unclean_since = (int64_t)since;
	return r;
}

int store_open(const char *store_path, enum store_mode mode, const char *service_spec,
	       struct store **ret_store, struct err *err)
{
	CLEANUP(store_free_p) struct store *s = store_new();
	int r;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->mode = mode;
	s->opened = time(NULL);
	r = store_locate(s, store_path, err);
	if (r == 0)
		r = store_unlock_keys(s, service_spec, err);
	if (r == 0)
		r = mode == STORE_SERVE ? open_serve(s, err) : open_read_only(s, err);
	if (r < 0)
		return r;
	*ret_store = STEAL(s);
	return 0;
}

int store_recovered(struct store *s, struct err *err)
{
	struct store_txn *t;
	int r = store_begin(s, STORE_WRITE, &t, err);

	if (r < 0)
		return r;
	r = txn_put_u64(t, META_IN_USE, (uint64_t)s->opened, err);
	if (r == 0)
		return store_commit(t, STORE_COMMIT_SNAPSHOT, err);
	store_abort(t);
	return r;
}

/* A mark that cannot be taken away is the safe side: the next start looks for what a crash left. */
static void unmark_in_use(struct store *s)
{
	struct store_txn *t;

	if (store_begin(s, STORE_WRITE, &t, NULL) < 0)
		return;
	if (store_del(t, TABLE_META, META_IN_USE, strlen(META_IN_USE), NULL) < 0)
		store_abort(t);
	else if (store_commit(t, STORE_COMMIT_SNAPSHOT, NULL) == 0)
		lock_clear(s->lock_fd);
}

void store_close(struct store *s, bool clean)
{
	if (!s)
		return;
	clock_watch_end(s);
	if (clean && s->mode == STORE_SERVE)
		unmark_in_use(s);
	store_free(s);
}

const struct store_format *store_format_of(const struct store *s)
{
	return &s->format;
}

struct service_key *store_service_key(struct store *s)
{
	return s->sk;
}

const char *store_path(const struct store *s)
{
	return s->path;
}

int64_t store_unclean_since(const struct store *s)
{
	return s->unclean_since;
}

bool store_is_rebuilt(const struct store *s)
{
	return s->rebuilt;
}
