/* fs/store/open.c - a store opened and closed: format line, service key, lock, state. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "fs/store/store_internal.h"

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
	in_use_watch_end(s);
	env_close(&s->env);
	service_key_free(s->sk);
	close_fd_p(&s->dir_fd);
	close_fd_p(&s->lock_fd); /* last, since it frees the lock for another daemon */
	pthread_cond_destroy(&s->gate.idle);
	pthread_mutex_destroy(&s->gate.lock);
	pthread_mutex_destroy(&s->write_lock);
	free(s->dir);
	free(s->path);
	free(s);
}

static int locate(struct store *s, const char *path, struct err *err)
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

static int load_service_key(struct store *s, const char *spec, struct err *err)
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

static bool lock_is_there(const struct store *s)
{
	return faccessat(s->dir_fd, STORE_LOCK_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A store that cannot be opened is to be left as it was, without a lock file if it had none. So
 * where there is none, the state is opened read-only before lock_take() makes one. */
static int try_without_lock(struct store *s, struct err *err)
{
	const struct lock_text no_holder = {0};
	struct err why = {0};
	int r;

	if (lock_is_there(s))
		return 0;
	s->mode = STORE_READ_ONLY;
	r = state_open(s, &no_holder, false, &why);
	s->mode = STORE_SERVE;
	s->rebuilt = false;
	env_close(&s->env);
	/* Where a daemon has taken the lock meanwhile, what was read may be half written. */
	return r < 0 && !lock_is_there(s) ? err_set(err, r, "%s", why.text) : 0;
}

static int open_serve(struct store *s, struct err *err)
{
	struct lock_text before;
	int r = try_without_lock(s, err);

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
	r = in_use_mark(s, err);
	if (r == 0)
		r = lock_write(s->dir_fd, s->lock_fd, err);
	if (r == 0)
		r = in_use_watch(s);
	return r < 0 ? err_prefix(err, r, "store %s", s->path) : 0;
}

static int open_read_only(struct store *s, struct err *err)
{
	struct lock_text before = {0};
	bool held = lock_probe(s->dir_fd, &before);
	int r = state_open(s, &before, held, err);

	return r < 0 ? r : in_use_get(s, &s->unclean_since, err);
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
	r = locate(s, store_path, err);
	if (r == 0)
		r = load_service_key(s, service_spec, err);
	if (r == 0)
		r = mode == STORE_SERVE ? open_serve(s, err) : open_read_only(s, err);
	if (r < 0)
		return r;
	*ret_store = STEAL(s);
	return 0;
}

void store_close(struct store *s, bool clean)
{
	if (!s)
		return;
	in_use_watch_end(s);
	if (clean && s->mode == STORE_SERVE)
		in_use_clear(s);
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
