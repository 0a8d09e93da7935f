/*
 * counted/counting.h: what a call of the library costs, in things that can be counted: calls of the storage and bytes
 * handed to it, allocations, and bytes copied by memcpy and memmove. A program that includes this has
 *     LINK_WRAP: malloc calloc realloc memcpy memmove
 * and one thread besides the library's own, which waits when costs are asked for.
 *
 *     costs_t before = costs();
 *     assert_ok(oversized_append(...));
 *     assert_costs(before, (costs_t){.copied = 4096});       every field not named is 0
 *
 * What the storage itself allocates and copies is not counted. Nor are copies of fewer than COPY_COUNTED bytes: of
 * structures, say, which one compiler makes inline and another does not.
 */
#ifndef TESTS_COUNTED_COUNTING_H
#define TESTS_COUNTED_COUNTING_H

#include "support/support.h"

enum { COPY_COUNTED = 512 };

typedef struct costs {
    uint64_t reads, read_bytes, writes, written_bytes, syncs, write_backs;
    uint64_t opens, closes, others; /* of files; every other call of the storage */
    uint64_t allocations, copied;
} costs_t;

costs_t costs(void);
/** What came since then. */
costs_t costs_since(costs_t before);

#define assert_costs(before, ...) check_costs((before), (__VA_ARGS__), __FILE__, __LINE__)
void check_costs(costs_t before, costs_t expected, const char *file, int line);

/** A storage in memory that counts. Destroyed by counting_end(). */
const segj_storage_t *counting_begin(void);
void counting_end(void);

#endif
