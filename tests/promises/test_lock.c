/*
 * promises/test_lock.c: one writer or any number of readers: SEGJ_ERR_LOCKED in the same process and in another one,
 * what ends a lock, and what does not meet it.
 */
#include "promises/fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A second journal of the same configuration is refused, and nothing changes. */
static void assert_locked(fixture_t *f)
{
    path_t before = snapshot(f);
    refuse_open(f, SEGJ_ERR_LOCKED);
    assert_untouched(f, before);
}

/* --- in one process --- */

static void test_a_second_writer_is_refused(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    assert_locked(f);
    assert_locked(f);
    append_samples(f->journal, 1, 20, 0);
    check_section(f->journal, 1, 40, 0);
    close_and_open(f);
    check_section(f->journal, 1, 40, 0);
}

static void test_every_end_of_a_journal_ends_its_lock(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    close_journal(f);
    open_journal(f);
    abandon_journal(f);
    open_journal(f);
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_destroy(journal));
    open_journal(f);
}

static void test_readers_are_let_in_together_and_keep_a_writer_out(void **state)
{
    fixture_t *f = *state;
    oversized_t *second = NULL;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_ok(oversized_open(&f->config, &second));
    check_section(f->journal, 1, 20, 0);
    check_section(second, 1, 20, 0);
    f->config.read_only = false;
    assert_locked(f);
    close_journal(f);
    assert_locked(f); /* one reader is enough */
    check_section(second, 1, 20, 0);
    assert_ok(oversized_close(second));
    open_journal(f);
}

static void test_a_writer_keeps_readers_out(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    f->config.read_only = true;
    assert_locked(f);
    close_and_open(f);
    check_section(f->journal, 1, 20, 0);
}

/* A values partition that belongs to somebody else is as bad as both. */
static void test_one_common_partition_is_enough(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    f->config.index_partition = "other";
    refuse_open(f, SEGJ_ERR_LOCKED);
    f->config.index_partition = "test_index";
    f->config.value_partition = "other";
    refuse_open(f, SEGJ_ERR_LOCKED);
}

static void test_journals_of_one_directory_do_not_meet(void **state)
{
    fixture_t *f = *state;
    oversized_t *second = NULL;
    open_journal(f);
    f->config.index_partition = "other_index";
    f->config.value_partition = "other_values";
    assert_ok(oversized_open(&f->config, &second));
    append_samples(f->journal, 1, 10, 0);
    append_samples(second, 1, 5, 1);
    check_section(f->journal, 1, 10, 0);
    check_section(second, 1, 5, 1);
    assert_ok(oversized_close(second));
}

static void test_an_open_that_is_refused_lets_the_holder_keep_its_lock(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    uint16_t page_size = f->config.page_size;
    f->config.page_size = 99;
    refuse_open(f, SEGJ_ERR_LOCKED);
    f->config.page_size = page_size;
    assert_locked(f);
}

/* --- in another process --- */

static void in_files_only(void)
{
    not_on_cluster("a cluster has no children of fork that use it (rados/owners has other processes)");
}

/* What an open in a process of its own answers. It holds nothing of ours that matters: the descriptors are copies. */
static segj_status_t open_elsewhere(const oversized_config_t *config)
{
    int result = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        oversized_t *journal = NULL;
        segj_status_t status = oversized_open(config, &journal);
        oversized_abandon(journal);
        _exit((int)status);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return (segj_status_t)WEXITSTATUS(result);
}

static void test_another_process_is_refused(void **state)
{
    fixture_t *f = *state;
    in_files_only();
    oversized_config_t reader = f->config;
    reader.read_only = true;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    assert_int_equal(open_elsewhere(&f->config), SEGJ_ERR_LOCKED);
    assert_int_equal(open_elsewhere(&reader), SEGJ_ERR_LOCKED);
    append_samples(f->journal, 1, 20, 0);
    close_journal(f);
    assert_int_equal(open_elsewhere(&f->config), SEGJ_OK);
    f->config.read_only = true;
    open_journal(f);
    check_section(f->journal, 1, 40, 0);
    assert_int_equal(open_elsewhere(&reader), SEGJ_OK);
    f->config.read_only = false;
    assert_int_equal(open_elsewhere(&f->config), SEGJ_ERR_LOCKED);
}

/** A process that holds a journal until it is killed, or until we are gone. */
typedef struct helper {
    pid_t process;
    int ours; /* our end of a pipe that it waits on */
} helper_t;

