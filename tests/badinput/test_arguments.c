/*
 * badinput/test_arguments.c: every call with arguments that cannot be: NULLs, sections and records that are not there,
 * sizes and locations out of all ranges.
 *
 * Each is answered with its status and a sentence; outputs stay as they were, and handles are NULL; neither the journal
 * nor a byte of its files changes, which the end of each test looks at.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "badinput/badinput.h"

#include <stdlib.h>
#include <string.h>

/* --- how much memory is asked for --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned requests;
static const size_t largest = (size_t)64 << 20;

void *__wrap_malloc(size_t size)
{
    requests++;
    return size > largest ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    requests++;
    return size > 0 && count > largest / size ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    requests++;
    return size > largest ? NULL : __real_realloc(old, size);
}

/* --- an open journal of SAMPLES records --- */

typedef struct fixture {
    vault_t vault;
    oversized_t *journal;
} fixture_t;

static int set_up(void **state)
{
    fixture_t *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    open_vault(&f->vault, LEAVE_CLOSED);
    assert_ok(oversized_open(&f->vault.config, &f->journal));
    *state = f;
    return 0;
}

/* Nothing has come of all that was asked. */
static int tear_down(void **state)
{
    fixture_t *f = *state;
    uint64_t count = 0;
    assert_null(oversized_error(f->journal));
    assert_ok(oversized_count(f->journal, VAULT_SECTION, &count));
    assert_int_equal(count, SAMPLES);
    for (uint64_t i = 0; i < SAMPLES; i++)
        check_sample(f->journal, VAULT_SECTION, i);
    assert_ok(oversized_close(f->journal));
    assert_still_damaged(&f->vault);
    close_vault(&f->vault);
    free(f);
    return 0;
}

/* The call answers this status and says in its sentence what is wrong. */
#define assert_answer(call, status, ...)                                                                               \
    do {                                                                                                               \
        assert_status(call, status);                                                                                   \
        assert_sentence(__VA_ARGS__);                                                                                  \
    } while (0)

static const uint8_t entry_bytes[SMALL_ENTRY] = {1};

/* --- NULL --- */

static void a_journal_that_is_null_is_refused(void **state)
{
    uint64_t number = 99;
    bool flag = true;
    uint8_t entry[SMALL_ENTRY];
    oversized_location_t location = {1, 2};
    segj_buffer_t value = {NULL, 0, 0};
    static char nothing;
    oversized_replay_t *replay = (oversized_replay_t *)(void *)&nothing;
    assert_answer(oversized_append(NULL, 1, entry_bytes, "x", 1, &number, &location), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_get(NULL, 1, 0, entry, &location), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_last(NULL, 1, entry, &location), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_get_value(NULL, 1, location, &value), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_read(NULL, 1, 0, entry, &value), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_replay_open(NULL, 1, 0, 0, &replay), SEGJ_ERR_INVALID, "journal");
    assert_null(replay);
    replay = (oversized_replay_t *)(void *)&nothing;
    assert_answer(oversized_replay_open_back(NULL, 1, 0, 0, &replay), SEGJ_ERR_INVALID, "open_back", "journal");
    assert_null(replay);
    assert_answer(oversized_sync(NULL, 1), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_sync_all(NULL), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_prune(NULL, 1, &flag), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_rewind(NULL, 1, 0), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_rewind_section(NULL, 1, 0), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_rewind_to(NULL, 1, 0), SEGJ_ERR_INVALID, "rewind_to", "journal");
    assert_answer(oversized_rewind_section_to(NULL, 1, 0), SEGJ_ERR_INVALID, "rewind_section_to", "journal");
    assert_answer(oversized_checkpoint_at(NULL, 0, 1, 0, NULL), SEGJ_ERR_INVALID, "checkpoint_at", "config");
    assert_answer(oversized_size(NULL, 1, &number), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_count(NULL, 1, &number), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_value_size(NULL, 1, &number), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_oldest_section(NULL, &number), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_newest_section(NULL, &number), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_next_section(NULL, 1, &number), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_next_section(NULL, UINT64_MAX, &number), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_prev_section(NULL, 1, &number), SEGJ_ERR_INVALID, "journal");
    assert_answer(oversized_prev_section(NULL, 0, &number), SEGJ_ERR_INVALID, "journal");
    assert_int_equal(oversized_record_size(NULL), 0);
    assert_null(oversized_recovery(NULL));
    assert_null(oversized_error(NULL));
    assert_int_equal(number, 99);
    assert_true(flag);
    assert_answer(oversized_section_exists(NULL, 1, &flag), SEGJ_ERR_INVALID, "section_exists", "journal");
    assert_false(flag);
    assert_int_equal(location.offset, 1);
    assert_int_equal(location.size, 2);
}

