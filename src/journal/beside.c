/*
 * journal/beside.c: see the header.
 */
#include "journal/beside.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum/checksum.h"

/* ".", "-", eight digits and a suffix that ends with a zero byte. */
#define SHORTENED (SEGJ_BESIDE_NAME_MAX - 10)

void segj_beside_put(char name[SEGJ_BESIDE_NAME_MAX + 1], const char *index, const char *suffix)
{
    size_t length = strlen(index);
    size_t end = strlen(suffix);
    bool whole = length + end + 1 <= SEGJ_BESIDE_NAME_MAX;
    size_t kept = whole ? length : SHORTENED - end;
    char *to = name;
    *to++ = '.';
    memcpy(to, index, kept);
    to += kept;
    if (!whole)
        to += snprintf(to, 10, "-%08" PRIx32, segj_crc32(0, (const uint8_t *)index, length));
    memcpy(to, suffix, end + 1);
}

char *segj_beside_name(const char *index, const char *suffix)
{
    char *name = malloc(SEGJ_BESIDE_NAME_MAX + 1);
    if (name != NULL)
        segj_beside_put(name, index, suffix);
    return name;
}
