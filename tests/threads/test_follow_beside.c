/*
 * threads/test_follow_beside.c: followers beside a writer that appends, syncs, rewinds, prunes, is killed and comes back
 * show records that the writer has appended, in order and whole, and at the end what the journal has.
 *
 * The writer is a thread of this process, or a process of its own that is killed again and again. What is shown is
 * judged by what the record says of itself: its section, its position, and a value that follows from both and from the
 * record's number, which the writer never uses twice. A record of that position that was shown later has a higher one.
 *
 * LINK_WRAP: segj_process_time segj_process_yield
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS is beyond POSIX */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "segjournal/follow.h"
#include "support/mirror.h"
#include "threads/team.h"

enum { ENTRY = 24, VALUE_MOST = 900, GROWS = 20 };

static unsigned rounds(unsigned usual)
{
    const char *more = getenv("SEGJ_FOLLOW_ROUNDS");
    return more != NULL ? (unsigned)strtoul(more, NULL, 10) : usual;
}

/* --- records that say who they are --- */

static size_t make_record(uint64_t section, uint64_t position, uint64_t number, uint8_t *entry, uint8_t *value)
{
    uint64_t state = number;
    size_t size = (size_t)(next_random(&state) % 3 == 0 ? 40 : next_random(&state) % VALUE_MOST);
    put_u64(entry, section);
    put_u64(entry + 8, position);
    put_u64(entry + 16, number);
    for (size_t i = 0; i < size; i++)
        value[i] = (uint8_t)(number * 31 + position * 7 + section + i);
    return size;
}

static const char *judge_record(const oversized_followed_t *followed)
{
    uint8_t entry[ENTRY];
    uint8_t value[VALUE_MOST];
    const uint8_t *shown = followed->entry;
    if (followed->entry_size != ENTRY || get_u64(shown) != followed->section ||
        get_u64(shown + 8) != followed->position)
        return "a record of another place";
    size_t size = make_record(followed->section, followed->position, get_u64(shown + 16), entry, value);
    if (followed->value_size != size || memcmp(followed->value, value, size) != 0)
        return "another record's value, or a torn one";
    return NULL;
}

/* --- the writer --- */

/** What the writer says of itself, in memory that its process shares. */
typedef struct said {
    _Atomic(uint64_t) number; /* of its next record */
    _Atomic(uint64_t) synced; /* records of section GROWS, which is never cut, that a sync has covered */
    atomic_bool over;
} said_t;

typedef struct beside {
    path_t root;
    path_t directory;
    oversized_config_t config;
    said_t *said;
} beside_t;

static segj_status_t append_next(beside_t *beside, oversized_t *journal, uint64_t section)
{
    uint8_t entry[ENTRY];
    uint8_t value[VALUE_MOST];
    uint64_t position = 0;
    segj_status_t status = oversized_count(journal, section, &position);
    if (status != SEGJ_OK && status != SEGJ_ERR_NO_RECORD && status != SEGJ_ERR_NO_SECTION)
        return status;
    size_t size = make_record(section, position, atomic_fetch_add(&beside->said->number, 1), entry, value);
    return oversized_append(journal, section, entry, value, size, NULL, NULL);
}

static segj_status_t append_some(beside_t *beside, oversized_t *journal, uint64_t section, uint64_t count)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t i = 0; i < count && status == SEGJ_OK; i++)
        status = append_next(beside, journal, section);
    return status;
}

/* Section GROWS grows, the one after it is cut, those after that come and go, and so do older ones. */
static segj_status_t write_round(beside_t *beside, oversized_t *journal, uint64_t round)
{
    uint64_t state = round * 77 + 5;
    uint64_t records = 0;
    segj_status_t status = append_some(beside, journal, GROWS, 1 + next_random(&state) % 5);
    if (status == SEGJ_OK)
        status = oversized_sync(journal, GROWS);
    if (status == SEGJ_OK)
        status = oversized_count(journal, GROWS, &records);
    if (status == SEGJ_OK)
        atomic_store(&beside->said->synced, records);
    if (status == SEGJ_OK)
        status = append_some(beside, journal, GROWS + 1, next_random(&state) % 60 + (round % 16 == 9 ? 1500 : 0));
    if (status == SEGJ_OK && round % 2 == 0)
        status = oversized_sync_all(journal);
    if (status == SEGJ_OK)
        status = oversized_count(journal, GROWS + 1, &records);
    if (status == SEGJ_ERR_NO_SECTION)
        status = SEGJ_OK;
    if (status == SEGJ_OK && round % 3 == 2 && records > 0)
        status = oversized_rewind_section_to(journal, GROWS + 1, next_random(&state) % records);
    if (status == SEGJ_OK)
        status = append_some(beside, journal, GROWS + 2 + round % 3, 3);
    if (status == SEGJ_OK && round % 2 == 1)
        status = oversized_flush(journal, GROWS + 2 + round % 3);
    if (status == SEGJ_OK && round % 5 == 4) {
        status = oversized_count(journal, GROWS + 1, &records);
        status = status == SEGJ_OK ? oversized_rewind_to(journal, GROWS + 1, records) : SEGJ_OK;
    }
    return status;
}