/* What the other process does: it opens the journal, appends, says how that went, and waits. */
static void hold_here(const oversized_config_t *config, int tell, int wait)
{
    oversized_t *journal = NULL;
    segj_status_t status = oversized_open(config, &journal);
    if (status == SEGJ_OK && !config->read_only)
        status = oversized_append(journal, 1, "12345678", "abc", 3, NULL, NULL);
    if (status == SEGJ_OK && !config->read_only)
        status = oversized_sync(journal, 1);
    char byte = (char)status;
    if (write(tell, &byte, 1) == 1)
        (void)!read(wait, &byte, 1);
    _exit(1);
}

static helper_t hold_elsewhere(const oversized_config_t *config)
{
    int told[2];
    int waits[2];
    char byte = 1;
    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(waits), 0);
    helper_t helper = {fork(), waits[1]};
    assert_true(helper.process >= 0);
    if (helper.process == 0) {
        (void)close(waits[1]);
        hold_here(config, told[1], waits[0]);
    }
    (void)close(told[1]);
    (void)close(waits[0]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(byte, SEGJ_OK);
    (void)close(told[0]);
    return helper;
}

static void kill_helper(helper_t helper)
{
    int result = 0;
    assert_int_equal(kill(helper.process, SIGKILL), 0);
    assert_int_equal(waitpid(helper.process, &result, 0), helper.process);
    (void)close(helper.ours);
}

static void test_a_killed_process_leaves_no_lock(void **state)
{
    fixture_t *f = *state;
    in_files_only();
    helper_t helper = hold_elsewhere(&f->config);
    refuse_open(f, SEGJ_ERR_LOCKED);
    f->config.read_only = true;
    refuse_open(f, SEGJ_ERR_LOCKED);
    f->config.read_only = false;
    kill_helper(helper);
    open_journal(f);
    assert_ok(oversized_read(f->journal, 1, 0, NULL, &f->value));
    assert_int_equal(f->value.size, 3);
    assert_memory_equal(f->value.data, "abc", 3);
}

static void test_a_reader_elsewhere_keeps_a_writer_out(void **state)
{
    fixture_t *f = *state;
    in_files_only();
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    close_journal(f);
    f->config.read_only = true;
    helper_t helper = hold_elsewhere(&f->config);
    open_journal(f);
    check_section(f->journal, 1, 20, 0);
    close_journal(f);
    f->config.read_only = false;
    refuse_open(f, SEGJ_ERR_LOCKED);
    kill_helper(helper);
    open_journal(f);
}

/* --- waiting, and who holds it --- */

typedef struct late_close {
    oversized_t *journal;
    segj_status_t status;
} late_close_t;

static void *close_late(void *context)
{
    late_close_t *late = context;
    const struct timespec pause = {0, 30 * 1000000L};
    (void)nanosleep(&pause, NULL);
    late->status = oversized_close(late->journal);
    return NULL;
}

