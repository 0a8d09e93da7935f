/*
 * bench/tools.c: segj_bench_tools SEGJ DIRECTORY ROUNDS [DIVISOR]: how long the command takes to read, copy and follow a
 * journal, beside what the system's own programs take for the same files, and what it costs a writer meanwhile.
 *
 * A journal of 200,000 values of 4 KiB (DIVISOR: so many times fewer) in four sections, of each version of the native
 * format, with its files in the system's cache. All rows take turns, one round after the other; each is set in relation to
 * its floor in the same round. Times are those of whole processes; a writer's are of its appends and the sync at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "segjournal/oversized.h"
#include "segjournal/tools.h"

extern char **environ;

enum { ROUNDS_MOST = 100, SECTIONS = 4, ENTRY = 8, VERSIONS = 2 };

#define PAGES UINT64_C(200000)
#define SMALL UINT64_C(1000000)

typedef struct tools {
    const char *segj, *directory;
    uint64_t divisor;
    int rounds;
} tools_t;

/** A row: what is timed, and the row that it is set in relation to. */
typedef struct row {
    const char *name;
    int floor; /* its number; its own: none */
    double (*run)(const tools_t *tools, int version);
    int version;
} row_t;

static double tools_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fprintf(stderr, "segj_bench_tools: ");
    (void)vfprintf(stderr, format, arguments);
    (void)fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

static void good(segj_status_t status)
{
    if (status != SEGJ_OK)
        die("%s: %s", segj_status_name(status), segj_last_error());
}

/* --- programs --- */

/* Standard output goes nowhere. */
static pid_t tools_start(const char *command)
{
    char *const words[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) != 0 ||
        posix_spawn(&child, "/bin/sh", &actions, NULL, words, environ) != 0)
        die("no process: %s", strerror(errno));
    (void)posix_spawn_file_actions_destroy(&actions);
    return child;
}

static void tools_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tools_run(const char *format, ...)
{
    char command[4096];
    int status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    pid_t child = tools_start(command);
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("this has failed: %s", command);
}

#define TIMED(...)                                                                                                     \
    do {                                                                                                               \
        double begun = tools_now();                                                                                    \
        tools_run(__VA_ARGS__);                                                                                        \
        return tools_now() - begun;                                                                                    \
    } while (0)

/* --- writing --- */

static oversized_t *open_journal(const tools_t *tools, const char *name, int version)
{
    char path[2048];
    oversized_config_t config;
    oversized_t *journal;
    (void)snprintf(path, sizeof path, "%s/%s-%d", tools->directory, name, version);
    oversized_config_init(&config);
    config.directory = path;
    config.entry_size = ENTRY;
    config.native_version = (uint8_t)version;
    good(oversized_open(&config, &journal));
    return journal;
}

/* Appends and one sync of each section, in seconds. */
static double tools_write(oversized_t *journal, uint64_t count, size_t size)
{
    static uint8_t value[4096];
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)(i * 131 + (i >> 5));
    double begun = tools_now();
    for (uint64_t i = 0; i < count; i++) {
        memcpy(value, &i, sizeof i);
        good(oversized_append(journal, 1 + i * SECTIONS / count, &i, value, size, NULL, NULL));
    }
    good(oversized_sync_all(journal));
    return tools_now() - begun;
}

/* What runs beside a writer. */
typedef enum beside { NOTHING, A_COPY, A_FOLLOWER, A_LOOP } beside_t;

typedef struct copying {
    oversized_t *journal;
    char path[2048];
    pthread_t thread;
    atomic_bool over;
} copying_t;

/* Copies, and brings the copy up to date again and again. */
static void *tools_copy(void *argument)
{
    copying_t *copying = argument;
    while (!atomic_load(&copying->over))
        good(oversized_copy(copying->journal, copying->path, NULL, NULL));
    return NULL;
}

/* A follower, or what takes a processor and has nothing to do with the journal. */
static pid_t start_beside(const tools_t *tools, int version, beside_t beside)
{
    char command[4096] = "while :; do :; done";
    struct timespec moment = {.tv_nsec = 300000000};
    if (beside == A_FOLLOWER)
        (void)snprintf(command, sizeof command, "exec %s tail -f --json %s/written-%d", tools->segj, tools->directory,
                       version);
    pid_t child = tools_start(command);
    (void)nanosleep(&moment, NULL);
    return child;
}

