/* threads/family.c: see the header. */
#include "threads/family.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

family_t family;

/* --- a storage that stops at a gate --- */

static segj_storage_t gated;
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool closed; /* the next write, or sync, stops */
    bool of_syncs;
    bool stopped;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, false};

static void pass(bool is_sync)
{
    (void)pthread_mutex_lock(&gate.mutex);
    if (gate.closed && gate.of_syncs == is_sync) {
        gate.stopped = true;
        (void)pthread_cond_broadcast(&gate.moved);
        while (gate.closed)
            test_wait(&gate.moved, &gate.mutex);
        gate.stopped = false;
    }
    (void)pthread_mutex_unlock(&gate.mutex);
}

static int write_gated(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    pass(false);
    return segj_storage_posix()->file_write(file, offset, slices, count, done);
}

static int sync_gated(segj_file_t *file)
{
    pass(true);
    return segj_storage_posix()->file_sync(file);
}

void gate_of_writes(void)
{
    gate.of_syncs = false;
    gate.closed = true;
}

void gate_of_syncs(void)
{
    gate.of_syncs = true;
    gate.closed = true;
}

void await_gate(void)
{
    (void)pthread_mutex_lock(&gate.mutex);
    while (!gate.stopped)
        test_wait(&gate.moved, &gate.mutex);
    (void)pthread_mutex_unlock(&gate.mutex);
}

void open_gate(void)
{
    (void)pthread_mutex_lock(&gate.mutex);
    gate.closed = false;
    (void)pthread_cond_broadcast(&gate.moved);
    (void)pthread_mutex_unlock(&gate.mutex);
}

/* --- the parent's journal --- */

void family_add(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        (void)append_filled(family.journal, FAMILY_SECTION, family.records++, FAMILY_FILL, FAMILY_SIZE, NULL);
    assert_ok(oversized_sync(family.journal, FAMILY_SECTION));
}

void family_check(void)
{
    uint64_t count = 0;
    assert_ok(oversized_count(family.journal, FAMILY_SECTION, &count));
    assert_int_equal(count, family.records);
    for (uint64_t i = 0; i < count; i++)
        check_filled(family.journal, FAMILY_SECTION, i, i, FAMILY_FILL, FAMILY_SIZE);
}

int family_set_up(void **state)
{
    memset(&family, 0, sizeof family);
    family.root = make_temp_directory();
    path_t directory = join_path(family.root.text, "journal");
    (void)snprintf(family.directory, sizeof family.directory, "%s", directory.text);
    small_config(&family.config, family.directory);
    gated = *segj_storage_posix();
    gated.file_write = write_gated;
    gated.file_sync = sync_gated;
    family.config.storage = &gated;
    family.config.map_values = true;
    return 0;
}

void family_open(void)
{
    assert_ok(oversized_open(&family.config, &family.journal));
    family_add(40);
    append_filled(family.journal, FAMILY_OTHER, 0, FAMILY_FILL, FAMILY_SIZE, NULL);
    assert_ok(oversized_sync(family.journal, FAMILY_OTHER));
    family_add(40);
}

/* One of everything that is made from a journal. */
void family_make_handles(void)
{
    oversized_t *journal = family.journal;
    oversized_item_t item;
    assert_ok(oversized_get(journal, FAMILY_SECTION, 7, NULL, &family.location));
    assert_ok(oversized_caller_open(journal, &family.caller));
    assert_ok(oversized_sync_start(journal, FAMILY_SECTION, &family.ticket));
    assert_ok(oversized_writer_open(journal, FAMILY_OTHER, "12345678", 10, &family.writer));
    assert_ok(oversized_writer_write(family.writer, "12345", 5));
    assert_ok(oversized_reader_open(journal, FAMILY_SECTION, family.location, false, &family.reader));
    if (tested_format() == SEGJ_FORMAT_NATIVE)
        assert_ok(oversized_follow_open(&family.config, NULL, &family.follower));
    assert_ok(oversized_replay_open(journal, FAMILY_SECTION, 0, 1, &family.replay));
    assert_ok(oversized_replay_next(family.replay, &item));
    assert_ok(oversized_view(journal, FAMILY_SECTION, 7, NULL, &family.view));
}

