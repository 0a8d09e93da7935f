/*
 * promises/test_view.c: what oversized_view_value() and oversized_view() promise: a checked value where it lies,
 * without a system call once its file is mapped, or a copy where that cannot be; bytes that stay until the view is
 * released; and SEGJ_ERR_BUSY for whatever would take them away.
 */
#include "promises/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "promises/watch.h"

/* The watched storage with mappings that are counted, cut short and refused. */
static segj_storage_t mapping;
static struct {
    unsigned asked, made, ended;
    int code;    /* of the next ones */
    size_t most; /* bytes, 0: as asked */
} seen;

static int count_map(segj_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped)
{
    seen.asked++;
    if (seen.code != 0)
        return seen.code;
    seen.made++;
    assert_int_equal(offset % 65536, 0);
    return segj_storage_posix()->file_map(file, offset, seen.most > 0 ? seen.most : size, address, mapped);
}

static void count_unmap(void *context, const void *address, size_t mapped)
{
    seen.ended++;
    segj_storage_posix()->file_unmap(context, address, mapped);
}

static fixture_t *begin(void **state)
{
    fixture_t *f = *state;
    mapping = *f->config.storage;
    if (mapping.file_map == NULL)
        SKIP("this system's storage shows no mappings");
    mapping.file_map = count_map;
    mapping.file_unmap = count_unmap;
    memset(&seen, 0, sizeof seen);
    f->config.storage = &mapping;
    f->config.map_values = true;
    return f;
}

static oversized_location_t location_of(fixture_t *f, uint64_t section, uint64_t position)
{
    oversized_location_t location = {0, 0};
    assert_ok(oversized_get(f->journal, section, position, NULL, &location));
    return location;
}

static void view_sample(fixture_t *f, uint64_t section, uint64_t position, oversized_view_t *view)
{
    assert_ok(oversized_view_value(f->journal, section, location_of(f, section, position), view));
}

static bool is_borrowed(const oversized_view_t *view)
{
    return view->data != NULL && view->data != view->copy.data;
}

static void assert_shows(const oversized_view_t *view, uint64_t section, uint64_t position, unsigned salt)
{
    uint8_t expected[SAMPLE_VALUE_LIMIT];
    sample_value(section, position, salt, expected);
    assert_int_equal(view->size, sample_value_size(section, position, salt));
    if (view->size > 0)
        assert_memory_equal(view->data, expected, view->size);
}

static void assert_shows_nothing(const oversized_view_t *view)
{
    assert_null(view->data);
    assert_int_equal(view->size, 0);
}

/* All samples of the section, by both calls. */
static void check_views(fixture_t *f, uint64_t section, uint64_t count)
{
    oversized_view_t view = {0};
    for (uint64_t position = 0; position < count; position++) {
        uint8_t entry[SMALL_ENTRY];
        uint8_t expected[SMALL_ENTRY];
        view_sample(f, section, position, &view);
        assert_shows(&view, section, position, 0);
        sample_entry(section, position, 0, expected, SMALL_ENTRY);
        assert_ok(oversized_view(f->journal, section, position, entry, &view));
        assert_shows(&view, section, position, 0);
        assert_memory_equal(entry, expected, SMALL_ENTRY);
        assert_ok(oversized_view(f->journal, section, position, NULL, &view));
    }
    oversized_view_release(&view);
}

/* --- what is shown --- */

static void test_values_are_shown_wherever_they_are(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    append_samples(f->journal, 1, 10, 0);
    check_views(f, 1, 10);
    for (int i = 0; i < 200; i++)
        (void)append_sample(f->journal, 1, 0);
    check_views(f, 1, 210);
    assert_ok(oversized_sync(f->journal, 1));
    check_views(f, 1, 210);
    close_and_open(f);
    check_views(f, 1, 210);
}

