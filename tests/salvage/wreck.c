/*
 * salvage/wreck.c: see the header.
 */
#include "salvage/wreck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const make_t makes[6] = {
    {"version 1", SEGJ_FORMAT_NATIVE, 1, 0},      {"version 1, zstd", SEGJ_FORMAT_NATIVE, 1, 1},
    {"version 2", SEGJ_FORMAT_NATIVE, 2, 0},      {"version 2, zstd", SEGJ_FORMAT_NATIVE, 2, 1},
    {"commonware", SEGJ_FORMAT_COMMONWARE, 0, 0}, {"commonware, zstd", SEGJ_FORMAT_COMMONWARE, 0, 1}};

size_t wreck_value(uint64_t section, unsigned record, uint8_t *value)
{
    size_t size = ((size_t)record * 37 + (size_t)section * 11) % WRECK_LONGEST;
    uint32_t state = (uint32_t)(section * 1000 + record) * 2654435761u + 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        value[i] = (uint8_t)(state >> 24);
    }
    return size;
}

static void wreck_entry(uint64_t section, unsigned record, uint8_t entry[SMALL_ENTRY])
{
    put_u32(entry, (uint32_t)section);
    put_u32(entry + 4, record);
}

void wreck_make(wreck_t *wreck, const make_t *make)
{
    oversized_t *journal;
    bool native = make->format == SEGJ_FORMAT_NATIVE;
    *wreck = (wreck_t){.make = make, .root = make_temp_directory()};
    wreck->source = join_path(wreck->root.text, "source");
    wreck->copy = join_path(wreck->root.text, "copy");
    wreck->made = join_path(wreck->root.text, "made");
    wreck->index_data = native ? INDEX_DATA_OFFSET : 8;
    wreck->values_data = native ? VALUES_DATA_OFFSET : 8;
    wreck->head = make->version == 2 ? OVERSIZED_FRAME_HEAD + SMALL_ENTRY : 0;
    oversized_config_init(&wreck->config);
    wreck->config.directory = wreck->source.text;
    wreck->config.entry_size = SMALL_ENTRY;
    wreck->config.page_size = SMALL_PAGE;
    wreck->config.format = make->format;
    wreck->config.native_version = make->version;
    wreck->config.compression = make->compression;
    assert_ok(oversized_open(&wreck->config, &journal));
    for (uint64_t section = 1; section <= WRECK_SECTIONS; section++)
        for (unsigned i = 0; i < WRECK_RECORDS; i++) {
            uint8_t entry[SMALL_ENTRY];
            uint8_t value[WRECK_LONGEST];
            size_t size = wreck_value(section, i, value);
            wreck_entry(section, i, entry);
            assert_ok(oversized_append(journal, section, entry, value, size, NULL, &wreck->locations[section][i]));
        }
    assert_ok(oversized_close(journal));
    forget_owner(wreck->source.text, "index");
    copy_tree(wreck->source.text, wreck->copy.text);
}

void wreck_free(wreck_t *wreck)
{
    remove_tree(wreck->root.text);
}

void wreck_mend(wreck_t *wreck)
{
    remove_tree(wreck->source.text);
    copy_tree(wreck->copy.text, wreck->source.text);
}

/* --- places --- */

path_t wreck_index(const wreck_t *wreck, uint64_t section)
{
    return section_path(wreck->source.text, "index", section);
}

path_t wreck_values(const wreck_t *wreck, uint64_t section)
{
    return section_path(wreck->source.text, "values", section);
}

uint64_t wreck_frame(const wreck_t *wreck, uint64_t section, unsigned record)
{
    return wreck->values_data + wreck->locations[section][record].offset;
}

uint64_t wreck_frame_end(const wreck_t *wreck, uint64_t section, unsigned record)
{
    return wreck_frame(wreck, section, record) + wreck->head + wreck->locations[section][record].size;
}

/* --- damage --- */

