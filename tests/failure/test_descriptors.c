/*
 * Descriptors, on files of the system: none is left behind, never more than configured are open, and where the process
 * may have no more of them (EMFILE) every call fails as it should, changes nothing, and succeeds when there are some
 * again. Nothing here is about durability, so syncs are not handed on to the disk.
 *
 * LINK_WRAP: fsync fdatasync syncfs sync_file_range
 */
#include "failure/judge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NUMBERS = 256, SPARE_MOST = 4 };

int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);
int __wrap_sync_file_range(int fd, int64_t offset, int64_t size, unsigned flags);

static int check_descriptor(int fd)
{
    return fcntl(fd, F_GETFD) >= 0 ? 0 : -1;
}

int __wrap_fsync(int fd)
{
    return check_descriptor(fd);
}

int __wrap_fdatasync(int fd)
{
    return check_descriptor(fd);
}

int __wrap_syncfs(int fd)
{
    return check_descriptor(fd);
}

int __wrap_sync_file_range(int fd, int64_t offset, int64_t size, unsigned flags)
{
    return check_descriptor(fd);
}

static world_t world;
static path_t root;
static const char *scenario_name;
static struct rlimit usual;
static rlim_t lowered; /* 0: not at all */
static unsigned spare;
static uint64_t refused;

static int set_up(void **state)
{
    root = make_temp_directory();
    return getrlimit(RLIMIT_NOFILE, &usual);
}

