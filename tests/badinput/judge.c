/* badinput/judge.c: what open must make of a section's bytes, from the contract alone; see badinput/badinput.h. */
#include "badinput/badinput.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- the verdict --- */

/* Copies part of a file; what lies behind its end reads as zeros. */
static void copy_part(uint8_t *to, const bytes_t *file, size_t offset, size_t size)
{
    memset(to, 0, size);
    if (offset < file->size)
        memcpy(to, file->data + offset, file->size - offset < size ? file->size - offset : size);
}

/* FORMAT.md, "Headers". *valid: there is an identity, and it is the right one. */
static segj_status_t judge_header(const bytes_t *file, size_t data_offset, const identity_t *expected, bool *valid)
{
    uint8_t block[HEADER_BLOCK];
    identity_t found = {0};
    bool has_data = file->size > data_offset;
    copy_part(block, file, 0, sizeof block);
    if (!has_data)
        memset(block + 32, 0, sizeof block - 32);
    *valid = false;
    if (file->size >= 4 && (memcmp(block, "CWIC", 4) == 0 || memcmp(block, "CWIK", 4) == 0))
        return SEGJ_ERR_MISMATCH;
    if (file->size >= 6 && memcmp(block, "SEGJ", 4) == 0 && get_u16(block + 4) != 1)
        return SEGJ_ERR_MISMATCH;
    if (file->size < 32 || !decode_identity(block, &found))
        return has_data ? SEGJ_ERR_CORRUPT : SEGJ_OK;
    if (found.kind != expected->kind || found.page_size != expected->page_size ||
        found.record_size != expected->record_size || found.section != expected->section)
        return SEGJ_ERR_MISMATCH;
    *valid = true;
    return SEGJ_OK;
}

static size_t count_pages(const vault_t *vault)
{
    size_t size = vault->damaged.index.size;
    return size > INDEX_DATA_OFFSET ? (size - INDEX_DATA_OFFSET) / PHYSICAL_PAGE : 0;
}

static bool is_readable(const vault_t *vault, size_t record)
{
    size_t first = record * SMALL_RECORD;
    size_t end = first + SMALL_RECORD;
    for (size_t page = first / SMALL_PAGE; page * SMALL_PAGE < end; page++) {
        if (page >= count_pages(vault))
            return false;
        const uint8_t *physical = vault->damaged.index.data + INDEX_DATA_OFFSET + page * PHYSICAL_PAGE;
        size_t needed = end - page * SMALL_PAGE < SMALL_PAGE ? end - page * SMALL_PAGE : SMALL_PAGE;
        if (decode_page(physical, SMALL_PAGE, VAULT_SECTION, page) < needed)
            return false;
    }
    return true;
}

/* How many bytes of data the values file has. */
static size_t values_size(const vault_t *vault)
{
    size_t size = vault->damaged.values.size;
    return size > VALUES_DATA_OFFSET ? size - VALUES_DATA_OFFSET : 0;
}

static bool is_in_range(const vault_t *vault, size_t record)
{
    return (record + 1) * SAMPLE_FRAME <= values_size(vault);
}

static bool is_value_right(const vault_t *vault, size_t record)
{
    uint64_t offset = record * SAMPLE_FRAME;
    const uint8_t *frame = vault->damaged.values.data + VALUES_DATA_OFFSET + offset;
    return is_in_range(vault, record) &&
           get_u32(frame + SAMPLE_SIZE) == frame_checksum(VAULT_SECTION, offset, frame, SAMPLE_SIZE);
}

/* DESIGN.md, "Open". */
static size_t count_kept(const vault_t *vault, const verdict_t *verdict)
{
    size_t exist = count_pages(vault) * SMALL_PAGE / SMALL_RECORD;
    size_t count = verdict->watermark < exist ? (size_t)verdict->watermark : exist;
    while (count > 0 && (count > SAMPLES || !verdict->readable[count - 1] || !is_in_range(vault, count - 1)))
        count--;
    if (count < verdict->watermark)
        return count;
    while (count < SAMPLES && verdict->readable[count] && verdict->value_right[count])
        count++;
    return count;
}