static void test_values_are_shown_of_a_journal_that_does_not_map(void **state)
{
    fixture_t *f = begin(state);
    f->config.map_values = false;
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_and_open(f);
    check_views(f, 1, 50);
    assert_int_equal(seen.made, 0);
}

static void test_compressed_values_are_shown(void **state)
{
    fixture_t *f = begin(state);
    f->config.compression = 3;
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_and_open(f);
    check_views(f, 1, 50);
    /* In version 2 they are unpacked from a mapping, or lie in it as they are. */
    if (tested_version() == 2)
        assert_true(seen.made > 0);
    else
        assert_int_equal(seen.made, 0);
}

static void test_a_read_only_journal_shows_values_too(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    check_views(f, 1, 50);
    assert_int_equal(seen.made, 1);
}

static void test_values_in_their_file_are_not_copied(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t first = {0};
    oversized_view_t second = {0};
    open_journal(f);
    (void)append_filled(f->journal, 1, 0, 'a', 100, NULL);
    close_and_open(f);
    view_sample(f, 1, 0, &first);
    view_sample(f, 1, 0, &second);
    assert_true(is_borrowed(&first));
    assert_ptr_equal(first.data, second.data);
    assert_null(first.copy.data);
    oversized_view_release(&first);
    assert_shows_nothing(&first);
    assert_int_equal(((const char *)second.data)[99], 'a');
    oversized_view_release(&second);
}

static void test_a_view_costs_no_storage_call_once_its_file_is_mapped(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t view = {0};
    open_journal(f);
    append_samples(f->journal, 1, 40, 0);
    close_and_open(f);
    check_samples(f->journal, 1, 0, 40, 0); /* fills the page cache as far as it goes */
    oversized_location_t locations[40];
    for (uint64_t i = 0; i < 40; i++)
        locations[i] = location_of(f, 1, i);
    uint64_t reads = watch_seen()->reads;
    for (int round = 0; round < 10; round++)
        for (uint64_t i = 0; i < 40; i++)
            assert_ok(oversized_view_value(f->journal, 1, locations[i], &view));
    assert_int_equal(watch_seen()->reads, reads);
    assert_int_equal(seen.made, 1);
    oversized_view_release(&view);
}

static void test_mappings_end_with_the_journal(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    for (uint64_t section = 1; section < 6; section++)
        append_samples(f->journal, section, 5, 0);
    close_and_open(f);
    for (uint64_t section = 1; section < 6; section++)
        check_views(f, section, 5);
    assert_int_equal(seen.made, 5);
    close_journal(f);
    assert_int_equal(seen.ended, 5);
}

/* Each view is checked: what is damaged behind the library's back is not shown. */
static void test_a_damaged_value_is_not_shown(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t view = {0};
    open_journal(f);
    for (uint64_t id = 0; id < 4; id++)
        (void)append_filled(f->journal, 1, id, 'x', 50, NULL);
    close_and_open(f);
    view_sample(f, 1, 2, &view);
    oversized_location_t location = location_of(f, 1, 2);
    for (uint64_t at = 0; at < location.size; at++) {
        flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset + at);
        assert_status(oversized_view_value(f->journal, 1, location, &view), SEGJ_ERR_CHECKSUM);
        assert_shows_nothing(&view);
        assert_status(oversized_view(f->journal, 1, 2, NULL, &view), SEGJ_ERR_CHECKSUM);
        assert_shows_nothing(&view);
        flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset + at);
    }
    view_sample(f, 1, 2, &view);
    oversized_view_release(&view);
    assert_ok(oversized_rewind_section(f->journal, 1, 0)); /* what failed holds nothing */
}

