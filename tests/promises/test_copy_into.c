/*
 * promises/test_copy_into.c: records are copied into a journal that stores them in another way: they are the same at the same
 * positions, the next call adds what has come, and what is no beginning of the journal is refused and stays as it is.
 */
#include "promises/fixture.h"
#include "segjournal/tools.h"

#include <stdlib.h>
#include <string.h>

/** A journal and the one that it is copied into. */
typedef struct pair {
    fixture_t *f;
    path_t directory;
    oversized_config_t config; /* of the other one */
    oversized_copied_t copied;
} pair_t;

static pair_t pair_of(fixture_t *f)
{
    pair_t pair = {.f = f, .directory = join_path(f->root.text, "other"), .config = f->config};
    pair.config.log = NULL;
    return pair;
}

static segj_status_t copy_with(pair_t *pair, const oversized_copy_options_t *options)
{
    pair->config.directory = pair->directory.text;
    return oversized_copy_into(pair->f->journal, &pair->config, options, &pair->copied);
}

static segj_status_t copy_into(pair_t *pair)
{
    return copy_with(pair, NULL);
}

static oversized_t *open_other(pair_t *pair)
{
    oversized_t *other = NULL;
    pair->config.directory = pair->directory.text;
    assert_ok(oversized_open(&pair->config, &other));
    return other;
}

/* The section has so many records of the journal's, and no more. */
static void check_same(pair_t *pair, oversized_t *other, uint64_t section, uint64_t count)
{
    segj_buffer_t values[2] = {SEGJ_ZERO, SEGJ_ZERO};
    assert_int_equal(count_of(other, section), count);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entries[2][SMALL_ENTRY];
        assert_ok(oversized_read(pair->f->journal, section, i, entries[0], &values[0]));
        assert_ok(oversized_read(other, section, i, entries[1], &values[1]));
        assert_memory_equal(entries[0], entries[1], SMALL_ENTRY);
        assert_int_equal(values[0].size, values[1].size);
        assert_true(values[0].size == 0 || memcmp(values[0].data, values[1].data, values[0].size) == 0);
    }
    segj_buffer_free(&values[0]);
    segj_buffer_free(&values[1]);
}

static void check_section_of(pair_t *pair, uint64_t section, uint64_t count)
{
    oversized_t *other = open_other(pair);
    assert_int_equal(oversized_recovery(other)->sections_repaired, 0);
    check_same(pair, other, section, count);
    assert_ok(oversized_verify(other, NULL, NULL));
    assert_ok(oversized_close(other));
}

static void make_sections(fixture_t *f)
{
    open_journal(f);
    put_samples(f->journal, 3, 40, 0);
    put_samples(f->journal, 4, 1, 0);
    put_samples(f->journal, 9, 700, 0); /* several batches */
    assert_ok(oversized_sync_all(f->journal));
}

/* --- other ways to store --- */

static void as_version_1(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_NATIVE;
    config->native_version = 1;
}

static void as_version_2(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_NATIVE;
    config->native_version = 2;
}

static void compressed(oversized_config_t *config)
{
    config->compression = 5;
    config->compression_threads = 2;
}

static void with_large_pages(oversized_config_t *config)
{
    config->page_size = 4084;
}

static void with_the_reference(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_COMMONWARE;
    config->native_version = 0;
}

static void test_records_are_the_same_however_they_are_stored(void **state)
{
    fixture_t *f = *state;
    void (*const ways[])(oversized_config_t * config) = {as_version_1, as_version_2, compressed, with_large_pages,
                                                         with_the_reference};
    make_sections(f);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char name[] = "other0";
        pair_t pair = pair_of(f);
        name[5] = (char)('0' + i);
        pair.directory = join_path(f->root.text, name);
        ways[i](&pair.config);
        assert_ok(copy_into(&pair));
        assert_int_equal(pair.copied.sections, 3);
        assert_int_equal(pair.copied.records, 741);
        assert_int_equal(pair.copied.sections_kept, 0);
        check_section_of(&pair, 3, 40);
        check_section_of(&pair, 4, 1);
        check_section_of(&pair, 9, 700);
    }
}

static void test_what_is_compressed_is_unpacked(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    f->config.compression = 3;
    make_sections(f);
    assert_ok(copy_into(&pair));
    check_section_of(&pair, 9, 700);
    oversized_t *other = open_other(&pair);
    uint64_t bytes = 0;
    assert_ok(oversized_value_size(other, 9, &bytes));
    uint64_t values = 0;
    for (uint64_t i = 0; i < 700; i++)
        values += sample_value_size(9, i, 0);
    assert_true(bytes >= values); /* as they are */
    assert_ok(oversized_close(other));
}