static void an_output_that_is_needed_is_not_null(void **state)
{
    fixture_t *f = *state;
    oversized_item_t item;
    oversized_replay_t *replay;
    oversized_location_t location = {0, SAMPLE_FRAME};
    assert_answer(oversized_get_value(f->journal, VAULT_SECTION, location, NULL), SEGJ_ERR_INVALID, "value");
    assert_answer(oversized_read(f->journal, VAULT_SECTION, 0, NULL, NULL), SEGJ_ERR_INVALID, "value");
    assert_answer(oversized_replay_open(f->journal, VAULT_SECTION, 0, 0, NULL), SEGJ_ERR_INVALID, "replay");
    assert_answer(oversized_replay_open_back(f->journal, VAULT_SECTION, 0, 0, NULL), SEGJ_ERR_INVALID, "replay");
    assert_answer(oversized_section_exists(f->journal, VAULT_SECTION, NULL), SEGJ_ERR_INVALID, "exists");
    assert_answer(oversized_checkpoint_at(&f->vault.config, 0, 1, 0, NULL), SEGJ_ERR_INVALID, "checkpoint");
    assert_answer(oversized_replay_next(NULL, &item), SEGJ_ERR_INVALID, "replay");
    assert_ok(oversized_replay_open(f->journal, VAULT_SECTION, 0, 0, &replay));
    assert_answer(oversized_replay_next(replay, NULL), SEGJ_ERR_INVALID, "item");
    oversized_replay_close(replay);
    assert_status(oversized_size(f->journal, VAULT_SECTION, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_count(f->journal, VAULT_SECTION, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_value_size(f->journal, VAULT_SECTION, NULL), SEGJ_ERR_INVALID);
    assert_answer(oversized_oldest_section(f->journal, NULL), SEGJ_ERR_INVALID, "section");
    assert_answer(oversized_newest_section(f->journal, NULL), SEGJ_ERR_INVALID, "section");
    assert_answer(oversized_next_section(f->journal, 1, NULL), SEGJ_ERR_INVALID, "section");
    assert_answer(oversized_next_section(f->journal, UINT64_MAX, NULL), SEGJ_ERR_INVALID, "section");
    assert_answer(oversized_prev_section(f->journal, 8, NULL), SEGJ_ERR_INVALID, "section");
    assert_answer(oversized_prev_section(f->journal, 0, NULL), SEGJ_ERR_INVALID, "section");
}

static void outputs_that_are_not_wanted_may_be_null(void **state)
{
    fixture_t *f = *state;
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_get(f->journal, VAULT_SECTION, 0, NULL, NULL));
    assert_ok(oversized_last(f->journal, VAULT_SECTION, NULL, NULL));
    assert_ok(oversized_read(f->journal, VAULT_SECTION, 0, NULL, &value));
    assert_int_equal(value.size, SAMPLE_SIZE);
    assert_ok(oversized_prune(f->journal, 0, NULL));
    segj_buffer_free(&value);
}

static void what_frees_takes_null(void **state)
{
    assert_ok(oversized_close(NULL));
    oversized_abandon(NULL);
    oversized_replay_close(NULL);
    segj_buffer_free(NULL);
    segj_page_cache_release(NULL);
    segj_storage_memory_destroy(NULL);
}

/* --- append --- */

static void an_append_without_its_entry_or_value_is_refused(void **state)
{
    fixture_t *f = *state;
    const uint64_t sections[] = {VAULT_SECTION, 8, 0, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        uint64_t position = 99;
        oversized_location_t location = {1, 2};
        assert_answer(oversized_append(f->journal, sections[i], NULL, "x", 1, &position, &location), SEGJ_ERR_INVALID,
                      "oversized_append", "entry", "8 bytes");
        assert_answer(oversized_append(f->journal, sections[i], NULL, NULL, 0, &position, &location), SEGJ_ERR_INVALID,
                      "entry");
        assert_answer(oversized_append(f->journal, sections[i], entry_bytes, NULL, 1, &position, &location),
                      SEGJ_ERR_INVALID, "oversized_append", "value", "1 bytes");
        assert_int_equal(position, 99);
        assert_int_equal(location.offset, 1);
    }
}

/* Nothing is read of a value that is too large: the pointer leads to one byte. */
static void an_append_of_too_large_a_value_is_refused(void **state)
{
    fixture_t *f = *state;
    const uint64_t sizes[] = {101, 4096, UINT32_MAX - 4, UINT32_MAX, (uint64_t)UINT32_MAX + 1, SIZE_MAX - 4, SIZE_MAX};
    assert_ok(oversized_close(f->journal));
    f->vault.config.max_value_size = 100;
    assert_ok(oversized_open(&f->vault.config, &f->journal));
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (uint64_t section = VAULT_SECTION; section < VAULT_SECTION + 2 && sizes[i] <= SIZE_MAX; section++) {
            uint64_t position = 99;
            assert_answer(oversized_append(f->journal, section, entry_bytes, "x", (size_t)sizes[i], &position, NULL),
                          SEGJ_ERR_TOO_LARGE, "section", "max_value_size", "100");
            assert_int_equal(position, 99);
        }
}

/* --- reads --- */

static void sections_and_records_that_are_not_there(void **state)
{
    fixture_t *f = *state;
    const uint64_t sections[] = {0, VAULT_SECTION - 1, VAULT_SECTION + 1, UINT64_MAX};
    const uint64_t positions[] = {SAMPLES, SAMPLES + 1, (uint64_t)1 << 32, UINT64_MAX / SMALL_RECORD + 1, UINT64_MAX};
    uint8_t entry[SMALL_ENTRY];
    oversized_location_t location = {0, SAMPLE_FRAME};
    segj_buffer_t value = {NULL, 7, 0};
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        uint64_t number = 99;
        assert_answer(oversized_get(f->journal, sections[i], 0, entry, &location), SEGJ_ERR_NO_SECTION, "section");
        assert_status(oversized_last(f->journal, sections[i], entry, &location), SEGJ_ERR_NO_SECTION);
        assert_status(oversized_read(f->journal, sections[i], 0, entry, &value), SEGJ_ERR_NO_SECTION);
        assert_status(oversized_get_value(f->journal, sections[i], location, &value), SEGJ_ERR_NO_SECTION);
        assert_ok(oversized_count(f->journal, sections[i], &number));
        assert_int_equal(number, 0);
        assert_ok(oversized_sync(f->journal, sections[i]));
    }
    for (size_t i = 0; i < COUNT_OF(positions); i++) {
        assert_answer(oversized_get(f->journal, VAULT_SECTION, positions[i], entry, &location), SEGJ_ERR_NO_RECORD,
                      "section 7", "8 records");
        assert_status(oversized_read(f->journal, VAULT_SECTION, positions[i], entry, &value), SEGJ_ERR_NO_RECORD);
        assert_int_equal(value.size, 0);
    }
    assert_int_equal(location.offset, 0);
    assert_int_equal(location.size, SAMPLE_FRAME);
}

