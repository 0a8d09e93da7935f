/*
 * kill/test_kill.c: the kernel that there is. A process writes a journal in files, with threads that read beside it,
 * and is killed: before a call of the storage, between two operations, or at any moment by its parent. What is left is
 * judged by decoders of its own (crash/raw.h) and by what the writer was told (crash/model.h): a killed process loses
 * nothing that reached the system, so all that was synced is there, and every record whose bytes are in the files; no
 * value is wrong; a second open shows the same; the next writer goes on with it. A journal lives through LIVES kills,
 * of which the first comes early, perhaps before its directories are there.
 *
 *     SEGJ_KILLS=N   so many kills; 1,500, fewer with a sanitizer
 *     SEGJ_SEED=S    another course of events; 1
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash/script.h"
#include "kill/survivor.h"
#include "kill/writer.h"
#include "support/support.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define KILLS 300
#endif
#elif defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define KILLS 300
#endif
#ifndef KILLS
#define KILLS 1500
#endif

#define LIVES 10
#define ON_DISK 4 /* one journal in so many is on a disk, where a sync takes its time; others in the system's memory */
#define MEMORY "/dev/shm" /* a file system all the same: what a kill leaves there is what it leaves on a disk */
#define DELAY_MAX 3000000 /* ns */

typedef enum moment { BEFORE_A_CALL, BETWEEN_OPERATIONS, AT_ANY_TIME, MOMENTS } moment_t;

typedef struct course {
    uint64_t seed, kills, reads, unopened, on_disk; /* kills: within open, on a disk */
    bool disk;
    uint64_t by_moment[MOMENTS];
    ledger_t *ledger;
    survivor_t survivor;
    path_t directory;
    uint64_t setting;
} course_t;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

/* --- killing --- */

static void wait_a_little(uint64_t random)
{
    struct timespec delay = {0, (long)(random % DELAY_MAX)};
    (void)nanosleep(&delay, NULL);
}

static void say_what_was_done(const course_t *course)
{
    const ledger_t *ledger = course->ledger;
    unsigned first = ledger->noted > LEDGER_NOTES ? ledger->noted - LEDGER_NOTES : 0;
    print_error("%s is left as it is; the last calls before the kill, the last one perhaps not answered:\n",
                course->directory.text);
    for (unsigned i = first; i < ledger->noted; i++)
        print_error("    %s\n", ledger->notes[i % LEDGER_NOTES]);
}

/* Starts a writer, sees to its end, and that it was killed. */
static void kill_a_writer(course_t *course, moment_t moment, uint64_t random, bool early)
{
    int ends[2];
    char byte;
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    order_t order = {.directory = course->directory.text,
                     .setting = course->setting,
                     .seed = random,
                     .parent = getpid(),
                     .report = moment == AT_ANY_TIME ? ends[1] : -1};
    order.call = moment == BEFORE_A_CALL ? 1 + (unsigned)(random >> 8) % (early || random % 3 == 0 ? 12 : 80) : 0;
    order.operations = moment == BEFORE_A_CALL ? 120 : (unsigned)(random >> 16) % 60;
    course->ledger->noted = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        writer_run(&order, course->ledger);
    }
    (void)close(ends[1]);
    /* The byte comes when the writer has come so far, the end of the pipe when it has not. */
    if (moment == AT_ANY_TIME && read(ends[0], &byte, 1) == 1) {
        wait_a_little(random >> 24);
        (void)kill(child, SIGKILL);
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        say_what_was_done(course);
        fail_msg("the writer was not killed (status %d): %s", status, course->ledger->wrong);
    }
    course->kills++;
    course->on_disk += course->disk;
    course->by_moment[moment]++;
}

/* --- judging --- */

static void tell(void *context)
{
    say_what_was_done(context);
}

static void judge_survivor(course_t *course, uint64_t random)
{
    survivor_t *survivor = &course->survivor;
    model_t model = *ledger_model(course->ledger);
    model_killed(&model);
    survivor->directory = course->directory.text;
    survivor->setting = course->setting;
    survivor->tell = tell;
    survivor->context = course;
    bool made = survivor_judge(survivor, &model);
    if (!made)
        assert_int_equal(atomic_load(&course->ledger->opened), 0);
    if (!made || random % 2 == 0)
        return; /* the next writer makes it, or recovers, and may be killed at it */
    survivor_recover(survivor, &model, random % 4 == 1);
    ledger_set(course->ledger, &model);
}

/* --- courses of events --- */

/* An empty directory in another one. */
static path_t directory_in(const char *parent)
{
    path_t path = join_path(parent, "segjournal-kill-XXXXXX");
    assert_non_null(mkdtemp(path.text));
    return path;
}

static void begin_journal(course_t *course, uint64_t random)
{
    course->disk = course->kills / LIVES % ON_DISK == 0 || access(MEMORY, W_OK | X_OK) != 0;
    course->directory = course->disk ? make_temp_directory() : directory_in(MEMORY);
    course->setting = writer_setting(random, course->kills / LIVES);
    const model_t empty = writer_model(course->setting);
    ledger_set(course->ledger, &empty);
}

static void report(const course_t *course)
{
    const ledger_t *ledger = course->ledger;
    print_message(
        "%llu kills (%llu before a call of the storage, %llu between operations, %llu at any time; %llu within "
        "open, %llu before the journal was made; %llu with a disk beneath), %llu operations, %llu reads beside, "
        "%llu opens judged, %llu records read back\n",
        (unsigned long long)course->kills, (unsigned long long)course->by_moment[BEFORE_A_CALL],
        (unsigned long long)course->by_moment[BETWEEN_OPERATIONS], (unsigned long long)course->by_moment[AT_ANY_TIME],
        (unsigned long long)course->unopened, (unsigned long long)course->survivor.unmade,
        (unsigned long long)course->on_disk, (unsigned long long)atomic_load(&ledger->operations),
        (unsigned long long)course->reads, (unsigned long long)course->survivor.opens,
        (unsigned long long)course->survivor.records);
}

static void a_killed_process_loses_nothing_that_reached_the_system(void **state)
{
    (void)state;
    uint64_t kills = from_environment("SEGJ_KILLS", KILLS);
    course_t course = {.seed = from_environment("SEGJ_SEED", 1)};
    course.ledger = mmap(NULL, sizeof *course.ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(course.ledger != MAP_FAILED);
    while (course.kills < kills) {
        uint64_t random = script_mix(course.seed, course.kills);
        bool first = course.kills % LIVES == 0;
        if (first)
            begin_journal(&course, random);
        atomic_store(&course.ledger->opened, 0);
        kill_a_writer(&course, first ? BEFORE_A_CALL : (moment_t)((random >> 4) % MOMENTS), random, first);
        course.unopened += atomic_load(&course.ledger->opened) == 0;
        course.reads += atomic_load(&course.ledger->reads);
        judge_survivor(&course, random >> 40);
        if (course.kills % LIVES == 0 || course.kills == kills)
            remove_tree(course.directory.text);
        if (course.kills % 1000 == 0)
            print_message("%llu kills\n", (unsigned long long)course.kills);
    }
    report(&course);
    (void)munmap(course.ledger, sizeof *course.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_loses_nothing_that_reached_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