verdict_t judge(const vault_t *vault)
{
    verdict_t verdict = {.status = SEGJ_OK};
    bool index_valid;
    bool values_valid;
    uint8_t slots[2 * HEADER_BLOCK];
    identity_t index = {1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, VAULT_SECTION};
    identity_t values = {1, IDENTITY_VALUES, 0, 0, 0, VAULT_SECTION};
    verdict.status = judge_header(&vault->damaged.index, INDEX_DATA_OFFSET, &index, &index_valid);
    if (verdict.status != SEGJ_OK)
        return verdict;
    verdict.in_values = true;
    verdict.status = judge_header(&vault->damaged.values, VALUES_DATA_OFFSET, &values, &values_valid);
    if (verdict.status != SEGJ_OK)
        return verdict;
    copy_part(slots, &vault->damaged.index, HEADER_BLOCK, sizeof slots);
    verdict.watermark = index_valid ? effective_watermark(slots, VAULT_SECTION) : 0;
    /* Both headers are durable before any data: DESIGN.md, I1. With a watermark lost values are counted instead. */
    verdict.in_values = false;
    if ((!index_valid || vault->damaged.index.size < INDEX_DATA_OFFSET) && values_size(vault) > 0)
        verdict.status = SEGJ_ERR_CORRUPT;
    else if ((!values_valid || vault->damaged.values.size < VALUES_DATA_OFFSET) && verdict.watermark == 0 &&
             vault->damaged.index.size > INDEX_DATA_OFFSET) {
        verdict.status = SEGJ_ERR_CORRUPT;
        verdict.in_values = true;
    }
    if (verdict.status != SEGJ_OK)
        return verdict;
    for (size_t i = 0; i < SAMPLES; i++) {
        verdict.readable[i] = is_readable(vault, i);
        verdict.value_right[i] = is_value_right(vault, i);
    }
    verdict.kept = count_kept(vault, &verdict);
    return verdict;
}

/* --- the journal against the verdict --- */

static void check_unreadable(const vault_t *vault, oversized_t *journal, size_t record, segj_buffer_t *value)
{
    uint8_t entry[SMALL_ENTRY];
    oversized_location_t location;
    assert_status(oversized_get(journal, VAULT_SECTION, record, entry, &location), SEGJ_ERR_CORRUPT);
    assert_sentence(vault->index_path.text, "offset", "page");
    assert_status(oversized_read(journal, VAULT_SECTION, record, entry, value), SEGJ_ERR_CORRUPT);
    assert_sentence(vault->index_path.text, "offset", "page");
    assert_int_equal(value->size, 0);
}

static void check_wrong_value(const vault_t *vault, oversized_t *journal, size_t record, segj_buffer_t *value)
{
    char offset[48];
    oversized_location_t location = {record * SAMPLE_FRAME, SAMPLE_FRAME};
    snprintf(offset, sizeof offset, "offset %zu:", VALUES_DATA_OFFSET + record * SAMPLE_FRAME);
    assert_status(oversized_get_value(journal, VAULT_SECTION, location, value), SEGJ_ERR_CHECKSUM);
    assert_sentence(vault->values_path.text, offset, "checksum", "expected");
    assert_int_equal(value->size, 0);
    assert_status(oversized_read(journal, VAULT_SECTION, record, NULL, value), SEGJ_ERR_CHECKSUM);
    assert_int_equal(value->size, 0);
}

static void check_entry(const void *entry, oversized_location_t location, size_t record)
{
    assert_int_equal(get_u64(entry), 100 + record);
    assert_int_equal(location.offset, record * SAMPLE_FRAME);
    assert_int_equal(location.size, SAMPLE_FRAME);
}

static void check_record(const vault_t *vault, oversized_t *journal, const verdict_t *verdict, size_t record,
                         segj_buffer_t *value)
{
    uint8_t entry[SMALL_ENTRY];
    oversized_location_t location;
    if (!verdict->readable[record]) {
        check_unreadable(vault, journal, record, value);
        return;
    }
    assert_ok(oversized_get(journal, VAULT_SECTION, record, entry, &location));
    check_entry(entry, location, record);
    if (!verdict->value_right[record]) {
        check_wrong_value(vault, journal, record, value);
        return;
    }
    uint8_t expected[SAMPLE_SIZE];
    memset(expected, (int)(0x40 + record), sizeof expected);
    assert_ok(oversized_read(journal, VAULT_SECTION, record, entry, value));
    assert_int_equal(value->size, SAMPLE_SIZE);
    assert_memory_equal(value->data, expected, SAMPLE_SIZE);
}

