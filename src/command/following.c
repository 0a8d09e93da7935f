/* command/following.c: see the header. */
#include "command/following.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/progress.h"

static oversized_follower_t *volatile followed_now;
static volatile sig_atomic_t following_signal;

static void following_stop(int number)
{
    following_signal = number;
    oversized_follow_interrupt(followed_now);
}

void following_begin(oversized_follower_t *follower)
{
    followed_now = follower;
    signals_catch(following_stop);
}

bool following_ended(void)
{
    return following_signal != 0;
}

void following_end(oversized_follower_t *follower)
{
    followed_now = NULL;
    oversized_follow_close(follower);
    if (following_signal == 0)
        return;
    (void)fflush(stdout);
    (void)signal(following_signal, SIG_DFL);
    (void)raise(following_signal);
}

bool following_is_piped(void)
{
    struct stat out;
    return fstat(STDOUT_FILENO, &out) == 0 && (S_ISFIFO(out.st_mode) || S_ISSOCK(out.st_mode));
}

bool following_is_unread(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return following_is_piped() && poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

bool following_goes_on(segj_status_t status)
{
    return status == SEGJ_ERR_CHECKSUM || status == SEGJ_ERR_COMPRESSION || status == SEGJ_ERR_TOO_LARGE;
}
