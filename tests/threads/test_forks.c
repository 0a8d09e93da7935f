/*
 * threads/test_forks.c: children of fork that have a parent's journal. Whatever the parent's threads were doing at the
 * fork, no call of the child waits, none touches a byte or a lock of the parent's, and the parent goes on with what it
 * had.
 *
 * The children are real, on real files. Each has so many seconds, after which a signal ends it.
 */
#include "threads/family.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oversized/section/journal.h"

/* Each in a child of its own, as its first. No byte differs afterwards. */
static void make_every_call(void)
{
    path_t copy = join_path(family.root.text, "copy");
    copy_tree(family.directory, copy.text);
    for (size_t i = 0; i < family_call_count; i++) {
        print_message("  %s\n", family_calls[i].name);
        in_child(family_calls[i].make);
    }
    assert_trees_equal(copy.text, family.directory);
    remove_tree(copy.text);
    in_child(open_locked);
}

static void every_call_of_a_child_is_refused_or_harmless(void **state)
{
    family_open();
    family_make_handles();
    make_every_call();
    family_use_handles();
    family_add(10);
    family_reopen();
}

/* What a header declares, by its text: names with a prefix of ours that a parenthesis follows. Each is in the list. */
static size_t check_header(const char *name)
{
    bytes_t header = read_file(join_path(SEGJ_HEADERS, name).text);
    assert_true(header.size > 1);
    header.data[header.size - 1] = '\0'; /* where its last line ended: the text is a string */
    size_t declared = 0;
    bool comment = false;
    bool line_start = true;
    bool directive = false;
    for (size_t i = 0; i + 1 < header.size; i++) {
        const char *at = (const char *)header.data + i;
        char before = i > 0 ? at[-1] : '\n';
        if (at[0] == '\n' && before != '\\')
            directive = false;
        directive = directive || (!comment && line_start && at[0] == '#');
        line_start = at[0] == '\n';
        comment = comment ? !(at[0] == '/' && before == '*') : at[0] == '/' && at[1] == '*';
        if (comment || directive || (strncmp(at, "oversized_", 10) != 0 && strncmp(at, "segj_", 5) != 0))
            continue;
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
        bool known = at[length] != '(';
        declared += !known;
        for (size_t c = 0; c < family_call_count && !known; c++)
            known = strlen(family_calls[c].name) == length && strncmp(family_calls[c].name, at, length) == 0;
        if (!known)
            fail_msg("%.*s is in no list of calls that are made in a child", (int)length, at);
        i += length - 1;
    }
    free_bytes(&header);
    return declared;
}

static void every_call_of_the_headers_is_in_the_list(void **state)
{
    static const char *const headers[] = {"oversized/append.h",   "oversized/config.h", "oversized/dictionary.h",
                                          "oversized/failures.h", "oversized/open.h",   "oversized/page_cache.h",
                                          "oversized/read.h",     "oversized/replay.h", "oversized/sections.h",
                                          "oversized/sync.h",     "follow.h",           "tools.h"};
    size_t declared = 0;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        declared += check_header(headers[i]);
    assert_int_equal(declared, family_call_count);
}

/* --- beside the parent's threads --- */

static void append_one(worker_t *worker)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    uint8_t value[4096];
    memset(value, FAMILY_FILL, sizeof value);
    put_u64(entry, 0);
    worker_ok(worker, oversized_append(family.journal, FAMILY_OTHER + 1, entry, value, sizeof value, NULL, NULL));
}

/* A thread of the parent is in the storage, and holds the change lock. */
static void a_child_goes_beside_a_thread_that_is_in_a_change(void **state)
{
    static worker_t worker; /* which a failure leaves at the gate */
    family_open();
    family_make_handles();
    gate_of_writes();
    team_start(&worker, 1, append_one, NULL);
    await_gate();
    for (size_t i = 0; i < family_call_count; i++)
        in_child(family_calls[i].make);
    open_gate();
    team_join(&worker, 1);
    family_use_handles();
    family_add(10);
    family_reopen();
    check_filled(family.journal, FAMILY_OTHER + 1, 0, 0, FAMILY_FILL, 4096);
}

static void sync_one(worker_t *worker)
{
    worker_ok(worker, oversized_sync(family.journal, FAMILY_SECTION));
}

