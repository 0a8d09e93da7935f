/*
 * promises/test_verify.c: a verification reads everything, tells each damage once with its file, place and records, and goes
 * on; it tells nothing of a sound journal, can be limited, followed and cancelled.
 */
#include "promises/fixture.h"
#include "segjournal/tools.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TOLD_MOST = 64 };

/** What was told during a verification. */
typedef struct told {
    oversized_damage_t damages[TOLD_MOST];
    char sentences[TOLD_MOST][200];
    size_t count;
    size_t cancel_at; /* damages, or calls of progress, after which it is cancelled; 0: never */
    unsigned progressed;
    oversized_progress_t last;
} told_t;

static bool tell_damage(void *context, const oversized_damage_t *damage)
{
    told_t *told = context;
    assert_in_range(told->count, 0, TOLD_MOST - 1);
    told->damages[told->count] = *damage;
    (void)snprintf(told->sentences[told->count], sizeof told->sentences[0], "%s", damage->sentence);
    told->count++;
    return told->cancel_at == told->count;
}

static bool tell_progress(void *context, const oversized_progress_t *progress)
{
    told_t *told = context;
    told->progressed++;
    told->last = *progress;
    return told->cancel_at == told->progressed;
}

static segj_status_t verify(fixture_t *f, uint32_t threads, told_t *told, oversized_verified_t *verified)
{
    oversized_verify_options_t options;
    oversized_verify_options_init(&options);
    options.threads = threads;
    options.on_damage = tell_damage;
    options.progress = tell_progress;
    options.context = told;
    *told = (told_t){.cancel_at = told->cancel_at};
    return oversized_verify(f->journal, &options, verified);
}

static void make_three(fixture_t *f)
{
    f->config.storage = NULL; /* several threads read: none that counts */
    open_journal(f);
    append_samples(f->journal, 1, 12, 0);
    append_samples(f->journal, 2, 200, 0);
    append_samples(f->journal, 5, 1, 0);
}

static void check_sound(fixture_t *f, uint64_t records)
{
    told_t told = {.cancel_at = 0};
    oversized_verified_t verified;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        assert_ok(verify(f, threads, &told, &verified));
        assert_int_equal(told.count, 0);
        assert_int_equal(verified.damages + verified.records_damaged, 0);
        assert_int_equal(verified.records, records);
        assert_int_equal(verified.sections, 3);
        assert_true(told.progressed >= 1);
        assert_string_equal(told.last.stage, "verify");
        assert_int_equal(told.last.records_done, records);
        assert_int_equal(told.last.records_total, records);
        assert_int_equal(told.last.bytes_done, verified.bytes);
        uint64_t values = value_size_of(f->journal, 1) + value_size_of(f->journal, 2) + value_size_of(f->journal, 5);
        assert_true(verified.bytes >= values);
        assert_int_equal(told.last.bytes_total, values + records * SMALL_RECORD);
    }
    assert_ok(oversized_verify(f->journal, NULL, NULL));
}

static void test_a_sound_journal_is_read_whole(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    check_sound(f, 213); /* in write buffers */
    assert_ok(oversized_sync_all(f->journal));
    append_samples(f->journal, 5, 1, 1);
    check_sound(f, 214);
    close_and_open(f);
    check_sound(f, 214);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    check_sound(f, 214);
}

static void test_compressed_values_are_unpacked(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 1;
    make_three(f);
    close_and_open(f);
    check_sound(f, 213);
}

/* --- damage --- */

/* Exactly one damage, in this file at this place. */
static void check_told(fixture_t *f, bool index_file, uint64_t offset, uint64_t position, uint64_t records,
                       segj_status_t status)
{
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        told_t told = {.cancel_at = 0};
        oversized_verified_t verified;
        assert_status(verify(f, threads, &told, &verified), status);
        assert_int_equal(told.count, 1);
        assert_string_equal(told.sentences[0], segj_last_error());
        assert_int_equal(told.damages[0].section, 2);
        assert_int_equal(told.damages[0].position, position);
        assert_int_equal(told.damages[0].records, records);
        assert_int_equal(told.damages[0].index_file, index_file);
        assert_int_equal(told.damages[0].offset, offset);
        assert_int_equal(told.damages[0].status, status);
        assert_non_null(strstr(told.sentences[0], index_file ? f->config.index_partition : f->config.value_partition));
        assert_int_equal(verified.damages, 1);
        assert_int_equal(verified.records_damaged, records);
    }
}

static void test_each_damaged_value_is_told_once(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    close_journal(f);
    open_journal(f);
    for (uint64_t position = 0; position < 200; position += 33) {
        oversized_location_t location;
        assert_ok(oversized_get(f->journal, 2, position, NULL, &location));
        uint64_t offset = tested_values_data() + location.offset;
        uint64_t last = tested_values_data() + tested_frame_end(location, SMALL_ENTRY) - 1;
        flip_byte(values_path(f, 2).text, last);
        check_told(f, false, offset, position, 1, SEGJ_ERR_CHECKSUM);
        flip_byte(values_path(f, 2).text, last);
    }
    check_sound(f, 213);
}

