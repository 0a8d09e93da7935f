/*
 * Two writers by two ways to one directory, for real: a FUSE mount (bindfs) and the directory beneath it, where the
 * lock of one is not seen by the other. Skipped where bindfs cannot be had or may not mount.
 */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPENDS = 10, SKIPPED = 77 };

typedef struct writer {
    oversized_t *journal;
    uint64_t base; /* ids are this and more */
    unsigned acknowledged;
    bool told;
} writer_t;

static path_t root, beneath, mounted;

static bool run(const char *command, const char *first, const char *second)
{
    char line[3 * PATH_LIMIT];
    (void)snprintf(line, sizeof line, "%s '%s' '%s' >/dev/null 2>&1", command, first, second);
    return system(line) == 0; /* NOLINT(concurrency-mt-unsafe): one thread */
}

static bool is_mounted(void)
{
    struct stat above;
    struct stat found;
    return stat(root.text, &above) == 0 && stat(mounted.text, &found) == 0 && above.st_dev != found.st_dev;
}

static bool mount_it(void)
{
    root = make_temp_directory();
    beneath = join_path(root.text, "beneath");
    mounted = join_path(root.text, "mounted");
    make_directory(beneath.text);
    make_directory(mounted.text);
    return run("bindfs", beneath.text, mounted.text) && is_mounted();
}

static void unmount_it(void)
{
    if (is_mounted())
        (void)(run("fusermount3 -u", mounted.text, "") || run("fusermount -u", mounted.text, "") ||
               run("umount", mounted.text, ""));
    remove_tree(root.text);
}

static void config_of(oversized_config_t *config, const path_t *way, path_t *directory)
{
    *directory = join_path(way->text, "journal");
    small_config(config, directory->text);
    config->format = tested_format();
}

static void open_by(writer_t *writer, const path_t *way, uint64_t base)
{
    oversized_config_t config;
    path_t directory;
    config_of(&config, way, &directory);
    *writer = (writer_t){.base = base};
    assert_ok(oversized_open(&config, &writer->journal));
}

static void append_one(writer_t *writer)
{
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[50];
    if (writer->told)
        return;
    put_u64(entry, writer->base + writer->acknowledged);
    memset(value, (int)writer->acknowledged, sizeof value);
    segj_status_t status = oversized_append(writer->journal, 1, entry, value, sizeof value, NULL, NULL);
    if (status == SEGJ_OK)
        status = oversized_sync(writer->journal, 1);
    writer->told = status == SEGJ_ERR_POISONED;
    writer->acknowledged += status == SEGJ_OK;
    assert_true(status == SEGJ_OK || writer->told);
}

static void check_writer(oversized_t *journal, const writer_t *writer, uint64_t position)
{
    for (unsigned i = 0; i < writer->acknowledged; i++)
        check_filled(journal, 1, position + i, writer->base + i, (uint8_t)i, 50);
}

static void meet(const path_t *first, const path_t *second)
{
    writer_t writers[2];
    oversized_config_t config;
    oversized_t *journal = NULL;
    path_t directory;
    open_by(&writers[0], first, 100);
    for (int i = 0; i < APPENDS; i++)
        append_one(&writers[0]);
    open_by(&writers[1], second, 200);
    for (int i = 0; i < APPENDS; i++) {
        append_one(&writers[1]);
        append_one(&writers[0]);
    }
    assert_true(writers[0].told);
    assert_int_equal(writers[0].acknowledged, APPENDS);
    assert_int_equal(writers[1].acknowledged, APPENDS);
    assert_status(oversized_close(writers[0].journal), SEGJ_ERR_POISONED);
    assert_ok(oversized_close(writers[1].journal));
    config_of(&config, &beneath, &directory);
    assert_ok(oversized_open(&config, &journal));
    check_writer(journal, &writers[0], 0);
    check_writer(journal, &writers[1], APPENDS);
    assert_ok(oversized_destroy(journal));
}

static void by_the_mount_and_beneath_it(void **state)
{
    meet(&mounted, &beneath);
}

static void beneath_the_mount_and_by_it(void **state)
{
    meet(&beneath, &mounted);
}

/* A destroy behind FUSE is through when it returns. */
static void a_destroy_by_the_mount_leaves_nothing(void **state)
{
    oversized_config_t config;
    path_t directory;
    for (int i = 0; i < 10; i++) {
        oversized_t *journal = NULL;
        config_of(&config, &mounted, &directory);
        assert_ok(oversized_open(&config, &journal));
        for (uint64_t section = 0; section < 5; section++)
            append_filled(journal, section, section, 1, 100, NULL);
        assert_ok(oversized_sync_all(journal));
        assert_ok(oversized_destroy(journal));
        names_t names = list_directory(join_path(beneath.text, "journal").text);
        assert_int_equal(names.count, 0);
        free_names(&names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_mount_and_beneath_it),
        cmocka_unit_test(beneath_the_mount_and_by_it),
        cmocka_unit_test(a_destroy_by_the_mount_leaves_nothing),
    };
    int failed = SKIPPED;
    if (mount_it())
        failed = cmocka_run_group_tests(tests, NULL, NULL);
    else
        print_message("SKIPPED: bindfs is not there, or may not mount\n");
    unmount_it();
    return failed;
}
