/*
 * archive_entry.h: the entry of a record of archive.c, which has its bytes in a table.
 */
#ifndef SEGJ_EXAMPLES_ARCHIVE_ENTRY_H
#define SEGJ_EXAMPLES_ARCHIVE_ENTRY_H

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "segjournal/oversized.h"

enum { ENTRY_SIZE = 28, LENGTH_SIZE = 4, PERMISSIONS = 0777 };

typedef struct entry {
    uint64_t hash, size;
    int64_t modified;
    uint16_t mode;
    char type; /**< 'f', 'l', 'd', 'x' */
} entry_t;

static void put(unsigned char *to, uint64_t number, size_t size)
{
    for (size_t i = size; i-- > 0; number >>= 8)
        to[i] = (unsigned char)(number & 0xff);
}

static uint64_t get(const unsigned char *from, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | from[i];
    return number;
}

static void entry_encode(const entry_t *entry, unsigned char bytes[ENTRY_SIZE])
{
    put(bytes, entry->hash, 8);
    put(bytes + 8, entry->size, 8);
    put(bytes + 16, (uint64_t)entry->modified, 8);
    put(bytes + 24, entry->mode, 2);
    put(bytes + 26, (unsigned char)entry->type, 2);
}

static entry_t entry_decode(const unsigned char *bytes)
{
    entry_t entry = {.hash = get(bytes, 8), .size = get(bytes + 8, 8), .modified = (int64_t)get(bytes + 16, 8)};
    entry.mode = (uint16_t)get(bytes + 24, 2);
    entry.type = (char)get(bytes + 26, 2);
    return entry;
}

/** The entry of a name; of type 0 where it cannot be stored: sockets, fifos, devices, and files too large.
 *  The hash is FNV-1a of Fowler, Noll and Vo: http://www.isthe.com/chongo/tech/comp/fnv/ */
static entry_t entry_describe(const char *path, const struct stat *found)
{
    entry_t entry = {.hash = UINT64_C(0xcbf29ce484222325), .modified = (int64_t)found->st_mtime};
    size_t length = strlen(path);
    for (size_t i = 0; i < length; i++)
        entry.hash = (entry.hash ^ (unsigned char)path[i]) * UINT64_C(0x100000001b3);
    entry.mode = (uint16_t)(found->st_mode & PERMISSIONS);
    entry.type = S_ISREG(found->st_mode) ? 'f' : S_ISLNK(found->st_mode) ? 'l' : S_ISDIR(found->st_mode) ? 'd' : 0;
    entry.size = entry.type == 'f' || entry.type == 'l' ? (uint64_t)found->st_size : 0;
    if (entry.size > OVERSIZED_VALUE_MAX - LENGTH_SIZE - length)
        entry.type = 0;
    return entry;
}

#endif