/* A thread of the parent is in a sync: in both of its flushes, with the journal's own thread. */
static void a_child_goes_beside_a_thread_that_is_in_a_sync(void **state)
{
    static worker_t worker;
    family.config.parallel_flush = true;
    family_open();
    append_filled(family.journal, FAMILY_SECTION, family.records++, FAMILY_FILL, FAMILY_SIZE, NULL);
    gate_of_syncs();
    team_start(&worker, 1, sync_one, NULL);
    await_gate();
    in_child(close_here);
    in_child(abandon_here);
    in_child(destroy_here);
    in_child(change_here);
    open_gate();
    team_join(&worker, 1);
    family_add(10);
    in_child(close_here); /* the journal's thread waits for work */
    in_child(abandon_here);
    family_add(10);
    family_reopen();
}

/* A section of its own: batches there, and one large value. */
static void append_packed(uint64_t batches)
{
    enum { COUNT = 20, EACH = 8192, LARGE = 3 << 20 };
    static uint8_t value[LARGE];
    oversized_record_t records[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        records[i] = (oversized_record_t){"12345678", value, EACH};
    for (uint64_t i = 0; i < batches; i++)
        assert_ok(oversized_append_batch(family.journal, FAMILY_OTHER + 2, records, COUNT, NULL, NULL));
    assert_ok(oversized_append(family.journal, FAMILY_OTHER + 2, "12345678", value, LARGE, NULL, NULL));
}

/* They wait for work, and are not there in a child. */
static void a_child_ends_without_the_threads_that_compress(void **state)
{
    family.config.compression = 1;
    family.config.max_value_size = 1 << 22;
    family.config.compression_threads = 3;
    family_open();
    append_packed(3);
    in_child(close_here);
    in_child(abandon_here);
    in_child(destroy_here);
    in_child(change_here);
    append_packed(3);
    family_add(10);
    family_reopen();
}

static int close_with_locks(void)
{
    EXPECT(is_refused(oversized_append(family.journal, FAMILY_SECTION, "12345678", "v", 1, NULL, NULL)));
    EXPECT(is_refused(oversized_close(family.journal)));
    return 0;
}

/* The call of that name. */
static int (*call_of(const char *name))(void)
{
    size_t at = 0;
    while (strcmp(family_calls[at].name, name) != 0)
        at++;
    return family_calls[at].make;
}

/* A fork that comes while locks are held, as a thread that the child has not would hold them. */
static bool are_well_beside_locks(bool state_too, int (*const *works)(void))
{
    bool well = true;
    segj_gate_enter(&family.journal->change);
    if (state_too)
        segj_lock(&family.journal->shared.state);
    for (; *works != NULL && well; works++)
        well = child_is_well(begin_child(*works));
    if (state_too)
        segj_unlock(&family.journal->shared.state);
    segj_gate_leave(&family.journal->change);
    return well;
}

static void a_child_waits_for_no_lock(void **state)
{
    static int (*const works[])(void) = {close_here, destroy_here, abandon_here, NULL};
    int (*const blind[])(void) = {close_with_locks, /* which cannot know what is open */
                                  call_of("oversized_writer_finish"),
                                  call_of("oversized_writer_abandon"),
                                  call_of("oversized_view_release"),
                                  call_of("oversized_replay_close"),
                                  call_of("oversized_reader_close"),
                                  call_of("oversized_caller_close"),
                                  NULL};
    family_open();
    family_make_handles();
    assert_true(are_well_beside_locks(false, works));
    assert_true(are_well_beside_locks(true, blind));
    family_use_handles();
    family_reopen();
}

/* --- forks by the hundred --- */

static atomic_bool stop;

/* Locks of the sanitizer's own are held in the child too: of the allocator, or of each word that is used atomically. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { FORKS = 100, APPENDS = 0 };
#else
enum { FORKS = 200, APPENDS = 1 };
#endif

static void work_on(worker_t *worker)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    for (uint64_t i = 0; !atomic_load(&stop); i++) {
        if (APPENDS && worker->number == 0 && i % 8 == 0)
            worker_ok(worker, oversized_append(family.journal, FAMILY_OTHER, entry, "value", 5, NULL, NULL));
        worker_ok(worker, oversized_get(family.journal, FAMILY_SECTION, i % family.records, entry, NULL));
    }
}

/* What the child finds is whatever the threads were at: it may leave things open, and must come to its end. */
static int close_anyhow(void)
{
    EXPECT(is_refused(oversized_sync(family.journal, FAMILY_SECTION)));
    EXPECT(is_refused(oversized_close(family.journal)));
    return 0;
}

static void fork_many(void)
{
    worker_t team[2];
    bool well = true;
    atomic_store(&stop, false);
    team_start(team, 2, work_on, NULL);
    for (int i = 0; i < FORKS && well; i++)
        well = child_is_well(begin_child(close_anyhow));
    atomic_store(&stop, true);
    team_join(team, 2);
    assert_true(well);
}

static void children_of_a_busy_parent_come_to_their_end(void **state)
{
    segj_page_cache_t *cache = NULL;
    family.config.storage = NULL;
    family.config.page_cache_pages = 2; /* its lock is wanted a lot */
    family_open();
    fork_many();
    family_reopen();
    assert_ok(oversized_close(family.journal));
    assert_ok(segj_page_cache_create(family.config.page_size, 2, &cache));
    family.config.page_cache = cache;
    assert_ok(oversized_open(&family.config, &family.journal));
    segj_page_cache_release(cache);
    fork_many();
    family_check();
    assert_ok(oversized_close(family.journal));
    family.config.page_cache = NULL;
    assert_ok(oversized_open(&family.config, &family.journal));
}

/* A storage in memory has a lock of its own. */
static void children_of_a_journal_in_memory_come_to_their_end(void **state)
{
    segj_storage_t *memory = NULL;
    assert_ok(segj_storage_memory_create(&memory));
    family.config.storage = memory;
    family.config.page_cache_pages = 1;
    family_open();
    fork_many();
    family_check();
    assert_ok(oversized_close(family.journal));
    family.journal = NULL;
    segj_storage_memory_destroy(memory);
}

/* --- what is on disk --- */

/* The child closes, through a handler of its exit, when the parent has synced more into zeros that were there at the
 * fork. */
static int wait_for[2];

static void close_at_exit(void)
{
    (void)!oversized_close(family.journal);
}

static int exit_with_a_handler(void)
{
    char byte;
    EXPECT(close(wait_for[1]) == 0);
    EXPECT(atexit(close_at_exit) == 0);
    EXPECT(read(wait_for[0], &byte, 1) == 0);
    (void)fclose(stdout);
#if defined(__SANITIZE_ADDRESS__)
    close_at_exit(); /* what leaks in the test's child is no news */
    _exit(0);
#else
    exit(0); /* NOLINT(concurrency-mt-unsafe) */
#endif
}

static void zeros_that_are_kept_ahead_stay(void **state)
{
    for_native_only();
    family.config.preallocate = 1 << 20;
    family_open();
    family_add(10);
    assert_int_equal(pipe(wait_for), 0);
    pid_t child = begin_child(exit_with_a_handler);
    path_t values = section_path(family.directory, family.config.value_partition, FAMILY_SECTION);
    assert_true(file_size(values.text) > 1 << 20);
    family_add(40);
    assert_int_equal(close(wait_for[1]), 0);
    end_child(child);
    assert_int_equal(close(wait_for[0]), 0);
    assert_true(file_size(values.text) > 1 << 20);
    family_add(40);
    family_reopen();
}

/* --- locks --- */

static int wait_and_close(void)
{
    char byte;
    EXPECT(close(wait_for[1]) == 0);
    EXPECT(read(wait_for[0], &byte, 1) == 0);
    return close_here();
}

static void a_parent_that_closes_gives_the_lock_up(void **state)
{
    family_open();
    assert_int_equal(pipe(wait_for), 0);
    pid_t child = begin_child(wait_and_close);
    family_reopen(); /* beside the child, which has the old one still */
    family_add(10);
    assert_int_equal(close(wait_for[1]), 0);
    end_child(child);
    in_child(open_locked);
    assert_int_equal(close(wait_for[0]), 0);
    family_add(10);
    family_reopen();
}

static int told[2];

/* Opens, has a child, and dies without a close. The child closes when it is told to, and tells. */
static int be_a_parent(void)
{
    char byte = 0;
    EXPECT(oversized_open(&family.config, &family.journal) == SEGJ_OK);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child > 0)
        return 0;
    (void)alarm(FAMILY_SECONDS);
    (void)close(wait_for[1]);
    (void)!read(wait_for[0], &byte, 1);
    byte = oversized_close(family.journal) == SEGJ_ERR_INVALID;
    (void)!write(told[1], &byte, 1);
    (void)!read(wait_for[0], &byte, 1);
    _exit(0);
}