static void test_open_waits_until_the_journal_is_closed(void **state)
{
    fixture_t *f = *state;
    pthread_t thread;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    late_close_t late = {f->journal, SEGJ_ERR_INVALID};
    f->journal = NULL;
    f->config.lock_wait_ms = 60000;
    assert_int_equal(pthread_create(&thread, NULL, close_late, &late), 0);
    open_journal(f);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(late.status, SEGJ_OK);
    check_section(f->journal, 1, 20, 0);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* No earlier than the time is over; and a wait that was in vain changes nothing. */
static void test_a_wait_ends_when_its_time_is_over(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    path_t before = snapshot(f);
    f->config.lock_wait_ms = 80;
    uint64_t begun = now_ms();
    refuse_open(f, SEGJ_ERR_LOCKED);
    assert_true(now_ms() - begun >= 79);
    assert_non_null(strstr(segj_last_error(), "; waited 80 ms for it"));
    assert_untouched(f, before);
}

static unsigned holders_asked;

static int count_holder(segj_partition_t *partition, int64_t *process)
{
    (void)partition;
    *process = 4711;
    holders_asked++;
    return 0;
}

/* It takes the system milliseconds to tell. While an open still waits, its sentence is nobody's to read. */
static void test_the_holder_is_looked_for_once(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    const segj_storage_t *usual = f->config.storage != NULL ? f->config.storage : segj_storage_posix();
    segj_storage_t counting = *usual;
    if (usual->struct_size < sizeof counting)
        SKIP("the storage ends before partition_holder");
    counting.partition_holder = count_holder;
    f->config.storage = &counting;
    holders_asked = 0;
    refuse_open(f, SEGJ_ERR_LOCKED);
    assert_int_equal(holders_asked, 1);
    f->config.lock_wait_ms = 80;
    refuse_open(f, SEGJ_ERR_LOCKED);
    assert_int_equal(holders_asked, 2);
    assert_non_null(strstr(segj_last_error(), "; process 4711 has taken it; waited 80 ms for it"));
    f->config.storage = usual;
}

/* What is wrong with the configuration, or the files, is not waited for. */
static void test_only_locks_are_waited_for(void **state)
{
    fixture_t *f = *state;
    f->config.must_exist = true;
    f->config.lock_wait_ms = UINT32_MAX;
    refuse_open(f, SEGJ_ERR_NOT_FOUND);
}

/* The system lists the lock of a directory with this device and inode. */
static bool lists_lock(const char *path)
{
    struct stat found;
    char place[64];
    char line[256];
    bool listed = false;
    assert_int_equal(stat(path, &found), 0);
    (void)snprintf(place, sizeof place, "%02x:%02x:%llu ", major(found.st_dev), minor(found.st_dev),
                   (unsigned long long)found.st_ino);
    FILE *locks = fopen("/proc/locks", "re");
    while (locks != NULL && !listed && fgets(line, sizeof line, locks) != NULL)
        listed = strstr(line, place) != NULL && strstr(line, "FLOCK") != NULL;
    if (locks != NULL)
        (void)fclose(locks);
    return listed;
}

static void test_the_sentence_names_the_process_that_holds_the_lock(void **state)
{
    fixture_t *f = *state;
    in_files_only();
    char path[PATH_MAX];
    char expected[64];
    helper_t helper = hold_elsewhere(&f->config);
    refuse_open(f, SEGJ_ERR_LOCKED);
    (void)snprintf(path, sizeof path, "%s/%s", f->config.directory, f->config.index_partition);
    (void)snprintf(expected, sizeof expected, "; process %d has taken it", (int)helper.process);
    bool listed = lists_lock(path);
    if (listed)
        assert_non_null(strstr(segj_last_error(), expected));
    kill_helper(helper);
    if (!listed)
        SKIP("this file system's locks are not listed with its device");
}

/* A child that runs another program has none of our descriptors: it keeps no lock. */
static void test_a_program_that_we_start_keeps_no_lock(void **state)
{
    fixture_t *f = *state;
    int begun[2]; /* closed by the exec */
    int input[2]; /* cat ends when it does */
    char byte;
    int result = 0;
    open_journal(f);
    assert_int_equal(pipe(begun), 0);
    assert_int_equal(pipe(input), 0);
    assert_int_equal(fcntl(begun[1], F_SETFD, FD_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(input[1]);
        if (dup2(input[0], STDIN_FILENO) >= 0)
            (void)execlp("cat", "cat", (char *)NULL);
        (void)!write(begun[1], "x", 1);
        _exit(1);
    }
    (void)close(begun[1]);
    (void)close(input[0]);
    assert_int_equal(read(begun[0], &byte, 1), 0);
    close_and_open(f);
    (void)close(input[1]);
    (void)close(begun[0]);
    assert_int_equal(waitpid(child, &result, 0), child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_second_writer_is_refused),
        PROMISE(test_every_end_of_a_journal_ends_its_lock),
        PROMISE(test_readers_are_let_in_together_and_keep_a_writer_out),
        PROMISE(test_a_writer_keeps_readers_out),
        PROMISE(test_one_common_partition_is_enough),
        PROMISE(test_journals_of_one_directory_do_not_meet),
        PROMISE(test_an_open_that_is_refused_lets_the_holder_keep_its_lock),
        PROMISE(test_another_process_is_refused),
        PROMISE(test_a_killed_process_leaves_no_lock),
        PROMISE(test_a_reader_elsewhere_keeps_a_writer_out),
        PROMISE(test_a_program_that_we_start_keeps_no_lock),
        PROMISE(test_open_waits_until_the_journal_is_closed),
        PROMISE(test_a_wait_ends_when_its_time_is_over),
        PROMISE(test_the_holder_is_looked_for_once),
        PROMISE(test_only_locks_are_waited_for),
        PROMISE(test_the_sentence_names_the_process_that_holds_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
