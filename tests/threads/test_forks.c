/*
 * threads/test_forks.c: children of fork that have a parent's journal. Whatever the parent's threads were doing at the fork, no
 * call of the child waits, none touches a byte or a lock of the parent's, and the parent goes on with what it had.
 *
 * The children are real, on real files. Each has so many seconds, after which a signal ends it.
 */
#include "threads/team.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oversized/journal.h"

enum { SECTION = 3, OTHER = 4, SECONDS = 20, FILL = 'v', SIZE = 100 };

/** A journal, what was made from it, and how many records it has. */
typedef struct family {
    path_t root;
    oversized_config_t config;
    char directory[PATH_LIMIT];
    oversized_t *journal;
    oversized_t *caller;
    oversized_writer_t *writer;
    oversized_reader_t *reader;
    oversized_replay_t *replay;
    oversized_view_t view;
    oversized_ticket_t ticket;
    oversized_location_t location;
    uint64_t records;
} family_t;

static family_t family;

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

static void close_gate(bool of_syncs)
{
    gate.of_syncs = of_syncs;
    gate.closed = true;
}

static void await_gate(void)
{
    (void)pthread_mutex_lock(&gate.mutex);
    while (!gate.stopped)
        test_wait(&gate.moved, &gate.mutex);
    (void)pthread_mutex_unlock(&gate.mutex);
}

static void open_gate(void)
{
    (void)pthread_mutex_lock(&gate.mutex);
    gate.closed = false;
    (void)pthread_cond_broadcast(&gate.moved);
    (void)pthread_mutex_unlock(&gate.mutex);
}

/* --- the parent's journal --- */

static void add_records(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        (void)append_filled(family.journal, SECTION, family.records++, FILL, SIZE, NULL);
    assert_ok(oversized_sync(family.journal, SECTION));
}

static void check_records(void)
{
    uint64_t count = 0;
    assert_ok(oversized_count(family.journal, SECTION, &count));
    assert_int_equal(count, family.records);
    for (uint64_t i = 0; i < count; i++)
        check_filled(family.journal, SECTION, i, i, FILL, SIZE);
}

static int set_up(void **state)
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

static void open_family(void)
{
    assert_ok(oversized_open(&family.config, &family.journal));
    add_records(40);
    append_filled(family.journal, OTHER, 0, FILL, SIZE, NULL);
    assert_ok(oversized_sync(family.journal, OTHER));
    add_records(40);
}

/* One of everything that is made from a journal. */
static void make_handles(void)
{
    oversized_t *journal = family.journal;
    oversized_item_t item;
    assert_ok(oversized_get(journal, SECTION, 7, NULL, &family.location));
    assert_ok(oversized_caller_open(journal, &family.caller));
    assert_ok(oversized_sync_start(journal, SECTION, &family.ticket));
    assert_ok(oversized_writer_open(journal, OTHER, "12345678", 10, &family.writer));
    assert_ok(oversized_writer_write(family.writer, "12345", 5));
    assert_ok(oversized_reader_open(journal, SECTION, family.location, false, &family.reader));
    assert_ok(oversized_replay_open(journal, SECTION, 0, 1, &family.replay));
    assert_ok(oversized_replay_next(family.replay, &item));
    assert_ok(oversized_view(journal, SECTION, 7, NULL, &family.view));
}

/* What the parent does with its handles when all children are gone: they are as they were. */
static void use_handles(void)
{
    oversized_item_t item;
    uint8_t bytes[SIZE];
    size_t done;
    uint64_t position;
    assert_ok(oversized_writer_write(family.writer, "67890", 5));
    assert_ok(oversized_writer_finish(family.writer, &position, NULL));
    assert_int_equal(position, 1);
    assert_ok(oversized_reader_read(family.reader, bytes, SIZE, &done));
    oversized_reader_close(family.reader);
    for (uint64_t i = 1; i < 80; i++)
        assert_ok(oversized_replay_next(family.replay, &item));
    oversized_replay_close(family.replay);
    assert_int_equal(((const uint8_t *)family.view.data)[0], FILL);
    oversized_view_release(&family.view);
    assert_ok(oversized_sync_wait(family.journal, &family.ticket));
    oversized_caller_close(family.caller);
}