static void a_child_that_outlives_its_parent_holds_the_lock_until_it_closes(void **state)
{
    char byte = 0;
    assert_int_equal(pipe(wait_for), 0);
    assert_int_equal(pipe(told), 0);
    in_child(be_a_parent);
    in_child(open_locked);
    assert_int_equal(write(wait_for[1], "c", 1), 1);
    assert_int_equal(close(told[1]), 0);
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    in_child(open_free); /* and the child is still there */
    assert_int_equal(close(wait_for[1]), 0);
    assert_int_equal(close(wait_for[0]), 0);
    assert_int_equal(close(told[0]), 0);
}

/* --- generations --- */

static int have_a_child(void)
{
    pid_t parent = getppid();
    char who[64];
    int result = 0;
    (void)snprintf(who, sizeof who, "was opened by process %ld", (long)parent);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        (void)alarm(FAMILY_SECONDS);
        bool right = oversized_sync_all(family.journal) == SEGJ_ERR_INVALID && strstr(segj_last_error(), who) != NULL &&
                     oversized_close(family.journal) == SEGJ_ERR_INVALID && strstr(segj_last_error(), who) != NULL;
        _exit(right ? 0 : 1);
    }
    EXPECT(waitpid(child, &result, 0) == child && result == 0);
    return close_here();
}

