/*
 * storage/posix_watch.c: waiting for changes of files: inotify on Linux, of directories whose changes all go through
 * this system; else pauses. An interruption is a byte in a pipe, which a handler of a signal may write.
 */
#define _GNU_SOURCE /* pipe2 is beyond POSIX */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/inotify.h>
#endif

#include "storage/posix_system.h"
#include "storage/watch.h"

/* How long a wait pauses where nothing tells of changes. */
#define WATCH_PAUSE 100

struct segj_watch {
    int told;    /* inotify's; -1: nothing tells */
    int ends[2]; /* of the pipe */
};

#if defined(__linux__)
static int watch_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}
#else
static int watch_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}
#endif

segj_status_t segj_watch_open(segj_watch_t **watch)
{
    segj_watch_t *made = malloc(sizeof *made);
    *watch = NULL;
    if (made == NULL)
        return segj_fail_memory(sizeof *made);
    made->told = -1;
    if (watch_pipe(made->ends) != 0) {
        int code = errno;
        free(made);
        return segj_fail_code(code, "making a pipe, for interruptions of a wait");
    }
    *watch = made;
    return SEGJ_OK;
}

void segj_watch_end(segj_watch_t *watch)
{
    if (watch->told >= 0)
        (void)close(watch->told);
    watch->told = -1;
}

#if defined(__linux__)
/* By the descriptor, so that it is the directory that is open, whatever became of its name. */
static bool watch_add(const segj_watch_t *watch, const segj_io_partition_t *partition)
{
    char path[64];
    int fd = segj_posix_partition_descriptor(partition->storage, partition->opened);
    if (fd < 0 || segj_posix_is_remote(fd))
        return false;
    /* The system reports the end of a directory when no process has it open; it reports the end of its name at once. */
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d/..", fd);
    (void)inotify_add_watch(watch->told, path, IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return inotify_add_watch(watch->told, path,
                             IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                                 IN_MOVE_SELF) >= 0;
}

void segj_watch_begin(segj_watch_t *watch, const segj_io_partition_t *one, const segj_io_partition_t *other)
{
    segj_watch_end(watch);
    watch->told = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->told >= 0 && !(watch_add(watch, one) && watch_add(watch, other)))
        segj_watch_end(watch);
}

void segj_watch_take(segj_watch_t *watch, segj_watch_visit_t visit, void *context)
{
    union {
        struct inotify_event event;
        char bytes[8192];
    } got;
    if (watch->told < 0) {
        visit(context, NULL);
        return;
    }
    for (;;) {
        ssize_t size = read(watch->told, got.bytes, sizeof got.bytes);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return;
        for (size_t at = 0; at < (size_t)size;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)(got.bytes + at);
            bool named = event->len > 0 && (event->mask & (IN_Q_OVERFLOW | IN_IGNORED)) == 0;
            visit(context, named ? event->name : NULL);
            at += sizeof *event + event->len;
        }
    }
}
#else
void segj_watch_begin(segj_watch_t *watch, const segj_io_partition_t *one, const segj_io_partition_t *other)
{
    (void)one;
    (void)other;
    segj_watch_end(watch);
}

void segj_watch_take(segj_watch_t *watch, segj_watch_visit_t visit, void *context)
{
    (void)watch;
    visit(context, NULL);
}
#endif

static bool watch_was_interrupted(const segj_watch_t *watch)
{
    char bytes[64];
    bool interrupted = false;
    while (read(watch->ends[0], bytes, sizeof bytes) > 0)
        interrupted = true;
    return interrupted;
}

segj_watched_t segj_watch_wait(segj_watch_t *watch, uint32_t milliseconds)
{
    bool tells = watch->told >= 0;
    struct pollfd waits[2] = {{.fd = watch->ends[0], .events = POLLIN}, {.fd = watch->told, .events = POLLIN}};
    int most = milliseconds == UINT32_MAX ? -1 : milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds;
    if (!tells && (most < 0 || most > WATCH_PAUSE))
        most = WATCH_PAUSE;
    int ready = poll(waits, tells ? 2 : 1, most);
    if (ready > 0 && waits[0].revents != 0 && watch_was_interrupted(watch))
        return SEGJ_WATCH_INTERRUPTED;
    return ready == 0 && tells ? SEGJ_WATCH_OVER : SEGJ_WATCH_LOOK;
}

void segj_watch_interrupt(segj_watch_t *watch)
{
    int code = errno; /* a handler leaves it as it was */
    ssize_t written = write(watch->ends[1], "", 1);
    (void)written; /* a full pipe says it too */
    errno = code;
}

void segj_watch_close(segj_watch_t *watch)
{
    if (watch == NULL)
        return;
    segj_watch_end(watch);
    (void)close(watch->ends[0]);
    (void)close(watch->ends[1]);
    free(watch);
}
