/*
 * promises/test_get_values.c: what oversized_get_values() and oversized_read_values() promise: the values that single
 * calls would give, in whatever order they are asked for, in few reads; a status for each, and the first failure as the
 * answer.
 */
#include "promises/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "promises/watch.h"

enum { MANY = 300 };

typedef struct asked {
    oversized_value_t values[2 * MANY];
    uint8_t entries[2 * MANY][SMALL_ENTRY];
    size_t count;
} asked_t;

static void ask(asked_t *asked, uint64_t position)
{
    asked->values[asked->count] = (oversized_value_t){.position = position, .entry = asked->entries[asked->count]};
    asked->count++;
}

static void assert_sample(const oversized_value_t *value, uint64_t section, unsigned salt)
{
    uint8_t expected[SAMPLE_VALUE_LIMIT];
    sample_value(section, value->position, salt, expected);
    assert_int_equal(value->status, SEGJ_OK);
    assert_int_equal(value->size, sample_value_size(section, value->position, salt));
    if (value->size > 0)
        assert_memory_equal(value->data, expected, value->size);
}

/* What was asked for, by position and then by location. */
static void check_asked(fixture_t *f, asked_t *asked)
{
    assert_ok(oversized_read_values(f->journal, 1, asked->values, asked->count, &f->value));
    for (size_t i = 0; i < asked->count; i++) {
        uint8_t expected[SMALL_ENTRY];
        oversized_location_t location;
        sample_entry(1, asked->values[i].position, 0, expected, SMALL_ENTRY);
        assert_sample(&asked->values[i], 1, 0);
        assert_memory_equal(asked->entries[i], expected, SMALL_ENTRY);
        assert_ok(oversized_get(f->journal, 1, asked->values[i].position, NULL, &location));
        assert_int_equal(asked->values[i].location.offset, location.offset);
        assert_int_equal(asked->values[i].location.size, location.size);
        asked->values[i].data = NULL;
        asked->values[i].size = 0;
        asked->values[i].entry = NULL;
    }
    assert_ok(oversized_get_values(f->journal, 1, asked->values, asked->count, &f->value));
    for (size_t i = 0; i < asked->count; i++)
        assert_sample(&asked->values[i], 1, 0);
}

/* Upwards, downwards, every third, one twice, and in disorder. */
static void check_orders(fixture_t *f, uint64_t count)
{
    asked_t *asked = malloc(sizeof *asked);
    assert_non_null(asked);
    for (int order = 0; order < 6; order++) {
        uint64_t step = 0;
        asked->count = 0;
        for (uint64_t i = 0; i < count; i++) {
            step = (step + 101) % count;
            switch (order) {
            case 0:
                ask(asked, i);
                break;
            case 1:
                ask(asked, count - 1 - i);
                break;
            case 2:
                if (i % 3 == 0)
                    ask(asked, i);
                break;
            case 3:
                ask(asked, i / 2);
                break;
            case 4:
                ask(asked, step);
                break;
            default:
                if (i == count / 2)
                    ask(asked, i);
            }
        }
        check_asked(f, asked);
    }
    free(asked);
}

static void test_values_are_what_single_calls_give(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 10, 0); /* in a write buffer */
    check_orders(f, 10);
    for (int i = 10; i < MANY; i++)
        (void)append_sample(f->journal, 1, 0); /* in the file and in a buffer */
    check_orders(f, MANY);
    close_and_open(f);
    check_orders(f, MANY);
}

static void test_compressed_values_are_what_single_calls_give(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    open_journal(f);
    append_samples(f->journal, 1, 120, 0);
    check_orders(f, 120);
    close_and_open(f);
    check_orders(f, 120);
}

static void test_frames_that_touch_are_read_in_one_go(void **state)
{
    fixture_t *f = *state;
    asked_t *asked = calloc(1, sizeof *asked);
    assert_non_null(asked);
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    close_and_open(f);
    for (uint64_t i = 0; i < MANY; i++)
        if (i < 100 || i >= 200) /* two runs */
            ask(asked, MANY - 1 - i);
    for (size_t i = 0; i < asked->count; i++)
        assert_ok(oversized_get(f->journal, 1, asked->values[i].position, NULL, &asked->values[i].location));
    uint64_t before = watch_seen()->reads;
    assert_ok(oversized_get_values(f->journal, 1, asked->values, asked->count, &f->value));
    assert_int_equal(watch_seen()->reads - before, 2);
    for (size_t i = 0; i < asked->count; i++)
        assert_sample(&asked->values[i], 1, 0);
    free(asked);
}