static void reopen(void)
{
    assert_ok(oversized_close(family.journal));
    assert_ok(oversized_open(&family.config, &family.journal));
    check_records();
    assert_int_equal(oversized_recovery(family.journal)->synced_records_lost, 0);
    assert_int_equal(oversized_recovery(family.journal)->sections_repaired, 0);
}

/* After a failure half way a thread may still be at the gate. */
static int tear_down(void **state)
{
    open_gate();
    oversized_abandon(family.journal);
    remove_tree(family.root.text);
    return 0;
}

/* --- children --- */

/* Does something in a child; it answers the line in which it found something wrong, or 0. */
static pid_t begin_child(int (*work)(void))
{
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    for (int number = SIGHUP; number <= SIGTERM; number++)
        if (number != SIGKILL)
            (void)signal(number, SIG_DFL); /* cmocka's would go on with its tests */
    (void)alarm(SECONDS);
    int line = work();
    if (line != 0)
        (void)fprintf(stderr, "line %d: %s\n", line, segj_last_error());
    _exit(line != 0);
}

static bool child_is_well(pid_t child)
{
    int result = 0;
    if (waitpid(child, &result, 0) != child)
        return false;
    if (WIFSIGNALED(result) && WTERMSIG(result) == SIGALRM)
        print_error("the child did not come to its end\n");
    return result == 0;
}

static void end_child(pid_t child)
{
    assert_true(child_is_well(child));
}

static void in_child(int (*work)(void))
{
    end_child(begin_child(work));
}

#define EXPECT(holds)                                                                                                  \
    do {                                                                                                               \
        if (!(holds))                                                                                                  \
            return __LINE__;                                                                                           \
    } while (0)

/* The descriptors that this process has below the journal's directory. */
static int descriptors(void)
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

static bool refused(segj_status_t status)
{
    char who[64];
    (void)snprintf(who, sizeof who, "was opened by process %ld", (long)getppid());
    return status == SEGJ_ERR_INVALID && strstr(segj_last_error(), who) != NULL;
}

static int close_here(void)
{
    EXPECT(descriptors() != 0);
    EXPECT(refused(oversized_close(family.journal)));
    EXPECT(descriptors() <= 0);
    return 0;
}

static int abandon_here(void)
{
    oversized_abandon(family.journal);
    EXPECT(descriptors() <= 0);
    return 0;
}

static int destroy_here(void)
{
    EXPECT(refused(oversized_destroy(family.journal)));
    EXPECT(descriptors() <= 0);
    return 0;
}

static int change_here(void)
{
    EXPECT(refused(oversized_append(family.journal, SECTION, "12345678", "v", 1, NULL, NULL)));
    EXPECT(refused(oversized_sync_all(family.journal)));
    return 0;
}

/* A journal that is open elsewhere, to whoever asks. */
static int open_locked(void)
{
    oversized_t *journal = NULL;
    EXPECT(oversized_open(&family.config, &journal) == SEGJ_ERR_LOCKED);
    return 0;
}

static int open_free(void)
{
    oversized_t *journal = NULL;
    EXPECT(oversized_open(&family.config, &journal) == SEGJ_OK);
    EXPECT(oversized_close(journal) == SEGJ_OK);
    return 0;
}

/* --- every call --- */

typedef struct call {
    const char *name;
    int (*make)(void);
} call_t;

#define CALL(call, ...)                                                                                                \
    static int make_##call(void)                                                                                       \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
        return 0;                                                                                                      \
    }
#define REFUSED(call, ...) CALL(call, EXPECT(refused(call(__VA_ARGS__))))

static oversized_location_t location_out;
static uint64_t number_out;
static segj_buffer_t buffer_out;

REFUSED(oversized_append, family.journal, SECTION, "12345678", "v", 1, NULL, NULL)
REFUSED(oversized_appendv, family.journal, SECTION, "12345678", NULL, 0, NULL, NULL)
REFUSED(oversized_append_batch, family.journal, SECTION, NULL, 0, NULL, NULL)
CALL(oversized_writer_open, oversized_writer_t *writer;
     EXPECT(refused(oversized_writer_open(family.journal, SECTION, "12345678", 1, &writer))))