/* A replay gives every readable record, and of each damaged stretch its first record, as damaged. */
static void check_replay(const vault_t *vault, oversized_t *journal, const verdict_t *verdict)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    size_t next = 0;
    assert_ok(oversized_replay_open(journal, VAULT_SECTION, 0, 0, &replay));
    segj_status_t status;
    while ((status = oversized_replay_next(replay, &item)) != SEGJ_END) {
        while (next < item.position && next < verdict->kept && next > 0 && !verdict->readable[next])
            next++;
        assert_true(next < verdict->kept);
        assert_int_equal(item.position, next);
        assert_int_equal(item.section, VAULT_SECTION);
        if (verdict->readable[next]) {
            check_status(status, SEGJ_OK, "oversized_replay_next", __FILE__, __LINE__);
            check_entry(item.entry, item.location, next);
        } else {
            check_status(status, SEGJ_ERR_CORRUPT, "oversized_replay_next", __FILE__, __LINE__);
            assert_sentence(vault->index_path.text, "offset");
            assert_null(item.entry);
        }
        next++;
    }
    while (next < verdict->kept && next > 0 && !verdict->readable[next])
        next++;
    assert_int_equal(next, verdict->kept);
    oversized_replay_close(replay);
}

void check_verdict(const vault_t *vault, oversized_t *journal, const verdict_t *verdict)
{
    uint64_t number;
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_count(journal, VAULT_SECTION, &number));
    assert_int_equal(number, verdict->kept);
    assert_ok(oversized_value_size(journal, VAULT_SECTION, &number));
    assert_int_equal(number, verdict->kept * SAMPLE_FRAME);
    for (size_t i = 0; i < verdict->kept; i++)
        check_record(vault, journal, verdict, i, &value);
    assert_status(oversized_get(journal, VAULT_SECTION, verdict->kept, NULL, NULL), SEGJ_ERR_NO_RECORD);
    check_replay(vault, journal, verdict);
    segj_buffer_free(&value);
}

/* --- one damaged copy --- */

static void expect_refusal(vault_t *vault, const oversized_config_t *config, segj_status_t status, const char *path)
{
    oversized_t *journal = NULL;
    segj_status_t answer = oversized_open(config, &journal);
    if (answer == SEGJ_OK)
        oversized_abandon(journal);
    check_status(answer, status, "oversized_open", __FILE__, __LINE__);
    assert_null(journal);
    assert_sentence(path);
    assert_still_damaged(vault);
}

static uint64_t lost_records(const verdict_t *verdict)
{
    return verdict->watermark > verdict->kept ? verdict->watermark - verdict->kept : 0;
}

/* Neither may change a byte: a read-only open, and a strict one of which synced records are lost. */
static void try_without_change(vault_t *vault, const verdict_t *verdict)
{
    oversized_t *journal;
    oversized_config_t other = vault->config;
    other.read_only = true;
    assert_ok(oversized_open(&other, &journal));
    check_verdict(vault, journal, verdict);
    oversized_abandon(journal);
    assert_still_damaged(vault);
    if (lost_records(verdict) == 0)
        return;
    other = vault->config;
    other.strict = true;
    expect_refusal(vault, &other, SEGJ_ERR_CORRUPT, "section 7 ");
}

static void open_and_check(vault_t *vault, const verdict_t *verdict, uint64_t lost)
{
    oversized_t *journal;
    assert_ok(oversized_open(&vault->config, &journal));
    assert_int_equal(oversized_recovery(journal)->records, verdict->kept);
    assert_int_equal(oversized_recovery(journal)->synced_records_lost, lost);
    check_verdict(vault, journal, verdict);
    oversized_abandon(journal);
}

void try_damaged(vault_t *vault, const verdict_t *verdict, bool thoroughly)
{
    put_damaged(vault);
    if (verdict->status != SEGJ_OK) {
        const path_t *path = verdict->in_values ? &vault->values_path : &vault->index_path;
        expect_refusal(vault, &vault->config, verdict->status, path->text);
        return;
    }
    if (thoroughly)
        try_without_change(vault, verdict);
    open_and_check(vault, verdict, lost_records(verdict));
    bool whole = true;
    for (size_t i = 0; i < verdict->kept; i++)
        whole = whole && verdict->readable[i] && verdict->value_right[i];
    if (whole)
        assert_at_rest(vault, verdict->kept);
    if (!thoroughly)
        return;
    /* Opening twice gives the same state, and finds nothing to do. */
    pair_t before = take_pair(vault);
    open_and_check(vault, verdict, 0);
    pair_t after = take_pair(vault);
    assert_int_equal(after.index.size, before.index.size);
    assert_memory_equal(after.index.data, before.index.data, before.index.size);
    assert_int_equal(after.values.size, before.values.size);
    assert_memory_equal(after.values.data, before.values.data, before.values.size);
    free_pair(&before);
    free_pair(&after);
}