/* They go in pieces, and are compared in pieces. */
static void test_large_values_need_no_memory(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    size_t size = ((size_t)9 << 20) + 5;
    uint8_t *value = malloc(size);
    assert_non_null(value);
    fill_noise(value, size, 11);
    f->config.max_value_size = pair.config.max_value_size = OVERSIZED_VALUE_MAX;
    pair.config.compression = 1;
    open_journal(f);
    put_samples(f->journal, 1, 5, 0);
    assert_ok(oversized_append(f->journal, 1, "12345678", value, size, NULL, NULL));
    assert_ok(oversized_append(f->journal, 1, "12345678", value, (size_t)2 << 20, NULL, NULL));
    put_samples(f->journal, 1, 5, 0);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(copy_into(&pair));
    assert_int_equal(pair.copied.records, 12);
    check_section_of(&pair, 1, 12);
    assert_ok(copy_into(&pair));
    assert_int_equal(pair.copied.sections_kept, 1);
    assert_int_equal(pair.copied.bytes, 0);

    oversized_location_t place;
    oversized_t *other = open_other(&pair);
    assert_ok(oversized_get(other, 1, 5, NULL, &place));
    assert_ok(oversized_close(other));
    path_t values = section_path(pair.directory.text, pair.config.value_partition, 1);
    uint64_t end = tested_values_data() + tested_frame_end(place, SMALL_ENTRY);
    flip_byte(values.text, end - 1); /* of the checksum */
    assert_status(copy_into(&pair), SEGJ_ERR_CHECKSUM);
    flip_byte(values.text, end - 1);
    assert_ok(copy_into(&pair));

    other = open_other(&pair);
    value[size - 3] ^= 1;
    assert_ok(oversized_rewind_section_to(other, 1, 5));
    assert_ok(oversized_append(other, 1, "12345678", value, size, NULL, NULL));
    assert_ok(oversized_close(other));
    assert_status(copy_into(&pair), SEGJ_ERR_MISMATCH);
    assert_non_null(strstr(segj_last_error(), "record 5 of section 1 has another value"));
    free(value);
}

/* --- again --- */

static void test_the_next_call_adds_what_has_come(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    pair.config.compression = 1;
    make_sections(f);
    put_samples(f->journal, 9, 3, 0); /* not synced */
    assert_ok(copy_into(&pair));
    assert_int_equal(pair.copied.records, 741);
    assert_ok(oversized_sync_all(f->journal));
    put_samples(f->journal, 3, 300, 0);
    put_samples(f->journal, 12, 7, 0);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(copy_into(&pair));
    assert_int_equal(pair.copied.sections, 4);
    assert_int_equal(pair.copied.sections_kept, 1);
    assert_int_equal(pair.copied.records, 741 + 3 + 300 + 7);
    check_section_of(&pair, 3, 340);
    check_section_of(&pair, 9, 703);
    check_section_of(&pair, 12, 7);
    assert_ok(copy_into(&pair));
    assert_int_equal(pair.copied.sections_kept, 4);
    assert_int_equal(pair.copied.bytes, 0);
}

static void test_pruned_sections_stay_in_the_copy(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_into(&pair));
    assert_ok(oversized_prune(f->journal, 9, NULL));
    put_samples(f->journal, 9, 1, 0);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(copy_into(&pair));
    check_section_of(&pair, 9, 701);
    oversized_t *other = open_other(&pair);
    assert_sections(other, 3, 4, 9);
    assert_ok(oversized_close(other));
}

static void test_sections_may_be_chosen(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    oversized_copy_options_t options;
    oversized_copy_options_init(&options);
    make_sections(f);
    options.first_section = 4;
    options.last_section = 8;
    assert_ok(copy_with(&pair, &options));
    assert_int_equal(pair.copied.sections, 1);
    check_section_of(&pair, 4, 1);
    options.first_section = 9;
    options.last_section = UINT64_MAX;
    assert_ok(copy_with(&pair, &options));
    check_section_of(&pair, 9, 700);
    oversized_t *other = open_other(&pair);
    assert_sections(other, 4, 9);
    assert_ok(oversized_close(other));
    options.first_section = 5;
    options.last_section = 4;
    assert_status(copy_with(&pair, &options), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "first_section"));
}

/* The other way to copy has the same options. */
static void test_sections_of_a_copy_may_be_chosen(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    oversized_copy_options_t options;
    oversized_copy_options_init(&options);
    make_sections(f);
    assert_ok(oversized_copy(f->journal, pair.directory.text, NULL, &pair.copied));
    options.first_section = 4;
    options.last_section = 4;
    assert_ok(oversized_copy(f->journal, pair.directory.text, &options, &pair.copied));
    assert_int_equal(pair.copied.sections, 1);
    assert_int_equal(pair.copied.sections_kept, 1);
    assert_int_equal(pair.copied.sections_removed, 2);
    check_section_of(&pair, 4, 1);
}