/* Also one that the cache has as it was. */
static void test_each_damaged_page_is_told_once(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    close_journal(f);
    f->config.page_cache_pages = 1000;
    open_journal(f);
    check_samples(f->journal, 2, 0, 200, 0);
    for (uint64_t page = 0; page < 200 * SMALL_RECORD / SMALL_PAGE; page += 7) {
        uint64_t offset = tested_index_data() + page * (SMALL_PAGE + PAGE_CHECKSUMS);
        uint64_t first = page * SMALL_PAGE / SMALL_RECORD;
        uint64_t last = ((page + 1) * SMALL_PAGE - 1) / SMALL_RECORD;
        flip_byte(index_path(f, 2).text, offset + 5);
        check_told(f, true, offset, first, last - first + 1, SEGJ_ERR_CORRUPT);
        flip_byte(index_path(f, 2).text, offset + 5);
    }
}

/* The last page is not full: it may be written again at any time. */
static void test_a_damaged_last_page_is_told(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    make_three(f);
    close_journal(f);
    open_journal(f);
    uint64_t page = 200 * SMALL_RECORD / SMALL_PAGE;
    uint64_t offset = tested_index_data() + page * (SMALL_PAGE + PAGE_CHECKSUMS);
    assert_true(200 * SMALL_RECORD % SMALL_PAGE > 0);
    flip_byte(index_path(f, 2).text, offset + 1);
    told_t told = {.cancel_at = 0};
    assert_status(verify(f, 1, &told, NULL), SEGJ_ERR_CORRUPT);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.damages[0].offset, offset);
}

static void test_everything_is_told_and_the_rest_is_read(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    close_journal(f);
    open_journal(f);
    oversized_location_t location;
    flip_byte(index_path(f, 2).text, tested_index_data());
    flip_byte(index_path(f, 2).text, tested_index_data() + 9 * (SMALL_PAGE + PAGE_CHECKSUMS));
    assert_ok(oversized_get(f->journal, 2, 150, NULL, &location));
    flip_byte(values_path(f, 2).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset);
    assert_ok(oversized_get(f->journal, 1, 3, NULL, &location));
    flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset);
    for (uint32_t threads = 1; threads <= 3; threads++) {
        told_t told = {.cancel_at = 0};
        oversized_verified_t verified;
        segj_status_t status = verify(f, threads, &told, &verified);
        assert_true(status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_CHECKSUM);
        assert_int_equal(told.count, 4);
        assert_int_equal(verified.sections, 3);
        assert_in_range(verified.records, 213 - 4 - 5, tested_version() == 2 ? 213 : 213 - 6);
    }
}

static void test_a_record_that_does_not_follow_the_one_before_is_told(void **state)
{
    not_in_version_2();
    for_native_only();
    fixture_t *f = *state;
    uint8_t logical[SMALL_PAGE];
    uint8_t physical[SMALL_PAGE + PAGE_CHECKSUMS];
    make_three(f);
    close_journal(f);
    open_journal(f);
    /* Record 1 of the first page shows the frame of record 0: a page of a sound checksum, a value of a sound one. */
    bytes_t index = read_file(index_path(f, 2).text);
    memcpy(logical, index.data + INDEX_DATA_OFFSET, sizeof logical);
    free_bytes(&index);
    memcpy(logical + SMALL_RECORD + SMALL_ENTRY, logical + SMALL_ENTRY, LOCATION_BYTES);
    page_slot_t slot = make_slot(2, 0, logical, SMALL_PAGE);
    encode_page(physical, SMALL_PAGE, logical, SMALL_PAGE, slot, (page_slot_t){0, 0});
    write_file_at(index_path(f, 2).text, INDEX_DATA_OFFSET, physical, sizeof physical);
    told_t told = {.cancel_at = 0};
    assert_status(verify(f, 1, &told, NULL), SEGJ_ERR_CORRUPT);
    assert_int_equal(told.count, 2); /* record 1 does not follow record 0, nor record 2 record 1 */
    assert_int_equal(told.damages[0].position, 1);
    assert_int_equal(told.damages[1].position, 2);
    assert_true(told.damages[0].index_file);
    assert_non_null(strstr(told.sentences[0], "begins at"));
}

/* --- ranges, progress, cancelling, throttle --- */

