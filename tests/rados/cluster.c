/* rados/cluster.c: see the header. */
#include "rados/cluster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rados/librados.h>

#include "segjournal/oversized.h"
#include "support/support.h"
#include "unit/place.h"

static const char *configuration(void)
{
    static char path[PATH_LIMIT + 16];
    const char *directory = getenv("SEGJ_CEPH");
    if (directory == NULL || directory[0] == '\0')
        return NULL;
    (void)snprintf(path, sizeof path, "%s/ceph.conf", directory);
    return access(path, R_OK) == 0 ? path : NULL;
}

bool cluster_is_there(void)
{
    if (configuration() != NULL)
        return true;
    printf("SKIPPED: SEGJ_CEPH names no directory of a cluster (sh cmake/rados.sh starts one)\n");
    return false;
}

segj_storage_rados_options_t cluster_options(void)
{
    segj_storage_rados_options_t options;
    segj_storage_rados_options_init(&options);
    options.pool = "segj";
    options.client = "segj";
    options.configuration = configuration();
    options.object_size = 64 << 10; /* so that small files have several */
    options.timeout_seconds = 120;
    return options;
}

segj_storage_t *cluster_storage(const segj_storage_rados_options_t *options)
{
    segj_storage_t *storage = NULL;
    if (segj_storage_rados_create(options, &storage) != SEGJ_OK)
        fail_msg("%s", segj_last_error());
    return storage;
}

const char *cluster_directory(char room[64])
{
    static unsigned number;
    static unsigned long long random;
    FILE *source;
    if (random == 0) {
        source = fopen("/dev/urandom", "rb");
        assert_non_null(source);
        assert_int_equal(fread(&random, sizeof random, 1, source), 1);
        (void)fclose(source);
    }
    (void)snprintf(room, 64, "test-%llx-%u", random, number++);
    return room;
}

void cluster_do(const char *command, const char *who)
{
    char line[2 * PATH_LIMIT];
    (void)snprintf(line, sizeof line, "sh '%s/cmake/ceph.sh' %s %s '%s'", SEGJ_SOURCE_DIRECTORY, command, who,
                   getenv("SEGJ_CEPH"));
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c): a script of this project's */
}

/* How long it takes to connect, and to make a journal and to remove it: some 0.2 s where nothing else runs. */
static double take_time(void)
{
    char room[64];
    struct timespec times[2];
    segj_storage_rados_options_t options = cluster_options();
    oversized_config_t config;
    oversized_t *journal = NULL;
    (void)clock_gettime(CLOCK_MONOTONIC, &times[0]);
    segj_storage_t *storage = cluster_storage(&options);
    oversized_config_init(&config);
    config.storage = storage;
    config.directory = cluster_directory(room);
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_append(journal, 1, NULL, "x", 1, NULL, NULL));
    assert_ok(oversized_sync(journal, 1));
    assert_ok(oversized_destroy(journal));
    segj_storage_rados_destroy(storage);
    (void)clock_gettime(CLOCK_MONOTONIC, &times[1]);
    return (double)(times[1].tv_sec - times[0].tv_sec) + (double)(times[1].tv_nsec - times[0].tv_nsec) / 1e9;
}

double cluster_bound(double seconds)
{
    static double worst = 0.3;
    double now = take_time();
    worst = now > worst ? now : worst;
    return seconds * worst / 0.3;
}

int make_cluster_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    char directory[64];
    assert_non_null(place);
    segj_storage_rados_options_t options = cluster_options();
    place->memory = cluster_storage(&options);
    place->storage = place->memory;
    (void)snprintf(place->directory, sizeof place->directory, "%s", cluster_directory(directory));
    *state = place;
    return 0;
}

int drop_cluster_place(void **state)
{
    struct place *place = *state;
    segj_storage_rados_destroy(place->memory);
    free(place);
    return 0;
}

/* --- what lies in it, by librados --- */

static rados_t looking;
static rados_ioctx_t pool;

static void end_looking(void)
{
    rados_ioctx_destroy(pool);
    rados_shutdown(looking);
}

/* A connection of its own, made with the first look. */
static void look(void)
{
    segj_storage_rados_options_t options = cluster_options();
    if (pool != NULL)
        return;
    assert_int_equal(rados_create(&looking, options.client), 0);
    assert_int_equal(rados_conf_read_file(looking, options.configuration), 0);
    assert_int_equal(rados_connect(looking), 0);
    assert_int_equal(rados_ioctx_create(looking, options.pool, &pool), 0);
    (void)atexit(end_looking);
}

static uint64_t hash_more(uint64_t hash, const char *bytes, int size)
{
    for (int i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t cluster_hash(const char *directory)
{
    static char bytes[128 << 10];
    rados_list_ctx_t list;
    const char *object;
    uint64_t sum = 0;
    look();
    assert_int_equal(rados_nobjects_list_open(pool, &list), 0);
    while (rados_nobjects_list_next(list, &object, NULL, NULL) == 0) {
        char epoch[64] = "";
        if (strncmp(object, directory, strlen(directory)) != 0 || object[strlen(directory)] != ':')
            continue;
        int size = rados_read(pool, object, bytes, sizeof bytes, 0);
        int known = rados_getxattr(pool, object, "e", epoch, sizeof epoch);
        assert_true(size >= 0);
        uint64_t hash = hash_more(UINT64_C(0xcbf29ce484222325), bytes, size);
        hash = hash_more(hash, epoch, known);
        sum += hash_more(hash, object, (int)strlen(object));
    }
    rados_nobjects_list_close(list);
    return sum;
}

/* 0 or 1. */
static ssize_t find_holder(const char *object, char client[256], char cookie[256])
{
    char tag[64];
    char address[256];
    size_t sizes[4] = {sizeof tag, 256, 256, sizeof address};
    int exclusive = 0;
    ssize_t holders = rados_list_lockers(pool, object, "segjournal", &exclusive, tag, &sizes[0], client, &sizes[1],
                                         cookie, &sizes[2], address, &sizes[3]);
    assert_in_range(holders, 0, 1);
    return holders;
}

bool cluster_is_locked(const char *object)
{
    char client[256];
    char cookie[256];
    look();
    return find_holder(object, client, cookie) == 1;
}

bool cluster_break_lock(const char *object)
{
    char client[256];
    char cookie[256];
    look();
    ssize_t holders = find_holder(object, client, cookie);
    if (holders == 1) {
        assert_int_equal(rados_unlock(pool, object, "segjournal", cookie), -ENOENT); /* another client's */
        int code = rados_break_lock(pool, object, "segjournal", client, cookie);
        assert_true(code == 0 || code == -ENOENT);
    }
    return holders == 1;
}
