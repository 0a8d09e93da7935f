/*
 * rados/rados_librados.c: the seam over librados; nothing else here knows it.
 */
#include "rados/rados_librados.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <rados/librados.h>

#include "base/error.h"

#define LOCK_NAME "segjournal"
/* Bytes for the names of those who share a lock: some dozens. */
#define LOCKERS_ROOM 2048
/* Keys that one request asks for. */
#define KEYS_AT_ONCE 512
#define REMOVE_TRIES 16

struct connection {
    rados_t cluster;
    rados_ioctx_t pool;
    char *pool_name;
};

static int code_of(int answer)
{
    return answer < 0 ? -answer : 0;
}

/* --- changes --- */

static rados_write_op_t operation(const segj_rados_change_t *change)
{
    rados_write_op_t op = rados_create_write_op();
    for (size_t i = 0; i < 2 && change->compare[i].name != NULL; i++) {
        const segj_rados_compare_t *compare = &change->compare[i];
        rados_write_op_cmpxattr(op, compare->name,
                                compare->at_most ? LIBRADOS_CMPXATTR_OP_GTE : LIBRADOS_CMPXATTR_OP_EQ, compare->value,
                                strlen(compare->value));
    }
    if (change->key_compare.name != NULL)
        rados_write_op_omap_cmp2(op, change->key_compare.name, LIBRADOS_CMPXATTR_OP_EQ, change->key_compare.value,
                                 strlen(change->key_compare.name), strlen(change->key_compare.value), NULL);
    if (change->create || change->make)
        rados_write_op_create(op, change->create ? LIBRADOS_CREATE_EXCLUSIVE : LIBRADOS_CREATE_IDEMPOTENT, NULL);
    else if (!change->remove)
        rados_write_op_assert_exists(op);
    for (size_t i = 0; i < 3 && change->set[i].name != NULL; i++)
        rados_write_op_setxattr(op, change->set[i].name, change->set[i].value, strlen(change->set[i].value));
    for (size_t i = 0; i < 2 && change->key_set[i].name != NULL; i++) {
        const char *key = change->key_set[i].name;
        const char *value = change->key_set[i].value;
        const size_t key_size = strlen(key);
        const size_t value_size = strlen(value);
        rados_write_op_omap_set2(op, &key, &value, &key_size, &value_size, 1);
    }
    for (const char *const *key = change->keys_removed; key != NULL && *key != NULL; key++)
        rados_write_op_omap_rm_keys(op, key, 1);
    if (change->truncate)
        rados_write_op_truncate(op, change->size_set);
    if (change->size > 0)
        rados_write_op_write(op, change->data, change->size, change->offset);
    if (change->remove)
        rados_write_op_remove(op);
    return op;
}

struct started {
    segj_rados_done_t done;
    void *argument;
};

static void complete(rados_completion_t completion, void *argument)
{
    struct started started = *(struct started *)argument;
    free(argument);
    started.done(started.argument, code_of(rados_aio_get_return_value(completion)));
}

static int cluster_start(void *context, const segj_rados_change_t *change, segj_rados_done_t done, void *argument)
{
    struct connection *connection = context;
    rados_completion_t completion;
    struct started *started = malloc(sizeof *started);
    if (started == NULL)
        return ENOMEM;
    *started = (struct started){done, argument};
    int code = code_of(rados_aio_create_completion2(started, complete, &completion));
    if (code == 0) {
        rados_write_op_t op = operation(change);
        code = code_of(rados_aio_write_op_operate(op, connection->pool, completion, change->object, NULL,
                                                  LIBRADOS_OPERATION_NOFLAG));
        rados_release_write_op(op);
        rados_aio_release(completion);
    }
    if (code != 0) /* it was not started */
        free(started);
    return code;
}

static int cluster_change(void *context, const segj_rados_change_t *change)
{
    struct connection *connection = context;
    rados_write_op_t op = operation(change);
    int answer = rados_write_op_operate(op, connection->pool, change->object, NULL, LIBRADOS_OPERATION_NOFLAG);
    rados_release_write_op(op);
    return code_of(answer);
}

/* --- looks --- */

static int cluster_read(void *context, const char *object, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    struct connection *connection = context;
    int answer = rados_read(connection->pool, object, buffer, size, offset);
    if (answer < 0)
        return -answer;
    *done = (size_t)answer;
    return 0;
}

