/* fs/jobs/job_record.h - a job's record in the state: its kinds, states, and codec. */
#ifndef DEPFS_JOBS_JOB_RECORD_H
#define DEPFS_JOBS_JOB_RECORD_H

#include "fs/store/record.h"

enum job_kind {
	JOB_ASSIGN = 1,
	JOB_OFFBOARD,
	JOB_ROTATE,
	JOB_SCAN = 4,
	JOB_RENEW = 5,
	JOB_PURGE, /* a scan that lists what a purge made unreadable */
	JOB_KIND_END
};

enum job_state {
	JOB_QUEUED = 1,
	JOB_RUNNING,
	JOB_WAITING,
	JOB_PAUSED,
	JOB_DONE,
	JOB_FAILED,
	JOB_CANCELLED,
	JOB_SUPERSEDED,
	JOB_STATE_END
};

const char *job_kind_name(enum job_kind k);   /* "assign", ... */
const char *job_state_name(enum job_state s); /* "queued", ... */
bool job_state_is_final(enum job_state s);    /* done, failed, cancelled, superseded */

#define JOB_CURSOR_MAX	 8192 /* bytes; a longer path starts the pass anew after a crash */
#define JOB_PATH_MAX	 4095 /* bytes */
#define JOB_NOTE_MAX	 400  /* bytes: why it waits */
#define JOB_RECORD_MAX	 (JOB_CURSOR_MAX + JOB_PATH_MAX + 1024)
#define JOB_FAILURES_MAX 10000 /* listed; more are only counted */

#define JOB_FLAG_AGAIN \
	0x1u /* a whole pass was made: files that need nothing are not counted any more */

/*
 * Job record, version 1, integers little-endian (the store appends the MAC).
 *   magic "DEPJ" | version u16 = 1 | flags u16 (unknown -ENOTSUP) | kind u8 | state u8 | zero 2 |
 *   rate u32 | policy id 16 | created, started, ended u64 (s since the epoch; 0: not yet) | total,
 *   done, failed, skipped, repeat u64 | listed u32 | mailbox str16 (empty: not of one mailbox) |
 *   cursor str16 | note str16 | of a renewal only: path str16
 * A renewal has no policy: in its place stands a random number, which job_file_id() needs.
 * TABLE_JOBS' key: number u64 big-endian. A failure: number u64 | index u32, both big-endian;
 * value: "path: reason".
 */
struct job_record {
	uint64_t no; /* the key */
	uint16_t flags;
	enum job_kind kind;
	enum job_state state;
	uint32_t rate; /* files/s; 0: no limit */
	uint8_t policy_id[UUID_LEN];
	uint64_t created, started, ended;
	uint64_t total, done, failed, skipped; /* files */
	uint64_t repeat; /* of those counted, so many lie in the cursor's folder */
	uint32_t listed; /* failures kept */
	char mailbox[MAILBOX_ID_MAX + 1];
	char cursor[JOB_CURSOR_MAX + 1]; /* folder that the walk is in; empty: at the start */
	char note[JOB_NOTE_MAX + 1];
	char path[JOB_PATH_MAX + 1]; /* JOB_RENEW: of the file or folder, relative to the top;
					empty: everything */
};

/* Encoders: -EINVAL when a field breaks the table. Decoders: -EBADMSG, -ENOTSUP. */
int job_record_encode(const struct job_record *rec, uint8_t out[static JOB_RECORD_MAX],
		      size_t *ret_len) MUST_CHECK;
int job_record_decode(const uint8_t *in, size_t in_len, struct job_record *ret_rec) MUST_CHECK;

#define JOB_KEY_LEN	    8
#define JOB_FAILURE_KEY_LEN 12
void job_key(uint64_t no, uint8_t out[static JOB_KEY_LEN]);
uint64_t job_key_no(const uint8_t in[static JOB_KEY_LEN]);
void job_failure_key(uint64_t no, uint32_t index, uint8_t out[static JOB_FAILURE_KEY_LEN]);

#endif
