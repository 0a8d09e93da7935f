/*
 * powercut/test_powercut.c: the power is cut under a real file system. A process writes a journal, with threads that
 * read beside it, on a file system whose device is recorded (powercut/recorded.h). From the record the device is built
 * as a power cut leaves it, at random moments: between two requests, everything there that the device was told to
 * flush, any part of the rest. The file system is mounted from that, mends itself, and what it gives back is judged by
 * what the writer had been told by then. One cut of each life is what the next life begins with, so recovery, too, runs
 * on the recorded device.
 *
 * Mounts file systems, in a mount name space of its own: needs root, /dev/fuse and loop devices, and runs only when
 * asked.
 *
 *     SEGJ_POWERCUTS=N       so many cuts; without it the test is skipped
 *     SEGJ_FILE_SYSTEM=FS    ext4, xfs or btrfs; ext4
 *     SEGJ_MOUNT_OPTIONS=O   of the file system
 *     SEGJ_SEED=S            another course of events; 1. The system's own threads and clocks have a part in it too
 */
#if !defined(__linux__)
#include <stdio.h>

int main(void)
{
    puts("SKIPPED: this is not Linux");
    return 77; /* skipped: what it stands on is Linux */
}
#else
#define _GNU_SOURCE /* unshare */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/script.h"
#include "kill/survivor.h"
#include "kill/writer.h"
#include "powercut/recorded.h"
#include "support/support.h"

#define CUTS_A_LIFE 8
#define LIVES_A_JOURNAL 6
#define OPERATIONS 90 /* of a life, on average */
#define SKIPPED 77

typedef struct system_kind {
    const char *name, *make, *size; /* mkfs, and what it takes as the size of the device */
} system_kind_t;

static const system_kind_t system_kinds[] = {
    {"ext4", "mkfs.ext4 -q -F", "64M"},
    {"xfs", "mkfs.xfs -q -f -s size=4096", "320M"},
    {"btrfs", "mkfs.btrfs -q -f", "128M"},
};

typedef struct course {
    const system_kind_t *kind;
    const char *options;
    uint64_t seed, cuts, wanted, lives, entries, flushes, pieces, lost, unmountable;
    path_t place, image, cut, fuse, mounted; /* directories, and images of the device */
    ledger_t *ledger;
    survivor_t survivor;
    recorded_t *recorded;
    model_t *models; /* what the writer had been told behind each entry of the record */
    size_t models_capacity;
    char about[160];
} course_t;

/* --- commands --- */

static bool run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool run(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    return system(command) == 0; /* NOLINT(cert-env33-c): a command of its own file system's */
}

static bool mount_image(const course_t *course, const char *image)
{
    return run("mount -t %s -o loop%s%s %s %s", course->kind->name, course->options[0] != '\0' ? "," : "",
               course->options, image, course->mounted.text);
}

static void unmount(const course_t *course)
{
    assert_true(run("umount %s", course->mounted.text));
}

/* --- a life on the recorded device --- */

/* In the server's thread: whoever waits for the request that was just recorded has not been answered yet. */
static void note_model(void *context, size_t entries)
{
    course_t *course = context;
    if (entries >= course->models_capacity) {
        course->models_capacity = 2 * entries + 256;
        course->models = realloc(course->models, course->models_capacity * sizeof *course->models);
        if (course->models == NULL)
            abort();
    }
    ledger_copy(course->ledger, &course->models[entries]);
}

static void tell(void *context)
{
    const course_t *course = context;
    print_error("%s; the image is %s\n", course->about, course->cut.text);
}

static void run_writer(course_t *course, const char *directory, uint64_t random)
{
    int status = 0;
    order_t order = {.directory = directory,
                     .setting = course->survivor.setting,
                     .seed = random,
                     .parent = getpid(),
                     .operations = (unsigned)(random % (2 * OPERATIONS)),
                     .report = -1};
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        writer_run(&order, course->ledger);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("the writer has ended otherwise (status %d): %s", status, course->ledger->wrong);
}

/* The image, recorded, with a writer on it. */
static void live(course_t *course, uint64_t random)
{
    path_t disk = join_path(course->fuse.text, RECORDED_FILE);
    note_model(course, 0);
    course->recorded = recorded_start(course->image.text, course->fuse.text, note_model, course);
    if (course->recorded == NULL)
        fail_msg("the recorded disk: %s", strerror(errno));
    assert_true(mount_image(course, disk.text));
    path_t journal = join_path(course->mounted.text, "journal");
    run_writer(course, journal.text, random);
    unmount(course);
    recorded_stop(course->recorded, course->fuse.text);
    course->lives++;
    course->entries += recorded_entries(course->recorded);
    course->flushes += recorded_flushes(course->recorded);
}

/* --- cuts --- */

/* The power goes behind so many entries; the model is what is there then. */
static void cut(course_t *course, size_t entries, uint64_t random, model_t *model)
{
    size_t lost;
    recorded_fate_t fate = (recorded_fate_t)(random % PIECES_FATES);
    course->pieces += recorded_cut(course->recorded, entries, fate, random >> 8, course->cut.text, &lost);
    course->lost += lost;
    *model = course->models[entries];
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        model->sections[i].pruned = false;
    (void)snprintf(course->about, sizeof course->about, "cut %llu, life %llu, behind entry %zu of %zu, fate %d",
                   (unsigned long long)course->cuts, (unsigned long long)course->lives, entries,
                   recorded_entries(course->recorded), (int)fate);
    course->cuts++;
}