REFUSED(oversized_writer_write, family.writer, "v", 1)
REFUSED(oversized_writer_finish, family.writer, NULL, NULL)
REFUSED(oversized_get, family.journal, SECTION, 0, NULL, &location_out)
REFUSED(oversized_last, family.journal, SECTION, NULL, &location_out)
REFUSED(oversized_get_value, family.journal, SECTION, family.location, &buffer_out)
REFUSED(oversized_read, family.journal, SECTION, 0, NULL, &buffer_out)
REFUSED(oversized_get_values, family.journal, SECTION, NULL, 0, &buffer_out)
REFUSED(oversized_read_values, family.journal, SECTION, NULL, 0, &buffer_out)
CALL(oversized_reader_open, oversized_reader_t *reader;
     EXPECT(refused(oversized_reader_open(family.journal, SECTION, family.location, true, &reader))))
CALL(oversized_reader_size, EXPECT(oversized_reader_size(family.reader) == SIZE))
CALL(oversized_reader_read, char byte; size_t done;
     EXPECT(refused(oversized_reader_read(family.reader, &byte, 1, &done))))
CALL(oversized_reader_close, oversized_reader_close(family.reader))
CALL(oversized_view_value, oversized_view_t view = {0};
     EXPECT(refused(oversized_view_value(family.journal, SECTION, family.location, &view))))
CALL(oversized_view, oversized_view_t view = {0};
     EXPECT(refused(oversized_view(family.journal, SECTION, 0, NULL, &view))))
CALL(oversized_view_release, EXPECT(((const uint8_t *)family.view.data)[0] == FILL);
     oversized_view_release(&family.view))
CALL(segj_buffer_free, segj_buffer_free(&buffer_out))
CALL(oversized_replay_open, oversized_replay_t *replay;
     EXPECT(refused(oversized_replay_open(family.journal, 0, 0, 4096, &replay))))
CALL(oversized_replay_next, oversized_item_t item; segj_status_t status;
     do status = oversized_replay_next(family.replay, &item); while (status == SEGJ_OK); EXPECT(refused(status)))
CALL(oversized_replay_value, const void *value; size_t size;
     EXPECT(refused(oversized_replay_value(family.replay, &value, &size))))
CALL(oversized_replay_close, oversized_replay_close(family.replay))
REFUSED(oversized_sync, family.journal, SECTION)
CALL(oversized_sync_start, oversized_ticket_t ticket;
     EXPECT(refused(oversized_sync_start(family.journal, SECTION, &ticket))))
REFUSED(oversized_sync_wait, family.journal, &family.ticket)
REFUSED(oversized_sync_all, family.journal)
REFUSED(oversized_prune, family.journal, OTHER, NULL)
REFUSED(oversized_rewind, family.journal, SECTION, 0)
REFUSED(oversized_rewind_section, family.journal, SECTION, 0)
REFUSED(oversized_size, family.journal, SECTION, &number_out)
REFUSED(oversized_count, family.journal, SECTION, &number_out)
REFUSED(oversized_value_size, family.journal, SECTION, &number_out)
CALL(oversized_record_size, EXPECT(oversized_record_size(family.journal) == SMALL_RECORD))
REFUSED(oversized_oldest_section, family.journal, &number_out)
REFUSED(oversized_newest_section, family.journal, &number_out)
REFUSED(oversized_next_section, family.journal, 0, &number_out)
CALL(oversized_recovery, EXPECT(oversized_recovery(family.journal) != NULL))
CALL(oversized_error, EXPECT(oversized_error(family.journal) == NULL))
CALL(oversized_writer_abandon, oversized_writer_abandon(family.writer))
CALL(oversized_caller_open, oversized_t *caller; EXPECT(refused(oversized_caller_open(family.journal, &caller))))
CALL(oversized_caller_error, EXPECT(refused(oversized_sync(family.caller, SECTION)));
     EXPECT(strcmp(oversized_caller_error(family.caller)->text, segj_last_error()) == 0))
CALL(oversized_caller_close, oversized_caller_close(family.caller))
CALL(oversized_config_init, oversized_config_t config; oversized_config_init(&config))
CALL(oversized_open, return open_locked())
CALL(oversized_close, return close_here())
CALL(oversized_abandon, return abandon_here())
CALL(oversized_destroy, return destroy_here())
CALL(segj_page_cache_create, segj_page_cache_t *cache; EXPECT(segj_page_cache_create(64, 4, &cache) == SEGJ_OK);
     segj_page_cache_release(cache))
CALL(segj_page_cache_release, segj_page_cache_release(NULL))