struct reading {
    segj_rados_done_t done;
    void *argument;
    size_t *got;
};

static void read_done(rados_completion_t completion, void *argument)
{
    struct reading reading = *(struct reading *)argument;
    free(argument);
    int answer = rados_aio_get_return_value(completion);
    if (answer >= 0)
        *reading.got = (size_t)answer;
    reading.done(reading.argument, code_of(answer));
}

static int cluster_read_start(void *context, const char *object, uint64_t offset, void *buffer, size_t size,
                              size_t *got, segj_rados_done_t done, void *argument)
{
    struct connection *connection = context;
    rados_completion_t completion;
    struct reading *reading = malloc(sizeof *reading);
    if (reading == NULL)
        return ENOMEM;
    reading->done = done;
    reading->argument = argument;
    reading->got = got;
    int code = code_of(rados_aio_create_completion2(reading, read_done, &completion));
    if (code == 0) {
        code = code_of(rados_aio_read(connection->pool, object, completion, buffer, size, offset));
        rados_aio_release(completion);
    }
    if (code != 0)
        free(reading);
    return code;
}

static int cluster_size(void *context, const char *object, uint64_t *size)
{
    struct connection *connection = context;
    time_t changed;
    return code_of(rados_stat(connection->pool, object, size, &changed));
}

static int cluster_get(void *context, const char *object, const char *name, char value[SEGJ_RADOS_VALUE])
{
    struct connection *connection = context;
    int answer = rados_getxattr(connection->pool, object, name, value, SEGJ_RADOS_VALUE - 1);
    if (answer < 0)
        return -answer;
    value[answer] = '\0';
    return 0;
}

static int take_text(char value[SEGJ_RADOS_VALUE], const char *found, size_t size)
{
    if (size >= SEGJ_RADOS_VALUE)
        return EIO;
    memcpy(value, found, size);
    value[size] = '\0';
    return 0;
}

static int cluster_key(void *context, const char *object, const char *key, char value[SEGJ_RADOS_VALUE])
{
    struct connection *connection = context;
    rados_omap_iter_t found = NULL;
    char *name = NULL;
    char *text = NULL;
    size_t name_size = 0;
    size_t size = 0;
    int inner = 0;
    const size_t key_size = strlen(key);
    rados_read_op_t op = rados_create_read_op();
    rados_read_op_omap_get_vals_by_keys2(op, &key, 1, &key_size, &found, &inner);
    int code = code_of(rados_read_op_operate(op, connection->pool, object, LIBRADOS_OPERATION_NOFLAG));
    rados_release_read_op(op);
    if (code == 0)
        code = code_of(inner);
    if (code == 0)
        code = code_of(rados_omap_get_next2(found, &name, &text, &name_size, &size));
    if (code == 0)
        code = name == NULL ? ENODATA : take_text(value, text, size);
    if (found != NULL)
        rados_omap_get_end(found);
    return code;
}

/* One request for keys after a key. The visitor is called with copies, after the request has ended. */
static int some_keys(rados_ioctx_t pool, const char *object, const char *prefix, char *after, bool *more,
                     segj_rados_visit_t visit, void *argument)
{
    rados_omap_iter_t found = NULL;
    unsigned char again = 0;
    int inner = 0;
    rados_read_op_t op = rados_create_read_op();
    rados_read_op_omap_get_vals2(op, after, prefix, KEYS_AT_ONCE, &found, &again, &inner);
    int code = code_of(rados_read_op_operate(op, pool, object, LIBRADOS_OPERATION_NOFLAG));
    rados_release_read_op(op);
    if (code == 0)
        code = code_of(inner);
    *more = code == 0 && again != 0;
    while (code == 0) {
        char value[SEGJ_RADOS_VALUE];
        char *name = NULL;
        char *text = NULL;
        size_t name_size = 0;
        size_t size = 0;
        code = code_of(rados_omap_get_next2(found, &name, &text, &name_size, &size));
        if (code != 0 || name == NULL)
            break;
        if (name_size >= SEGJ_RADOS_NAME)
            code = EIO;
        if (code == 0)
            code = take_text(value, text, size);
        if (code == 0) {
            memcpy(after, name, name_size);
            after[name_size] = '\0';
            code = visit(argument, after, value);
        }
    }
    if (found != NULL)
        rados_omap_get_end(found);
    return code;
}

