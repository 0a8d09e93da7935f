/*
 * promises/test_retain.c: retaining removes the oldest sections, as many as must go for the limits and no more, never the
 * newest, and a dry run none.
 */
#include "promises/fixture.h"
#include "segjournal/tools.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { SECTIONS = 6 };

/* Sections 10, 20, ... 60 of different sizes, at rest. */
static void make_sections(fixture_t *f)
{
    open_journal(f);
    for (uint64_t i = 1; i <= SECTIONS; i++)
        append_samples(f->journal, 10 * i, 7 * i, 0);
    close_and_open(f);
}

static uint64_t bytes_of(const fixture_t *f, uint64_t section)
{
    return file_size(index_path(f, section).text) + file_size(values_path(f, section).text);
}

/* The bytes of section `from` and all later ones. */
static uint64_t bytes_from(const fixture_t *f, uint64_t from)
{
    uint64_t sum = 0;
    for (uint64_t section = from; section <= (uint64_t)10 * SECTIONS; section += 10)
        sum += bytes_of(f, section);
    return sum;
}

/* What would go: the sections below `line`. */
static void check_dry(fixture_t *f, const oversized_retain_options_t *asked, uint64_t line)
{
    oversized_retain_options_t options = *asked;
    oversized_retained_t found;
    options.dry_run = true;
    assert_ok(oversized_retain(f->journal, &options, &found));
    uint64_t sections = line / 10 - 1;
    assert_int_equal(found.sections, sections);
    assert_int_equal(found.min_section, sections > 0 ? line - 9 : 0);
    assert_int_equal(found.records, 7 * sections * (sections + 1) / 2);
    assert_int_equal(found.bytes, bytes_from(f, 10) - bytes_from(f, line));
    assert_sections(f->journal, 10, 20, 30, 40, 50, 60);
}

static void test_bytes_are_a_limit(void **state)
{
    fixture_t *f = *state;
    oversized_retain_options_t options;
    make_sections(f);
    oversized_retain_options_init(&options);
    check_dry(f, &options, 10);
    for (uint64_t line = 10; line <= 60; line += 10) {
        options.bytes = bytes_from(f, line);
        check_dry(f, &options, line);
        options.bytes--; /* the newest section stays in any case */
        check_dry(f, &options, line < 60 ? line + 10 : 60);
    }
    options.bytes = 0;
    check_dry(f, &options, 60);
    options.bytes = bytes_from(f, 40);
    oversized_retained_t found;
    assert_ok(oversized_retain(f->journal, &options, &found));
    assert_int_equal(found.sections, 3);
    assert_sections(f->journal, 40, 50, 60);
    check_section(f->journal, 40, 28, 0);
    assert_false(path_exists(index_path(f, 30).text));
    close_and_open(f);
    assert_sections(f->journal, 40, 50, 60);
    assert_ok(oversized_retain(f->journal, &options, &found));
    assert_int_equal(found.sections + found.records + found.bytes + found.min_section, 0);
}

static void test_the_number_of_sections_is_a_limit(void **state)
{
    fixture_t *f = *state;
    oversized_retain_options_t options;
    make_sections(f);
    oversized_retain_options_init(&options);
    for (uint64_t kept = 1; kept <= SECTIONS + 1; kept++) {
        options.sections = kept;
        check_dry(f, &options, kept >= SECTIONS ? 10 : 10 * (SECTIONS - kept + 1));
    }
    options.sections = 0;
    check_dry(f, &options, 60);
    options.sections = 2;
    assert_ok(oversized_retain(f->journal, &options, NULL));
    assert_sections(f->journal, 50, 60);
    /* Records that no sync has covered count as well. */
    append_samples(f->journal, 70, 1, 0);
    assert_ok(oversized_retain(f->journal, &options, NULL));
    assert_sections(f->journal, 60, 70);
}

typedef struct asked {
    uint64_t keep_from;
    unsigned times;
    uint64_t first;
} asked_t;

static bool keep_from(void *context, const oversized_kept_t *kept)
{
    asked_t *asked = context;
    if (asked->times++ == 0)
        asked->first = kept->section;
    assert_int_equal(kept->records, 7 * kept->section / 10);
    assert_true(kept->bytes > 0);
    return kept->section >= asked->keep_from;
}

static void test_a_callback_has_the_last_word(void **state)
{
    fixture_t *f = *state;
    oversized_retain_options_t options;
    asked_t asked = {.keep_from = 40};
    make_sections(f);
    oversized_retain_options_init(&options);
    options.keep = keep_from;
    options.context = &asked;
    options.sections = 5; /* section 10 goes by this, and is not asked for */
    check_dry(f, &options, 40);
    assert_int_equal(asked.first, 20);
    assert_int_equal(asked.times, 3);
    asked = (asked_t){.keep_from = 1000};
    check_dry(f, &options, 60);
    assert_int_equal(asked.times, 4); /* the newest is not asked for */
}

