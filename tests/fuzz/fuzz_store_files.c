/* tests/fuzz/fuzz_store_files.c - any bytes as a store's format line, state file or service key:
 * read or refused with a sentence, never more. The first byte chooses. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/base/file.h"
#include "fs/store/files_internal.h"
#include "fs/store/service_key_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/fuzz-store-XXXXXX";
static int dir_fd = -1;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void cleanup(void)
{
	(void)unlinkat(dir_fd, STORE_FORMAT_FILE, 0);
	(void)rmdir(dir);
}

static void file_put(const uint8_t *data, size_t size)
{
	int fd = openat(dir_fd, STORE_FORMAT_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	require(fd >= 0 && write_all(fd, data, size) == 0);
	close(fd);
}

static int look(uint8_t choice, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *root = NULL;
	static const uint8_t id[UUID_LEN];
	struct store_format fmt;
	char spec[80];

	switch (choice % 3) {
	case 0:
		return format_read(dir_fd, &fmt, err);
	case 1:
		return state_file_check(dir_fd, STORE_FORMAT_FILE, err);
	default:
		(void)snprintf(spec, sizeof(spec), "file:%s/" STORE_FORMAT_FILE, dir);
		return service_file_read(spec, id, &root, err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};

	if (size == 0)
		return 0;
	if (dir_fd < 0) {
		require(mkdtemp(dir) != NULL);
		dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
		require(atexit(cleanup) == 0);
	}
	file_put(data + 1, size - 1);
	require((look(data[0], &err) < 0) == (err.text[0] != '\0'));
	return 0;
}