static int cluster_keys(void *context, const char *object, const char *prefix, segj_rados_visit_t visit, void *argument)
{
    struct connection *connection = context;
    char after[SEGJ_RADOS_NAME] = "";
    bool more = true;
    int code = 0;
    while (code == 0 && more)
        code = some_keys(connection->pool, object, prefix, after, &more, visit, argument);
    return code;
}

static int see_one(void *argument, const char *key, const char *value)
{
    (void)argument;
    (void)key;
    (void)value;
    return ENOTEMPTY;
}

/* The version of what was looked at belongs to a context of its own, so that no other thread's look comes between. */
static int remove_seen_empty(rados_ioctx_t pool, const char *object, const char *id, const char *prefix)
{
    char after[SEGJ_RADOS_NAME] = "";
    bool more;
    int code = some_keys(pool, object, prefix, after, &more, see_one, NULL);
    if (code != 0)
        return code;
    rados_write_op_t op = rados_create_write_op();
    rados_write_op_assert_version(op, rados_get_last_version(pool));
    rados_write_op_cmpxattr(op, SEGJ_RADOS_ID, LIBRADOS_CMPXATTR_OP_EQ, id, strlen(id));
    rados_write_op_remove(op);
    code = code_of(rados_write_op_operate(op, pool, object, NULL, LIBRADOS_OPERATION_NOFLAG));
    rados_release_write_op(op);
    return code == ECANCELED ? ESTALE : code;
}

static int cluster_remove_empty(void *context, const char *object, const char *id, const char *prefix)
{
    struct connection *connection = context;
    rados_ioctx_t pool;
    int code = code_of(rados_ioctx_create(connection->cluster, connection->pool_name, &pool));
    if (code != 0)
        return code;
    rados_set_pool_full_try(pool);
    code = ERANGE;
    for (int i = 0; i < REMOVE_TRIES && (code == ERANGE || code == EOVERFLOW); i++)
        code = remove_seen_empty(pool, object, id, prefix);
    rados_ioctx_destroy(pool);
    return code == ERANGE || code == EOVERFLOW ? EBUSY : code;
}

/* --- locks --- */

/* Who waits for a lock asks by looking: a lock that is refused is a write for the cluster, on all disks. Lockers whose time has
 * run out are not told of. */
static int look_at_lockers(const struct connection *connection, const char *object, const char *cookie, bool exclusive)
{
    char tag[LOCKERS_ROOM];
    char clients[LOCKERS_ROOM];
    char cookies[LOCKERS_ROOM];
    char addresses[LOCKERS_ROOM];
    size_t sizes[4] = {sizeof tag, sizeof clients, sizeof cookies, sizeof addresses};
    int exclusively = 0;
    ssize_t count = rados_list_lockers(connection->pool, object, LOCK_NAME, &exclusively, tag, &sizes[0], clients,
                                       &sizes[1], cookies, &sizes[2], addresses, &sizes[3]);
    if (count == -ERANGE)
        return exclusive ? EBUSY : 0; /* many share it */
    if (count <= 0)
        return count < 0 && count != -ENOENT ? (int)-count : 0;
    bool mine = count == 1 && strcmp(cookies, cookie) == 0;
    return !mine && (exclusive || exclusively != 0) ? EBUSY : 0;
}

static int cluster_lock(void *context, const char *object, const char *cookie, bool exclusive, uint32_t seconds,
                        bool renew, bool must)
{
    struct connection *connection = context;
    struct timeval duration = {.tv_sec = (time_t)seconds, .tv_usec = 0};
    int code = must ? 0 : look_at_lockers(connection, object, cookie, exclusive);
    if (code != 0)
        return code;
    uint8_t flags = (uint8_t)(must ? LIBRADOS_LOCK_FLAG_MUST_RENEW : renew ? LIBRADOS_LOCK_FLAG_MAY_RENEW : 0);
    return code_of(exclusive
                       ? rados_lock_exclusive(connection->pool, object, LOCK_NAME, cookie, "", &duration, flags)
                       : rados_lock_shared(connection->pool, object, LOCK_NAME, cookie, "", "", &duration, flags));
}

static int cluster_unlock(void *context, const char *object, const char *cookie)
{
    struct connection *connection = context;
    return code_of(rados_unlock(connection->pool, object, LOCK_NAME, cookie));
}

static int cluster_random(void *context, uint64_t *number)
{
    const segj_storage_t *files = segj_storage_posix();
    segj_opener_t opener;
    (void)context;
    int code = files->opener(files->context, &opener);
    if (code == 0)
        memcpy(number, opener.random, sizeof *number);
    return code;
}

