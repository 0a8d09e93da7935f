/*
 * interop/stop.c: a process of this library's that is killed between two of its changes of files: within a rewind, which
 * shortens a page in steps, within a removal, a sync, an append, an open.
 */
#include "interop/edit.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interop/play.h"
#include "segjournal/storage.h"
#include "support/recorder.h"

enum { CHANGES_LIMIT = 40, KILLED = 3 };

typedef struct stop {
    uint64_t changes; /* that go through */
} stop_t;

static void stop_before_change(void *context, const record_t *call)
{
    stop_t *stop = context;
    if ((RECORD_BIT(call->kind) & RECORD_CHANGES) != 0 && stop->changes-- == 0)
        _exit(KILLED);
}

_Noreturn static void play_in_child(const script_t *script, const char *directory, stop_t *stop)
{
    FILE *told = tmpfile();
    recorder_t *recorder = recorder_new(segj_storage_posix());
    if (told == NULL)
        _exit(1);
    recorder_watch(recorder, stop_before_change, stop);
    play_script_on(recorder_storage(recorder), script, directory, told);
    _exit(0);
}

void play_and_stop(draw_t *draw, const setting_t *setting, const char *directory)
{
    script_t script;
    int status;
    stop_t stop = {.changes = draw_below(draw, CHANGES_LIMIT)};
    script_of_changes(draw, setting, directory, &script);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        play_in_child(&script, directory, &stop);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) == 1)
        interop_die("script %s: the process to be killed could not be played", setting->id);
    script_free(&script);
}
