/* fs/store/check.c - an LMDB file walked with plain reads, before LMDB maps it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/store/files_internal.h"

/*
 * LMDB 0.9 trusts its file: a page beyond the end is a SIGBUS, a page of garbage an abort. So each
 * page that can be reached is checked first. Of the leaves of the events, which are many, only the
 * newest are read (a daemon reads those when it starts), so that opening a store does not grow
 * slower with its log. No page may be reached, or be free, twice: a page in use that the free list
 * names would be overwritten by the next commit.
 *
 * Page, integers little-endian (as on every machine that depfs runs on; LMDB writes native ones):
 *     0   8  own number
 *     8   2  -
 *    10   2  flags: 1 branch, 2 leaf, 4 overflow, 8 meta
 *    12   2  lower: end of the offsets     } overflow: u32 number of pages
 *    14   2  upper: start of the nodes     }
 *    16      u16 offsets of nodes, or (meta) magic u32, version u32, 16 bytes, two database records
 *            of 48, last page u64, transaction u64
 * Database: page size or 0 u32 | flags u16 | depth u16 | four counts u64 | root u64
 * Node: lo u16 | hi u16 | flags u16 | key length u16 | key | data
 *   branch: child = lo | hi << 16 | flags << 32; leaf: data length = lo | hi << 16, or (flag 1) the
 *   data is the number of its first overflow page; flag 2: the data is a database
 * Free list: a database whose data are the number of pages u64 and the pages u64, greatest first.
 */
#define PAGE_HEAD_LEN 16
#define PAGE_LEN_MIN  512
#define PAGE_LEN_MAX  32768
#define PAGE_BRANCH   1u
#define PAGE_LEAF     2u
#define PAGE_OVERFLOW 4u
#define PAGE_META     8u
#define META_MAGIC    0xbeefc0deu
#define META_VERSION  1u
#define META_MAP_OFF  32
#define META_MAP_MAX  (UINT64_C(1) << 38) /* bytes; larger ones are taken for damage */
#define META_DBS_OFF  40
#define META_LAST_OFF 136
#define META_TXN_OFF  144
#define META_LEN      152
#define DB_LEN	      48
#define DB_DEPTH_OFF  6
#define DB_ROOT_OFF   40
#define DB_DEPTH_MAX  32 /* LMDB's own limit */
#define NODE_HEAD_LEN 8
#define NODE_BIG      1u
#define NODE_DB	      2u
#define ROOT_NONE     UINT64_MAX
#define SHALLOW_TABLE "events"
#define NEWEST_LEAVES 512u /* of the events: at least as many as a snapshot has events */

struct walk {
	int fd;
	size_t page_len;
	uint64_t pages; /* whole ones in the file */
	uint64_t limit; /* pages that LMDB has allocated; free ones may lie beyond the file's end */
	uint8_t *taken; /* a bit for each of them: it was reached, or is free */
	uint64_t leaves[NEWEST_LEAVES]; /* page numbers of the newest leaves not read, a ring */
	uint64_t n_leaves;		/* ever put into it */
};

/* A database, and what is checked of it. */
struct tree {
	uint64_t root;
	unsigned depth;
	bool shallow; /* leaves are not read */
	bool free;    /* the free list */
};

static uint64_t le(const uint8_t *at, size_t len)
{
	uint64_t v = 0;

	while (len-- > 0)
		v = v << 8 | at[len];
	return v;
}

static int read_at(int fd, void *out, size_t len, uint64_t off)
{
	ssize_t n = pread(fd, out, len, (off_t)off);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EBADMSG;
}

static struct tree tree_from(const uint8_t db[static DB_LEN])
{
	return (struct tree){
		.root = le(db + DB_ROOT_OFF, 8),
		.depth = (unsigned)le(db + DB_DEPTH_OFF, 2),
	};
}

static bool page_take(struct walk *w, uint64_t no)
{
	uint8_t bit = (uint8_t)(1u << no % 8);

	if (no < 2 || no >= w->limit || (w->taken[no / 8] & bit))
		return false;
	w->taken[no / 8] |= bit;
	return true;
}

static int free_pages_check(struct walk *w, const uint8_t *list, uint64_t list_len)
{
	uint64_t n = list_len < 8 ? UINT64_MAX : le(list, 8), before = UINT64_MAX;

	if (n > list_len / 8 - 1)
		return -EBADMSG;
	for (uint64_t i = 1; i <= n; i++) {
		uint64_t no = le(list + 8 * i, 8);

		if (no >= before || !page_take(w, no))
			return -EBADMSG;
		before = no;
	}
	return 0;
}