static void test_memory_is_used_again(void **state)
{
    fixture_t *f = *state;
    oversized_value_t values[20];
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    close_and_open(f);
    for (uint64_t i = 0; i < 20; i++)
        values[i] = (oversized_value_t){.position = i};
    assert_ok(oversized_read_values(f->journal, 1, values, 20, &f->value));
    assert_int_equal(f->value.size, value_size_of(f->journal, 1));
    const void *data = f->value.data;
    for (size_t count = 20; count > 0; count--)
        assert_ok(oversized_read_values(f->journal, 1, values, count, &f->value));
    assert_ptr_equal(f->value.data, data);
    assert_ok(oversized_read_values(f->journal, 1, values, 0, &f->value));
    assert_int_equal(f->value.size, 0);
    assert_ok(oversized_get_values(f->journal, 1, NULL, 0, &f->value));
}

/* --- failures --- */

static void test_one_that_fails_leaves_the_others_alone(void **state)
{
    fixture_t *f = *state;
    oversized_value_t values[40];
    open_journal(f);
    append_samples(f->journal, 1, 40, 0);
    close_journal(f);
    section_image_t image;
    load_section(&f->config, 1, &image);
    oversized_location_t damaged = decode_location(image.logical.data + 17 * SMALL_RECORD, SMALL_ENTRY);
    free_section(&image);
    flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + damaged.offset);
    open_journal(f);
    for (uint64_t i = 0; i < 40; i++)
        values[i] = (oversized_value_t){.position = i};
    values[25].position = 1000;
    assert_status(oversized_read_values(f->journal, 1, values, 40, &f->value), SEGJ_ERR_CHECKSUM);
    assert_non_null(strstr(segj_last_error(), "checksum")); /* the first one's sentence */
    for (size_t i = 0; i < 40; i++) {
        if (i != 17 && i != 25) {
            assert_sample(&values[i], 1, 0);
            continue;
        }
        assert_int_equal(values[i].status, i == 17 ? SEGJ_ERR_CHECKSUM : SEGJ_ERR_NO_RECORD);
        assert_null(values[i].data);
        assert_int_equal(values[i].size, 0);
    }
    values[3].position = 1000;
    assert_status(oversized_read_values(f->journal, 1, values, 40, &f->value), SEGJ_ERR_NO_RECORD);
    assert_non_null(strstr(segj_last_error(), "no record 1000"));
    assert_sample(&values[0], 1, 0);
}

/* Each location gets the status that oversized_get_value has for it. */
static void test_wrong_locations_fail_as_they_do_alone(void **state)
{
    for (int compression = 0; compression <= 3; compression += 3) {
        fixture_t *f = *state;
        f->directory = join_path(f->root.text, compression == 0 ? "plain" : "zstd");
        f->config.directory = f->directory.text;
        f->config.compression = compression;
        open_journal(f);
        append_samples(f->journal, 1, 30, 0);
        close_and_open(f);
        uint64_t end = value_size_of(f->journal, 1);
        oversized_value_t values[60];
        size_t count = 0;
        for (uint64_t offset = 0; offset < 10; offset++)
            for (uint32_t size = 2; size < 12; size += 2)
                values[count++] = (oversized_value_t){.location = {offset * (end / 9), size}};
        values[count++] = (oversized_value_t){.location = {UINT64_MAX, 5}};
        values[count++] = (oversized_value_t){.location = {0, UINT32_MAX}};
        segj_status_t answer = oversized_get_values(f->journal, 1, values, count, &f->value);
        segj_status_t first = SEGJ_OK;
        segj_buffer_t alone = {NULL, 0, 0};
        for (size_t i = 0; i < count; i++) {
            segj_status_t expected = oversized_get_value(f->journal, 1, values[i].location, &alone);
            assert_int_equal(values[i].status, expected);
            first = first == SEGJ_OK ? expected : first;
        }
        assert_int_not_equal(first, SEGJ_OK);
        assert_int_equal(answer, first);
        segj_buffer_free(&alone);
        close_journal(f);
    }
}