static void limit_descriptors(rlim_t numbers)
{
    struct rlimit limit = {numbers, usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int tear_down(void **state)
{
    (void)setrlimit(RLIMIT_NOFILE, &usual);
    if (scenario_name != NULL)
        print_error("  in \"%s\", with %u descriptors to spare\n", scenario_name, spare);
    scenario_name = NULL;
    remove_tree(root.text);
    return 0;
}

static bool is_open(int number)
{
    return fcntl(number, F_GETFD) >= 0;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    for (int i = 0; i < NUMBERS; i++)
        count += is_open(i);
    return count;
}

static void remove_copies(void)
{
    remove_tree(join_path(root.text, "journal-copy").text);
    remove_tree(join_path(root.text, "journal-into").text);
}

static path_t start(const scenario_t *scenario)
{
    path_t directory = join_path(root.text, "journal");
    world_init(&world, segj_storage_posix(), scenario->configure);
    return directory;
}

/** Of both partitions and of the directory that each lies in. */
enum { PARTITIONS = 4 };

/* --- none is left --- */

static void no_scenario_leaves_a_descriptor(void **state)
{
    for (size_t i = 0; i < scenario_count; i++) {
        unsigned before = count_descriptors();
        path_t directory = start(&scenarios[i]);
        scenario_name = scenarios[i].name;
        world.config.directory = directory.text;
        (void)rehearse(&world, &scenarios[i]);
        unsigned open = world.journal != NULL ? PARTITIONS + world.config.max_open_files : 0;
        assert_in_range(count_descriptors(), before, before + open);
        final_exam(&world);
        world_free(&world);
        assert_int_equal(count_descriptors(), before);
        remove_tree(directory.text);
        remove_copies();
    }
    scenario_name = NULL;
}

/* --- never more than configured --- */

static void never_more_are_open_than_configured(void **state)
{
    static const uint32_t limits[] = {4, 5, 6, 9};
    static const step_t steps[] = {
        {.kind = DO_OPEN},
        {.kind = DO_APPEND, .section = 0, .size = 20, .times = 7},
        {.kind = DO_APPEND, .section = 1, .size = 20, .times = 7},
        {.kind = DO_APPEND, .section = 2, .size = 200, .times = 2},
        {.kind = DO_APPEND, .section = 3, .size = 20, .times = 2},
        {.kind = DO_APPEND, .section = 0, .size = 20, .times = 2},
        {.kind = DO_APPEND, .section = 4, .size = 20, .times = 20},
        {.kind = DO_READ},
        {.kind = DO_REPLAY, .extra = 100},
        {.kind = DO_SYNC_ALL},
        {.kind = DO_REWIND_SECTION, .section = 1, .size = 4},
        {.kind = DO_READ},
        {.kind = DO_APPEND, .section = 5, .size = 20},
        {.kind = DO_PRUNE, .section = 1},
        {.kind = DO_ABANDON},
        {.kind = DO_OPEN},
        {.kind = DO_READ},
        {.kind = DO_APPEND, .section = 1, .size = 20},
        {.kind = DO_END},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        unsigned before = count_descriptors();
        path_t directory = start(&(scenario_t){.name = NULL});
        world.config.directory = directory.text;
        world.config.max_open_files = limits[i];
        for (const step_t *step = steps; step->kind != DO_END; step++) {
            const step_t one[] = {*step, {.kind = DO_END}};
            take_steps(&world, one);
            assert_true(count_descriptors() <= before + PARTITIONS + limits[i]);
        }
        assert_in_range(world.faulty.most_open_files, 4, limits[i]);
        final_exam(&world);
        world_free(&world);
        remove_tree(directory.text);
        remove_copies();
    }
}

/* --- the process may have no more --- */

/* The limit that leaves so many descriptors: the number of the first one beyond. */
static rlim_t limit_for(unsigned count)
{
    int number = 0;
    for (;; number++) {
        if (is_open(number))
            continue;
        if (count == 0)
            return (rlim_t)number;
        count--;
    }
}

static void lower(bool entering)
{
    if (!entering)
        limit_descriptors(usual.rlim_cur);
    else if (lowered > 0)
        limit_descriptors(limit_for((unsigned)lowered - 1));
}

static void disarm(world_t *w)
{
    (void)w;
    lowered = 0;
}

static bool try_step(world_t *w, const step_t *step)
{
    attempt_t attempt;
    outcome_t outcome = OUTCOME_REPEATED;
    begin_attempt(w, step, &attempt);
    segj_status_t status = take_step(w, step);
    if (status != SEGJ_OK) {
        assert_int_not_equal(lowered, 0);
        assert_non_null(strstr(segj_last_error(), strerror(EMFILE)));
        const failure_t failure = {
            .expected = SEGJ_ERR_IO,
            .path = w->config.directory,
            .verdict = step->kind == DO_CLOSE || step->kind == DO_DESTROY ? EITHER : MUST_STAY,
            .lasts = true,
            .go_on = spare % 2 == 0,
            .disarm = disarm,
        };
        refused++;
        outcome = judge_failure(w, &attempt, status, &failure);
    }
    end_attempt(&attempt);
    return outcome == OUTCOME_REPEATED;
}

static void try_with_few(const scenario_t *scenario)
{
    unsigned before = count_descriptors();
    bool whole = true;
    path_t directory = start(scenario);
    world.config.directory = directory.text;
    take_steps(&world, scenario->before);
    begin_test(&world, (fault_t){FAULT_NONE, 0, 0, 0});
    lowered = spare + 1;
    world.around = lower;
    for (const step_t *step = scenario->under; step->kind != DO_END && whole; step++)
        for (uint32_t i = 0; (i == 0 || i < step->times) && whole; i++)
            whole = try_step(&world, step);
    lowered = 0;
    final_exam(&world);
    world_free(&world);
    assert_int_equal(count_descriptors(), before);
    remove_tree(directory.text);
    remove_copies();
}

static void a_call_without_descriptors_fails_and_can_be_made_again(void **state)
{
    for (size_t i = 0; i < scenario_count; i++) {
        scenario_name = scenarios[i].name;
        for (spare = 0; spare <= SPARE_MOST; spare++)
            try_with_few(&scenarios[i]);
    }
    scenario_name = NULL;
    print_message("  %llu calls were refused\n", (unsigned long long)refused);
    assert_true(refused > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_scenario_leaves_a_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(never_more_are_open_than_configured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_call_without_descriptors_fails_and_can_be_made_again, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