/* --- the connection --- */

static void cluster_close(void *context)
{
    struct connection *connection = context;
    if (connection->pool != NULL)
        rados_ioctx_destroy(connection->pool);
    if (connection->cluster != NULL)
        rados_shutdown(connection->cluster);
    free(connection->pool_name);
    free(connection);
}

static segj_status_t set(rados_t cluster, const char *name, const char *value)
{
    int code = code_of(rados_conf_set(cluster, name, value));
    return code == 0 ? SEGJ_OK
                     : segj_fail_from(code, SEGJ_ERR_INVALID, "rados: the setting %s = %s is refused", name, value);
}

/* A changed map of the cluster is asked for early: what is under way to an OSD that has died goes on sooner. */
static segj_status_t configure(rados_t cluster, const segj_storage_rados_options_t *options)
{
    char seconds[16];
    (void)snprintf(seconds, sizeof seconds, "%u", (unsigned)options->timeout_seconds);
    segj_status_t status = set(cluster, "client_mount_timeout", seconds);
    if (status == SEGJ_OK)
        status = set(cluster, "rados_osd_op_timeout", seconds);
    if (status == SEGJ_OK)
        status = set(cluster, "rados_mon_op_timeout", seconds);
    if (status == SEGJ_OK)
        status = set(cluster, "objecter_timeout", "1");
    if (status == SEGJ_OK)
        status = set(cluster, "objecter_tick_interval", "0.5");
    for (size_t i = 0; status == SEGJ_OK && options->settings != NULL && options->settings[i] != NULL; i += 2) {
        if (options->settings[i + 1] == NULL)
            return segj_fail(SEGJ_ERR_INVALID, "rados: the setting %s has no value", options->settings[i]);
        status = set(cluster, options->settings[i], options->settings[i + 1]);
    }
    return status;
}

static segj_status_t open_pool(struct connection *connection, const segj_storage_rados_options_t *options)
{
    int code = code_of(rados_create(&connection->cluster, options->client));
    if (code != 0) {
        connection->cluster = NULL;
        return segj_fail_code(code, "rados: making a client");
    }
    code = code_of(rados_conf_read_file(connection->cluster, options->configuration));
    if (code != 0)
        return segj_fail_code(code, "rados: reading the configuration %s",
                              options->configuration != NULL ? options->configuration : "of the system");
    segj_status_t status = configure(connection->cluster, options);
    if (status != SEGJ_OK)
        return status;
    code = code_of(rados_connect(connection->cluster));
    if (code != 0)
        return segj_fail_code(code, "rados: connecting to the cluster as client.%s", options->client);
    code = code_of(rados_ioctx_create(connection->cluster, options->pool, &connection->pool));
    if (code != 0) {
        connection->pool = NULL;
        if (code == ENOENT)
            return segj_fail_from(code, SEGJ_ERR_NOT_FOUND, "rados: there is no pool %s", options->pool);
        return segj_fail_code(code, "rados: opening the pool %s", options->pool);
    }
    rados_set_pool_full_try(connection->pool); /* ENOSPC instead of a wait without an end */
    return SEGJ_OK;
}

segj_status_t segj_rados_connect(const segj_storage_rados_options_t *options, segj_rados_seam_t *seam)
{
    struct connection *connection = calloc(1, sizeof *connection);
    size_t size = strlen(options->pool) + 1;
    if (connection != NULL)
        connection->pool_name = malloc(size);
    if (connection == NULL || connection->pool_name == NULL) {
        free(connection);
        return segj_fail_memory(size);
    }
    memcpy(connection->pool_name, options->pool, size);
    segj_status_t status = open_pool(connection, options);
    if (status != SEGJ_OK) {
        cluster_close(connection);
        return status;
    }
    *seam = (segj_rados_seam_t){.context = connection,
                                .start = cluster_start,
                                .change = cluster_change,
                                .read = cluster_read,
                                .read_start = cluster_read_start,
                                .size = cluster_size,
                                .get = cluster_get,
                                .key = cluster_key,
                                .keys = cluster_keys,
                                .remove_empty = cluster_remove_empty,
                                .lock = cluster_lock,
                                .unlock = cluster_unlock,
                                .random = cluster_random,
                                .close = cluster_close};
    return SEGJ_OK;
}