/* --- who looks --- */

/** A follower, and what it was shown. */
typedef struct looker {
    mirror_t mirror;
    uint64_t numbers_shown;
} looker_t;

static const char *look_once(looker_t *looker, oversized_follower_t *follower, bool *end)
{
    oversized_followed_t followed;
    segj_status_t status = oversized_follow_next(follower, &followed);
    *end = status == SEGJ_END;
    if (*end)
        return NULL;
    if (status != SEGJ_OK)
        return segj_last_error();
    const char *wrong = followed.kind == OVERSIZED_FOLLOW_RECORD ? judge_record(&followed) : NULL;
    if (wrong == NULL)
        wrong = mirror_take(&looker->mirror, &followed);
    return wrong;
}

static const char *look_all(looker_t *looker, oversized_follower_t *follower)
{
    bool end = false;
    const char *wrong = NULL;
    while (!end && wrong == NULL)
        wrong = look_once(looker, follower, &end);
    return wrong;
}

/* Everything that was synced before is shown. */
static const char *look_at_synced(const beside_t *beside, looker_t *looker, oversized_follower_t *follower)
{
    uint64_t synced = atomic_load(&beside->said->synced);
    const char *wrong = look_all(looker, follower);
    if (wrong == NULL && mirror_count(&looker->mirror, GROWS) < synced)
        wrong = "a record that was synced is not shown";
    return wrong;
}

/* What it has is what the journal has now. */
static const char *compare(const beside_t *beside, const looker_t *looker, oversized_t *journal)
{
    segj_buffer_t value = SEGJ_ZERO;
    const char *wrong = NULL;
    for (size_t i = 0; i < looker->mirror.count && wrong == NULL; i++) {
        const mirror_section_t *section = &looker->mirror.sections[i];
        uint64_t count = 0;
        segj_status_t status = oversized_count(journal, section->number, &count);
        if (status != SEGJ_OK)
            count = 0;
        if (count != section->count)
            wrong = "it has another number of records";
        for (uint64_t at = 0; at < count && wrong == NULL; at++) {
            uint8_t entry[ENTRY];
            status = oversized_read(journal, section->number, at, entry, &value);
            if (status != SEGJ_OK || section->records[at] != mirror_hash(entry, ENTRY, value.data, value.size))
                wrong = "it has another record";
        }
    }
    segj_buffer_free(&value);
    (void)beside;
    return wrong;
}

static void look_in_thread(worker_t *worker)
{
    beside_t *beside = worker->context;
    looker_t looker = {.numbers_shown = 0};
    oversized_follower_t *follower = NULL;
    oversized_follow_options_t options;
    oversized_follow_options_init(&options);
    if (!worker_ok(worker, oversized_follow_open(&beside->config, &options, &follower)))
        return;
    const char *wrong = NULL;
    while (!atomic_load(&beside->said->over) && wrong == NULL) {
        wrong = look_at_synced(beside, &looker, follower);
        segj_status_t status = wrong == NULL ? oversized_follow_wait(follower, 20) : SEGJ_OK;
        if (status != SEGJ_OK && status != SEGJ_END)
            wrong = "a wait has failed";
    }
    if (wrong == NULL)
        wrong = look_at_synced(beside, &looker, follower);
    worker_expect(worker, wrong == NULL, "%s", wrong);
    worker_expect(worker, looker.mirror.shown > 0, "nothing was shown");
    oversized_t *journal = NULL;
    oversized_config_t config = beside->config;
    config.read_only = true;
    if (wrong == NULL && worker_ok(worker, oversized_open(&config, &journal))) {
        wrong = compare(beside, &looker, journal);
        worker_expect(worker, wrong == NULL, "at the end: %s", wrong);
        oversized_abandon(journal);
    }
    if (worker->number == 0)
        print_message("  %llu records were shown, %llu rewinds, %llu removals\n",
                      (unsigned long long)looker.mirror.shown, (unsigned long long)looker.mirror.rewound,
                      (unsigned long long)looker.mirror.removed);
    mirror_free(&looker.mirror);
    oversized_follow_close(follower);
}

