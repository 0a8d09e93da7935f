/* rados/cluster.c: see the header. */
#include "rados/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    printf("skipped: SEGJ_CEPH names no directory of a cluster (sh cmake/rados.sh starts one)\n");
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
    options.lock_seconds = 2;
    options.timeout_seconds = 30;
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