/* Too short, past the end, overflowing: refused before any memory is taken, on a buffer of any state. */
static void locations_that_are_none_are_out_of_range(void **state)
{
    fixture_t *f = *state;
    const uint64_t end = (uint64_t)SAMPLES * SAMPLE_FRAME;
    const oversized_location_t wrong[] = {
        {0, 0},
        {0, 1},
        {0, 2},
        {0, 3},
        {end, 0},
        {end, 3},
        {UINT64_MAX, 0},
        {UINT64_MAX, 3}, /* no frame */
        {end, 4},
        {end - 3, 4},
        {0, (uint32_t)end + 1},
        {1, (uint32_t)end},
        {0, UINT32_MAX}, /* past the end */
        {UINT64_MAX, 4},
        {UINT64_MAX - 3, 4},
        {UINT64_MAX - 19, 20},
        {UINT64_MAX - 4, UINT32_MAX}, /* overflowing */
        {(uint64_t)1 << 63, 20},
        {((uint64_t)1 << 63) - 4096, 20},
        {INT64_MAX, UINT32_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        uint8_t memory[4] = {1, 2, 3, 4};
        segj_buffer_t value = {memory, 3, sizeof memory};
        requests = 0;
        segj_status_t status = oversized_get_value(f->journal, VAULT_SECTION, wrong[i], &value);
        assert_int_equal(requests, 0);
        check_status(status, SEGJ_ERR_RANGE, "oversized_get_value", __FILE__, __LINE__);
        assert_sentence(f->vault.values_path.text, "160 bytes");
        assert_ptr_equal(value.data, memory);
        assert_int_equal(value.size, 0);
        assert_int_equal(value.capacity, sizeof memory);
    }
}

/* In range, and yet no frame: the checksum is of another place or of other bytes. */
static void locations_between_frames_are_no_values(void **state)
{
    fixture_t *f = *state;
    segj_buffer_t value = {NULL, 0, 0};
    for (uint64_t offset = 0; offset + 4 <= (uint64_t)SAMPLES * SAMPLE_FRAME; offset++)
        for (uint32_t size = 4; offset + size <= (uint64_t)SAMPLES * SAMPLE_FRAME; size += size < 44 ? 1 : 17) {
            oversized_location_t location = {offset, size};
            bool right = offset % SAMPLE_FRAME == 0 && size == SAMPLE_FRAME;
            segj_status_t status = oversized_get_value(f->journal, VAULT_SECTION, location, &value);
            assert_int_equal(status, right ? SEGJ_OK : SEGJ_ERR_CHECKSUM);
            assert_int_equal(value.size, right ? SAMPLE_SIZE : 0);
        }
    assert_sentence(f->vault.values_path.text, "offset");
    segj_buffer_free(&value);
}

/* The same while the values are still in memory, where frames lie in buffers. */
static void locations_between_frames_in_memory_are_no_values(void **state)
{
    vault_t vault;
    oversized_t *journal;
    segj_buffer_t value = {NULL, 0, 0};
    open_vault(&vault, LEAVE_CLOSED);
    assert_ok(oversized_open(&vault.config, &journal));
    append_samples(journal, 8, SAMPLES);
    append_filled(journal, VAULT_SECTION, 108, 0x48, SAMPLE_SIZE, NULL);
    const uint64_t sections[] = {VAULT_SECTION, 8};
    const uint64_t ends[] = {(SAMPLES + 1) * SAMPLE_FRAME, SAMPLES * SAMPLE_FRAME};
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        for (uint64_t offset = 0; offset + 4 <= ends[i]; offset++)
            for (uint32_t size = 4; offset + size <= ends[i]; size += size < 44 ? 1 : 17) {
                oversized_location_t location = {offset, size};
                bool right = offset % SAMPLE_FRAME == 0 && size == SAMPLE_FRAME;
                assert_int_equal(oversized_get_value(journal, sections[i], location, &value),
                                 right ? SEGJ_OK : SEGJ_ERR_CHECKSUM);
            }
        oversized_location_t past = {ends[i] - SAMPLE_FRAME, SAMPLE_FRAME + 1};
        assert_status(oversized_get_value(journal, sections[i], past, &value), SEGJ_ERR_RANGE);
    }
    oversized_abandon(journal);
    segj_buffer_free(&value);
    close_vault(&vault);
}