static int beside_set_up(void **state)
{
    beside_t *beside = calloc(1, sizeof *beside);
    if (beside == NULL)
        return -1;
    beside->root = make_temp_directory();
    beside->directory = join_path(beside->root.text, "journal");
    small_config(&beside->config, beside->directory.text);
    beside->config.entry_size = ENTRY;
    beside->said = mmap(NULL, sizeof *beside->said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(beside->said != MAP_FAILED);
    *state = beside;
    return 0;
}

static int beside_tear_down(void **state)
{
    beside_t *beside = *state;
    remove_tree(beside->root.text);
    (void)munmap(beside->said, sizeof *beside->said);
    free(beside);
    return 0;
}

static void write_in_thread(worker_t *worker, beside_t *beside, oversized_t *journal, unsigned count)
{
    for (unsigned round = 0; round < count && worker->complaint[0] == '\0'; round++)
        worker_ok(worker, write_round(beside, journal, round));
}

/* Worker 0 and 1 look, the last one writes. */
static void look_or_write(worker_t *worker)
{
    beside_t *beside = worker->context;
    if (worker->number < 2) {
        look_in_thread(worker);
        return;
    }
    oversized_t *journal = NULL;
    if (worker_ok(worker, oversized_open(&beside->config, &journal))) {
        write_in_thread(worker, beside, journal, rounds(60));
        worker_ok(worker, oversized_close(journal));
    }
    atomic_store(&beside->said->over, true);
}

static void followers_beside_a_thread_that_writes(void **state)
{
    beside_t *beside = *state;
    worker_t team[3];
    oversized_t *journal = NULL;
    for_native_only();
    assert_ok(oversized_open(&beside->config, &journal));
    assert_ok(oversized_close(journal));
    team_run(team, 3, look_or_write, beside);
}

/* The same journal of before, opened again: what was there stays or is told to be gone. */
static int write_until_killed(beside_t *beside, uint64_t seed)
{
    oversized_t *journal = NULL;
    if (oversized_open(&beside->config, &journal) != SEGJ_OK)
        return 1;
    for (uint64_t round = seed;; round++)
        if (write_round(beside, journal, round) != SEGJ_OK)
            return 2;
}

static void a_follower_beside_a_process_that_is_killed(void **state)
{
    beside_t *beside = *state;
    looker_t looker = {.numbers_shown = 0};
    oversized_follower_t *follower = NULL;
    oversized_t *journal = NULL;
    uint64_t seed = 1;
    for_native_only();
    assert_ok(oversized_open(&beside->config, &journal));
    assert_ok(oversized_close(journal));
    assert_ok(oversized_follow_open(&beside->config, NULL, &follower));
    for (unsigned kill_number = 0; kill_number < rounds(12); kill_number++) {
        uint64_t begun = atomic_load(&beside->said->number);
        uint64_t wanted = begun + 20 + next_random(&seed) % 400;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(write_until_killed(beside, 100 * kill_number));
        const char *wrong = NULL;
        int ended = 0;
        bool alive = true;
        while (wrong == NULL && alive && atomic_load(&beside->said->number) < wanted) {
            wrong = kill_number % 3 == 2 ? NULL : look_at_synced(beside, &looker, follower);
            alive = waitpid(child, &ended, WNOHANG) == 0;
        }
        if (alive) {
            (void)kill(child, SIGKILL);
            assert_int_equal(waitpid(child, &ended, 0), child);
        }
        if (wrong != NULL)
            fail_msg("%s", wrong);
        assert_true(WIFSIGNALED(ended));
        if (kill_number % 4 == 1)
            assert_null(look_at_synced(beside, &looker, follower));
        assert_ok(oversized_open(&beside->config, &journal));
        assert_ok(oversized_close(journal));
        wrong = look_at_synced(beside, &looker, follower);
        if (wrong == NULL && oversized_open(&beside->config, &journal) == SEGJ_OK) {
            wrong = compare(beside, &looker, journal);
            assert_ok(oversized_close(journal));
        }
        if (wrong != NULL)
            fail_msg("after kill %u: %s", kill_number, wrong);
    }
    print_message("  %llu records were shown, %llu rewinds, %llu removals\n", (unsigned long long)looker.mirror.shown,
                  (unsigned long long)looker.mirror.rewound, (unsigned long long)looker.mirror.removed);
    oversized_follow_close(follower);
    mirror_free(&looker.mirror);
}

typedef struct waiting {
    oversized_follower_t *follower;
    atomic_bool waits;
} waiting_t;

static void wait_for_ever(worker_t *worker)
{
    waiting_t *waiting = worker->context;
    if (worker->number == 1) {
        while (!atomic_load(&waiting->waits)) {
        }
        oversized_follow_interrupt(waiting->follower);
        return;
    }
    segj_status_t status = SEGJ_OK;
    atomic_store(&waiting->waits, true);
    while (status == SEGJ_OK)
        status = oversized_follow_wait(waiting->follower, OVERSIZED_FOLLOW_FOREVER);
    worker_expect(worker, status == SEGJ_ERR_CANCELLED, "the wait answered %d", (int)status);
}

static void another_thread_ends_a_wait(void **state)
{
    beside_t *beside = *state;
    waiting_t waiting = {.follower = NULL};
    oversized_t *journal = NULL;
    worker_t team[2];
    for_native_only();
    assert_ok(oversized_open(&beside->config, &journal));
    assert_ok(oversized_follow_open(&beside->config, NULL, &waiting.follower));
    team_run(team, 2, wait_for_ever, &waiting);
    oversized_follow_close(waiting.follower);
    assert_ok(oversized_close(journal));
}

/* --- the processor --- */

uint64_t __real_segj_process_time(void);
uint64_t __wrap_segj_process_time(void);
void __real_segj_process_yield(void);
void __wrap_segj_process_yield(void);

/* In the thread that counts, time goes on by a microsecond with each look at the clock, and by what a yield takes. */
static _Thread_local struct {
    bool counted;
    unsigned count; /* of yields */
    uint64_t now, takes;
} yields;

uint64_t __wrap_segj_process_time(void)
{
    return yields.counted ? yields.now += 1000 : __real_segj_process_time();
}

void __wrap_segj_process_yield(void)
{
    if (!yields.counted)
        __real_segj_process_yield();
    yields.count++;
    yields.now += yields.takes;
}

static unsigned count_yields(beside_t *beside, uint64_t takes)
{
    oversized_follower_t *follower = NULL;
    oversized_followed_t followed;
    yields.count = 0;
    yields.takes = takes;
    yields.counted = true;
    assert_ok(oversized_follow_open(&beside->config, NULL, &follower));
    while (oversized_follow_next(follower, &followed) == SEGJ_OK) {
    }
    oversized_follow_close(follower);
    yields.counted = false;
    return yields.count;
}

/* What ends a writer's writes may wait for the processor of a follower that has much to show, so others get that now
 * and then. They do not get more of it than the follower. */
static void the_processor_is_given_away_between_records(void **state)
{
    beside_t *beside = *state;
    oversized_t *journal = NULL;
    for_native_only();
    assert_ok(oversized_open(&beside->config, &journal));
    assert_ok(append_some(beside, journal, GROWS, 6400));
    assert_ok(oversized_close(journal));
    unsigned most = count_yields(beside, 0);
    assert_true(most >= 25 && most <= 100);
    assert_true(count_yields(beside, 10000) <= most / 4); /* each takes as long as ten looks */
}

#define BESIDE_TEST(test) cmocka_unit_test_setup_teardown(test, beside_set_up, beside_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BESIDE_TEST(followers_beside_a_thread_that_writes), BESIDE_TEST(a_follower_beside_a_process_that_is_killed),
        BESIDE_TEST(another_thread_ends_a_wait), BESIDE_TEST(the_processor_is_given_away_between_records)};
    return cmocka_run_group_tests_name("follow_beside", tests, NULL, NULL);
}