static double write_beside(const tools_t *tools, int version, uint64_t count, size_t size, beside_t beside)
{
    static copying_t copying;
    pid_t child = 0;
    tools_run("rm -rf %s/written-%d %s/copied-%d %s/copy && sync -f %s", tools->directory, version, tools->directory,
              version, tools->directory, tools->directory);
    oversized_t *journal = open_journal(tools, "written", version);
    (void)tools_write(journal, SECTIONS, size); /* there is something to look at */
    copying.journal = journal;
    (void)snprintf(copying.path, sizeof copying.path, "%s/copied-%d", tools->directory, version);
    atomic_store(&copying.over, false);
    if (beside == A_COPY && pthread_create(&copying.thread, NULL, tools_copy, &copying) != 0)
        die("no thread");
    if (beside == A_FOLLOWER || beside == A_LOOP)
        child = start_beside(tools, version, beside);
    double seconds = tools_write(journal, count, size);
    atomic_store(&copying.over, true);
    if (beside == A_COPY)
        (void)pthread_join(copying.thread, NULL);
    if (child > 0) {
        (void)kill(child, SIGTERM);
        (void)waitpid(child, NULL, 0);
    }
    good(oversized_close(journal));
    return seconds;
}

/* --- rows --- */

static double run_cat(const tools_t *tools, int version)
{
    TIMED("cat %s/journal-%d/*/* >/dev/null", tools->directory, version);
}

static double run_verify(const tools_t *tools, int version)
{
    TIMED("%s verify %s/journal-%d", tools->segj, tools->directory, version);
}

static double run_dump(const tools_t *tools, int version)
{
    TIMED("%s dump %s/journal-%d", tools->segj, tools->directory, version);
}

static double run_cp(const tools_t *tools, int version)
{
    tools_run("rm -rf %s/copy && sync -f %s", tools->directory, tools->directory);
    TIMED("cp -r %s/journal-%d %s/copy && sync -f %s/copy", tools->directory, version, tools->directory,
          tools->directory);
}

static double run_copy(const tools_t *tools, int version)
{
    tools_run("rm -rf %s/copy && sync -f %s", tools->directory, tools->directory);
    TIMED("%s copy %s/journal-%d %s/copy", tools->segj, tools->directory, version, tools->directory);
}

/* A writer that is seldom in the way: 25 values of 4 KiB, and a pause of a millisecond. */
typedef struct writing {
    oversized_t *journal;
    pthread_t thread;
    atomic_bool over;
} writing_t;

static void *tools_append(void *argument)
{
    static const uint8_t value[4096];
    const struct timespec moment = {.tv_nsec = 1000000};
    writing_t *writing = argument;
    for (uint64_t i = 1; !atomic_load(&writing->over); i++) {
        good(oversized_append(writing->journal, SECTIONS + 1, &i, value, sizeof value, NULL, NULL));
        if (i % 25 == 0)
            (void)nanosleep(&moment, NULL);
    }
    return NULL;
}

/* The journal has a writer meanwhile; what that appends is taken back. */
static double timed_beside_writer(const tools_t *tools, int version, double (*run)(const tools_t *tools, int version))
{
    static writing_t writing;
    writing.journal = open_journal(tools, "journal", version);
    atomic_store(&writing.over, false);
    if (pthread_create(&writing.thread, NULL, tools_append, &writing) != 0)
        die("no thread");
    double seconds = run(tools, version);
    atomic_store(&writing.over, true);
    (void)pthread_join(writing.thread, NULL);
    good(oversized_rewind_to(writing.journal, SECTIONS, PAGES / tools->divisor / SECTIONS));
    good(oversized_close(writing.journal));
    return seconds;
}

static double run_cp_beside(const tools_t *tools, int version)
{
    return timed_beside_writer(tools, version, run_cp);
}

static double run_copy_beside(const tools_t *tools, int version)
{
    return timed_beside_writer(tools, version, run_copy);
}

static double run_write(const tools_t *tools, int version)
{
    return write_beside(tools, version, PAGES / tools->divisor, 4096, NOTHING);
}

static double run_write_copied(const tools_t *tools, int version)
{
    return write_beside(tools, version, PAGES / tools->divisor, 4096, A_COPY);
}

static double run_small(const tools_t *tools, int version)
{
    return write_beside(tools, version, SMALL / tools->divisor, 100, NOTHING);
}

static double run_small_followed(const tools_t *tools, int version)
{
    return write_beside(tools, version, SMALL / tools->divisor, 100, A_FOLLOWER);
}

