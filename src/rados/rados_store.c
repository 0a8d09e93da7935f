/* rados/rados_store.c: see the header. */
#include "rados/rados_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"

#define DIRECTORY_MOST 512
#define NAME_MOST 512

bool segj_rados_is_childs(const segj_rados_t *store)
{
    return store->process != segj_process_id();
}

void segj_rados_wait(segj_rados_t *store)
{
    if (store->seam.progress == NULL) {
        segj_wait(&store->changed, &store->mutex);
        return;
    }
    segj_unlock(&store->mutex);
    store->seam.progress(store->seam.context);
    segj_lock(&store->mutex);
}

/* --- names --- */

static int is_plain(const char *text, size_t most)
{
    size_t size = strlen(text);
    if (size == 0 || strchr(text, ':') != NULL)
        return EINVAL;
    return size > most ? ENAMETOOLONG : 0;
}

int segj_rados_directory_name(segj_rados_name_t name, const char *directory)
{
    int code = is_plain(directory, DIRECTORY_MOST);
    if (code == 0)
        (void)snprintf(name, sizeof(segj_rados_name_t), "%s:", directory);
    return code;
}

int segj_rados_partition_name(segj_rados_name_t name, const char *directory, const char *partition)
{
    int code = is_plain(directory, DIRECTORY_MOST);
    if (code == 0)
        code = is_plain(partition, NAME_MOST);
    if (code == 0)
        (void)snprintf(name, sizeof(segj_rados_name_t), "%s:%s", directory, partition);
    return code;
}

int segj_rados_file_key(segj_rados_name_t key, const char *name)
{
    size_t size = strlen(name);
    if (size == 0)
        return EINVAL;
    if (size > NAME_MOST)
        return ENAMETOOLONG;
    (void)snprintf(key, sizeof(segj_rados_name_t), SEGJ_RADOS_NAMED "%s", name);
    return 0;
}

void segj_rados_chunk_name(segj_rados_name_t name, const char *partition, const char *id, uint64_t number)
{
    (void)snprintf(name, sizeof(segj_rados_name_t), "%.1100s:%.16s.%08" PRIx64, partition, id, number);
}

/* --- numbers --- */

void segj_rados_digits(segj_rados_digits_t digits, uint64_t number)
{
    (void)snprintf(digits, sizeof(segj_rados_digits_t), "%016" PRIx64, number);
}

int segj_rados_number(const char *digits, uint64_t *number)
{
    uint64_t found = 0;
    for (size_t i = 0; i < SEGJ_RADOS_DIGITS - 1; i++) {
        char c = digits[i];
        if (c >= '0' && c <= '9')
            found = found << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            found = found << 4 | (uint64_t)(c - 'a' + 10);
        else
            return EIO;
    }
    *number = found;
    return 0;
}

void segj_rados_write_two(char text[SEGJ_RADOS_VALUE], uint64_t one, uint64_t other)
{
    (void)snprintf(text, SEGJ_RADOS_VALUE, "%016" PRIx64 " %016" PRIx64, one, other);
}

int segj_rados_read_two(const char *text, uint64_t *one, uint64_t *other)
{
    int code = segj_rados_number(text, one);
    if (code == 0)
        code = text[SEGJ_RADOS_DIGITS - 1] == ' ' ? segj_rados_number(text + SEGJ_RADOS_DIGITS, other) : EIO;
    return code == 0 && text[2 * SEGJ_RADOS_DIGITS - 1] != '\0' ? EIO : code;
}