/* A part of the free list on overflow pages; overflow_check() proved that the file has the bytes.
 */
static int overflow_free_pages_check(struct walk *w, uint64_t no, uint64_t list_len)
{
	CLEANUP(free_mem_p) uint8_t *list = malloc(list_len);
	int r;

	if (!list)
		return -ENOMEM;
	r = read_at(w->fd, list, list_len, no * w->page_len + PAGE_HEAD_LEN);
	return r < 0 ? r : free_pages_check(w, list, list_len);
}

/* Data too long for a leaf: one header, then the data over as many pages as it takes. */
static int overflow_check(struct walk *w, uint64_t no, uint64_t data_len)
{
	uint64_t pages = (PAGE_HEAD_LEN - 1 + data_len) / w->page_len + 1;
	uint8_t head[PAGE_HEAD_LEN];
	int r;

	if (no >= w->pages || pages > w->pages - no)
		return -EBADMSG;
	r = read_at(w->fd, head, sizeof(head), no * w->page_len);
	if (r < 0)
		return r;
	if (le(head, 8) != no || le(head + 10, 2) != PAGE_OVERFLOW || le(head + 12, 4) < pages)
		return -EBADMSG;
	for (uint64_t i = 0; i < pages; i++)
		if (!page_take(w, no + i))
			return -EBADMSG;
	return 0;
}

static int page_check(struct walk *w, uint64_t no, struct tree tree);

static bool key_is(const uint8_t *key, size_t len, const char *name)
{
	return len == strlen(name) && memcmp(key, name, len) == 0;
}

static int big_node_check(struct walk *w, uint64_t no, uint64_t data_len, struct tree tree)
{
	int r = overflow_check(w, no, data_len);

	return r == 0 && tree.free ? overflow_free_pages_check(w, no, data_len) : r;
}

static int leaf_node_check(struct walk *w, const uint8_t *node, size_t space, struct tree tree)
{
	uint64_t data_len = le(node, 4), flags = le(node + 4, 2), key_len = le(node + 6, 2);
	const uint8_t *data = node + NODE_HEAD_LEN + key_len;
	struct tree sub;

	space -= NODE_HEAD_LEN;
	if (key_len > space || (flags & ~(uint64_t)(NODE_BIG | NODE_DB)))
		return -EBADMSG;
	space -= key_len;
	if (flags & NODE_BIG)
		return space < 8 ? -EBADMSG : big_node_check(w, le(data, 8), data_len, tree);
	if (data_len > space)
		return -EBADMSG;
	if (tree.free)
		return free_pages_check(w, data, data_len);
	if (!(flags & NODE_DB))
		return 0;
	if (data_len != DB_LEN)
		return -EBADMSG;
	sub = tree_from(data);
	sub.shallow = key_is(node + NODE_HEAD_LEN, key_len, SHALLOW_TABLE);
	if (sub.root == ROOT_NONE)
		return 0;
	return sub.depth == 0 || sub.depth > DB_DEPTH_MAX ? -EBADMSG : page_check(w, sub.root, sub);
}

static int branch_node_check(struct walk *w, const uint8_t *node, size_t space, struct tree tree)
{
	if (le(node + 6, 2) > space - NODE_HEAD_LEN)
		return -EBADMSG;
	tree.depth--;
	return page_check(w, le(node, 6), tree);
}

static int nodes_check(struct walk *w, const uint8_t *page, struct tree tree)
{
	size_t lower = le(page + 12, 2), upper = le(page + 14, 2);
	unsigned flags = (unsigned)le(page + 10, 2);

	if (flags != (tree.depth > 1 ? PAGE_BRANCH : PAGE_LEAF))
		return -EBADMSG;
	if (lower < PAGE_HEAD_LEN || lower > upper || upper > w->page_len || lower % 2 != 0)
		return -EBADMSG;
	for (size_t at = PAGE_HEAD_LEN; at < lower; at += 2) {
		size_t off = le(page + at, 2);
		int r;

		if (off < upper || off > w->page_len - NODE_HEAD_LEN)
			return -EBADMSG;
		if (flags == PAGE_BRANCH)
			r = branch_node_check(w, page + off, w->page_len - off, tree);
		else
			r = leaf_node_check(w, page + off, w->page_len - off, tree);
		if (r < 0)
			return r;
	}
	return 0;
}

static int page_read_check(struct walk *w, uint64_t no, struct tree tree)
{
	CLEANUP(free_mem_p) uint8_t *page = NULL;
	int r;

	page = malloc(w->page_len);
	if (!page)
		return -ENOMEM;
	r = read_at(w->fd, page, w->page_len, no * w->page_len);
	if (r < 0)
		return r;
	return le(page, 8) == no ? nodes_check(w, page, tree) : -EBADMSG;
}

