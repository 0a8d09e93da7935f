/*
 * command/progress.c: see the header. The line is as wide as the terminal, however narrow that is, and there is none
 * where standard error is no terminal.
 */
#include "command/progress.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "command/command.h"

#define LINE_MOST 200
#define LINE_USUAL 80
#define ROOM 3
#define DRAW_TIME 100000000 /* nanoseconds */

static volatile sig_atomic_t signalled;
static bool drawn;

static void note_signal(int number)
{
    signalled = number;
}

void signals_catch(void (*handler)(int))
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handler};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction old;
        bool kept = numbers[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
        if (!kept)
            (void)sigaction(numbers[i], &action, NULL);
    }
}

void progress_begin(void)
{
    signals_catch(note_signal);
}

bool progress_cancelled(void)
{
    return signalled != 0;
}

size_t terminal_columns(int descriptor)
{
    struct winsize size;
    size_t found = LINE_USUAL;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        found = size.ws_col;
    if (found > LINE_MOST)
        found = LINE_MOST;
    return found > ROOM ? found - ROOM : 1;
}

/* By bytes where they are known, and by sections otherwise. */
static double part_done(const oversized_progress_t *progress)
{
    uint64_t done = progress->bytes_total > 0 ? progress->bytes_done : progress->sections_done;
    uint64_t total = progress->bytes_total > 0 ? progress->bytes_total : progress->sections_total;
    return done >= total ? 1 : (double)done / (double)total;
}

/* As much of the line as there is room for: the part done first, then the bytes, and a bar in what is left. */
static void draw(const oversized_progress_t *progress, char *line, size_t most)
{
    char done[32];
    char total[32];
    char bytes[96];
    double part = part_done(progress);
    bytes_text(progress->bytes_done, done, sizeof done);
    bytes_text(progress->bytes_total, total, sizeof total);
    if (progress->bytes_total > 0)
        (void)snprintf(bytes, sizeof bytes, "  %s of %s, %" PRIu64 " records", done, total, progress->records_done);
    else
        (void)snprintf(bytes, sizeof bytes, "  %" PRIu64 " of %" PRIu64 " sections", progress->sections_done,
                       progress->sections_total);
    int used = snprintf(line, most + 1, "%s %3d%%", progress->stage, (int)(part * 100));
    size_t at = used > 0 && (size_t)used < most ? (size_t)used : most;
    size_t tail = strlen(bytes);
    if (at + tail > most)
        return;
    size_t bar = most - at - tail;
    if (bar >= 10) {
        if (bar > 43)
            bar = 43;
        size_t filled = (size_t)((double)(bar - 3) * part);
        line[at++] = ' ';
        line[at++] = '[';
        for (size_t i = 0; i < bar - 3; i++)
            line[at++] = i < filled ? '#' : '.';
        line[at++] = ']';
    }
    memcpy(line + at, bytes, tail + 1);
}

bool progress_show(const oversized_progress_t *progress)
{
    char line[LINE_MOST + 1];
    bool over = !drawn && part_done(progress) >= 1; /* it took no time */
    if (!over && isatty(STDERR_FILENO) == 1) {
        draw(progress, line, terminal_columns(STDERR_FILENO));
        (void)fprintf(stderr, "\r%s\033[K", line);
        (void)fflush(stderr);
        drawn = true;
    }
    return signalled != 0;
}

bool progress_count(const oversized_progress_t *progress)
{
    static struct timespec drawn_at;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t passed =
        (int64_t)(now.tv_sec - drawn_at.tv_sec) * 1000000000 + ((int64_t)now.tv_nsec - (int64_t)drawn_at.tv_nsec);
    if (passed < DRAW_TIME)
        return signalled != 0;
    drawn_at = now;
    return progress_show(progress);
}

bool progress_follow(void *context, const oversized_progress_t *progress)
{
    (void)context;
    return progress_show(progress);
}

void progress_clear(void)
{
    if (drawn)
        (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
    drawn = false;
}

void progress_end(void)
{
    int number = signalled;
    progress_clear();
    signals_catch(SIG_DFL);
    if (number == 0)
        return;
    (void)fflush(stdout);
    (void)raise(number);
}