static double run_small_beside_loop(const tools_t *tools, int version)
{
    return write_beside(tools, version, SMALL / tools->divisor, 100, A_LOOP);
}

enum {
    CAT_1,
    VERIFY_1,
    DUMP_1,
    CP_1,
    COPY_1,
    CP_BESIDE_1,
    COPY_BESIDE_1,
    WRITE_1,
    COPIED_1,
    SMALL_1,
    FOLLOWED_1,
    LOOP_1,
    EACH
};

#define ROWS_OF(version, from)                                                                                         \
    {"cat of the files", (from) + CAT_1, run_cat, version}, {"segj verify", (from) + CAT_1, run_verify, version},      \
        {"segj dump", (from) + CAT_1, run_dump, version}, {"cp and sync", (from) + CP_1, run_cp, version},             \
        {"segj copy", (from) + CP_1, run_copy, version},                                                               \
        {"cp and sync, beside a writer", (from) + CP_BESIDE_1, run_cp_beside, version},                                \
        {"segj copy, beside that writer", (from) + CP_BESIDE_1, run_copy_beside, version},                             \
        {"appends of 4 KiB", (from) + WRITE_1, run_write, version},                                                    \
        {"  beside oversized_copy, again and again", (from) + WRITE_1, run_write_copied, version},                     \
        {"appends of 100 B", (from) + SMALL_1, run_small, version},                                                    \
        {"  beside segj tail -f --json", (from) + SMALL_1, run_small_followed, version},                               \
    {                                                                                                                  \
        "  beside a loop of a shell", (from) + SMALL_1, run_small_beside_loop, version                                 \
    }

static const row_t rows[VERSIONS * EACH] = {ROWS_OF(1, 0), ROWS_OF(2, EACH)};

/* --- the figures --- */

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double at(double *sorted, int count, double part)
{
    return sorted[(int)(part * (double)(count - 1) + 0.5)];
}

static void print_row(const row_t *row, const double *seconds, const double *floors, int rounds)
{
    double sorted[ROUNDS_MOST];
    double ratios[ROUNDS_MOST];
    for (int i = 0; i < rounds; i++) {
        sorted[i] = seconds[i];
        ratios[i] = seconds[i] / floors[i];
    }
    qsort(sorted, (size_t)rounds, sizeof *sorted, compare);
    qsort(ratios, (size_t)rounds, sizeof *ratios, compare);
    (void)printf("  %-40s %8.3f s [%.3f %.3f]", row->name, at(sorted, rounds, 0.5), at(sorted, rounds, 0.25),
                 at(sorted, rounds, 0.75));
    if (&rows[row->floor] != row)
        (void)printf("   %5.2f [%.2f %.2f]", at(ratios, rounds, 0.5), at(ratios, rounds, 0.25),
                     at(ratios, rounds, 0.75));
    (void)printf("\n");
}

static void measure(const tools_t *tools)
{
    static double seconds[VERSIONS * EACH][ROUNDS_MOST];
    for (int round = -1; round < tools->rounds; round++) /* one to warm up */
        for (int i = 0; i < VERSIONS * EACH; i++) {
            double taken = rows[i].run(tools, rows[i].version);
            if (round >= 0)
                seconds[i][round] = taken;
        }
    for (int i = 0; i < VERSIONS * EACH; i++) {
        if (i % EACH == 0)
            (void)printf("version %d: seconds [quartiles], and times what stands above it without a figure\n",
                         rows[i].version);
        print_row(&rows[i], seconds[i], seconds[rows[i].floor], tools->rounds);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4)
        die("SEGJ DIRECTORY ROUNDS [DIVISOR]");
    tools_t tools = {.segj = argv[1],
                     .directory = argv[2],
                     .divisor = argc > 4 ? strtoull(argv[4], NULL, 10) : 1,
                     .rounds = atoi(argv[3])};
    if (tools.rounds < 1 || tools.rounds > ROUNDS_MOST || tools.divisor < 1 || tools.divisor > 10000)
        die("1 to %d rounds, a divisor of 1 to 10000", ROUNDS_MOST);
    tools_run("rm -rf %s && mkdir -p %s", tools.directory, tools.directory);
    for (int version = 1; version <= VERSIONS; version++) {
        oversized_t *journal = open_journal(&tools, "journal", version);
        (void)tools_write(journal, PAGES / tools.divisor, 4096);
        good(oversized_close(journal));
    }
    measure(&tools);
    tools_run("rm -rf %s", tools.directory);
    return 0;
}
