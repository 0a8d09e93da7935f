/*
 * interop/process.c: see process.h.
 */
#include "interop/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "interop/script.h"
#include "segjournal/oversized.h"

enum { TOLD_LIMIT = 100000, PAUSE_NS = 20000, WAIT_MS = 60000, HELD_ENTRY = 8, HELD_VALUE = 16 };

static _Noreturn void run(const char *told, char *const *command)
{
    int fd = open(told, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(127);
    (void)execv(command[0], command);
    _exit(127);
}

static off_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : 0;
}

void kill_amid_work(draw_t *draw, const char *told, char *const *command)
{
    const struct timespec pause = {0, PAUSE_NS};
    off_t size = (off_t)draw_below(draw, TOLD_LIMIT);
    int status = 0;
    (void)unlink(told); /* of another run */
    pid_t child = fork();
    if (child == 0)
        run(told, command);
    if (child < 0)
        interop_die("%s cannot be started", command[0]);
    pid_t ended = 0;
    while (size_of(told) <= size && (ended = waitpid(child, &status, WNOHANG)) == 0)
        (void)nanosleep(&pause, NULL);
    if (ended == 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        interop_die("%s has ended with %d", command[0], WEXITSTATUS(status));
}

static void configure(oversized_config_t *config, const char *directory)
{
    oversized_config_init(config);
    config->native_version = 1;
    config->directory = directory;
    config->index_partition = "held-index";
    config->value_partition = "held-values";
    config->entry_size = HELD_ENTRY;
    config->page_size = 64;
    config->format = SEGJ_FORMAT_COMMONWARE;
    config->native_version = 0;
}

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, segj_last_error());
    return 1;
}

int hold_journal(const char *directory)
{
    static const uint8_t entry[HELD_ENTRY], value[HELD_VALUE];
    oversized_config_t config;
    oversized_t *journal;
    char line[SCRIPT_LINE];
    configure(&config, directory);
    config.lock_wait_ms = WAIT_MS;
    if (oversized_open(&config, &journal) != SEGJ_OK)
        return failed("open");
    if (oversized_append(journal, 1, entry, value, sizeof value, NULL, NULL) != SEGJ_OK ||
        oversized_sync(journal, 1) != SEGJ_OK)
        return failed("append");
    printf("held\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL)
        continue;
    return oversized_close(journal) == SEGJ_OK ? 0 : failed("close");
}

int refused_journal(const char *directory)
{
    oversized_config_t config;
    oversized_t *journal;
    configure(&config, directory);
    segj_status_t status = oversized_open(&config, &journal);
    if (status == SEGJ_OK) {
        oversized_abandon(journal);
        fprintf(stderr, "%s could be opened\n", directory);
        return 1;
    }
    return status == SEGJ_ERR_LOCKED && strstr(segj_last_error(), ".hold") != NULL ? 0 : failed("open");
}