static void grandchildren_are_children(void **state)
{
    family_open();
    in_child(have_a_child);
    family_add(10);
    family_reopen();
}

/* With a page cache that the parent made too: it is the child's own from then on, and empty. */
static int open_another(void)
{
    oversized_t *journal = NULL;
    oversized_config_t config = family.config;
    path_t other = join_path(family.root.text, "another");
    config.directory = other.text;
    config.storage = NULL;
    EXPECT(oversized_open(&config, &journal) == SEGJ_OK);
    EXPECT(is_refused(oversized_append(family.journal, FAMILY_SECTION, "12345678", "v", 1, NULL, NULL)));
    uint8_t entry[SMALL_ENTRY] = {0};
    for (int i = 0; i < 100; i++)
        EXPECT(oversized_append(journal, FAMILY_SECTION, entry, "mine", 4, NULL, NULL) == SEGJ_OK);
    EXPECT(oversized_sync(journal, FAMILY_SECTION) == SEGJ_OK);
    for (uint64_t i = 0; i < 100; i++)
        EXPECT(oversized_get(journal, FAMILY_SECTION, i, entry, NULL) == SEGJ_OK);
    EXPECT(is_refused(oversized_close(family.journal)));
    for (uint64_t i = 0; i < 100; i++)
        EXPECT(oversized_get(journal, FAMILY_SECTION, i, entry, NULL) == SEGJ_OK);
    EXPECT(oversized_close(journal) == SEGJ_OK);
    return 0;
}

static void a_child_has_journals_of_its_own(void **state)
{
    segj_page_cache_t *cache = NULL;
    family_open();
    in_child(open_another);
    family_reopen();
    assert_ok(oversized_close(family.journal));
    assert_ok(segj_page_cache_create(family.config.page_size, 4, &cache));
    family.config.page_cache = cache;
    assert_ok(oversized_open(&family.config, &family.journal));
    segj_page_cache_release(cache);
    family_check();
    in_child(open_another);
    in_child(open_another);
    family_check();
    family_add(10);
    family_check();
    assert_ok(oversized_close(family.journal));
    family.config.page_cache = NULL;
    assert_ok(oversized_open(&family.config, &family.journal));
}

static void readers_have_children_too(void **state)
{
    family_open();
    assert_ok(oversized_close(family.journal));
    family.config.read_only = true;
    assert_ok(oversized_open(&family.config, &family.journal));
    in_child(close_here);
    in_child(abandon_here);
    family_check();
    family.config.read_only = false;
    in_child(open_locked);
}

#define FORK_TEST(test) cmocka_unit_test_setup_teardown(test, family_set_up, family_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORK_TEST(every_call_of_a_child_is_refused_or_harmless),
        FORK_TEST(every_call_of_the_headers_is_in_the_list),
        FORK_TEST(a_child_goes_beside_a_thread_that_is_in_a_change),
        FORK_TEST(a_child_goes_beside_a_thread_that_is_in_a_sync),
        FORK_TEST(a_child_ends_without_the_threads_that_compress),
        FORK_TEST(a_child_waits_for_no_lock),
        FORK_TEST(children_of_a_busy_parent_come_to_their_end),
        FORK_TEST(children_of_a_journal_in_memory_come_to_their_end),
        FORK_TEST(zeros_that_are_kept_ahead_stay),
        FORK_TEST(a_parent_that_closes_gives_the_lock_up),
        FORK_TEST(a_child_that_outlives_its_parent_holds_the_lock_until_it_closes),
        FORK_TEST(grandchildren_are_children),
        FORK_TEST(a_child_has_journals_of_its_own),
        FORK_TEST(readers_have_children_too),
    };
    return cmocka_run_group_tests_name("forks", tests, NULL, NULL);
}
