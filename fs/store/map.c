/* fs/store/map.c - the memory map of the state: its readers, how it grows, and how its file is
 * replaced. */
#include <errno.h>
#include <stdint.h>

#include "fs/store/store_internal.h"

size_t store_map_min_len = 16u << 20;

/*
 * The map of a process may be resized only while none of its transactions is alive, lmdb.h on
 * mdb_env_set_mapsize(). Writers exclude one another by write_lock. Readers pass a gate that counts
 * them: map_grow() closes it, waits until those inside have left, resizes the map and opens it. A
 * thread that is inside may enter a closed gate again, or it would wait for itself.
 */
static __thread const struct store *inside; /* this thread's reading transactions are of it */
static __thread unsigned inside_count;

bool gate_is_inside(const struct store *s)
{
	return inside == s && inside_count > 0;
}

int gate_enter(struct store *s, struct err *err)
{
	if (inside_count > 0 && inside != s)
		return err_set(err, -EDEADLK, "state: this thread reads another store");
	pthread_mutex_lock(&s->gate.lock);
	while (s->gate.closed && inside_count == 0)
		pthread_cond_wait(&s->gate.idle, &s->gate.lock);
	s->gate.readers++;
	pthread_mutex_unlock(&s->gate.lock);
	inside = s;
	inside_count++;
	return 0;
}

void gate_leave(struct store *s)
{
	inside_count--;
	pthread_mutex_lock(&s->gate.lock);
	if (--s->gate.readers == 0)
		pthread_cond_broadcast(&s->gate.idle);
	pthread_mutex_unlock(&s->gate.lock);
}

/* Close the gate and wait until no reader is inside. False: @wait_ms passed, the gate is open. */
static bool gate_close(struct store *s, unsigned wait_ms)
{
	uint64_t until_ms = clock_now_ms() + wait_ms;
	bool empty;

	pthread_mutex_lock(&s->gate.lock);
	s->gate.closed = true;
	while (s->gate.readers > 0 && clock_cond_wait(&s->gate.idle, &s->gate.lock, until_ms) == 0)
		;
	empty = s->gate.readers == 0;
	if (!empty) {
		s->gate.closed = false;
		pthread_cond_broadcast(&s->gate.idle);
	}
	pthread_mutex_unlock(&s->gate.lock);
	return empty;
}

static void gate_open(struct store *s)
{
	pthread_mutex_lock(&s->gate.lock);
	s->gate.closed = false;
	pthread_cond_broadcast(&s->gate.idle);
	pthread_mutex_unlock(&s->gate.lock);
}

int map_grow(struct store *s, unsigned wait_ms, struct err *err)
{
	size_t map_len;
	int rc;

	if (__builtin_mul_overflow(s->env.map_len, 2u, &map_len))
		return err_set(err, -ENOSPC, "state: the map cannot grow further");
	if (gate_is_inside(s))
		return err_set(err, -EDEADLK, "state: this thread reads while it writes");
	if (!gate_close(s, wait_ms))
		return err_set(err, -EAGAIN, "state: busy, its map could not grow");
	rc = mdb_env_set_mapsize(s->env.env, map_len);
	if (rc == 0)
		s->env.map_len = map_len;
	gate_open(s);
	return rc != 0 ? env_error(rc, "its map cannot grow", err) : 0;
}

/* When the map is half full and no reader is inside: a transaction that outgrows the map has to be
 * replayed, which this makes rare. */
void map_grow_ahead(struct store *s)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (mdb_env_info(s->env.env, &info) != 0 || mdb_env_stat(s->env.env, &stat) != 0)
		return;
	if ((info.me_last_pgno + 1) * stat.ms_psize > s->env.map_len / 2)
		(void)map_grow(s, 0, NULL); /* the next transaction tries again */
}

/* The new file has another identity. So that a crash does not make the next open take it for a copy
 * (state.c), the lock file names no state while the rename is under way. */
static int swap(struct store *s, const char *name, struct err *err)
{
	char path[PATH_MAX];
	int r = dir_path(s->dir, STORE_STATE_DIR, path, err);

	if (r < 0)
		return r;
	lock_clear(s->lock_fd);
	env_close(&s->env);
	if (renameat(s->dir_fd, name, s->dir_fd, STORE_DATA_FILE) < 0)
		r = err_set(err, -errno, "state: its new file cannot be put in place: %m");
	if (r == 0)
		r = fsync_dir(s->dir_fd, STORE_STATE_DIR);
	if (env_open(&s->env, path, ENV_SERVE, s->env.map_len, r < 0 ? NULL : err) < 0) {
		s->stuck = true;
		return r < 0 ? r : -EIO;
	}
	return r < 0 ? r : lock_write(s->dir_fd, s->lock_fd, err);
}

int map_swap(struct store *s, const char *name, struct err *err)
{
	int r;

	if (!gate_close(s, GATE_WAIT_MS))
		return err_set(err, -EAGAIN, "state: busy, it could not be made anew");
	r = swap(s, name, err);
	gate_open(s);
	return r;
}

static bool is_dead(const struct store_env *env)
{
	MDB_txn *probe;
	int rc = mdb_txn_begin(env->env, NULL, MDB_RDONLY, &probe);

	if (rc == 0)
		mdb_txn_abort(probe);
	return rc == MDB_PANIC;
}

static int reopen(struct store *s, struct err *err)
{
	MDB_envinfo before = {0}, after = {0};
	char path[PATH_MAX];
	int r = dir_path(s->dir, STORE_STATE_DIR, path, err);

	if (r < 0)
		return r;
	(void)mdb_env_info(s->env.env, &before); /* fails only for a bad argument */
	env_close(&s->env);
	r = env_open(&s->env, path, ENV_SERVE, s->env.map_len, err);
	if (r < 0)
		return r;
	(void)mdb_env_info(s->env.env, &after); /* the same */
	if (after.me_last_txnid != before.me_last_txnid)
		return err_set(err, -EIO, "state: a change that failed is in it all the same");
	return 0;
}

/*
 * When the write of a meta page fails, LMDB writes the old one back and refuses every further
 * transaction of this environment, reading ones too, with MDB_PANIC. What was committed before is
 * intact in the file, so a new environment can go on with it.
 */
void map_revive(struct store *s)
{
	struct err err = {0};
	int r;

	if (!is_dead(&s->env))
		return;
	r = gate_close(s, GATE_WAIT_MS) ? reopen(s, &err) : -EAGAIN;
	if (r != -EAGAIN)
		gate_open(s);
	if (r < 0)
		s->stuck = true;
}