/* --- what is refused --- */

/* The call changes nothing. */
static void refuse(pair_t *pair, const char *words)
{
    path_t before = join_path(pair->f->root.text, "before");
    copy_tree(pair->directory.text, before.text);
    assert_status(copy_into(pair), SEGJ_ERR_MISMATCH);
    if (strstr(segj_last_error(), words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", segj_last_error(), words);
    share_owner(pair->directory.text, before.text, pair->config.index_partition);
    assert_trees_equal(pair->directory.text, before.text);
    remove_tree(before.text);
}

static void test_what_is_no_beginning_of_the_journal_is_refused(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_into(&pair));
    put_samples(f->journal, 3, 10, 0);
    put_samples(f->journal, 9, 10, 0);
    assert_ok(oversized_sync_all(f->journal));

    oversized_t *other = open_other(&pair); /* another entry */
    assert_ok(oversized_rewind_section_to(other, 9, 699));
    put_samples(other, 9, 1, 1);
    assert_ok(oversized_close(other));
    refuse(&pair, "record 699 of section 9 has another");
    other = open_other(&pair);
    assert_int_equal(count_of(other, 3), 40); /* which would have come first */
    assert_ok(oversized_rewind_section_to(other, 9, 699));

    uint8_t entry[SMALL_ENTRY]; /* another value */
    sample_entry(9, 699, 0, entry, sizeof entry);
    assert_ok(oversized_append(other, 9, entry, "another one", 11, NULL, NULL));
    assert_ok(oversized_close(other));
    refuse(&pair, "record 699 of section 9 has another value");

    other = open_other(&pair); /* records of its own */
    assert_ok(oversized_rewind_section_to(other, 9, 699));
    put_samples(other, 9, 12, 0);
    assert_ok(oversized_close(other));
    refuse(&pair, "section 9 has 711 records, and the journal has synced 710");

    other = open_other(&pair); /* a section of its own */
    assert_ok(oversized_rewind_section_to(other, 9, 699));
    put_samples(other, 10, 1, 0);
    assert_ok(oversized_close(other));
    refuse(&pair, "section 10 has 1 records, and the journal has synced 0");

    other = open_other(&pair);
    assert_ok(oversized_rewind_to(other, 9, 699));
    assert_ok(oversized_close(other));
    assert_ok(copy_into(&pair));
    check_section_of(&pair, 9, 710);
}

static void test_a_rewound_journal_wants_its_copy_rewound(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    make_sections(f);
    assert_ok(copy_into(&pair));
    assert_ok(oversized_rewind_to(f->journal, 4, 1));
    put_samples(f->journal, 9, 5, 1);
    assert_ok(oversized_sync_all(f->journal));
    refuse(&pair, "section 9 has 700 records, and the journal has synced 5");
    oversized_t *other = open_other(&pair);
    assert_ok(oversized_rewind_to(other, 4, 1));
    assert_ok(oversized_close(other));
    assert_ok(copy_into(&pair));
    check_section_of(&pair, 9, 5);
}

static void test_configurations_are_checked(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    oversized_copy_options_t options;
    make_sections(f);
    assert_status(oversized_copy_into(f->journal, NULL, NULL, NULL), SEGJ_ERR_INVALID);
    pair.config.directory = f->directory.text;
    assert_status(oversized_copy_into(f->journal, &pair.config, NULL, NULL), SEGJ_ERR_LOCKED);
    oversized_copy_options_init(&options);
    options.struct_size--;
    assert_status(copy_with(&pair, &options), SEGJ_ERR_INVALID);
    assert_false(path_exists(pair.directory.text));
    pair.config.entry_size = SMALL_ENTRY + 1;
    assert_status(copy_into(&pair), SEGJ_ERR_MISMATCH);
    assert_non_null(strstr(segj_last_error(), "its entries have 9 bytes, the journal's have 8 bytes"));
    pair.directory = join_path(f->root.text, "third");
    pair.config.entry_size = SMALL_ENTRY;
    pair.config.max_value_size = 3;
    assert_status(copy_into(&pair), SEGJ_ERR_TOO_LARGE);
    pair.config.max_value_size = SAMPLE_VALUE_LIMIT;
    assert_ok(copy_into(&pair)); /* goes on */
    check_section_of(&pair, 9, 700);
}

/* --- meanwhile --- */

typedef struct watcher {
    pair_t *pair;
    unsigned told;
    bool cancels, rewinds, prunes;
    const char *stage; /* of the last one */
} watcher_t;

static bool on_progress(void *context, const oversized_progress_t *progress)
{
    watcher_t *watcher = context;
    watcher->told++;
    watcher->stage = progress->stage;
    assert_true(progress->bytes_done <= progress->bytes_total && progress->records_done <= progress->records_total);
    if (watcher->rewinds)
        assert_ok(oversized_rewind_section_to(watcher->pair->f->journal, 9, 1));
    if (watcher->prunes)
        assert_ok(oversized_prune(watcher->pair->f->journal, 10, NULL));
    watcher->rewinds = watcher->prunes = false;
    return watcher->cancels;
}

/* So slow that it is told of, and no slower. */
static segj_status_t copy_slowly(pair_t *pair, watcher_t *watcher)
{
    oversized_copy_options_t options;
    oversized_copy_options_init(&options);
    options.bytes_per_second = 100000;
    options.progress = on_progress;
    options.context = watcher;
    watcher->pair = pair;
    return copy_with(pair, &options);
}

static void test_progress_is_told_and_cancels(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    watcher_t watcher = {.cancels = true};
    make_sections(f);
    assert_status(copy_slowly(&pair, &watcher), SEGJ_ERR_CANCELLED);
    assert_int_equal(watcher.told, 1);
    watcher = (watcher_t){.told = 0};
    assert_ok(copy_slowly(&pair, &watcher));
    assert_true(watcher.told >= 2);
    assert_string_equal(watcher.stage, "copy");
    check_section_of(&pair, 9, 700);
}

static void test_a_rewind_meanwhile_is_said(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    watcher_t watcher = {.rewinds = true};
    make_sections(f);
    assert_status(copy_slowly(&pair, &watcher), SEGJ_ERR_BUSY);
    assert_non_null(strstr(segj_last_error(), "section 9 was rewound"));
    oversized_t *other = open_other(&pair);
    assert_ok(oversized_rewind_section_to(other, 9, count_of(other, 9) > 0));
    assert_ok(oversized_close(other));
    assert_ok(copy_into(&pair));
    check_section_of(&pair, 9, 1);
}

static void test_a_removal_meanwhile_ends_a_section_early(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    watcher_t watcher = {.prunes = true};
    make_sections(f);
    assert_ok(copy_slowly(&pair, &watcher));
    oversized_t *other = open_other(&pair);
    assert_true(count_of(other, 9) <= 700);
    assert_ok(oversized_verify(other, NULL, NULL));
    assert_ok(oversized_close(other));
}

/* Sections that go while the first one is copied, or compared, are not begun: nothing of the next one is taken for theirs. */
static void test_removed_sections_have_nothing_of_the_next_one(void **state)
{
    fixture_t *f = *state;
    pair_t pair = pair_of(f);
    watcher_t watcher = {.prunes = true};
    open_journal(f);
    put_samples(f->journal, 3, 700, 0); /* told of meanwhile */
    put_samples(f->journal, 4, 20, 0);
    put_samples(f->journal, 9, 20, 0);
    put_samples(f->journal, 12, 30, 0);
    assert_ok(oversized_sync_all(f->journal));
    path_t earlier = snapshot(f);
    assert_ok(copy_slowly(&pair, &watcher));
    assert_false(watcher.prunes);
    oversized_t *other = open_other(&pair);
    assert_int_equal(count_of(other, 9), 0);
    check_same(&pair, other, 12, 30);
    assert_ok(oversized_close(other));

    /* The same of a copy that has them all. */
    close_journal(f);
    remove_tree(pair.directory.text);
    remove_tree(f->directory.text);
    copy_tree(earlier.text, f->directory.text);
    open_journal(f);
    assert_ok(copy_into(&pair));
    watcher = (watcher_t){.prunes = true};
    assert_ok(copy_slowly(&pair, &watcher));
    assert_false(watcher.prunes);
    other = open_other(&pair);
    assert_int_equal(count_of(other, 4), 20);
    assert_int_equal(count_of(other, 9), 20);
    assert_ok(oversized_verify(other, NULL, NULL));
    assert_ok(oversized_close(other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_records_are_the_same_however_they_are_stored),
        PROMISE(test_what_is_compressed_is_unpacked),
        PROMISE(test_large_values_need_no_memory),
        PROMISE(test_the_next_call_adds_what_has_come),
        PROMISE(test_pruned_sections_stay_in_the_copy),
        PROMISE(test_sections_may_be_chosen),
        PROMISE(test_sections_of_a_copy_may_be_chosen),
        PROMISE(test_what_is_no_beginning_of_the_journal_is_refused),
        PROMISE(test_a_rewound_journal_wants_its_copy_rewound),
        PROMISE(test_configurations_are_checked),
        PROMISE(test_progress_is_told_and_cancels),
        PROMISE(test_a_rewind_meanwhile_is_said),
        PROMISE(test_a_removal_meanwhile_ends_a_section_early),
        PROMISE(test_removed_sections_have_nothing_of_the_next_one),
    };
    return cmocka_run_group_tests_name("copy_into", tests, NULL, NULL);
}
