/*
 * scale/test_sections.c: a journal of many sections: 10,000, or as many as SEGJ_SCALE_SECTIONS says. The process may
 * have 1,024 descriptors, the journal 256, and write buffers 1 MiB in all. Written in turn, so that every append meets
 * a section that has been put aside; opened, read, pruned.
 *
 * What it prints is of interest: storage calls and memory a section, and how long it took.
 */
#include "scale/scale.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

enum {
    DESCRIPTORS = 1024,
    MOST_FILES = 256,
    LOCKS = 4,
    ROUNDS = 2,
    VALUE = 100,
    MEMORY_A_SECTION = 1024,
    /* of a section that a close has left: both files opened, asked for their size and closed, both headers and the last
     * page of the index read */
    CALLS_AT_OPEN = 9
};

typedef struct scale {
    path_t root;
    oversized_config_t config;
    oversized_t *journal;
    uint64_t sections;
    size_t descriptors; /* of the process before it has opened anything */
    double begun;
} scale_t;

static void begin(scale_t *scale, const char *what)
{
    counted_reset();
    scale->begun = seconds_now();
    printf("  %-10s", what);
    fflush(stdout);
}

static void end(const scale_t *scale, uint64_t count)
{
    calls_t calls = counted_calls();
    printf("%8.2f s, %6.1f us and %5.2f storage calls each\n", seconds_now() - scale->begun,
           (seconds_now() - scale->begun) * 1e6 / (double)count, (double)counted_all(&calls) / (double)count);
}

/* The bound holds by the storage's count and by the system's. */
static void check_descriptors(const scale_t *scale)
{
    calls_t calls = counted_calls();
    assert_true(calls.most_files <= MOST_FILES);
    assert_true(open_descriptors() <= scale->descriptors + MOST_FILES + LOCKS);
}

static uint8_t fill_of(uint64_t section, uint64_t round)
{
    return (uint8_t)(section * 5 + round);
}

static void write_all(scale_t *scale)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        begin(scale, round == 0 ? "create" : "append");
        for (uint64_t section = 0; section < scale->sections; section++) {
            uint64_t position = UINT64_MAX;
            (void)append_filled(scale->journal, section, section, fill_of(section, round), VALUE, &position);
            assert_int_equal(position, round);
            if (section % 97 == 0)
                check_descriptors(scale);
        }
        end(scale, scale->sections);
    }
    begin(scale, "close");
    assert_ok(oversized_close(scale->journal));
    scale->journal = NULL;
    assert_int_equal(counted_calls().files, 0);
    end(scale, scale->sections);
}

/* A section that was closed in order costs a bounded number of calls, and writes nothing. */
static void check_open_calls(const scale_t *scale)
{
    calls_t calls = counted_calls();
    printf("  at open each: %.2f opens, %.2f reads (%.0f bytes), %.2f sizes, %.2f closes\n",
           (double)calls.opens / (double)scale->sections, (double)calls.reads / (double)scale->sections,
           (double)calls.bytes_read / (double)scale->sections, (double)calls.sizes / (double)scale->sections,
           (double)calls.closes / (double)scale->sections);
    assert_true(counted_all(&calls) <= CALLS_AT_OPEN * scale->sections + 8);
    assert_int_equal(calls.writes + calls.truncates + calls.file_syncs + calls.creates + calls.removes, 0);
}

static void reopen(scale_t *scale)
{
    size_t heap = heap_bytes();
    begin(scale, "open");
    assert_ok(oversized_open(&scale->config, &scale->journal));
    end(scale, scale->sections);
    check_open_calls(scale);
    size_t used = heap_bytes() - heap;
    printf("  memory: %.1f bytes a section when open (the page cache's %u pages left out), %zu KiB resident\n",
           ((double)used - scale->config.page_cache_pages * 4200.0) / (double)scale->sections,
           (unsigned)scale->config.page_cache_pages, resident_bytes() / 1024);
    assert_true(used <= MEMORY_A_SECTION * scale->sections + scale->config.page_cache_pages * (size_t)4200);
    const oversized_recovery_t *recovery = oversized_recovery(scale->journal);
    assert_int_equal(recovery->sections, scale->sections);
    assert_int_equal(recovery->records, ROUNDS * scale->sections);
    assert_int_equal(recovery->sections_repaired, 0);
    check_descriptors(scale);
}