void wreck_zero(path_t file, uint64_t offset, size_t size)
{
    uint8_t *zeros = calloc(1, size + 1);
    assert_non_null(zeros);
    write_file_at(file.text, offset, zeros, size);
    free(zeros);
}

void wreck_noise(path_t file, uint64_t offset, size_t size, uint64_t seed)
{
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(seed >> 56);
    }
    write_file_at(file.text, offset, bytes, size);
    free(bytes);
}

void wreck_flip(path_t file, uint64_t offset)
{
    bytes_t bytes = read_file(file.text);
    assert_true(offset < bytes.size);
    uint8_t other = bytes.data[offset] ^ 0x10;
    free_bytes(&bytes);
    write_file_at(file.text, offset, &other, 1);
}

/* --- the judge --- */

static bool see_gap(void *context, const oversized_gap_t *gap)
{
    haul_seen_t *seen = context;
    assert_true(gap->sentence[0] != '\0');
    assert_true(gap->status >= SEGJ_ERR_INVALID);
    if (seen->gap_count < WRECK_GAPS)
        seen->gaps[seen->gap_count] = *gap;
    seen->gap_count++;
    return false;
}

static bool see_run(void *context, const oversized_salvaged_run_t *run)
{
    haul_seen_t *seen = context;
    assert_true(run->records > 0);
    if (seen->run_count < WRECK_RUNS)
        seen->runs[seen->run_count] = *run;
    seen->run_count++;
    return false;
}

/* The run in which a record of the new journal lies. */
static const oversized_salvaged_run_t *find_run(const haul_seen_t *seen, uint64_t section, uint64_t made)
{
    for (size_t i = 0; i < seen->run_count && i < WRECK_RUNS; i++) {
        const oversized_salvaged_run_t *run = &seen->runs[i];
        if (run->section == section && made >= run->made && made - run->made < run->records)
            return run;
    }
    fail_msg("record %llu:%llu of the new journal lies in no run", (unsigned long long)section,
             (unsigned long long)made);
    return NULL;
}

static void judge_record(haul_seen_t *seen, const oversized_item_t *item, const void *value, size_t size, int64_t *last)
{
    static const uint8_t zeros[SMALL_ENTRY];
    uint8_t expected[WRECK_LONGEST];
    const oversized_salvaged_run_t *run = find_run(seen, item->section, item->position);
    uint64_t source = run->source == OVERSIZED_UNKNOWN ? OVERSIZED_UNKNOWN : run->source + item->position - run->made;
    bool bare = memcmp(item->entry, zeros, SMALL_ENTRY) == 0;
    uint32_t record = bare ? (uint32_t)source : get_u32((const uint8_t *)item->entry + 4);
    seen->bare += bare;
    if (bare && source == OVERSIZED_UNKNOWN) /* the value says which one it is */
        for (record = (uint32_t)(*last + 1); record < WRECK_RECORDS; record++)
            if (wreck_value(item->section, record, expected) == size && memcmp(value, expected, size) == 0)
                break;
    if (!bare)
        assert_int_equal(get_u32(item->entry), item->section);
    assert_true(record < WRECK_RECORDS);
    if (source != OVERSIZED_UNKNOWN)
        assert_int_equal(source, record);
    assert_true((int64_t)record > *last);
    *last = record;
    size_t wanted = wreck_value(item->section, record, expected);
    assert_int_equal(size, wanted);
    assert_memory_equal(value, expected, wanted);
    seen->back[item->section][record] = true;
    seen->records[item->section]++;
}

static void judge_section(haul_seen_t *seen, oversized_t *journal, uint64_t section)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    int64_t last = -1;
    bool exists;
    assert_ok(oversized_section_exists(journal, section, &exists));
    if (!exists)
        return;
    assert_ok(oversized_replay_open(journal, section, 0, 0, &replay));
    while (oversized_replay_next(replay, &item) == SEGJ_OK && item.section == section) {
        const void *value;
        size_t size;
        assert_ok(oversized_replay_value(replay, &value, &size));
        judge_record(seen, &item, value, size, &last);
    }
    oversized_replay_close(replay);
}