#define ENTRY(call)                                                                                                    \
    {                                                                                                                  \
#call, make_##call                                                                                             \
    }
static const call_t calls[] = {ENTRY(oversized_append),
                               ENTRY(oversized_appendv),
                               ENTRY(oversized_append_batch),
                               ENTRY(oversized_writer_open),
                               ENTRY(oversized_writer_write),
                               ENTRY(oversized_writer_finish),
                               ENTRY(oversized_get),
                               ENTRY(oversized_last),
                               ENTRY(oversized_get_value),
                               ENTRY(oversized_read),
                               ENTRY(oversized_get_values),
                               ENTRY(oversized_read_values),
                               ENTRY(oversized_reader_open),
                               ENTRY(oversized_reader_size),
                               ENTRY(oversized_reader_read),
                               ENTRY(oversized_reader_close),
                               ENTRY(oversized_view_value),
                               ENTRY(oversized_view),
                               ENTRY(oversized_view_release),
                               ENTRY(segj_buffer_free),
                               ENTRY(oversized_replay_open),
                               ENTRY(oversized_replay_next),
                               ENTRY(oversized_replay_value),
                               ENTRY(oversized_replay_close),
                               ENTRY(oversized_sync),
                               ENTRY(oversized_sync_start),
                               ENTRY(oversized_sync_wait),
                               ENTRY(oversized_sync_all),
                               ENTRY(oversized_prune),
                               ENTRY(oversized_rewind),
                               ENTRY(oversized_rewind_section),
                               ENTRY(oversized_size),
                               ENTRY(oversized_count),
                               ENTRY(oversized_value_size),
                               ENTRY(oversized_record_size),
                               ENTRY(oversized_oldest_section),
                               ENTRY(oversized_newest_section),
                               ENTRY(oversized_next_section),
                               ENTRY(oversized_recovery),
                               ENTRY(oversized_error),
                               ENTRY(oversized_writer_abandon),
                               ENTRY(oversized_caller_open),
                               ENTRY(oversized_caller_error),
                               ENTRY(oversized_caller_close),
                               ENTRY(oversized_config_init),
                               ENTRY(oversized_open),
                               ENTRY(oversized_close),
                               ENTRY(oversized_abandon),
                               ENTRY(oversized_destroy),
                               ENTRY(segj_page_cache_create),
                               ENTRY(segj_page_cache_release)};
enum { CALLS = sizeof calls / sizeof *calls };

/* Each in a child of its own, as its first. No byte differs afterwards. */
static void make_every_call(void)
{
    path_t copy = join_path(family.root.text, "copy");
    copy_tree(family.directory, copy.text);
    for (size_t i = 0; i < CALLS; i++) {
        print_message("  %s\n", calls[i].name);
        in_child(calls[i].make);
    }
    assert_trees_equal(copy.text, family.directory);
    remove_tree(copy.text);
    in_child(open_locked);
}

static void every_call_of_a_child_is_refused_or_harmless(void **state)
{
    open_family();
    make_handles();
    make_every_call();
    use_handles();
    add_records(10);
    reopen();
}

/* What the header declares, by its text: names with a prefix of ours that a parenthesis follows. */
static void every_call_of_the_header_is_in_the_list(void **state)
{
    bytes_t header = read_file(SEGJ_HEADER);
    size_t declared = 0;
    bool comment = false;
    bool line_start = true;
    bool directive = false;
    for (size_t i = 0; i + 1 < header.size; i++) {
        const char *at = (const char *)header.data + i;
        if (at[0] == '\n' && at[-1] != '\\')
            directive = false;
        directive = directive || (!comment && line_start && at[0] == '#');
        line_start = at[0] == '\n';
        comment = comment ? !(at[0] == '/' && at[-1] == '*') : at[0] == '/' && at[1] == '*';
        if (comment || directive || (strncmp(at, "oversized_", 10) != 0 && strncmp(at, "segj_", 5) != 0))
            continue;
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
        bool known = at[length] != '(';
        declared += !known;
        for (size_t c = 0; c < CALLS && !known; c++)
            known = strlen(calls[c].name) == length && strncmp(calls[c].name, at, length) == 0;
        if (!known)
            fail_msg("%.*s is in no list of calls that are made in a child", (int)length, at);
        i += length - 1;
    }
    free_bytes(&header);
    assert_int_equal(declared, CALLS);
}