/* A storage that says how much it has left. */
static uint64_t space_left;
static int space_answer;

static int tell_space(segj_partition_t *partition, uint64_t *bytes)
{
    *bytes = space_left;
    return space_answer;
}

static void test_room_is_made(void **state)
{
    fixture_t *f = *state;
    segj_storage_t storage = *f->config.storage;
    oversized_retain_options_t options;
    oversized_retained_t found;
    storage.partition_space = tell_space;
    f->config.storage = &storage;
    make_sections(f);
    oversized_retain_options_init(&options);
    options.free_bytes = space_left = 1000000;
    check_dry(f, &options, 10);
    for (uint64_t line = 20; line <= 60; line += 10) {
        space_left = options.free_bytes - (bytes_from(f, 10) - bytes_from(f, line));
        check_dry(f, &options, line);
        space_left--; /* the newest section stays in any case */
        check_dry(f, &options, line < 60 ? line + 10 : 60);
    }
    options.free_bytes = UINT64_MAX;
    check_dry(f, &options, 60);
    options.free_bytes = 1;
    space_left = 0;
    options.sections = 4; /* each limit by itself: these two sections make room enough */
    check_dry(f, &options, 30);

    space_answer = EIO;
    assert_status(oversized_retain(f->journal, &options, &found), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "question for free space"));
    space_answer = 0;
    options.sections = UINT64_MAX;
    assert_ok(oversized_retain(f->journal, &options, &found));
    assert_int_equal(found.sections, 1);
    assert_sections(f->journal, 20, 30, 40, 50, 60);

    /* One that does not say. */
    close_journal(f);
    storage.struct_size = offsetof(segj_storage_t, partition_space);
    open_journal(f);
    assert_status(oversized_retain(f->journal, &options, &found), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "free_bytes"));
    options.free_bytes = 0;
    assert_ok(oversized_retain(f->journal, &options, &found));
    assert_int_equal(found.sections, 0);
    close_journal(f);
}

/* Files of the system have some room left, and less than can be asked for. */
static void test_the_system_tells_its_room(void **state)
{
    fixture_t *f = *state;
    oversized_retain_options_t options;
    f->config.storage = NULL;
    make_sections(f);
    oversized_retain_options_init(&options);
    options.free_bytes = 1;
    check_dry(f, &options, 10);
    options.free_bytes = UINT64_MAX;
    check_dry(f, &options, 60);
    close_journal(f);
}

static void test_what_a_prune_refuses_is_refused(void **state)
{
    fixture_t *f = *state;
    oversized_retain_options_t options;
    oversized_retained_t found = {.sections = 77};
    oversized_view_t view = SEGJ_ZERO;
    make_sections(f);
    oversized_retain_options_init(&options);
    options.sections = 1;
    assert_ok(oversized_view(f->journal, 20, 0, NULL, &view));
    assert_status(oversized_retain(f->journal, &options, &found), SEGJ_ERR_BUSY);
    assert_int_equal(found.sections, 77);
    assert_sections(f->journal, 10, 20, 30, 40, 50, 60);
    oversized_view_release(&view);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_status(oversized_retain(f->journal, &options, &found), SEGJ_ERR_READ_ONLY);
    check_dry(f, &options, 60);
    options.struct_size++;
    assert_status(oversized_retain(f->journal, &options, &found), SEGJ_ERR_INVALID);
    assert_status(oversized_retain(f->journal, NULL, &found), SEGJ_ERR_INVALID);
    assert_status(oversized_retain(NULL, &options, &found), SEGJ_ERR_INVALID);
    oversized_retain_options_init(NULL);
}

static void test_an_empty_journal_loses_nothing(void **state)
{
    fixture_t *f = *state;
    oversized_retain_options_t options;
    open_journal(f);
    oversized_retain_options_init(&options);
    options.sections = options.bytes = 0;
    assert_ok(oversized_retain(f->journal, &options, NULL));
    append_samples(f->journal, UINT64_MAX, 1, 0);
    assert_ok(oversized_retain(f->journal, &options, NULL));
    assert_sections(f->journal, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_bytes_are_a_limit),
        PROMISE(test_the_number_of_sections_is_a_limit),
        PROMISE(test_a_callback_has_the_last_word),
        PROMISE(test_room_is_made),
        PROMISE(test_the_system_tells_its_room),
        PROMISE(test_what_a_prune_refuses_is_refused),
        PROMISE(test_an_empty_journal_loses_nothing),
    };
    return cmocka_run_group_tests_name("retain", tests, NULL, NULL);
}