static void test_wrong_locations_are_refused_as_get_value_does(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    append_samples(f->journal, 5, 20, 0);
    close_and_open(f);
    check_views(f, 5, 20);
    uint64_t end = value_size_of(f->journal, 5);
    static const uint64_t offsets[] = {0, 1, 7, 100, UINT64_MAX, (uint64_t)1 << 63, UINT64_MAX - 4};
    static const uint32_t sizes[] = {0, 3, 4, 5, 30, UINT32_MAX};
    oversized_view_t view = {0};
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < 6; j++) {
            oversized_location_t location = {i == 3 ? end - 4 : offsets[i], sizes[j]};
            segj_status_t expected = oversized_get_value(f->journal, 5, location, &f->value);
            assert_status(oversized_view_value(f->journal, 5, location, &view), expected);
        }
    oversized_view_release(&view);
    assert_status(oversized_view_value(f->journal, 4, (oversized_location_t){0, 4}, &view), SEGJ_ERR_NO_SECTION);
    assert_status(oversized_view(f->journal, 5, 20, NULL, &view), SEGJ_ERR_NO_RECORD);
    assert_ok(oversized_prune(f->journal, 3, NULL));
    assert_status(oversized_view(f->journal, 2, 0, NULL, &view), SEGJ_ERR_PRUNED);
}

