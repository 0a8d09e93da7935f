/*
 * A disk that is really full: a file system in memory of 256 KiB, mounted for this process alone. Where that is not
 * allowed (neither root nor user namespaces) the program is skipped.
 */
#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "failure/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>

static void write_text(const char *path, const char *text)
{
    int file = open(path, O_WRONLY);
    if (file < 0)
        return;
    if (write(file, text, strlen(text)) < 0)
        print_message("%s: %s\n", path, strerror(errno));
    (void)close(file);
}

/* Mounts that this process makes from now on are its own. */
static bool be_alone(void)
{
    char map[64];
    unsigned user = (unsigned)getuid();
    unsigned group = (unsigned)getgid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        write_text("/proc/self/setgroups", "deny");
        (void)snprintf(map, sizeof map, "0 %u 1", user);
        write_text("/proc/self/uid_map", map);
        (void)snprintf(map, sizeof map, "0 %u 1", group);
        write_text("/proc/self/gid_map", map);
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool mount_small(const char *path)
{
    return mount("tmpfs", path, "tmpfs", 0, "size=256k") == 0;
}

static void unmount(const char *path)
{
    (void)umount2(path, MNT_DETACH);
}
#else
static bool be_alone(void)
{
    errno = ENOSYS;
    return false;
}

static bool mount_small(const char *path)
{
    return false;
}

static void unmount(const char *path)
{
}
#endif

static world_t world;
static path_t root, directory, ballast;

static int set_up(void **state)
{
    static const step_t open[] = {{.kind = DO_OPEN}, {.kind = DO_END}};
    root = make_temp_directory();
    directory = join_path(root.text, "journal");
    ballast = join_path(root.text, "ballast");
    assert_true(mount_small(root.text));
    world_init(&world, segj_storage_posix(), NULL);
    world.config.directory = directory.text;
    take_steps(&world, open);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    oversized_abandon(world.journal);
    world.journal = NULL;
    world_free(&world);
    unmount(root.text);
    remove_tree(root.text);
    return 0;
}

/* Takes all the room there is, but for `spare` bytes. */
static void fill_disk(size_t spare)
{
    static const char block[4096];
    uint64_t size = 0;
    int file = open(ballast.text, O_WRONLY | O_CREAT | O_EXCL, 0666);
    assert_true(file >= 0);
    while (write(file, block, sizeof block) == (ssize_t)sizeof block)
        size += sizeof block;
    assert_int_equal(errno, ENOSPC);
    assert_true(size >= spare);
    assert_int_equal(ftruncate(file, (off_t)(size - spare)), 0);
    assert_int_equal(close(file), 0);
}

static void take(world_t *w, step_kind_t kind, uint64_t section, uint32_t size, uint32_t times)
{
    const step_t step[] = {{.kind = kind, .section = section, .size = size, .times = times}, {.kind = DO_END}};
    take_steps(w, step);
}

/* The step finds no room; nothing has changed. */
static void assert_full(world_t *w, step_kind_t kind, uint64_t section, uint32_t size)
{
    const step_t step = {.kind = kind, .section = section, .size = size};
    assert_status(take_step(w, &step), SEGJ_ERR_NO_SPACE);
    assert_non_null(strstr(segj_last_error(), strerror(ENOSPC)));
    assert_non_null(strstr(segj_last_error(), directory.text));
    assert_null(oversized_error(w->journal));
    check_world(w);
}

static void kill_and_reopen(world_t *w)
{
    oversized_abandon(w->journal);
    w->journal = NULL;
    allow_loss(w, NULL);
    reopen(w);
}

static void appends_until_the_disk_is_full_lose_nothing(void **state)
{
    world_t *w = *state;
    const step_t append = {.kind = DO_APPEND, .section = 1, .size = 4100};
    segj_status_t status = SEGJ_OK;
    while (status == SEGJ_OK)
        status = take_step(w, &append);
    assert_int_equal(status, SEGJ_ERR_NO_SPACE);
    assert_in_range(w->model.sections[1].count, 40, 62);
    for (int i = 0; i < 3; i++)
        assert_full(w, DO_APPEND, 1, 4100 + (uint32_t)i * 7000);
    kill_and_reopen(w);
}

/* Values are written in part when the disk is full, and what they leave is cut before its place is used again. */
static void an_append_is_made_again_when_there_is_room(void **state)
{
    world_t *w = *state;
    take(w, DO_APPEND, 1, 20, 5);
    take(w, DO_SYNC, 1, 0, 1);
    fill_disk(8192);
    assert_full(w, DO_APPEND, 1, 20000);
    assert_full(w, DO_APPEND, 1, 20000);
    remove_file(ballast.text);
    take(w, DO_APPEND, 1, 20000, 1);
    take(w, DO_APPEND, 1, 20, 3);
    take(w, DO_SYNC, 1, 0, 1);
    kill_and_reopen(w);
    assert_int_equal(w->model.sections[1].count, 9);
}

static void a_smaller_append_finds_the_room_that_a_larger_one_did_not(void **state)
{
    world_t *w = *state;
    take(w, DO_APPEND, 1, 20, 5);
    take(w, DO_SYNC, 1, 0, 1);
    fill_disk(8192);
    assert_full(w, DO_APPEND, 1, 20000);
    take(w, DO_APPEND, 1, 300, 1);
    take(w, DO_SYNC, 1, 0, 1);
    kill_and_reopen(w);
    assert_int_equal(w->model.sections[1].count, 6);
}

static void a_sync_is_made_again_when_there_is_room(void **state)
{
    world_t *w = *state;
    take(w, DO_APPEND, 1, 20, 1);
    take(w, DO_APPEND, 2, 20, 1);
    fill_disk(0);
    assert_full(w, DO_SYNC, 1, 0);
    assert_full(w, DO_SYNC_ALL, 0, 0);
    assert_full(w, DO_SYNC, 1, 0);
    remove_file(ballast.text);
    take(w, DO_SYNC_ALL, 0, 0, 1);
    kill_and_reopen(w);
    assert_int_equal(w->model.sections[1].count, 1);
    assert_int_equal(w->model.sections[2].count, 1);
}

/* Version 2 keeps zeros after the values from the ninth small sync on, which is that of the close here. The last blocks
 * are for its values, and what was taken of them for zeros is given back. */
static void zeros_leave_the_room_that_values_need(void **state)
{
    world_t *w = *state;
    w->config.value_write_buffer = 16384;
    kill_and_reopen(w);
    for (unsigned i = 0; i < 8; i++) {
        take(w, DO_APPEND, 1, 2000, 1);
        take(w, DO_SYNC, 1, 0, 1);
    }
    fill_disk(69632); /* as many as zeros would take */
    take(w, DO_APPEND, 1, 9000, 1);
    take(w, DO_CLOSE, 0, 0, 1);
    reopen(w);
    assert_int_equal(w->model.sections[1].count, 9);
}

/* Zeros of section 1 take no room of a new section, of a larger value, of a batch, of a sync or of a flush. */
static void zeros_leave_the_room_that_others_need(void **state)
{
    static const step_t needs[][2] = {
        {{.kind = DO_APPEND, .section = 2, .size = 300}},
        {{.kind = DO_APPEND, .section = 2, .size = 20000}},
        {{.kind = DO_BATCH, .section = 2, .size = 900, .extra = 16}},
        {{.kind = DO_APPEND, .section = 2, .size = 500, .times = 12}, {.kind = DO_SYNC, .section = 2}},
        {{.kind = DO_APPEND, .section = 2, .size = 500, .times = 12}, {.kind = DO_FLUSH, .section = 2}},
        {{.kind = DO_APPEND, .section = 2, .size = 500, .times = 12}, {.kind = DO_SYNC, .section = 2}},
    };
    static const step_t end = {.kind = DO_END};
    world_t *w = *state;
    w->config.preallocate = 40000;
    w->config.value_write_buffer = 8192;
    kill_and_reopen(w);
    for (unsigned turn = 0; turn < sizeof needs / sizeof *needs; turn++) {
        take(w, DO_APPEND, 1, 200, 1);
        take(w, DO_SYNC, 1, 0, 1);
        take(w, DO_APPEND, 1, 200, 1);
        take(w, DO_SYNC, 1, 0, 1);
        fill_disk(0);
        const step_t need[] = {needs[turn][0], needs[turn][1].section == 0 ? end : needs[turn][1], end};
        take_steps(w, need);
        remove_file(ballast.text);
    }
    kill_and_reopen(w);
}

static void a_section_that_finds_no_room_is_not_there(void **state)
{
    world_t *w = *state;
    take(w, DO_APPEND, 1, 20, 1);
    for (size_t spare = 0; spare <= 16384; spare += 4096) {
        fill_disk(spare);
        if (spare < 16384) {
            assert_full(w, DO_APPEND, 2, 300);
            assert_false(path_exists(section_path(directory.text, "test_index", 2).text));
            assert_false(path_exists(section_path(directory.text, "test_values", 2).text));
        }
        remove_file(ballast.text);
    }
    take(w, DO_APPEND, 2, 300, 1);
    take(w, DO_SYNC_ALL, 0, 0, 1);
    kill_and_reopen(w);
}

static void a_close_without_room_says_so_and_keeps_what_was_synced(void **state)
{
    world_t *w = *state;
    take(w, DO_APPEND, 1, 20, 3);
    take(w, DO_SYNC, 1, 0, 1);
    take(w, DO_APPEND, 1, 20, 3);
    take(w, DO_APPEND, 2, 20, 1);
    fill_disk(0);
    const step_t close_it = {.kind = DO_CLOSE};
    assert_status(take_step(w, &close_it), SEGJ_ERR_NO_SPACE);
    allow_loss(w, NULL);
    reopen(w);
    assert_in_range(w->model.sections[1].count, 3, 6);
}

static void a_rewind_and_a_prune_make_room(void **state)
{
    world_t *w = *state;
    take(w, DO_APPEND, 1, 20000, 1);
    take(w, DO_APPEND, 2, 20, 1);
    take(w, DO_APPEND, 2, 20000, 1);
    take(w, DO_SYNC_ALL, 0, 0, 1);
    fill_disk(0);
    assert_full(w, DO_APPEND, 2, 15000);
    take(w, DO_REWIND, 2, 1, 1);
    take(w, DO_APPEND, 2, 15000, 1);
    take(w, DO_PRUNE, 2, 0, 1);
    take(w, DO_APPEND, 2, 15000, 1);
    take(w, DO_SYNC, 2, 0, 1);
    kill_and_reopen(w);
    assert_int_equal(w->model.sections[2].count, 3);
}

static void a_journal_is_recovered_on_a_full_disk(void **state)
{
    world_t *w = *state;
    take(w, DO_APPEND, 1, 20, 3);
    take(w, DO_SYNC, 1, 0, 1);
    take(w, DO_APPEND, 1, 20, 30);
    take(w, DO_APPEND, 2, 20, 1);
    fill_disk(0);
    kill_and_reopen(w);
    assert_true(w->model.sections[1].count > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(appends_until_the_disk_is_full_lose_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_append_is_made_again_when_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_smaller_append_finds_the_room_that_a_larger_one_did_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sync_is_made_again_when_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zeros_leave_the_room_that_values_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zeros_leave_the_room_that_others_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_section_that_finds_no_room_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_close_without_room_says_so_and_keeps_what_was_synced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rewind_and_a_prune_make_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_journal_is_recovered_on_a_full_disk, set_up, tear_down),
    };
    path_t probe = make_temp_directory();
    bool possible = be_alone() && mount_small(probe.text);
    if (!possible)
        (void)fprintf(stderr, "no file system can be mounted here: %s\n", strerror(errno));
    else
        unmount(probe.text);
    remove_tree(probe.text);
    return possible ? cmocka_run_group_tests_name("full_disk", tests, NULL, NULL) : 77;
}
