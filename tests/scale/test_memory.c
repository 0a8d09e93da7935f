/*
 * scale/test_memory.c: what the library takes from the heap while many sections are written: every allocation of it is
 * counted. "write_memory: all write buffers together; idle sections hold none."
 *
 * LINK_WRAP: malloc calloc realloc free
 */
#include "scale/scale.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { A_SECTION = 1024, A_RECORD = 100 };

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

/* The library's, and the tests' own, which are few; zstd and cmocka have theirs to themselves. */
static size_t heap_used;
static size_t heap_peak;

static void *taken(void *memory)
{
    if (memory != NULL)
        heap_used += malloc_usable_size(memory);
    if (heap_used > heap_peak)
        heap_peak = heap_used;
    return memory;
}

static void given_back(void *memory)
{
    if (memory != NULL)
        heap_used -= malloc_usable_size(memory);
}

void *__wrap_malloc(size_t size)
{
    return taken(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return taken(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    given_back(memory);
    return taken(__real_realloc(memory, size));
}

void __wrap_free(void *memory)
{
    given_back(memory);
    __real_free(memory);
}

typedef struct scale {
    path_t root;
    oversized_config_t config;
    oversized_t *journal;
    size_t before; /* the heap when the journal was open and empty */
} scale_t;

static void start(scale_t *scale, uint32_t files, size_t write_memory)
{
    *scale = (scale_t){.root = make_temp_directory()};
    oversized_config_init(&scale->config);
    scale->config.native_version = 1;
    scale->config.directory = scale->root.text;
    scale->config.storage = counted_storage();
    scale->config.entry_size = SMALL_ENTRY;
    scale->config.max_open_files = files;
    scale->config.write_memory = write_memory;
    scale->config.page_cache_pages = 16;
    assert_ok(oversized_open(&scale->config, &scale->journal));
    scale->before = heap_peak = heap_used;
}

static void stop(scale_t *scale)
{
    assert_ok(oversized_close(scale->journal));
    remove_tree(scale->root.text);
}

/* The most that the heap has held since the start, but for what each section costs that there is. */
static void check_peak(const scale_t *scale, const char *what, uint64_t sections)
{
    size_t grown = heap_peak - scale->before;
    size_t share = (size_t)sections * A_SECTION;
    printf("  %s: %zu KiB at most beside %" PRIu64 " KiB for %" PRIu64 " sections; write_memory is %zu KiB\n", what,
           (grown > share ? grown - share : 0) / 1024, (uint64_t)share / 1024, sections,
           scale->config.write_memory / 1024);
    /* a buffer may be filled while the one before is written: room for one of either file */
    assert_true(grown <= scale->config.write_memory + scale->config.write_memory / 2 + share);
}

static void append_one(const scale_t *scale, uint64_t section, size_t size)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    static uint8_t value[1 << 20];
    assert_ok(oversized_append(scale->journal, section, entry, value, size, NULL, NULL));
}

/* Each section fills its buffers once, and a little of the next ones. */
static void sections_that_fill_their_buffers_keep_to_write_memory(void **state)
{
    scale_t scale;
    start(&scale, 130, 1 << 20);
    for (uint64_t section = 0; section < 60; section++)
        for (int i = 0; i < 4000; i++)
            append_one(&scale, section, A_RECORD);
    check_peak(&scale, "buffers filled", 60);
    stop(&scale);
}

/* As many sections are written in turn as have descriptors. */
static void sections_written_in_turn_keep_to_write_memory(void **state)
{
    scale_t scale;
    start(&scale, 256, 1 << 20);
    for (int round = 0; round < 20; round++)
        for (uint64_t section = 0; section < 120; section++)
            append_one(&scale, section, A_RECORD);
    check_peak(&scale, "in turn", 120);
    stop(&scale);
}

static void sections_with_default_buffers_keep_to_the_default(void **state)
{
    scale_t scale;
    start(&scale, 256, (size_t)64 << 20);
    for (int round = 0; round < 3; round++)
        for (uint64_t section = 0; section < 127; section++)
            append_one(&scale, section, A_RECORD);
    check_peak(&scale, "defaults", 127);
    stop(&scale);
}

/* Many more sections than may be written at a time: the others hold none. */
static void idle_sections_hold_no_buffers(void **state)
{
    uint64_t sections = environment_number("SEGJ_SCALE_SECTIONS", is_instrumented() ? 500 : 2000);
    scale_t scale;
    start(&scale, 16, 64 << 10);
    for (int round = 0; round < 2; round++)
        for (uint64_t section = 0; section < sections; section++)
            append_one(&scale, section, A_RECORD);
    check_peak(&scale, "idle", sections);
    stop(&scale);
}

/* A value that is larger than all buffers goes to its file from the caller's memory. */
static void large_values_need_no_memory_of_the_library(void **state)
{
    scale_t scale;
    start(&scale, 16, 256 << 10);
    for (uint64_t section = 0; section < 4; section++)
        for (int i = 0; i < 8; i++)
            append_one(&scale, section, 1 << 20);
    check_peak(&scale, "large values", 4);
    stop(&scale);
}

/* What a section costs when it is written and put aside, and what is left when it is pruned. */
static void pruned_sections_give_their_memory_back(void **state)
{
    enum { SECTIONS = 400 };
    scale_t scale;
    start(&scale, 16, 64 << 10);
    for (uint64_t section = 0; section < SECTIONS; section++)
        append_one(&scale, section, A_RECORD);
    size_t written = heap_used;
    assert_ok(oversized_prune(scale.journal, SECTIONS - 1, NULL));
    printf("  %zu bytes were given back for each section pruned\n", (written - heap_used) / (SECTIONS - 1));
    assert_true(written - heap_used >= (size_t)100 * (SECTIONS - 1));
    stop(&scale);
}

/* A replay reads ahead as much as it was told, whatever the section holds. */
static void replay_keeps_to_its_buffer(void **state)
{
    scale_t scale;
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    start(&scale, 16, 256 << 10);
    for (int i = 0; i < 20000; i++)
        append_one(&scale, 1, 0);
    assert_ok(oversized_sync(scale.journal, 1));
    size_t before = heap_peak = heap_used;
    assert_ok(oversized_replay_open(scale.journal, 0, 0, 16 << 10, &replay));
    for (int i = 0; i < 20000; i++)
        assert_ok(oversized_replay_next(replay, &item));
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    printf("  a replay of 400,000 bytes with 16 KiB takes %zu KiB\n", (heap_peak - before) / 1024);
    assert_true(heap_peak - before <= 24 << 10);
    assert_int_equal(heap_used, before);
    stop(&scale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_that_fill_their_buffers_keep_to_write_memory),
        cmocka_unit_test(sections_written_in_turn_keep_to_write_memory),
        cmocka_unit_test(sections_with_default_buffers_keep_to_the_default),
        cmocka_unit_test(idle_sections_hold_no_buffers),
        cmocka_unit_test(large_values_need_no_memory_of_the_library),
        cmocka_unit_test(pruned_sections_give_their_memory_back),
        cmocka_unit_test(replay_keeps_to_its_buffer),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
