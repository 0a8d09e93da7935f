/*
 * bench/session.c: the process of a turn, seen from outside: pipes, start and end.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "serve.h"

/* A turn that takes longer hangs. Also where the process becomes another program. */
#define TURN_SECONDS 900

static void close_pair(const int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            (void)close(pair[i]);
}

static void run_child(const bench_t *bench, const bench_contender_t *contender, const char *directory, int commands,
                      int answers)
{
    (void)alarm(TURN_SECONDS);
    if (contender->engine == NULL) {
        if (dup2(commands, STDIN_FILENO) < 0 || dup2(answers, STDOUT_FILENO) < 0)
            _exit(1);
        bench_external_run(bench, contender, directory);
    }
    FILE *in = fdopen(commands, "r"), *out = fdopen(answers, "w");
    _exit(in == NULL || out == NULL ? 1 : bench_serve(contender->engine, directory, in, out));
}

bool bench_session_start(bench_session_t *session, const bench_t *bench, const bench_contender_t *contender,
                         const char *directory)
{
    int commands[2] = {-1, -1}, answers[2] = {-1, -1};
    (void)fflush(NULL);
    session->process = pipe(commands) == 0 && pipe(answers) == 0 ? fork() : -1;
    if (session->process < 0) {
        close_pair(commands);
        close_pair(answers);
        return bench_fail_errno("a process cannot be started");
    }
    if (session->process == 0) {
        (void)close(commands[1]);
        (void)close(answers[0]);
        run_child(bench, contender, directory, commands[0], answers[1]);
    }
    (void)close(commands[0]);
    (void)close(answers[1]);
    session->commands = fdopen(commands[1], "w");
    session->answers = fdopen(answers[0], "r");
    return (session->commands != NULL && session->answers != NULL) || bench_fail_errno("fdopen");
}

bool bench_session_ask(bench_session_t *session, const char *command, char *answer, size_t room)
{
    if (fprintf(session->commands, "%s\n", command) < 0 || fflush(session->commands) != 0 ||
        fgets(answer, (int)room, session->answers) == NULL) {
        (void)snprintf(answer, room, "error the process has ended");
        return false;
    }
    answer[strcspn(answer, "\n")] = '\0';
    return true;
}

void bench_session_end(bench_session_t *session, bool kill_it)
{
    if (kill_it)
        (void)kill(session->process, SIGKILL);
    (void)fprintf(session->commands, "quit\n");
    (void)fclose(session->commands);
    (void)fclose(session->answers);
    int status;
    (void)waitpid(session->process, &status, 0);
}
