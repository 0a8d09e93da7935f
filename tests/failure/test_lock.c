/*
 * A journal is open once: whoever opens it meanwhile, in the same process or in another, is told SEGJ_ERR_LOCKED and
 * has changed nothing. However a journal is left, the lock goes with it.
 */
#include "failure/faulty.h"
#include "support/support.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* A directory below which each test has its journal, and the journal's configuration. */
typedef struct place {
    path_t root, directory, before;
    oversized_config_t config;
} place_t;

static int set_up(void **state)
{
    static place_t place;
    place.root = make_temp_directory();
    place.directory = join_path(place.root.text, "journal");
    place.before = join_path(place.root.text, "before");
    small_config(&place.config, place.directory.text);
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    remove_tree(place->root.text);
    return 0;
}

static oversized_t *open_it(const place_t *place)
{
    oversized_t *journal = NULL;
    assert_ok(oversized_open(&place->config, &journal));
    return journal;
}

static void assert_locked(const oversized_config_t *config)
{
    oversized_t *second = NULL;
    assert_status(oversized_open(config, &second), SEGJ_ERR_LOCKED);
    assert_null(second);
    assert_non_null(strstr(segj_last_error(), config->directory));
}

/* Nobody holds the journal: it can be opened and, once more, left. */
static void assert_free(const place_t *place)
{
    oversized_t *journal = open_it(place);
    assert_ok(oversized_close(journal));
}

/* --- another process --- */

typedef struct holder {
    pid_t process;
    int from, to; /* pipes */
} holder_t;

/** What the other process does when it has been told to go on. */
typedef enum leaving { LEAVE_BY_CLOSE, LEAVE_BY_ABANDON, LEAVE_BY_EXIT, LEAVE_NEVER } leaving_t;

/* In the child: opens the journal, says how that went, waits, and leaves. */
static void hold(const place_t *place, leaving_t leaving, int from, int to)
{
    oversized_t *journal = NULL;
    uint8_t answer = (uint8_t)oversized_open(&place->config, &journal);
    uint8_t go_on = 0;
    if (write(to, &answer, 1) != 1 || read(from, &go_on, 1) != 1)
        _exit(1);
    if (leaving == LEAVE_BY_CLOSE && oversized_close(journal) != SEGJ_OK)
        _exit(1);
    if (leaving == LEAVE_BY_ABANDON)
        oversized_abandon(journal);
    if (leaving != LEAVE_BY_EXIT && (write(to, &go_on, 1) != 1 || read(from, &go_on, 1) != 1))
        _exit(1);
    _exit(0);
}

static holder_t start_holder(const place_t *place, leaving_t leaving, segj_status_t expected)
{
    int up[2];
    int down[2];
    uint8_t answer = 0;
    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0) {
        (void)close(up[0]);
        (void)close(down[1]);
        hold(place, leaving, down[0], up[1]);
    }
    (void)close(up[1]);
    (void)close(down[0]);
    assert_int_equal(read(up[0], &answer, 1), 1);
    assert_int_equal(answer, expected);
    return (holder_t){process, up[0], down[1]};
}

static void tell(const holder_t *holder)
{
    uint8_t go_on = 1;
    assert_int_equal(write(holder->to, &go_on, 1), 1);
}

static void wait_for(const holder_t *holder)
{
    uint8_t done = 0;
    assert_int_equal(read(holder->from, &done, 1), 1);
}

static void end_holder(const holder_t *holder)
{
    int status = 0;
    (void)close(holder->to);
    assert_int_equal(waitpid(holder->process, &status, 0), holder->process);
    (void)close(holder->from);
}

/* --- who is refused --- */

static void a_second_opener_in_the_same_process_is_refused(void **state)
{
    const place_t *place = *state;
    oversized_t *journal = open_it(place);
    assert_locked(&place->config);
    append_filled(journal, 1, 1, 1, 10, NULL);
    assert_ok(oversized_sync(journal, 1));
    assert_locked(&place->config);
    check_filled(journal, 1, 0, 1, 1, 10);
    assert_ok(oversized_close(journal));
}

static void a_second_opener_of_a_storage_in_memory_is_refused(void **state)
{
    place_t place = *(const place_t *)*state;
    segj_storage_t *memory = NULL;
    assert_ok(segj_storage_memory_create(&memory));
    place.config.storage = memory;
    oversized_t *journal = open_it(&place);
    assert_locked(&place.config);
    assert_ok(oversized_close(journal));
    assert_free(&place);
    segj_storage_memory_destroy(memory);
}

static void a_second_opener_in_another_process_is_refused(void **state)
{
    const place_t *place = *state;
    oversized_t *journal = open_it(place);
    holder_t other = start_holder(place, LEAVE_BY_EXIT, SEGJ_ERR_LOCKED);
    tell(&other);
    end_holder(&other);
    assert_locked(&place->config); /* nor has it taken the lock away */
    assert_ok(oversized_close(journal));
}

static void who_is_refused_has_changed_nothing(void **state)
{
    const place_t *place = *state;
    oversized_t *journal = open_it(place);
    append_filled(journal, 1, 1, 1, 300, NULL);
    append_filled(journal, 2, 2, 2, 10, NULL);
    assert_ok(oversized_sync(journal, 1));
    copy_tree(place->directory.text, place->before.text);
    assert_locked(&place->config);
    assert_trees_equal(place->before.text, place->directory.text);
    assert_ok(oversized_close(journal));
}