/* Where a run cannot be read to its end, what is there is given. */
static void test_a_file_that_was_cut_loses_only_what_is_gone(void **state)
{
    fixture_t *f = *state;
    oversized_value_t values[30];
    open_journal(f);
    for (uint64_t id = 0; id < 30; id++)
        (void)append_filled(f->journal, 1, id, (uint8_t)id, 50, NULL);
    close_and_open(f);
    resize_file(values_path(f, 1).text, tested_values_data() + 20 * (tested_head(SMALL_ENTRY) + 54) + 10);
    for (uint64_t i = 0; i < 30; i++)
        values[i] = (oversized_value_t){.position = i};
    assert_status(oversized_read_values(f->journal, 1, values, 30, &f->value), SEGJ_ERR_IO);
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(values[i].status, i < 20 ? SEGJ_OK : SEGJ_ERR_IO);
    assert_int_equal(*(const uint8_t *)values[19].data, 19);
}

static void test_what_is_wrong_with_the_call_is_wrong_with_each(void **state)
{
    fixture_t *f = *state;
    oversized_value_t values[3] = {{.position = 0}, {.position = 1}, {.position = 2}};
    open_journal(f);
    append_samples(f->journal, 5, 3, 0);
    values[1].status = SEGJ_ERR_LOCKED;
    assert_status(oversized_get_values(NULL, 5, values, 3, &f->value), SEGJ_ERR_INVALID);
    assert_status(oversized_get_values(f->journal, 5, NULL, 3, &f->value), SEGJ_ERR_INVALID);
    assert_status(oversized_read_values(f->journal, 5, values, 3, NULL), SEGJ_ERR_INVALID);
    assert_int_equal(values[1].status, SEGJ_ERR_LOCKED); /* left alone */
    assert_status(oversized_read_values(f->journal, 4, values, 3, &f->value), SEGJ_ERR_NO_SECTION);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(values[i].status, SEGJ_ERR_NO_SECTION);
    assert_ok(oversized_prune(f->journal, 6, NULL));
    assert_status(oversized_read_values(f->journal, 5, values, 3, &f->value), SEGJ_ERR_PRUNED);
    assert_int_equal(values[2].status, SEGJ_ERR_PRUNED);
    assert_int_equal(f->value.size, 0);
}

static void test_values_larger_than_allowed_are_refused_alone(void **state)
{
    for (int compression = 0; compression <= 3; compression += 3) {
        fixture_t *f = *state;
        oversized_value_t values[4];
        f->directory = join_path(f->root.text, compression == 0 ? "plain" : "zstd");
        f->config.directory = f->directory.text;
        f->config.compression = compression;
        f->config.max_value_size = OVERSIZED_VALUE_MAX;
        open_journal(f);
        for (uint64_t id = 0; id < 4; id++)
            (void)append_filled(f->journal, 1, id, 'v', id == 2 ? 3000 : 300, NULL);
        close_journal(f);
        f->config.max_value_size = 300;
        open_journal(f);
        for (uint64_t i = 0; i < 4; i++)
            values[i] = (oversized_value_t){.position = i};
        assert_status(oversized_read_values(f->journal, 1, values, 4, &f->value), SEGJ_ERR_TOO_LARGE);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(values[i].status, i == 2 ? SEGJ_ERR_TOO_LARGE : SEGJ_OK);
        assert_int_equal(values[3].size, 300);
        assert_int_equal(((const char *)values[3].data)[299], 'v');
        close_journal(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_values_are_what_single_calls_give),
        PROMISE(test_compressed_values_are_what_single_calls_give),
        PROMISE(test_frames_that_touch_are_read_in_one_go),
        PROMISE(test_memory_is_used_again),
        PROMISE(test_one_that_fails_leaves_the_others_alone),
        PROMISE(test_wrong_locations_fail_as_they_do_alone),
        PROMISE(test_a_file_that_was_cut_loses_only_what_is_gone),
        PROMISE(test_what_is_wrong_with_the_call_is_wrong_with_each),
        PROMISE(test_values_larger_than_allowed_are_refused_alone),
    };
    return cmocka_run_group_tests_name("get_values", tests, NULL, NULL);
}