/* Whether a record lies in a gap that was told. */
bool wreck_in_gap(const haul_seen_t *seen, uint64_t section, unsigned record)
{
    for (size_t i = 0; i < seen->gap_count && i < WRECK_GAPS; i++) {
        const oversized_gap_t *gap = &seen->gaps[i];
        if (gap->section == section && (gap->first == OVERSIZED_UNKNOWN || gap->first <= record) &&
            (gap->last == OVERSIZED_UNKNOWN || gap->last >= record))
            return true;
    }
    return false;
}

static void judge_salvage(wreck_t *wreck, haul_seen_t *seen, const oversized_config_t *config)
{
    oversized_t *journal;
    oversized_config_t again = *config;
    again.strict = true;
    again.entry_size = SMALL_ENTRY;
    assert_ok(oversized_open(&again, &journal));
    assert_int_equal(oversized_recovery(journal)->records, seen->told.records);
    for (uint64_t section = 1; section <= WRECK_SECTIONS; section++)
        judge_section(seen, journal, section);
    assert_ok(oversized_verify(journal, NULL, NULL));
    assert_ok(oversized_close(journal));
    assert_int_equal(seen->records[1] + seen->records[2], seen->told.records);
    assert_int_equal(seen->run_count, seen->told.runs);
    assert_int_equal(seen->gap_count, seen->told.gaps + seen->told.gaps_unsynced);
    (void)wreck;
}

haul_seen_t wreck_salvage(wreck_t *wreck, const oversized_salvage_options_t *options)
{
    haul_seen_t seen = {.gap_count = 0};
    oversized_salvage_options_t how;
    oversized_config_t from;
    oversized_config_t to = wreck->config;
    path_t before = join_path(wreck->root.text, "before");
    oversized_salvage_options_init(&how);
    if (options != NULL)
        how = *options;
    how.on_gap = see_gap;
    how.on_run = see_run;
    how.context = &seen;
    oversized_config_init(&from);
    from.native_version = 1;
    from.directory = wreck->source.text;
    from.entry_size = SMALL_ENTRY;
    from.page_size = SMALL_PAGE;
    from.format = wreck->make->format;
    from.compression = wreck->make->format == SEGJ_FORMAT_COMMONWARE ? wreck->make->compression : 0;
    to.directory = wreck->made.text;
    to.entry_size = 77; /* is the source's */
    copy_tree(wreck->source.text, before.text);
    assert_ok(oversized_salvage(&from, &to, &how, &seen.told));
    assert_trees_equal(before.text, wreck->source.text);
    judge_salvage(wreck, &seen, &to);
    remove_tree(before.text);
    remove_tree(wreck->made.text);
    return seen;
}

int wreck_opened(wreck_t *wreck)
{
    oversized_t *journal;
    oversized_config_t config = wreck->config;
    path_t copy = join_path(wreck->root.text, "opened");
    int right = 0;
    copy_tree(wreck->source.text, copy.text);
    config.directory = copy.text;
    segj_status_t status = oversized_open(&config, &journal);
    if (status == SEGJ_OK) {
        for (unsigned i = 0; i < WRECK_RECORDS; i++) {
            uint8_t entry[SMALL_ENTRY];
            uint8_t expected[WRECK_LONGEST];
            segj_buffer_t value = SEGJ_ZERO;
            size_t size = wreck_value(1, i, expected);
            if (oversized_read(journal, 1, i, entry, &value) == SEGJ_OK) {
                assert_int_equal(value.size, size);
                assert_int_equal(get_u32(entry + 4), i);
                right++;
            }
            segj_buffer_free(&value);
        }
        assert_ok(oversized_close(journal));
    }
    remove_tree(copy.text);
    return status == SEGJ_OK ? right : -1;
}