static void test_arguments_that_are_missing(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t view = {0};
    open_journal(f);
    append_samples(f->journal, 1, 1, 0);
    oversized_location_t location = location_of(f, 1, 0);
    assert_status(oversized_view_value(NULL, 1, location, &view), SEGJ_ERR_INVALID);
    assert_status(oversized_view_value(f->journal, 1, location, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_view(NULL, 1, 0, NULL, &view), SEGJ_ERR_INVALID);
    assert_status(oversized_view(f->journal, 1, 0, NULL, NULL), SEGJ_ERR_INVALID);
    oversized_view_release(NULL);
    oversized_view_release(&view); /* all zeros */
}

/* --- lifetime --- */

/* Everything that would take the sections' bytes away is refused and changes nothing. */
static void assert_busy(fixture_t *f, uint64_t section)
{
    uint64_t count = count_of(f->journal, section);
    bool pruned = false;
    assert_ok(oversized_sync_all(f->journal));
    path_t before = snapshot(f);
    assert_status(oversized_rewind_section(f->journal, section, 0), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind_section(f->journal, section, (count - 1) * SMALL_RECORD), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind(f->journal, section, 0), SEGJ_ERR_BUSY);
    assert_status(oversized_rewind(f->journal, section - 1, 0), SEGJ_ERR_BUSY);
    assert_status(oversized_prune(f->journal, section + 1, &pruned), SEGJ_ERR_BUSY);
    assert_false(pruned);
    assert_status(oversized_destroy(f->journal), SEGJ_ERR_BUSY);
    assert_null(oversized_error(f->journal));
    assert_int_equal(count_of(f->journal, section), count);
    assert_untouched(f, before);
    /* What takes none of its bytes is none of its business. */
    assert_ok(oversized_rewind_section(f->journal, section, count * SMALL_RECORD));
    assert_ok(oversized_rewind(f->journal, section, count * SMALL_RECORD));
    assert_ok(oversized_prune(f->journal, section - 1, NULL));
}

/* Sections 3 and 4 with samples; 4 is viewed. */
static void check_busy(fixture_t *f, bool borrowed)
{
    oversized_view_t view = {0};
    oversized_view_t other = {0};
    view_sample(f, 4, 7, &view);
    view_sample(f, 4, 9, &other);
    assert_int_equal(is_borrowed(&view), borrowed);
    assert_busy(f, 4);
    oversized_view_release(&view);
    assert_busy(f, 4);
    assert_shows(&other, 4, 9, 0);
    oversized_view_release(&other);
    assert_ok(oversized_rewind_section(f->journal, 4, 9 * SMALL_RECORD));
    view_sample(f, 4, 8, &view);
    assert_shows(&view, 4, 8, 0);
    oversized_view_release(&view);
    assert_ok(oversized_rewind(f->journal, 3, 5 * SMALL_RECORD));
    assert_ok(oversized_prune(f->journal, 4, NULL));
}

static void test_a_view_keeps_its_section(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    append_samples(f->journal, 3, 20, 0);
    append_samples(f->journal, 4, 20, 0);
    close_and_open(f);
    check_busy(f, true);
}

static void test_a_view_that_was_copied_keeps_its_section_too(void **state)
{
    for (int i = 0; i < 3; i++) {
        fixture_t *f = begin(state);
        static const char *const names[] = {"a", "b", "c"};
        f->directory = join_path(f->root.text, names[i]);
        f->config.directory = f->directory.text;
        f->config.map_values = i != 0;
        f->config.compression = i == 1 ? 3 : 0;
        f->config.value_write_buffer = i == 2 ? 65536 : 1024; /* they stay in the buffer */
        open_journal(f);
        append_samples(f->journal, 3, 20, 0);
        append_samples(f->journal, 4, 20, 0);
        if (i != 2)
            close_and_open(f);
        oversized_view_t view = {0};
        view_sample(f, 4, 7, &view);
        /* In version 2 a value that compression does not make smaller is shown where it lies. */
        assert_true(!is_borrowed(&view) || (i == 1 && tested_version() == 2));
        assert_status(oversized_rewind_section(f->journal, 4, 0), SEGJ_ERR_BUSY);
        assert_status(oversized_rewind(f->journal, 3, 0), SEGJ_ERR_BUSY);
        assert_status(oversized_prune(f->journal, 5, NULL), SEGJ_ERR_BUSY);
        assert_status(oversized_destroy(f->journal), SEGJ_ERR_BUSY);
        check_section(f->journal, 4, 20, 0);
        oversized_view_release(&view);
        assert_ok(oversized_rewind_section(f->journal, 4, 0));
        close_journal(f);
    }
}

static void test_a_view_that_is_used_again_gives_back_what_it_showed(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t view = {0};
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    append_samples(f->journal, 2, 5, 0);
    close_and_open(f);
    view_sample(f, 1, 3, &view);
    view_sample(f, 2, 3, &view);
    assert_ok(oversized_rewind_section(f->journal, 1, 0));
    assert_status(oversized_rewind_section(f->journal, 2, 0), SEGJ_ERR_BUSY);
    assert_status(oversized_view(f->journal, 1, 0, NULL, &view), SEGJ_ERR_NO_RECORD);
    assert_shows_nothing(&view);
    assert_ok(oversized_rewind_section(f->journal, 2, 0));
    oversized_view_release(&view);
}

static void test_destroy_works_when_the_views_are_back(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t view = {0};
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    close_and_open(f);
    view_sample(f, 1, 3, &view);
    assert_status(oversized_destroy(f->journal), SEGJ_ERR_BUSY);
    assert_shows(&view, 1, 3, 0);
    oversized_view_release(&view);
    assert_ok(oversized_destroy(f->journal));
    f->journal = NULL;
    assert_false(path_exists(values_path(f, 1).text));
    assert_int_equal(seen.made, seen.ended);
}

static void test_the_bytes_stay_while_the_section_grows(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t views[40] = {{0}};
    open_journal(f);
    for (uint64_t position = 0; position < 40; position++) {
        append_samples(f->journal, 1, 20, 0);
        view_sample(f, 1, position, &views[position]);
        if (position % 7 == 0)
            assert_ok(oversized_sync(f->journal, 1));
        for (uint64_t i = 0; i <= position; i++)
            assert_shows(&views[i], 1, i, 0);
    }
    for (uint64_t i = 0; i < 40; i++)
        oversized_view_release(&views[i]);
    check_section(f->journal, 1, 800, 0);
}

/* The mapping of what was cut is not looked at again. */
static void test_what_is_appended_behind_a_rewind_is_shown(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t view = {0};
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    for (unsigned salt = 1; salt < 6; salt++) {
        assert_ok(oversized_sync(f->journal, 1));
        view_sample(f, 1, 29, &view);
        assert_shows(&view, 1, 29, salt - 1);
        oversized_view_release(&view);
        assert_ok(oversized_rewind_section(f->journal, 1, 0));
        append_samples(f->journal, 1, 30, salt);
    }
    assert_int_equal(seen.made, 5);
    assert_int_equal(seen.ended, 5);
}

/* --- mappings that cannot be had --- */

static void test_a_refused_mapping_costs_a_copy(void **state)
{
    fixture_t *f = begin(state);
    oversized_view_t view = {0};
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_and_open(f);
    seen.code = ENOMEM;
    check_views(f, 1, 50);
    assert_int_equal(seen.made, 0);
    seen.code = 0;
    for (unsigned views = 0; seen.made == 0; views++) { /* it is asked for again */
        assert_in_range(views, 0, 128);
        view_sample(f, 1, 3, &view);
        assert_shows(&view, 1, 3, 0);
        oversized_view_release(&view);
    }
}

static void view_times(fixture_t *f, unsigned times)
{
    oversized_view_t view = {0};
    for (unsigned i = 0; i < times; i++) {
        view_sample(f, 1, i % 50, &view);
        assert_shows(&view, 1, i % 50, 0);
    }
    oversized_view_release(&view);
}

/* As FUSE file systems do that hand reads on to their server: views of a file ask again now and then. */
static void test_a_storage_that_refuses_mappings_is_asked_now_and_then(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_and_open(f);
    seen.code = ENODEV;
    view_times(f, 10000);
    assert_in_range(seen.asked, 2, 20);
    unsigned asked = seen.asked;
    view_times(f, 2000);
    assert_in_range(seen.asked, asked + 1, asked + 3); /* and never quite forgotten */
    seen.code = 0;
    view_times(f, 1100);
    assert_int_equal(seen.made, 1);
    asked = seen.asked;
    view_times(f, 1000);
    assert_int_equal(seen.asked, asked);
}

/* A new descriptor may be of another mind, and a section that is written to has a new one or will grow. */
static void test_a_refusal_counts_for_a_descriptor(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    append_samples(f->journal, 2, 50, 0);
    close_and_open(f);
    seen.code = ENODEV;
    view_times(f, 3000);
    unsigned asked = seen.asked;
    append_samples(f->journal, 1, 1, 0); /* opens its file anew */
    view_times(f, 1);
    assert_int_equal(seen.asked, asked + 1);
    view_times(f, 1000);
    asked = seen.asked;
    if (tested_version() == 2)
        return;                                                            /* there it goes on being active */
    assert_ok(oversized_rewind_section(f->journal, 1, 50 * SMALL_RECORD)); /* the section rests */
    append_samples(f->journal, 1, 1, 0);
    view_times(f, 1);
    assert_int_equal(seen.asked, asked + 1);
    close_and_open(f);
    view_times(f, 1);
    assert_int_equal(seen.asked, asked + 2);
}

/* A mapping without the value that is wanted is worth as little. */
static void test_a_mapping_that_ends_too_early_is_tried_now_and_then(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_and_open(f);
    seen.most = 16;
    view_times(f, 10000);
    assert_in_range(seen.made, 2, 20);
}

/* A storage that maps no more than the file has, as of some systems. */
static void test_a_mapping_that_ends_early_serves_what_it_has(void **state)
{
    fixture_t *f = begin(state);
    open_journal(f);
    append_samples(f->journal, 1, 400, 0);
    close_and_open(f);
    seen.most = 8192;
    assert_true(value_size_of(f->journal, 1) > 8192);
    check_views(f, 1, 400);
}

static void test_a_storage_of_the_version_before_mappings_does(void **state)
{
    fixture_t *f = begin(state);
    mapping.struct_size = offsetof(segj_storage_t, file_map);
    mapping.file_map = NULL;
    mapping.file_unmap = NULL;
    segj_storage_t *old = malloc(mapping.struct_size); /* and nothing behind it is read */
    assert_non_null(old);
    memcpy(old, &mapping, mapping.struct_size);
    f->config.storage = old;
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_and_open(f);
    check_views(f, 1, 50);
    close_journal(f);
    free(old);
}

static void test_a_storage_with_half_of_the_pair_does_not_map(void **state)
{
    fixture_t *f = begin(state);
    mapping.file_unmap = NULL;
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_and_open(f);
    check_views(f, 1, 50);
    assert_int_equal(seen.made, 0);
}

static void test_a_journal_in_memory_copies(void **state)
{
    fixture_t *f = begin(state);
    segj_storage_t *memory = NULL;
    assert_ok(segj_storage_memory_create(&memory));
    f->config.storage = memory;
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    close_and_open(f);
    check_views(f, 1, 50);
    close_journal(f);
    segj_storage_memory_destroy(memory);
}

/* Beyond the first window: the file is mapped anew, and what was shown of the old mapping stays. */
static void test_a_section_that_outgrows_its_mapping_is_mapped_anew(void **state)
{
    fixture_t *f = begin(state);
    enum { LARGE = 70 << 20 };
    uint8_t *large = malloc(LARGE);
    assert_non_null(large);
    memset(large, 0x5c, LARGE);
    oversized_view_t small = {0};
    oversized_view_t view = {0};
    open_journal(f);
    append_samples(f->journal, 1, 4, 0);
    assert_ok(oversized_sync(f->journal, 1));
    view_sample(f, 1, 3, &small);
    assert_ok(oversized_append(f->journal, 1, "12345678", large, LARGE, NULL, NULL));
    assert_ok(oversized_view(f->journal, 1, 4, NULL, &view));
    assert_true(is_borrowed(&view));
    assert_int_equal(view.size, LARGE);
    assert_memory_equal(view.data, large, LARGE);
    assert_shows(&small, 1, 3, 0);
    assert_int_equal(seen.made, 2);
    oversized_view_release(&view);
    oversized_view_release(&small);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_values_are_shown_wherever_they_are),
        PROMISE(test_values_are_shown_of_a_journal_that_does_not_map),
        PROMISE(test_compressed_values_are_shown),
        PROMISE(test_a_read_only_journal_shows_values_too),
        PROMISE(test_values_in_their_file_are_not_copied),
        PROMISE(test_a_view_costs_no_storage_call_once_its_file_is_mapped),
        PROMISE(test_mappings_end_with_the_journal),
        PROMISE(test_a_damaged_value_is_not_shown),
        PROMISE(test_wrong_locations_are_refused_as_get_value_does),
        PROMISE(test_arguments_that_are_missing),
        PROMISE(test_a_view_keeps_its_section),
        PROMISE(test_a_view_that_was_copied_keeps_its_section_too),
        PROMISE(test_a_view_that_is_used_again_gives_back_what_it_showed),
        PROMISE(test_destroy_works_when_the_views_are_back),
        PROMISE(test_the_bytes_stay_while_the_section_grows),
        PROMISE(test_what_is_appended_behind_a_rewind_is_shown),
        PROMISE(test_a_refused_mapping_costs_a_copy),
        PROMISE(test_a_storage_that_refuses_mappings_is_asked_now_and_then),
        PROMISE(test_a_refusal_counts_for_a_descriptor),
        PROMISE(test_a_mapping_that_ends_too_early_is_tried_now_and_then),
        PROMISE(test_a_mapping_that_ends_early_serves_what_it_has),
        PROMISE(test_a_storage_of_the_version_before_mappings_does),
        PROMISE(test_a_storage_with_half_of_the_pair_does_not_map),
        PROMISE(test_a_journal_in_memory_copies),
        PROMISE(test_a_section_that_outgrows_its_mapping_is_mapped_anew),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
