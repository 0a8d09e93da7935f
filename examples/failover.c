/*
 * failover: one journal in a Ceph cluster, and two processes that want it. The first one is killed; the second one goes on.
 *
 *     failover POOL [CLIENT]
 *
 * Both open the same journal for writing. One gets it and appends numbers, each of them synced before it is told of; the
 * other one waits. Then the first one is killed, as a crash would do it (SIGKILL), three times in all, with a new process
 * in its place each time. In the end every number that any of them was told is durable must be there, once and in its
 * place. The cluster is found as Ceph's commands find it ($CEPH_CONF); `sh cmake/failover.sh` makes one and runs this.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "segjournal/oversized.h"
#include "segjournal/storage_rados.h"

enum { SECTION = 1, KILLS = 3, APPENDS = 100, LOCK_SECONDS = 5 };

static const char *pool;
static const char *client = "admin";
static char name[64];

static void ok(segj_status_t status, const char *what)
{
    if (status == SEGJ_OK)
        return;
    fprintf(stderr, "failover: %s: %s: %s\n", what, segj_status_name(status), segj_last_error());
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static segj_storage_t *connect_to_cluster(void)
{
    segj_storage_rados_options_t options;
    segj_storage_t *storage = NULL;
    segj_storage_rados_options_init(&options);
    options.pool = pool;
    options.client = client;
    options.lock_seconds = LOCK_SECONDS;
    ok(segj_storage_rados_create(&options, &storage), "connecting");
    return storage;
}

static void configure(oversized_config_t *config, segj_storage_t *storage)
{
    oversized_config_init(config);
    config->storage = storage;
    config->directory = name;
    config->entry_size = 8;
    config->lock_wait_ms = 60000;
    config->strict = true; /* a synced record that is not there would be refused here */
}

/* A process that wants the journal. Each number is told on standard output when it is durable. */
static int work(void)
{
    oversized_config_t config;
    oversized_t *journal;
    segj_storage_t *storage = connect_to_cluster();
    configure(&config, storage);
    ok(oversized_open(&config, &journal), "opening");
    uint64_t number = 0;
    bool exists = false;
    ok(oversized_section_exists(journal, SECTION, &exists), "looking");
    if (exists)
        ok(oversized_count(journal, SECTION, &number), "counting");
    printf("open %" PRIu64 "\n", number);
    (void)fflush(stdout);
    for (;; number++) {
        char text[32];
        int size = snprintf(text, sizeof text, "number %" PRIu64, number);
        ok(oversized_append(journal, SECTION, "numbered", text, (size_t)size, NULL, NULL), "appending");
        ok(oversized_sync(journal, SECTION), "syncing");
        printf("synced %" PRIu64 "\n", number);
        if (fflush(stdout) != 0)
            return EXIT_FAILURE;
    }
}

/* --- the process that starts them --- */

struct worker {
    pid_t process;
    FILE *said;
    int number;
};

/* By exec: a child of fork would share the connection of its parent. */
static struct worker start(const char *self, int number)
{
    int ends[2];
    struct worker worker = {.number = number};
    if (pipe(ends) != 0 || (worker.process = fork()) < 0) {
        perror("failover");
        exit(EXIT_FAILURE);
    }
    if (worker.process == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl(self, self, pool, client, name, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    worker.said = fdopen(ends[0], "r");
    return worker;
}

static uint64_t hear(const struct worker *worker, const char *word)
{
    char line[64];
    size_t size = strlen(word);
    if (fgets(line, sizeof line, worker->said) == NULL || strncmp(line, word, size) != 0) {
        fprintf(stderr, "failover: process %d has ended by itself\n", worker->number);
        exit(EXIT_FAILURE);
    }
    return strtoull(line + size, NULL, 10);
}

static void check(uint64_t told)
{
    oversized_config_t config;
    oversized_t *journal;
    segj_buffer_t value = SEGJ_ZERO;
    uint64_t count = 0;
    segj_storage_t *storage = connect_to_cluster();
    configure(&config, storage);
    ok(oversized_open(&config, &journal), "opening");
    ok(oversized_count(journal, SECTION, &count), "counting");
    for (uint64_t i = 0; i < count; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "number %" PRIu64, i);
        ok(oversized_read(journal, SECTION, i, NULL, &value), "reading");
        if (value.size != (size_t)size || memcmp(value.data, text, value.size) != 0) {
            fprintf(stderr, "failover: record %" PRIu64 " is \"%.*s\"\n", i, (int)value.size, (const char *)value.data);
            exit(EXIT_FAILURE);
        }
    }
    segj_buffer_free(&value);
    if (count < told) {
        fprintf(stderr, "failover: %" PRIu64 " numbers were told, and %" PRIu64 " are there\n", told, count);
        exit(EXIT_FAILURE);
    }
    printf("failover: %" PRIu64 " numbers were told, all are there, each in its place\n", told);
    ok(oversized_destroy(journal), "removing");
    segj_storage_rados_destroy(storage);
}

static void end(struct worker *worker)
{
    (void)kill(worker->process, SIGKILL);
    (void)waitpid(worker->process, NULL, 0);
    (void)fclose(worker->said);
}

static int lead(const char *self)
{
    int processes = 1;
    uint64_t told = 0;
    double killed = 0;
    (void)snprintf(name, sizeof name, "failover-%ld-%ld", (long)getpid(), (long)time(NULL));
    struct worker owner = start(self, processes++);
    (void)hear(&owner, "open ");
    struct worker standby = start(self, processes++);
    for (int kills = 0;; kills++) {
        for (int i = 0; i < APPENDS; i++)
            told = hear(&owner, "synced ") + 1;
        printf("failover: process %d has synced %" PRIu64 " numbers\n", owner.number, told);
        if (kills == KILLS)
            break;
        killed = now();
        end(&owner);
        uint64_t found = hear(&standby, "open ");
        printf("failover: process %d is killed; %.1f s later process %d has the journal, with %" PRIu64 " numbers\n",
               owner.number, now() - killed, standby.number, found);
        owner = standby;
        standby = start(self, processes++);
    }
    end(&standby);
    end(&owner);
    check(told);
    return EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
    if (count < 2 || count > 4) {
        fprintf(stderr, "usage: failover POOL [CLIENT]\n");
        return EXIT_FAILURE;
    }
    pool = arguments[1];
    if (count > 2)
        client = arguments[2];
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (count < 4)
        return lead(arguments[0]);
    (void)snprintf(name, sizeof name, "%s", arguments[3]);
    return work();
}
