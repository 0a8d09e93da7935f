/*
 * terminal.h: what a program that works for a while owes to whoever watches it. A line of progress that never wraps,
 * however narrow the terminal; messages that go over it; an end on Ctrl-C that takes temporary files away.
 */
#ifndef SEGJ_EXAMPLES_TERMINAL_H
#define SEGJ_EXAMPLES_TERMINAL_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/** Before what replaces the line of progress, and behind what is written over it; no escapes where there is no
 *  terminal. */
static const char *clear_line = "", *line_end = "\n";

/* Macros, so that the compiler sees each format beside its arguments. */
#define NOTICE(...) (fprintf(stderr, "archive: " __VA_ARGS__), fputs(line_end, stderr))
#define DIE(...) (NOTICE(__VA_ARGS__), say_kept(), exit(EXIT_FAILURE))

/** The directory that a failure leaves to be looked at, or NULL. */
static const char *kept;

static void say_kept(void)
{
    if (kept != NULL)
        NOTICE("what was made so far stays in %s", kept);
}

/** The signal that asks for an end, or 0. */
static volatile sig_atomic_t stop_signal;

/* SIGPIPE too: whoever read the output has gone, and temporary files should not stay. */
static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
enum { STOP_SIGNALS = sizeof(stop_signals) / sizeof(stop_signals[0]) };

static void stop_handler(int number)
{
    stop_signal = number;
}

/** Sets what the stopping signals do: stop_handler, or SIG_DFL. What is ignored (nohup) stays ignored. */
static void stop_signals_do(void (*handler)(int))
{
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        struct sigaction before, action = {0};
        action.sa_handler = handler; /* no SA_RESTART: calls that wait come back */
        if (sigaction(stop_signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(stop_signals[i], &action, NULL);
    }
}

static bool is_stop_signal(int number)
{
    bool is = false;
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        is = is || stop_signals[i] == number;
    return is;
}

static void terminal_set_up(void)
{
    const char *kind = getenv("TERM");
    bool escapes = kind != NULL && strcmp(kind, "dumb") != 0;
    if (escapes && isatty(STDOUT_FILENO))
        clear_line = "\r\033[K";
    if (escapes && isatty(STDERR_FILENO))
        line_end = "\033[K\n";
    stop_signals_do(stop_handler);
}

/** Columns that a line may fill: one less than there are, because some terminals wrap at the last. */
static size_t terminal_columns(void)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? (size_t)size.ws_col - 1 : 79;
}

/** Draws the line of progress: as much of phase, percent, counts and rate as fits, and a bar where there is room
 *  left. */
static void terminal_progress(const char *phase, int percent, const char *counts, const char *rate)
{
    char line[256];
    size_t columns = terminal_columns();
    int length = snprintf(line, sizeof(line), "%-9s %3d %%  %s  %s", phase, percent, counts, rate);
    if ((size_t)length > columns)
        length = snprintf(line, sizeof(line), "%-9s %3d %%  %s", phase, percent, counts);
    if ((size_t)length > columns)
        length = snprintf(line, sizeof(line), "%s %d %%", phase, percent);
    if ((size_t)length > columns)
        length = snprintf(line, sizeof(line), "%d %%", percent);
    if ((size_t)length > columns)
        return;
    size_t room = columns - (size_t)length, bar = room < 10 ? 0 : room - 4 < 25 ? room - 4 : 25;
    size_t full = bar * (size_t)percent / 100;
    printf("%s%s%s%.*s%.*s%s\r", clear_line, line, bar > 0 ? "  [" : "", (int)full, "#########################",
           (int)(bar - full), ".........................", bar > 0 ? "]" : "");
    fflush(stdout);
}

/** Removes a directory and all below it, as far as that can be done. Links are removed, and not followed. */
static void remove_tree(int parent, const char *name)
{
    (void)fchmodat(parent, name, 0700, 0); /* a restored directory may not allow changes */
    int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (directory == NULL)
        return;
    struct dirent *found;
    while ((found = readdir(directory)) != NULL) {
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
            continue;
        struct stat status;
        if (fstatat(descriptor, found->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
            remove_tree(descriptor, found->d_name);
        else
            (void)unlinkat(descriptor, found->d_name, 0);
    }
    closedir(directory);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

#endif