/* What the parent does with its handles when all children are gone: they are as they were. */
void family_use_handles(void)
{
    oversized_item_t item;
    uint8_t bytes[FAMILY_SIZE];
    size_t done;
    uint64_t position;
    assert_ok(oversized_writer_write(family.writer, "67890", 5));
    assert_ok(oversized_writer_finish(family.writer, &position, NULL));
    assert_int_equal(position, 1);
    assert_ok(oversized_reader_read(family.reader, bytes, FAMILY_SIZE, &done));
    oversized_reader_close(family.reader);
    for (uint64_t i = 1; i < 80; i++)
        assert_ok(oversized_replay_next(family.replay, &item));
    oversized_replay_close(family.replay);
    oversized_followed_t followed;
    if (tested_format() == SEGJ_FORMAT_NATIVE)
        assert_ok(oversized_follow_next(family.follower, &followed));
    oversized_follow_close(family.follower);
    family.follower = NULL;
    assert_int_equal(((const uint8_t *)family.view.data)[0], FAMILY_FILL);
    oversized_view_release(&family.view);
    assert_ok(oversized_sync_wait(family.journal, &family.ticket));
    oversized_caller_close(family.caller);
}

void family_reopen(void)
{
    assert_ok(oversized_close(family.journal));
    assert_ok(oversized_open(&family.config, &family.journal));
    family_check();
    assert_int_equal(oversized_recovery(family.journal)->synced_records_lost, 0);
    assert_int_equal(oversized_recovery(family.journal)->sections_repaired, 0);
}

/* After a failure half way a thread may still be at the gate. */
int family_tear_down(void **state)
{
    open_gate();
    oversized_abandon(family.journal);
    remove_tree(family.root.text);
    return 0;
}

/* --- children --- */

/* Does something in a child; it answers the line in which it found something wrong, or 0. */
pid_t begin_child(int (*work)(void))
{
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    for (int number = SIGHUP; number <= SIGTERM; number++)
        if (number != SIGKILL)
            (void)signal(number, SIG_DFL); /* cmocka's would go on with its tests */
    (void)alarm(FAMILY_SECONDS);
    int line = work();
    if (line != 0)
        (void)fprintf(stderr, "line %d: %s\n", line, segj_last_error());
    _exit(line != 0);
}

bool child_is_well(pid_t child)
{
    int result = 0;
    if (waitpid(child, &result, 0) != child)
        return false;
    if (WIFSIGNALED(result) && WTERMSIG(result) == SIGALRM)
        print_error("the child did not come to its end\n");
    return result == 0;
}

void end_child(pid_t child)
{
    assert_true(child_is_well(child));
}

void in_child(int (*work)(void))
{
    end_child(begin_child(work));
}

/* The descriptors that this process has below the journal's directory. */
int family_descriptors(void)
{
    int count = 0;
    DIR *all = opendir("/proc/self/fd");
    if (all == NULL)
        return -1;
    for (const struct dirent *entry; (entry = readdir(all)) != NULL;) { /* NOLINT(concurrency-mt-unsafe) */
        char link[300];
        char to[PATH_LIMIT];
        (void)snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
        ssize_t size = readlink(link, to, sizeof to - 1);
        to[size > 0 ? size : 0] = '\0';
        count += strncmp(to, family.root.text, strlen(family.root.text)) == 0;
    }
    (void)closedir(all);
    return count;
}

bool is_refused(segj_status_t status)
{
    char who[64];
    (void)snprintf(who, sizeof who, "was opened by process %ld", (long)getppid());
    return status == SEGJ_ERR_INVALID && strstr(segj_last_error(), who) != NULL;
}

int close_here(void)
{
    oversized_follow_close(family.follower);
    EXPECT(family_descriptors() != 0);
    EXPECT(is_refused(oversized_close(family.journal)));
    EXPECT(family_descriptors() <= 0);
    return 0;
}

int abandon_here(void)
{
    oversized_follow_close(family.follower);
    oversized_abandon(family.journal);
    EXPECT(family_descriptors() <= 0);
    return 0;
}

int destroy_here(void)
{
    oversized_follow_close(family.follower);
    EXPECT(is_refused(oversized_destroy(family.journal)));
    EXPECT(family_descriptors() <= 0);
    return 0;
}

int destroy_with_here(void)
{
    oversized_follow_close(family.follower);
    EXPECT(is_refused(oversized_destroy_with(family.journal, NULL, NULL)));
    EXPECT(family_descriptors() <= 0);
    return 0;
}

int change_here(void)
{
    EXPECT(is_refused(oversized_append(family.journal, FAMILY_SECTION, "12345678", "v", 1, NULL, NULL)));
    EXPECT(is_refused(oversized_sync_all(family.journal)));
    return 0;
}

/* A journal that is open elsewhere, to whoever asks. */
int open_locked(void)
{
    oversized_t *journal = NULL;
    EXPECT(oversized_open(&family.config, &journal) == SEGJ_ERR_LOCKED);
    return 0;
}

int open_free(void)
{
    oversized_t *journal = NULL;
    EXPECT(oversized_open(&family.config, &journal) == SEGJ_OK);
    EXPECT(oversized_close(journal) == SEGJ_OK);
    return 0;
}
