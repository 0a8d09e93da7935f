/*
 * crash/seen.c: see the header. Open addressing; numbers are well mixed.
 */
#include "crash/seen.h"

#include <stdbool.h>
#include <stdlib.h>

#define LEVEL_BITS UINT64_C(7)
#define LEAST_CAPACITY ((size_t)1 << 16)

static uint64_t *find(uint64_t *table, size_t capacity, uint64_t state)
{
    size_t at = (size_t)(state >> 3) & (capacity - 1);
    while (table[at] != 0 && ((table[at] ^ state) & ~LEVEL_BITS) != 0)
        at = (at + 1) & (capacity - 1);
    return &table[at];
}

static void grow(seen_t *seen)
{
    size_t capacity = seen->capacity == 0 ? LEAST_CAPACITY : 2 * seen->capacity;
    uint64_t *table = calloc(capacity, sizeof *table);
    if (table == NULL)
        abort();
    for (size_t i = 0; i < seen->capacity; i++)
        if (seen->table[i] != 0)
            *find(table, capacity, seen->table[i]) = seen->table[i];
    free(seen->table);
    seen->table = table;
    seen->capacity = capacity;
}

seen_answer_t seen_note(seen_t *seen, uint64_t state, unsigned level)
{
    if (3 * seen->count >= 2 * seen->capacity)
        grow(seen);
    uint64_t *at = find(seen->table, seen->capacity, state);
    uint64_t before = *at & LEVEL_BITS; /* the level + 1 */
    if (before > level)
        return SEEN_ENOUGH;
    *at = (state & ~LEVEL_BITS) | (level + 1);
    if (before > 0)
        return SEEN_LESS;
    seen->count++;
    return SEEN_NEW;
}

void seen_free(seen_t *seen)
{
    free(seen->table);
    *seen = (seen_t){NULL, 0, 0};
}
