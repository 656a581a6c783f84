/* tests/unit/test_mountinfo.c - which depfs mounts there are, from lines like the kernel's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/mountinfo/mountinfo.h"

static int read_text(const char *text, struct mount_list *ret_list)
{
	char path[] = "/tmp/test-mountinfo.XXXXXX";
	struct err err = {0};
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	r = mount_list_read(path, ret_list, &err);
	assert_int_equal(unlink(path), 0);
	return r;
}

/* A mount point with a blank, comma or backslash is found under its real name. */
static void mount_list_unescapes_names(void **state)
{
	CLEANUP(mount_list_fini) struct mount_list list = {0};

	(void)state;
	assert_int_equal(read_text("36 35 0:52 / /srv/a\\040b\\134c rw,nosuid shared:1 - "
				   "fuse.depfs /back/s\\011t,ore rw,user_id=0\n",
				   &list),
			 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.entries[0].point, "/srv/a b\\c");
	assert_string_equal(list.entries[0].source, "/back/s\tt,ore");
	assert_string_equal(list.entries[0].root, "/");
	assert_true(list.entries[0].dev == makedev(0, 52));
}

/* The number of optional fields varies: none, or several, even one that looks like a type. */
static void mount_list_passes_over_optional_fields(void **state)
{
	CLEANUP(mount_list_fini) struct mount_list list = {0};

	(void)state;
	assert_int_equal(read_text("1 2 0:1 / /a rw - fuse.depfs /s rw\n"
				   "3 2 0:2 /sub /b rw shared:7 master:3 propagate_from:2 - "
				   "fuse.depfs /t rw\n",
				   &list),
			 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.entries[1].root, "/sub");
	assert_string_equal(list.entries[1].source, "/t");
}

/* Only whole lines of our type count: neither other types, nor types that begin as ours does. */
static void mount_list_ignores_what_is_not_depfs(void **state)
{
	CLEANUP(mount_list_fini) struct mount_list list = {0};

	(void)state;
	assert_int_equal(read_text("1 2 8:1 / / rw - ext4 /dev/sda1 rw\n"
				   "3 2 0:2 / /fuse.depfs rw - fuse.depfs2 fuse.depfs rw\n"
				   "4 2 0:3 / /c rw - fuse fuse.depfs rw\n"
				   "5 2 0:4 / /d rw shared:1\n"
				   "6 2\n"
				   "\n"
				   "7 2 x:y / /e rw - fuse.depfs /s rw\n"
				   "8 2 0:5 / /f rw - fuse.depfs\n",
				   &list),
			 0);
	assert_int_equal(list.count, 0);
}

/* The daemon sets the read-ahead of its own mount: of several at one place, the one on top. */
static void mount_list_top_takes_the_last(void **state)
{
	CLEANUP(mount_list_fini) struct mount_list list = {0};

	(void)state;
	assert_int_equal(read_text("1 2 0:1 / /a\\040b rw - fuse.depfs /s rw\n"
				   "2 1 0:2 / /a\\040b rw - fuse.depfs /t rw\n"
				   "3 1 0:3 / /a\\040b/c rw - fuse.depfs /u rw\n",
				   &list),
			 0);
	assert_int_equal(mount_list_top(&list, "/a b")->dev, makedev(0, 2));
	assert_int_equal(mount_list_top(&list, "/a b/c")->dev, makedev(0, 3));
	assert_null(mount_list_top(&list, "/a"));
	assert_null(mount_list_top(&list, "/a\\040b"));
}

static void mount_list_names_a_file_that_is_not_there(void **state)
{
	struct mount_list list = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(mount_list_read("/nonexistent/mountinfo", &list, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/mountinfo"));
	assert_int_equal(list.count, 0);
}

/* An escape is three octal digits; anything else stays as it is. */
static void mount_unescape_leaves_other_backslashes(void **state)
{
	char text[] = "\\04 \\089 \\ \\1234 \\";

	(void)state;
	mount_unescape(text);
	assert_string_equal(text, "\\04 \\089 \\ S4 \\");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mount_list_unescapes_names),
		cmocka_unit_test(mount_list_passes_over_optional_fields),
		cmocka_unit_test(mount_list_ignores_what_is_not_depfs),
		cmocka_unit_test(mount_list_top_takes_the_last),
		cmocka_unit_test(mount_list_names_a_file_that_is_not_there),
		cmocka_unit_test(mount_unescape_leaves_other_backslashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