/* --- beside the parent's threads --- */

static void append_one(worker_t *worker)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    uint8_t value[4096];
    memset(value, FILL, sizeof value);
    put_u64(entry, 0);
    worker_ok(worker, oversized_append(family.journal, OTHER + 1, entry, value, sizeof value, NULL, NULL));
}

/* A thread of the parent is in the storage, and holds the change lock. */
static void a_child_goes_beside_a_thread_that_is_in_a_change(void **state)
{
    static worker_t worker; /* which a failure leaves at the gate */
    open_family();
    make_handles();
    close_gate(false);
    team_start(&worker, 1, append_one, NULL);
    await_gate();
    for (size_t i = 0; i < CALLS; i++)
        in_child(calls[i].make);
    open_gate();
    team_join(&worker, 1);
    use_handles();
    add_records(10);
    reopen();
    check_filled(family.journal, OTHER + 1, 0, 0, FILL, 4096);
}

static void sync_one(worker_t *worker)
{
    worker_ok(worker, oversized_sync(family.journal, SECTION));
}

/* A thread of the parent is in a sync: in both of its flushes, with the journal's own thread. */
static void a_child_goes_beside_a_thread_that_is_in_a_sync(void **state)
{
    static worker_t worker;
    family.config.parallel_flush = true;
    open_family();
    append_filled(family.journal, SECTION, family.records++, FILL, SIZE, NULL);
    close_gate(true);
    team_start(&worker, 1, sync_one, NULL);
    await_gate();
    in_child(close_here);
    in_child(abandon_here);
    in_child(destroy_here);
    in_child(change_here);
    open_gate();
    team_join(&worker, 1);
    add_records(10);
    in_child(close_here); /* the journal's thread waits for work */
    in_child(abandon_here);
    add_records(10);
    reopen();
}

static int close_with_locks(void)
{
    EXPECT(refused(oversized_append(family.journal, SECTION, "12345678", "v", 1, NULL, NULL)));
    EXPECT(refused(oversized_close(family.journal)));
    return 0;
}

/* A fork that comes while locks are held, as a thread that the child has not would hold them. */
static bool are_well_beside_locks(bool state_too, int (*const *works)(void))
{
    bool well = true;
    segj_lock(&family.journal->change);
    if (state_too)
        segj_lock(&family.journal->env.state);
    for (; *works != NULL && well; works++)
        well = child_is_well(begin_child(*works));
    if (state_too)
        segj_unlock(&family.journal->env.state);
    segj_unlock(&family.journal->change);
    return well;
}

static void a_child_waits_for_no_lock(void **state)
{
    static int (*const works[])(void) = {close_here, destroy_here, abandon_here, NULL};
    static int (*const blind[])(void) = {close_with_locks, /* which cannot know what is open */
                                         make_oversized_writer_finish,
                                         make_oversized_writer_abandon,
                                         make_oversized_view_release,
                                         make_oversized_replay_close,
                                         make_oversized_reader_close,
                                         make_oversized_caller_close,
                                         NULL};
    open_family();
    make_handles();
    assert_true(are_well_beside_locks(false, works));
    assert_true(are_well_beside_locks(true, blind));
    use_handles();
    reopen();
}

/* --- forks by the hundred --- */

static atomic_bool stop;

#if defined(__SANITIZE_ADDRESS__)
enum { FORKS = 100, APPENDS = 0 }; /* its allocator's own locks are held in the child too */
#else
enum { FORKS = 200, APPENDS = 1 };
#endif

static void work_on(worker_t *worker)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    for (uint64_t i = 0; !atomic_load(&stop); i++) {
        if (APPENDS && worker->number == 0 && i % 8 == 0)
            worker_ok(worker, oversized_append(family.journal, OTHER, entry, "value", 5, NULL, NULL));
        worker_ok(worker, oversized_get(family.journal, SECTION, i % family.records, entry, NULL));
    }
}

/* What the child finds is whatever the threads were at: it may leave things open, and must come to its end. */
static int close_anyhow(void)
{
    EXPECT(refused(oversized_sync(family.journal, SECTION)));
    EXPECT(refused(oversized_close(family.journal)));
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
    open_family();
    fork_many();
    reopen();
    assert_ok(oversized_close(family.journal));
    assert_ok(segj_page_cache_create(family.config.page_size, 2, &cache));
    family.config.page_cache = cache;
    assert_ok(oversized_open(&family.config, &family.journal));
    segj_page_cache_release(cache);
    fork_many();
    check_records();
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
    open_family();
    fork_many();
    check_records();
    assert_ok(oversized_close(family.journal));
    family.journal = NULL;
    segj_storage_memory_destroy(memory);
}