/* --- replay --- */

static void a_replay_from_behind_the_records_is_refused(void **state)
{
    fixture_t *f = *state;
    static char nothing;
    oversized_replay_t *replay = (oversized_replay_t *)(void *)&nothing;
    const uint64_t positions[] = {SAMPLES + 1, UINT64_MAX / SMALL_RECORD + 1, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(positions); i++) {
        assert_answer(oversized_replay_open(f->journal, VAULT_SECTION, positions[i], 0, &replay), SEGJ_ERR_NO_RECORD,
                      "section 7", "8 records");
        if (positions[i] != OVERSIZED_END)
            assert_answer(oversized_replay_open_back(f->journal, VAULT_SECTION, positions[i], 0, &replay),
                          SEGJ_ERR_NO_RECORD, "section 7", "8 records");
    }
    assert_answer(oversized_replay_open(f->journal, 6, 1, 0, &replay), SEGJ_ERR_NO_RECORD, "section 6");
    assert_answer(oversized_replay_open(f->journal, 8, UINT64_MAX, 0, &replay), SEGJ_ERR_NO_RECORD, "section 8");
    assert_answer(oversized_replay_open_back(f->journal, 6, 1, 0, &replay), SEGJ_ERR_NO_RECORD, "section 6");
    assert_null(replay);
}

