/*
 * command/cluster.c: see the header. Of segj, which knows no cluster: it becomes the program that does.
 */
#include "command/cluster.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BESIDE "segj-rados"

/* Becomes the program that lies beside this one; returns where there is none. */
static void become(char **arguments)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof BESIDE);
    if (length <= 0 && strlen(arguments[0]) < sizeof path - sizeof BESIDE) {
        length = (ssize_t)strlen(arguments[0]);
        memcpy(path, arguments[0], (size_t)length);
    }
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length <= 0)
        return;
    memcpy(path + length, BESIDE, sizeof BESIDE);
    (void)execv(path, arguments);
}

answer_t cluster_begin(options_t *options, char **arguments)
{
    const char *named = is_in_cluster(options->directory) ? options->directory : options->range;
    if (!is_in_cluster(named))
        return ANSWER_FINE;
    errno = ENOENT;
    become(arguments);
    return complain(ANSWER_FAILED,
                    "%s: the program " BESIDE " does not lie beside segj, or cannot be run (errno %d): build it where "
                    "librados is (Debian: librados-dev)",
                    named, errno);
}

void cluster_end(void)
{
}