/* One partition in common is enough; the one that is not held has been given back, and none was made. */
static void journals_that_share_a_partition_keep_each_other_out(void **state)
{
    const place_t *place = *state;
    oversized_config_t config = place->config;
    oversized_t *journal = open_it(place);
    config.index_partition = "other_index";
    assert_locked(&config);
    assert_false(path_exists(join_path(place->directory.text, "other_index").text));
    config.value_partition = "other_values";
    oversized_t *apart = NULL;
    assert_ok(oversized_open(&config, &apart));
    config.value_partition = place->config.value_partition;
    assert_ok(oversized_close(apart));
    assert_locked(&config);
    config.value_partition = "other_values"; /* its index was locked for a moment */
    assert_ok(oversized_open(&config, &apart));
    assert_ok(oversized_close(apart));
    assert_ok(oversized_close(journal));
}

static void readers_share_and_keep_a_writer_out(void **state)
{
    const place_t *place = *state;
    oversized_config_t reader = place->config;
    oversized_t *first = NULL;
    oversized_t *second = NULL;
    assert_free(place);
    reader.read_only = true;
    assert_ok(oversized_open(&reader, &first));
    assert_ok(oversized_open(&reader, &second));
    assert_locked(&place->config);
    assert_ok(oversized_close(first));
    assert_locked(&place->config);
    assert_ok(oversized_close(second));
    oversized_t *writer = open_it(place);
    assert_locked(&reader);
    assert_ok(oversized_close(writer));
}

/* --- when the lock goes --- */

static void the_lock_goes_with_close_abandon_and_destroy(void **state)
{
    const place_t *place = *state;
    oversized_t *journal = open_it(place);
    append_filled(journal, 1, 1, 1, 10, NULL);
    assert_ok(oversized_close(journal));
    journal = open_it(place);
    append_filled(journal, 1, 2, 2, 10, NULL);
    oversized_abandon(journal);
    journal = open_it(place);
    assert_ok(oversized_destroy(journal));
    assert_free(place);
}

static void the_lock_goes_with_an_open_that_fails(void **state)
{
    const place_t *place = *state;
    oversized_config_t other = place->config;
    oversized_t *journal = open_it(place);
    append_filled(journal, 1, 1, 1, 10, NULL);
    assert_ok(oversized_close(journal));
    other.page_size = 128;
    assert_status(oversized_open(&other, &journal), SEGJ_ERR_MISMATCH);
    assert_free(place);
    path_t stranger = join_path(join_path(place->directory.text, "test_index").text, "stranger");
    write_file(stranger.text, "x", 1);
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_CORRUPT);
    remove_file(stranger.text);
    assert_free(place);
}

static void the_lock_goes_with_a_poisoned_journal(void **state)
{
    place_t place = *(const place_t *)*state;
    static faulty_t faulty;
    faulty_init(&faulty, segj_storage_posix());
    place.config.storage = &faulty.storage;
    for (int i = 0; i < 2; i++) {
        oversized_t *journal = open_it(&place);
        append_filled(journal, 1, 1, 1, 10, NULL);
        faulty_arm(&faulty, (fault_t){FAULT_ONCE, 1, EIO, CALL_BIT(CALL_FILE_SYNC)});
        assert_status(oversized_sync(journal, 1), SEGJ_ERR_IO);
        faulty_disarm(&faulty);
        assert_locked(&place.config); /* poisoned, but not left */
        assert_status(i == 0 ? oversized_close(journal) : oversized_destroy(journal), SEGJ_ERR_POISONED);
        assert_free(&place);
    }
}

static void the_lock_goes_with_the_process_that_is_killed(void **state)
{
    const place_t *place = *state;
    holder_t holder = start_holder(place, LEAVE_NEVER, SEGJ_OK);
    assert_locked(&place->config);
    assert_int_equal(kill(holder.process, SIGKILL), 0);
    end_holder(&holder);
    assert_free(place);
}

static void the_lock_goes_when_another_process_leaves(void **state)
{
    const place_t *place = *state;
    for (leaving_t leaving = LEAVE_BY_CLOSE; leaving <= LEAVE_BY_EXIT; leaving++) {
        holder_t holder = start_holder(place, leaving, SEGJ_OK);
        assert_locked(&place->config);
        tell(&holder);
        if (leaving == LEAVE_BY_EXIT)
            end_holder(&holder);
        else
            wait_for(&holder);
        assert_free(place);
        if (leaving != LEAVE_BY_EXIT)
            end_holder(&holder);
    }
}

/* A child has the descriptors of its parent, and ends: the parent's lock is not its to give back. */
static void the_lock_stays_when_a_forked_child_exits(void **state)
{
    const place_t *place = *state;
    oversized_t *journal = open_it(place);
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_locked(&place->config);
    holder_t other = start_holder(place, LEAVE_BY_EXIT, SEGJ_ERR_LOCKED);
    tell(&other);
    end_holder(&other);
    assert_ok(oversized_close(journal));
    assert_free(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_opener_in_the_same_process_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_opener_of_a_storage_in_memory_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_opener_in_another_process_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_refused_has_changed_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(journals_that_share_a_partition_keep_each_other_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(readers_share_and_keep_a_writer_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lock_goes_with_close_abandon_and_destroy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lock_goes_with_an_open_that_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lock_goes_with_a_poisoned_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lock_goes_with_the_process_that_is_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lock_goes_when_another_process_leaves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lock_stays_when_a_forked_child_exits, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
