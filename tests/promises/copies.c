/* promises/copies.c: see copies.h. */
#include "promises/copies.h"

#include <string.h>

pair_t pair_of(fixture_t *f)
{
    pair_t pair = {.f = f, .directory = join_path(f->root.text, "copy"), .config = f->config};
    pair.config.strict = true;
    pair.config.read_only = true;
    pair.config.log = NULL;
    return pair;
}

bool from_files;

segj_status_t copy_by(fixture_t *f, const char *directory, const oversized_copy_options_t *options,
                      oversized_copied_t *copied)
{
    if (!from_files)
        return oversized_copy(f->journal, directory, options, copied);
    for_native_only();
    return oversized_copy_beside(&f->config, directory, options, copied);
}

segj_status_t copy_journal(pair_t *pair)
{
    return copy_by(pair->f, pair->directory.text, NULL, &pair->copied);
}

/* --- what a copy has --- */

static void check_same_records(oversized_t *journal, oversized_t *copy, uint64_t section, uint64_t count)
{
    segj_buffer_t values[2] = {SEGJ_ZERO, SEGJ_ZERO};
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entries[2][SMALL_ENTRY];
        assert_ok(oversized_read(journal, section, i, entries[0], &values[0]));
        assert_ok(oversized_read(copy, section, i, entries[1], &values[1]));
        assert_memory_equal(entries[0], entries[1], SMALL_ENTRY);
        assert_int_equal(values[0].size, values[1].size);
        assert_true(values[0].size == 0 || memcmp(values[0].data, values[1].data, values[0].size) == 0);
    }
    segj_buffer_free(&values[0]);
    segj_buffer_free(&values[1]);
}

static void check_same_section(oversized_t *journal, oversized_t *copy, uint64_t section)
{
    uint64_t count = count_of(journal, section);
    assert_int_equal(count_of(copy, section), count);
    assert_int_equal(value_size_of(copy, section), value_size_of(journal, section));
    check_same_records(journal, copy, section, count);
}

void check_clean(pair_t *pair)
{
    oversized_inspection_t *found = NULL;
    pair->config.directory = pair->directory.text;
    assert_ok(oversized_inspect(&pair->config, &found));
    if (found->health != OVERSIZED_CLEAN)
        fail_msg("health %d: %s", (int)found->health, found->problem);
    oversized_inspection_free(found);
}

void check_equal(pair_t *pair)
{
    oversized_t *copy = NULL;
    uint64_t section;
    uint64_t of_copy;
    uint64_t sections = 0;
    uint64_t records = 0;
    check_clean(pair);
    assert_ok(oversized_open(&pair->config, &copy));
    segj_status_t status = oversized_oldest_section(pair->f->journal, &section);
    assert_status(oversized_oldest_section(copy, &of_copy), status);
    while (status == SEGJ_OK) {
        assert_int_equal(of_copy, section);
        check_same_section(pair->f->journal, copy, section);
        sections++;
        records += count_of(copy, section);
        uint64_t last = section;
        status = oversized_next_section(pair->f->journal, last, &section);
        assert_status(oversized_next_section(copy, last, &of_copy), status);
    }
    assert_int_equal(pair->copied.sections, sections);
    assert_int_equal(pair->copied.records, records);
    assert_ok(oversized_verify(copy, NULL, NULL));
    assert_ok(oversized_close(copy));
}

void check_beginnings(pair_t *pair)
{
    oversized_t *copy = NULL;
    uint64_t section;
    check_clean(pair);
    assert_ok(oversized_open(&pair->config, &copy));
    for (segj_status_t status = oversized_oldest_section(copy, &section); status == SEGJ_OK;
         status = oversized_next_section(copy, section, &section)) {
        uint64_t count = count_of(copy, section);
        assert_true(count <= count_of(pair->f->journal, section));
        check_same_records(pair->f->journal, copy, section, count);
    }
    assert_ok(oversized_close(copy));
}

void make_sections(fixture_t *f)
{
    open_journal(f);
    put_samples(f->journal, 3, 40, 0);
    put_samples(f->journal, 4, 1, 0);
    put_samples(f->journal, 9, 200, 0);
    assert_ok(oversized_sync_all(f->journal));
}

void refuse_open_of_copy(pair_t *pair)
{
    oversized_t *copy = NULL;
    pair->config.directory = pair->directory.text;
    for (unsigned read_only = 0; read_only < 2; read_only++) {
        pair->config.read_only = read_only == 1;
        pair->config.strict = false;
        assert_status(oversized_open(&pair->config, &copy), SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), "was not completed: copy it once more"));
    }
    pair->config.strict = true;
}

/* --- journals --- */

int set_up_version_2(void **state)
{
    int answer = set_up(state);
    fixture_t *f = *state;
    if (answer == 0 && tested_format() == SEGJ_FORMAT_NATIVE)
        f->config.native_version = 2;
    return answer;
}

int set_up_files(void **state)
{
    from_files = true;
    return set_up(state);
}

int set_up_files_of_version_2(void **state)
{
    from_files = true;
    return set_up_version_2(state);
}

int tear_down_files(void **state)
{
    from_files = false;
    return tear_down(state);
}