/* The index has the record: nothing but this reads the head again. */
static void test_a_damaged_head_is_told(void **state)
{
    fixture_t *f = *state;
    make_three(f);
    close_and_open(f);
    for (uint64_t position = 0; position < 200; position += 33) {
        oversized_location_t location;
        assert_ok(oversized_get(f->journal, 2, position, NULL, &location));
        for (uint64_t at = 0; at < tested_head(SMALL_ENTRY); at++) {
            uint64_t offset = tested_values_data() + location.offset;
            flip_byte(values_path(f, 2).text, offset + at);
            bool of_value = at >= tested_head(SMALL_ENTRY) - 4; /* its checksum begins with the head's */
            check_told(f, false, offset, position, 1, of_value ? SEGJ_ERR_CHECKSUM : SEGJ_ERR_CORRUPT);
            flip_byte(values_path(f, 2).text, offset + at);
        }
    }
    check_sound(f, 213);
}

static void test_sections_may_be_chosen(void **state)
{
    fixture_t *f = *state;
    oversized_verify_options_t options;
    oversized_verified_t verified;
    make_three(f);
    close_and_open(f);
    flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + 1);
    oversized_verify_options_init(&options);
    options.first_section = 2;
    assert_ok(oversized_verify(f->journal, &options, &verified));
    assert_int_equal(verified.sections, 2);
    assert_int_equal(verified.records, 201);
    options.last_section = 4;
    assert_ok(oversized_verify(f->journal, &options, &verified));
    assert_int_equal(verified.records, 200);
    options.first_section = 3;
    assert_ok(oversized_verify(f->journal, &options, &verified));
    assert_int_equal(verified.sections + verified.records, 0);
    options.first_section = options.last_section = UINT64_MAX;
    assert_ok(oversized_verify(f->journal, &options, &verified));
    options.first_section = 1;
    options.last_section = 1;
    assert_status(oversized_verify(f->journal, &options, &verified), SEGJ_ERR_CHECKSUM);
}

static void test_it_may_be_cancelled(void **state)
{
    fixture_t *f = *state;
    oversized_verified_t verified;
    make_three(f);
    close_and_open(f);
    told_t told = {.cancel_at = 1};
    assert_status(verify(f, 1, &told, &verified), SEGJ_ERR_CANCELLED); /* by the progress at the end */
    assert_non_null(strstr(segj_last_error(), "cancelled"));
    flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + 1);
    for (uint32_t threads = 1; threads <= 3; threads++) {
        assert_status(verify(f, threads, &told, &verified), SEGJ_ERR_CANCELLED); /* by the damage */
        assert_int_equal(told.count, 1);
    }
    assert_true(verified.records < 213);
    check_sample(f->journal, 2, 7, 0);
}

static uint64_t milliseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* That it takes no less time than it should is sure; how much more is the machine's matter. */
static void test_it_may_be_slowed_down(void **state)
{
    static uint8_t value[300000];
    fixture_t *f = *state;
    oversized_verify_options_t options;
    f->config.storage = NULL;
    open_journal(f);
    for (uint64_t i = 0; i < 3; i++)
        assert_ok(oversized_append(f->journal, i, "12345678", value, sizeof value, NULL, NULL));
    close_and_open(f);
    oversized_verify_options_init(&options);
    options.bytes_per_second = 2000000;
    for (options.threads = 1; options.threads <= 3; options.threads += 2) {
        uint64_t begun = milliseconds();
        assert_ok(oversized_verify(f->journal, &options, NULL));
        assert_true(milliseconds() - begun >= 400); /* 900,000 bytes, the pause after the last ones included */
    }
}

static void test_bad_arguments_are_refused(void **state)
{
    fixture_t *f = *state;
    oversized_verify_options_t options;
    make_three(f);
    oversized_verify_options_init(&options);
    options.threads = 0;
    assert_status(oversized_verify(f->journal, &options, NULL), SEGJ_ERR_INVALID);
    options.threads = 65;
    assert_status(oversized_verify(f->journal, &options, NULL), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "threads"));
    options.threads = 64;
    assert_ok(oversized_verify(f->journal, &options, NULL));
    options.last_section = 1;
    options.first_section = 2;
    assert_status(oversized_verify(f->journal, &options, NULL), SEGJ_ERR_INVALID);
    oversized_verify_options_init(&options);
    options.struct_size--;
    assert_status(oversized_verify(f->journal, &options, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_verify(NULL, NULL, NULL), SEGJ_ERR_INVALID);
    oversized_verify_options_init(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_sound_journal_is_read_whole),
        PROMISE(test_compressed_values_are_unpacked),
        PROMISE(test_each_damaged_value_is_told_once),
        PROMISE(test_each_damaged_page_is_told_once),
        PROMISE(test_a_damaged_last_page_is_told),
        PROMISE(test_everything_is_told_and_the_rest_is_read),
        PROMISE(test_a_record_that_does_not_follow_the_one_before_is_told),
        PROMISE(test_a_damaged_head_is_told),
        PROMISE(test_sections_may_be_chosen),
        PROMISE(test_it_may_be_cancelled),
        PROMISE(test_it_may_be_slowed_down),
        PROMISE(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