/* In an order that finds no section open. */
static void read_all(scale_t *scale)
{
    begin(scale, "read");
    for (uint64_t i = 0; i < scale->sections; i++) {
        uint64_t section = (i * 7919 + 13) % scale->sections;
        uint64_t count = 0;
        assert_ok(oversized_count(scale->journal, section, &count));
        assert_int_equal(count, ROUNDS);
        check_filled(scale->journal, section, i % ROUNDS, section, fill_of(section, i % ROUNDS), VALUE);
        if (i % 97 == 0)
            check_descriptors(scale);
    }
    end(scale, scale->sections);
}

static void walk_and_replay(scale_t *scale, uint64_t first)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    uint64_t section = 0;
    uint64_t at = first;
    begin(scale, "replay");
    for (segj_status_t status = oversized_oldest_section(scale->journal, &section); status != SEGJ_END;
         status = oversized_next_section(scale->journal, section, &section)) {
        assert_ok(status);
        assert_int_equal(section, at++);
    }
    assert_int_equal(at, scale->sections);
    assert_ok(oversized_replay_open(scale->journal, 0, 0, 4096, &replay));
    for (uint64_t i = first * ROUNDS; i < scale->sections * ROUNDS; i++) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(item.section, i / ROUNDS);
        assert_int_equal(get_u64(item.entry), item.section);
    }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    check_descriptors(scale);
    end(scale, scale->sections - first);
}

/* Two files a section, and two barriers for all of them together. */
static void prune(scale_t *scale, uint64_t first)
{
    bool pruned = false;
    begin(scale, "prune");
    assert_ok(oversized_prune(scale->journal, first, &pruned));
    assert_true(pruned);
    calls_t calls = counted_calls();
    assert_int_equal(calls.removes, 2 * first);
    assert_true(calls.name_syncs <= 2);
    assert_int_equal(calls.writes + calls.file_syncs, 0);
    end(scale, first);
    assert_status(oversized_get(scale->journal, first - 1, 0, NULL, NULL), SEGJ_ERR_PRUNED);
    assert_ok(oversized_get(scale->journal, first, 0, NULL, NULL));
    check_descriptors(scale);
}

/* A rewind of the first section that is left removes the others, the same way. */
static void rewind_all(scale_t *scale, uint64_t first)
{
    uint64_t newest = 0;
    begin(scale, "rewind");
    assert_ok(oversized_rewind(scale->journal, first, SMALL_RECORD));
    calls_t calls = counted_calls();
    assert_int_equal(calls.removes, 2 * (scale->sections - first - 1));
    assert_true(calls.name_syncs <= 2);
    end(scale, scale->sections - first);
    assert_ok(oversized_newest_section(scale->journal, &newest));
    assert_int_equal(newest, first);
}

static void limit_descriptors(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max > DESCRIPTORS)
        limit.rlim_max = DESCRIPTORS;
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void many_sections_need_few_descriptors_little_memory_and_few_calls(void **state)
{
    scale_t scale = {.root = make_temp_directory(),
                     .sections = environment_number("SEGJ_SCALE_SECTIONS", is_instrumented() ? 1500 : 10000)};
    limit_descriptors();
    scale.descriptors = open_descriptors();
    oversized_config_init(&scale.config);
    scale.config.native_version = 1;
    scale.config.directory = scale.root.text;
    scale.config.storage = counted_storage();
    scale.config.entry_size = SMALL_ENTRY;
    scale.config.max_open_files = MOST_FILES;
    scale.config.write_memory = 1 << 20;
    scale.config.strict = true;
    printf("%" PRIu64 " sections of %d records in %s, syncs %s\n", scale.sections, ROUNDS, scale.root.text,
           real_syncs() ? "real" : "left out");
    assert_ok(oversized_open(&scale.config, &scale.journal));
    write_all(&scale);
    reopen(&scale);
    read_all(&scale);
    walk_and_replay(&scale, 0);
    uint64_t first = scale.sections / 2;
    prune(&scale, first);
    walk_and_replay(&scale, first);
    rewind_all(&scale, first);
    assert_ok(oversized_close(scale.journal));
    assert_int_equal(open_descriptors(), scale.descriptors);
    printf("  at most %" PRIu64 " files open, %zu KiB resident at most\n", counted_calls().most_files,
           peak_bytes() / 1024);
    remove_tree(scale.root.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_sections_need_few_descriptors_little_memory_and_few_calls),
    };
    return cmocka_run_group_tests_name("sections", tests, NULL, NULL);
}