static void judge_cut(course_t *course, uint64_t random, model_t *model)
{
    if (!mount_image(course, course->cut.text)) {
        tell(course);
        fail_msg("the file system has not survived");
    }
    path_t journal = join_path(course->mounted.text, "journal");
    course->survivor.directory = journal.text;
    if (survivor_judge(&course->survivor, model) && random % 2 == 0)
        survivor_recover(&course->survivor, model, random % 4 == 0);
    unmount(course);
}

/* Any moment of the life that has ended; half of them are right before a flush, when most is not flushed. */
static size_t pick_moment(const course_t *course, uint64_t random)
{
    size_t entries = (size_t)(random / 2 % (recorded_entries(course->recorded) + 1));
    return random % 2 == 0 ? entries : recorded_before_flush(course->recorded, entries);
}

static void cut_life(course_t *course, uint64_t random)
{
    model_t model;
    for (unsigned i = 0; i < CUTS_A_LIFE; i++) {
        uint64_t draw = script_mix(random, i);
        cut(course, pick_moment(course, draw >> 16), draw, &model);
        judge_cut(course, draw >> 8, &model);
    }
    /* The last one is what goes on. */
    uint64_t draw = script_mix(random, CUTS_A_LIFE);
    cut(course, pick_moment(course, draw >> 16), draw, &model);
    assert_int_equal(rename(course->cut.text, course->image.text), 0);
    ledger_set(course->ledger, &model);
    recorded_free(course->recorded);
    course->recorded = NULL;
}

static void begin_journal(course_t *course, uint64_t random)
{
    course->survivor.setting = writer_setting(random, course->lives / LIVES_A_JOURNAL);
    const model_t empty = writer_model(course->survivor.setting);
    ledger_set(course->ledger, &empty);
    (void)unlink(course->image.text);
    assert_true(run("truncate -s %s %s && %s %s >/dev/null 2>&1", course->kind->size, course->image.text,
                    course->kind->make, course->image.text));
}

/* --- the test --- */

static const char *setting(const char *name, const char *otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? text : otherwise;
}

static void set_up(course_t *course)
{
    const char *name = setting("SEGJ_FILE_SYSTEM", "ext4");
    for (size_t i = 0; i < sizeof system_kinds / sizeof system_kinds[0]; i++)
        if (strcmp(system_kinds[i].name, name) == 0)
            course->kind = &system_kinds[i];
    if (course->kind == NULL)
        fail_msg("file systems are ext4, xfs and btrfs, not %s", name);
    course->options = setting("SEGJ_MOUNT_OPTIONS", "");
    course->seed = strtoull(setting("SEGJ_SEED", "1"), NULL, 10);
    course->wanted = strtoull(setting("SEGJ_POWERCUTS", "0"), NULL, 10);
    course->place = make_temp_directory();
    course->image = join_path(course->place.text, "image");
    course->cut = join_path(course->place.text, "cut");
    course->fuse = join_path(course->place.text, "fuse");
    course->mounted = join_path(course->place.text, "mounted");
    assert_int_equal(mkdir(course->fuse.text, 0700), 0);
    assert_int_equal(mkdir(course->mounted.text, 0700), 0);
    course->ledger = mmap(NULL, sizeof *course->ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(course->ledger != MAP_FAILED);
    course->survivor.tell = tell;
    course->survivor.context = course;
}

static void report(const course_t *course)
{
    print_message("%s%s%s: %llu power cuts in %llu lives; %llu writes and %llu flushes recorded; %llu pieces were not "
                  "flushed, %llu of them lost; %llu opens judged (%llu cuts before the journal was made), %llu records "
                  "read back\n",
                  course->kind->name, course->options[0] != '\0' ? " " : "", course->options,
                  (unsigned long long)course->cuts, (unsigned long long)course->lives,
                  (unsigned long long)(course->entries - course->flushes), (unsigned long long)course->flushes,
                  (unsigned long long)course->pieces, (unsigned long long)course->lost,
                  (unsigned long long)course->survivor.opens, (unsigned long long)course->survivor.unmade,
                  (unsigned long long)course->survivor.records);
}

static void what_was_synced_survives_power_cuts_under_a_file_system(void **state)
{
    course_t course = {.cuts = 0};
    (void)state;
    set_up(&course);
    while (course.cuts < course.wanted) {
        uint64_t random = script_mix(course.seed, course.lives);
        if (course.lives % LIVES_A_JOURNAL == 0)
            begin_journal(&course, random >> 3);
        live(&course, random);
        cut_life(&course, script_mix(random, 9));
        if (course.lives % 10 == 0)
            report(&course);
    }
    report(&course);
    remove_tree(course.place.text);
    free(course.models);
    (void)munmap(course.ledger, sizeof *course.ledger);
}

/* Mounts are this process's own, and go with it. */
static bool have_mounts_of_our_own(void)
{
    return geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0 && access("/dev/loop-control", R_OK | W_OK) == 0 &&
           unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_synced_survives_power_cuts_under_a_file_system),
    };
    if (getenv("SEGJ_POWERCUTS") == NULL || !have_mounts_of_our_own()) {
        print_message("SKIPPED: it wants SEGJ_POWERCUTS=N, root, /dev/fuse and loop devices (sh cmake/powercut.sh)\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
