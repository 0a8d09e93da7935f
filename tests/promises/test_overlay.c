/*
 * promises/test_overlay.c: the same as test_layers.c of a real overlay, with a journal in its lower layer and an upper
 * layer of one MiB. It mounts file systems, in a namespace of mounts of its own, so it needs Linux, and root; elsewhere
 * it is skipped.
 */
#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "support/support.h"

#if defined(__linux__)

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTIONS = 8, RECORDS = 40, VALUE = 8000, UPPER = 1 << 20 };

static path_t root;
static oversized_config_t config;
static oversized_t *journal;

/* --- the layers --- */

static path_t make_layer(const char *name)
{
    path_t path = join_path(root.text, name);
    assert_int_equal(mkdir(path.text, 0777), 0);
    return path;
}

static bool mount_memory(const char *name, const char *size)
{
    path_t path = make_layer(name);
    return mount("tmpfs", path.text, "tmpfs", 0, size) == 0;
}

static bool mount_overlay(void)
{
    char options[3 * sizeof(path_t) + 64];
    path_t lower = make_layer("low/layer");
    path_t upper = make_layer("up/layer");
    path_t work = make_layer("up/work");
    path_t both = make_layer("both");
    (void)snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", lower.text, upper.text, work.text);
    return mount("overlay", both.text, "overlay", 0, options) == 0;
}

/* False where that is not possible: says why. */
static bool mount_layers(void)
{
    bool mounted = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    mounted = mounted && mount_memory("low", "size=64m") && mount_memory("up", "size=1m") && mount_overlay();
    if (!mounted)
        print_message("no overlay can be mounted here: %s\n", strerror(errno));
    return mounted;
}

static void unmount_layers(void)
{
    static const char *const names[] = {"both", "up", "low"};
    for (size_t i = 0; i < 3; i++)
        (void)umount2(join_path(root.text, names[i]).text, MNT_DETACH);
    remove_tree(root.text);
}

/* Section files in a partition of the upper layer. */
static unsigned count_copied(const char *partition)
{
    char name[64];
    (void)snprintf(name, sizeof name, "up/layer/%s", partition);
    DIR *directory = opendir(join_path(root.text, name).text);
    unsigned count = 0;
    if (directory == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    assert_int_equal(closedir(directory), 0);
    return count;
}

/* One MiB is soon full. */
static void fill_upper(void)
{
    static const uint8_t bytes[4096];
    int fd = open(join_path(root.text, "both/filler").text, O_WRONLY | O_CREAT, 0666);
    assert_true(fd >= 0);
    while (write(fd, bytes, sizeof bytes) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(close(fd), 0);
}

/* --- the journal --- */

static void open_at(const char *name)
{
    static path_t directory;
    directory = join_path(root.text, name);
    config.directory = directory.text;
    assert_ok(oversized_open(&config, &journal));
}

static void close_journal(void)
{
    assert_ok(oversized_close(journal));
    journal = NULL;
}

static segj_status_t append(uint64_t section, uint64_t position)
{
    uint8_t value[VALUE];
    uint8_t entry[8];
    memset(value, (int)(section * 31 + position), sizeof value);
    put_u64(entry, section << 32 | position);
    return oversized_append(journal, section, entry, value, sizeof value, NULL, NULL);
}

static void check_bytes(uint64_t section, uint64_t position, const uint8_t *value, size_t size)
{
    assert_int_equal(size, VALUE);
    for (size_t i = 0; i < VALUE; i += 7)
        assert_int_equal(value[i], (uint8_t)(section * 31 + position));
}

static void check_section(uint64_t section, uint64_t records)
{
    segj_buffer_t value = {NULL, 0, 0};
    oversized_view_t view = {0};
    oversized_replay_t *replay;
    oversized_item_t item;
    uint64_t count = 0;
    assert_ok(oversized_count(journal, section, &count));
    assert_int_equal(count, records);
    assert_ok(oversized_replay_open(journal, section, 0, 100000, &replay));
    for (uint64_t position = 0; position < records; position++) {
        const void *given;
        size_t size;
        assert_ok(oversized_read(journal, section, position, NULL, &value));
        check_bytes(section, position, value.data, value.size);
        assert_ok(oversized_view(journal, section, position, NULL, &view));
        check_bytes(section, position, view.data, view.size);
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(item.section, section);
        assert_ok(oversized_replay_value(replay, &given, &size));
        check_bytes(section, position, given, size);
    }
    oversized_replay_close(replay);
    oversized_view_release(&view);
    segj_buffer_free(&value);
}

static void check_all(void)
{
    for (uint64_t section = 1; section <= SECTIONS; section++)
        check_section(section, RECORDS);
}

static void a_journal_in_the_lower_layer(void **state)
{
    oversized_config_init(&config);
    config.native_version = tested_version();
    config.entry_size = 8;
    config.map_values = true;
    config.format = tested_format();
    open_at("low/layer");
    for (uint64_t section = 1; section <= SECTIONS; section++)
        for (uint64_t position = 0; position < RECORDS; position++)
            assert_ok(append(section, position));
    close_journal();

    open_at("both");
    check_all();
    assert_int_equal(count_copied("index"), 0);
    assert_int_equal(count_copied("values"), 0);

    fill_upper();
    check_all();
    assert_status(append(3, RECORDS), SEGJ_ERR_NO_SPACE);
    assert_null(oversized_error(journal));
    check_all();
    assert_int_equal(count_copied("values"), 0);
    assert_int_equal(unlink(join_path(root.text, "both/filler").text), 0);

    oversized_view_t held = {0};
    assert_ok(oversized_view(journal, 3, RECORDS - 1, NULL, &held));
    for (uint64_t position = RECORDS; position < RECORDS + 20; position++) {
        assert_ok(append(3, position));
        assert_ok(oversized_sync(journal, 3));
        check_section(3, position + 1);
    }
    check_bytes(3, RECORDS - 1, held.data, held.size);
    oversized_view_release(&held);
    assert_int_equal(count_copied("index"), 1);
    assert_int_equal(count_copied("values"), 1);
    close_journal();
    open_at("both");
    check_section(3, RECORDS + 20);
    check_section(2, RECORDS);
    check_section(SECTIONS, RECORDS);
    close_journal();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_journal_in_the_lower_layer)};
    root = make_temp_directory();
    int failed = mount_layers() ? cmocka_run_group_tests_name("overlay", tests, NULL, NULL) : 77;
    oversized_abandon(journal);
    unmount_layers();
    return failed;
}

#else

int main(void)
{
    print_message("SKIPPED: there are no overlays on this system\n");
    return 77;
}

#endif