/* A buffer of any size is taken, or there is no memory for it. */
static void a_replay_with_any_buffer(void **state)
{
    fixture_t *f = *state;
    const size_t buffers[] = {0, 1, 75, 76, 77, 4096, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(buffers); i++) {
        oversized_replay_t *replay = NULL;
        oversized_item_t item;
        uint64_t count = 0;
        segj_status_t status = oversized_replay_open(f->journal, VAULT_SECTION, 0, buffers[i], &replay);
        if (status == SEGJ_ERR_MEMORY && buffers[i] > largest)
            continue;
        check_status(status, SEGJ_OK, "oversized_replay_open", __FILE__, __LINE__);
        while ((status = oversized_replay_next(replay, &item)) == SEGJ_OK)
            assert_int_equal(get_u64(item.entry), 100 + count++);
        check_status(status, SEGJ_END, "oversized_replay_next", __FILE__, __LINE__);
        assert_int_equal(count, SAMPLES);
        oversized_replay_close(replay);
    }
}

/* --- rewind --- */

static void a_rewind_to_no_multiple_of_the_record_size_is_refused(void **state)
{
    fixture_t *f = *state;
    const uint64_t sizes[] = {1, 8, 19, 21, 159, 161, UINT64_MAX, UINT64_MAX - UINT64_MAX % SMALL_RECORD + 1};
    const uint64_t sections[] = {VAULT_SECTION, VAULT_SECTION - 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t k = 0; k < COUNT_OF(sections); k++) {
            assert_answer(oversized_rewind(f->journal, sections[k], sizes[i]), SEGJ_ERR_INVALID, "section", "multiple",
                          "20");
            assert_answer(oversized_rewind_section(f->journal, sections[k], sizes[i]), SEGJ_ERR_INVALID, "section",
                          "multiple", "20");
        }
}

static void a_rewind_beyond_the_section_is_refused(void **state)
{
    fixture_t *f = *state;
    const uint64_t sizes[] = {180, 2000, UINT64_MAX - UINT64_MAX % SMALL_RECORD};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_answer(oversized_rewind(f->journal, VAULT_SECTION, sizes[i]), SEGJ_ERR_NO_RECORD, "section 7");
        assert_answer(oversized_rewind_section(f->journal, VAULT_SECTION, sizes[i]), SEGJ_ERR_NO_RECORD, "section 7");
        assert_answer(oversized_rewind_to(f->journal, VAULT_SECTION, sizes[i]), SEGJ_ERR_NO_RECORD, "section 7");
        assert_answer(oversized_rewind_section_to(f->journal, 8, sizes[i]), SEGJ_ERR_NO_RECORD, "section 8");
        /* Of a section that does not exist; the later one stays. */
        assert_answer(oversized_rewind(f->journal, 6, sizes[i]), SEGJ_ERR_NO_RECORD, "section 6");
        assert_answer(oversized_rewind_section(f->journal, 8, sizes[i]), SEGJ_ERR_NO_RECORD, "section 8");
    }
    assert_ok(oversized_rewind(f->journal, UINT64_MAX, 0));
    assert_ok(oversized_rewind_section(f->journal, 0, 0));
    assert_ok(oversized_rewind(f->journal, VAULT_SECTION, (uint64_t)SAMPLES * SMALL_RECORD));
}

/* --- walks --- */

static void walks_end_at_both_ends(void **state)
{
    fixture_t *f = *state;
    uint64_t section = 99;
    assert_status(oversized_next_section(f->journal, VAULT_SECTION, &section), SEGJ_END);
    assert_status(oversized_next_section(f->journal, UINT64_MAX, &section), SEGJ_END);
    assert_status(oversized_next_section(f->journal, UINT64_MAX - 1, &section), SEGJ_END);
    assert_int_equal(section, 99);
    assert_status(oversized_prev_section(f->journal, VAULT_SECTION, &section), SEGJ_END);
    assert_status(oversized_prev_section(f->journal, 0, &section), SEGJ_END);
    assert_int_equal(section, 99);
    assert_ok(oversized_next_section(f->journal, 0, &section));
    assert_int_equal(section, VAULT_SECTION);
    section = 99;
    assert_ok(oversized_prev_section(f->journal, UINT64_MAX, &section));
    assert_int_equal(section, VAULT_SECTION);
}

/* --- a journal that is read-only --- */