/* --- what is on disk --- */

/* The child closes, through a handler of its exit, when the parent has synced more into zeros that were there at the fork. */
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
    open_family();
    add_records(10);
    assert_int_equal(pipe(wait_for), 0);
    pid_t child = begin_child(exit_with_a_handler);
    path_t values = section_path(family.directory, family.config.value_partition, SECTION);
    assert_true(file_size(values.text) > 1 << 20);
    add_records(40);
    assert_int_equal(close(wait_for[1]), 0);
    end_child(child);
    assert_int_equal(close(wait_for[0]), 0);
    assert_true(file_size(values.text) > 1 << 20);
    add_records(40);
    reopen();
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
    open_family();
    assert_int_equal(pipe(wait_for), 0);
    pid_t child = begin_child(wait_and_close);
    reopen(); /* beside the child, which has the old one still */
    add_records(10);
    assert_int_equal(close(wait_for[1]), 0);
    end_child(child);
    in_child(open_locked);
    assert_int_equal(close(wait_for[0]), 0);
    add_records(10);
    reopen();
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
    (void)alarm(SECONDS);
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
        (void)alarm(SECONDS);
        bool right = oversized_sync_all(family.journal) == SEGJ_ERR_INVALID && strstr(segj_last_error(), who) != NULL &&
                     oversized_close(family.journal) == SEGJ_ERR_INVALID && strstr(segj_last_error(), who) != NULL;
        _exit(right ? 0 : 1);
    }
    EXPECT(waitpid(child, &result, 0) == child && result == 0);
    return close_here();
}

static void grandchildren_are_children(void **state)
{
    open_family();
    in_child(have_a_child);
    add_records(10);
    reopen();
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
    EXPECT(refused(oversized_append(family.journal, SECTION, "12345678", "v", 1, NULL, NULL)));
    uint8_t entry[SMALL_ENTRY] = {0};
    for (int i = 0; i < 100; i++)
        EXPECT(oversized_append(journal, SECTION, entry, "mine", 4, NULL, NULL) == SEGJ_OK);
    EXPECT(oversized_sync(journal, SECTION) == SEGJ_OK);
    for (uint64_t i = 0; i < 100; i++)
        EXPECT(oversized_get(journal, SECTION, i, entry, NULL) == SEGJ_OK);
    EXPECT(refused(oversized_close(family.journal)));
    for (uint64_t i = 0; i < 100; i++)
        EXPECT(oversized_get(journal, SECTION, i, entry, NULL) == SEGJ_OK);
    EXPECT(oversized_close(journal) == SEGJ_OK);
    return 0;
}

static void a_child_has_journals_of_its_own(void **state)
{
    segj_page_cache_t *cache = NULL;
    open_family();
    in_child(open_another);
    reopen();
    assert_ok(oversized_close(family.journal));
    assert_ok(segj_page_cache_create(family.config.page_size, 4, &cache));
    family.config.page_cache = cache;
    assert_ok(oversized_open(&family.config, &family.journal));
    segj_page_cache_release(cache);
    check_records();
    in_child(open_another);
    in_child(open_another);
    check_records();
    add_records(10);
    check_records();
    assert_ok(oversized_close(family.journal));
    family.config.page_cache = NULL;
    assert_ok(oversized_open(&family.config, &family.journal));
}

static void readers_have_children_too(void **state)
{
    open_family();
    assert_ok(oversized_close(family.journal));
    family.config.read_only = true;
    assert_ok(oversized_open(&family.config, &family.journal));
    in_child(close_here);
    in_child(abandon_here);
    check_records();
    family.config.read_only = false;
    in_child(open_locked);
}

#define FORK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORK_TEST(every_call_of_a_child_is_refused_or_harmless),
        FORK_TEST(every_call_of_the_header_is_in_the_list),
        FORK_TEST(a_child_goes_beside_a_thread_that_is_in_a_change),
        FORK_TEST(a_child_goes_beside_a_thread_that_is_in_a_sync),
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
