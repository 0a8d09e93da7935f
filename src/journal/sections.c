/*
 * journal/sections.c: a hash of chains and a sorted array over the same nodes.
 */
#include "journal/sections.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t sections_bucket_of(const segj_sections_t *sections, uint64_t number)
{
    /* Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4); its upper bits are the mixed ones. */
    return (size_t)((number * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & sections->mask;
}

static void link_node(segj_sections_t *sections, segj_node_t *node)
{
    segj_node_t **bucket = &sections->buckets[sections_bucket_of(sections, node->number)];
    node->next = *bucket;
    *bucket = node;
}

segj_status_t segj_sections_reserve(segj_sections_t *sections, size_t count)
{
    if (count <= sections->capacity)
        return SEGJ_OK;
    size_t capacity = sections->capacity > 0 ? sections->capacity : 16;
    while (capacity < count) {
        if (capacity > SIZE_MAX / 4 / sizeof(segj_node_t *))
            return segj_fail_memory(SIZE_MAX);
        capacity *= 2;
    }
    segj_node_t **order = realloc(sections->order, capacity * sizeof *order);
    if (order == NULL)
        return segj_fail_memory(capacity * sizeof *order);
    sections->order = order;
    segj_node_t **buckets = calloc(capacity, sizeof *buckets);
    if (buckets == NULL)
        return segj_fail_memory(capacity * sizeof *buckets);
    free(sections->buckets);
    sections->buckets = buckets;
    sections->capacity = capacity;
    sections->mask = capacity - 1;
    for (size_t i = 0; i < sections->count; i++)
        link_node(sections, sections->order[i]);
    return SEGJ_OK;
}

void segj_sections_free(segj_sections_t *sections)
{
    free(sections->order);
    free(sections->buckets);
    memset(sections, 0, sizeof *sections);
}

segj_node_t *segj_sections_find(const segj_sections_t *sections, uint64_t number)
{
    if (sections->count == 0)
        return NULL;
    segj_node_t *node = sections->buckets[sections_bucket_of(sections, number)];
    while (node != NULL && node->number != number)
        node = node->next;
    return node;
}

size_t segj_sections_lower(const segj_sections_t *sections, uint64_t number)
{
    size_t low = 0;
    size_t high = sections->count;
    /* New sections mostly come last. */
    if (high > 0 && sections->order[high - 1]->number < number)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sections->order[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void segj_sections_insert(segj_sections_t *sections, segj_node_t *node)
{
    assert(sections->count < sections->capacity);
    size_t at = segj_sections_lower(sections, node->number);
    memmove(sections->order + at + 1, sections->order + at, (sections->count - at) * sizeof(segj_node_t *));
    sections->order[at] = node;
    sections->count++;
    link_node(sections, node);
}

void segj_sections_remove(segj_sections_t *sections, size_t first, size_t last)
{
    if (first == last)
        return;
    for (size_t i = first; i < last; i++) {
        segj_node_t *node = sections->order[i];
        segj_node_t **link = &sections->buckets[sections_bucket_of(sections, node->number)];
        while (*link != node)
            link = &(*link)->next;
        *link = node->next;
    }
    memmove(sections->order + first, sections->order + last, (sections->count - last) * sizeof(segj_node_t *));
    sections->count -= last - first;
}