static void a_read_only_journal_refuses_every_change(void **state)
{
    fixture_t *f = *state;
    bool pruned = true;
    assert_ok(oversized_close(f->journal));
    f->vault.config.read_only = true;
    assert_ok(oversized_open(&f->vault.config, &f->journal));
    assert_answer(oversized_append(f->journal, VAULT_SECTION, entry_bytes, "x", 1, NULL, NULL), SEGJ_ERR_READ_ONLY,
                  "vault", "read-only");
    assert_answer(oversized_append(f->journal, 8, entry_bytes, "x", 1, NULL, NULL), SEGJ_ERR_READ_ONLY, "read-only");
    assert_answer(oversized_sync(f->journal, VAULT_SECTION), SEGJ_ERR_READ_ONLY, "read-only");
    assert_answer(oversized_sync_all(f->journal), SEGJ_ERR_READ_ONLY, "read-only");
    assert_answer(oversized_prune(f->journal, 100, &pruned), SEGJ_ERR_READ_ONLY, "read-only");
    assert_answer(oversized_rewind(f->journal, VAULT_SECTION, 0), SEGJ_ERR_READ_ONLY, "read-only");
    assert_answer(oversized_rewind_section(f->journal, VAULT_SECTION, 0), SEGJ_ERR_READ_ONLY, "read-only");
    assert_answer(oversized_rewind_to(f->journal, VAULT_SECTION, 0), SEGJ_ERR_READ_ONLY, "read-only");
    assert_answer(oversized_rewind_section_to(f->journal, VAULT_SECTION, 0), SEGJ_ERR_READ_ONLY, "read-only");
    assert_true(pruned);
    oversized_t *other;
    assert_ok(oversized_open(&f->vault.config, &other));
    assert_answer(oversized_destroy(other), SEGJ_ERR_READ_ONLY, "read-only");
}

/* Who comes second is told which partition is taken. */
static void a_journal_that_is_open_elsewhere_is_locked(void **state)
{
    fixture_t *f = *state;
    oversized_t *other = NULL;
    assert_answer(oversized_open(&f->vault.config, &other), SEGJ_ERR_LOCKED, "vault/", "open elsewhere");
    assert_null(other);
    f->vault.config.read_only = true;
    assert_answer(oversized_open(&f->vault.config, &other), SEGJ_ERR_LOCKED, "vault/");
    assert_null(other);
}

/* --- page caches --- */

static void a_page_cache_that_cannot_be_is_refused(void **state)
{
    static char nothing;
    segj_page_cache_t *cache = (segj_page_cache_t *)(void *)&nothing;
    assert_answer(segj_page_cache_create(0, 8, &cache), SEGJ_ERR_INVALID, "page_size");
    assert_answer(segj_page_cache_create(64, 0, &cache), SEGJ_ERR_INVALID, "pages");
    assert_answer(segj_page_cache_create(64, ((uint32_t)1 << 28) + 1, &cache), SEGJ_ERR_INVALID, "pages");
    assert_answer(segj_page_cache_create(64, UINT32_MAX, &cache), SEGJ_ERR_INVALID, "pages");
    assert_answer(segj_page_cache_create(64, 8, NULL), SEGJ_ERR_INVALID, "cache");
    assert_null(cache);
    cache = (segj_page_cache_t *)(void *)&nothing;
    assert_status(segj_page_cache_create(65535, (uint32_t)1 << 28, &cache), SEGJ_ERR_MEMORY);
    assert_null(cache);
    assert_ok(segj_page_cache_create(1, 1, &cache));
    segj_page_cache_release(cache);
    assert_ok(segj_page_cache_create(65535, 1, &cache));
    segj_page_cache_release(cache);
}

static void a_storage_in_memory_needs_a_place_for_its_pointer(void **state)
{
    assert_answer(segj_storage_memory_create(NULL), SEGJ_ERR_INVALID, "storage");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_journal_that_is_null_is_refused),
        TEST(an_output_that_is_needed_is_not_null),
        TEST(outputs_that_are_not_wanted_may_be_null),
        TEST(what_frees_takes_null),
        TEST(an_append_without_its_entry_or_value_is_refused),
        TEST(an_append_of_too_large_a_value_is_refused),
        TEST(sections_and_records_that_are_not_there),
        TEST(locations_that_are_none_are_out_of_range),
        TEST(locations_between_frames_are_no_values),
        TEST(locations_between_frames_in_memory_are_no_values),
        TEST(a_replay_from_behind_the_records_is_refused),
        TEST(a_replay_with_any_buffer),
        TEST(a_rewind_to_no_multiple_of_the_record_size_is_refused),
        TEST(a_rewind_beyond_the_section_is_refused),
        TEST(walks_end_at_both_ends),
        TEST(a_read_only_journal_refuses_every_change),
        TEST(a_journal_that_is_open_elsewhere_is_locked),
        TEST(a_page_cache_that_cannot_be_is_refused),
        TEST(a_storage_in_memory_needs_a_place_for_its_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