static int page_check(struct walk *w, uint64_t no, struct tree tree)
{
	if (no >= w->pages || !page_take(w, no))
		return -EBADMSG;
	if (!tree.shallow || tree.depth > 1)
		return page_read_check(w, no, tree);
	w->leaves[w->n_leaves++ % NEWEST_LEAVES] = no;
	return 0;
}

static int meta_read(int fd, uint64_t off, uint8_t meta[static META_LEN])
{
	int r = read_at(fd, meta, META_LEN, off);

	if (r < 0)
		return r;
	if (le(meta + 10, 2) != PAGE_META || le(meta + 16, 4) != META_MAGIC)
		return -EBADMSG;
	return le(meta + 20, 4) == META_VERSION ? 0 : -ENOTSUP;
}

/* Commits are written to the two meta pages in turn, even transactions to the first. LMDB relies on
 * that when it chooses one; where it does not hold, LMDB might open another tree than was checked.
 */
static bool metas_agree(const uint8_t *first, const uint8_t *second)
{
	uint64_t even = le(first + META_TXN_OFF, 8), odd = le(second + META_TXN_OFF, 8);

	if (even == 0 && odd == 0) /* no commit yet */
		return true;
	return even % 2 == 0 && (odd == even + 1 || even == odd + 1);
}

/* LMDB maps, and later extends, the file as far as the meta page says. */
static bool limits_hold(const struct walk *w, const uint8_t *meta)
{
	uint64_t map_len = le(meta + META_MAP_OFF, 8);

	return map_len <= META_MAP_MAX && le(meta + META_LAST_OFF, 8) < map_len / w->page_len;
}

/* The first database of a meta page is the free list, the second holds the tables. */
static int trees_check(struct walk *w, const uint8_t *meta)
{
	for (size_t i = 0; i < 2; i++) {
		struct tree t = tree_from(meta + META_DBS_OFF + i * DB_LEN);
		int r;

		t.free = i == 0;
		if (t.root == ROOT_NONE)
			continue;
		if (t.depth == 0 || t.depth > DB_DEPTH_MAX)
			return -EBADMSG;
		r = page_check(w, t.root, t);
		if (r < 0)
			return r;
	}
	return 0;
}

static int newest_leaves_check(struct walk *w)
{
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < w->n_leaves && i < NEWEST_LEAVES; i++)
		r = page_read_check(w, w->leaves[i], (struct tree){.depth = 1});
	return r;
}

static int walk_check(struct walk *w, const uint8_t *meta)
{
	CLEANUP(free_mem_p) uint8_t *taken = NULL;
	int r;

	if (!limits_hold(w, meta))
		return -EBADMSG;
	w->limit = le(meta + META_LAST_OFF, 8) + 1;
	taken = calloc(w->limit / 8 + 1, 1);
	if (!taken)
		return -ENOMEM;
	w->taken = taken;
	r = trees_check(w, meta);
	return r < 0 ? r : newest_leaves_check(w);
}

static int file_check(int fd)
{
	uint8_t metas[2][META_LEN];
	struct walk w = {.fd = fd};
	struct stat st;
	size_t newest;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = meta_read(fd, 0, metas[0]);
	if (r < 0)
		return r;
	w.page_len = le(metas[0] + META_DBS_OFF, 4);
	if (w.page_len < PAGE_LEN_MIN || w.page_len > PAGE_LEN_MAX || w.page_len % 512 != 0)
		return -EBADMSG;
	r = meta_read(fd, w.page_len, metas[1]);
	if (r < 0)
		return r;
	if (!metas_agree(metas[0], metas[1]))
		return -EBADMSG;
	w.pages = (uint64_t)st.st_size / w.page_len;
	newest = le(metas[1] + META_TXN_OFF, 8) > le(metas[0] + META_TXN_OFF, 8);
	return walk_check(&w, metas[newest]);
}

int state_file_check(int dir_fd, const char *name, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	int r;

	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, STORE_DIR "/%s: %m", name);
	r = file_check(fd);
	if (r == -EBADMSG)
		return err_set(err, r, STORE_DIR "/%s is damaged or cut short", name);
	if (r == -ENOTSUP)
		return err_set(err, r, STORE_DIR "/%s was written by another version of LMDB",
			       name);
	return r < 0 ? err_set(err, r, STORE_DIR "/%s: %s", name, strerrordesc_np(-r)) : 0;
}
