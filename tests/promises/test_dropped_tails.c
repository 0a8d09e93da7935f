/*
 * Records that cannot be written: a rewind takes them back without writing them, down to what is durable, on a disk
 * that is full and beyond the process' file size limit. Files of the system, in both formats.
 */
#define _DEFAULT_SOURCE

#include "promises/fixture.h"
#include "promises/watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

enum { SECTION = 1, LATER = 2, SYNCED = 50 };

/* How writes fail: every one that makes a file longer, or those that reach beyond a limit of the process. */
typedef enum shortage { NO_BLOCKS, FILE_LIMIT } shortage_t;

static segj_storage_t growing; /* the watched storage, but that files do not grow while `code` is set */
static const segj_storage_t *below;
static int code;
static bool no_overwriting; /* nor can they be written again in place */

static int write_or_refuse(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    uint64_t size = 0;
    uint64_t end = offset;
    for (size_t i = 0; i < count; i++)
        end += slices[i].size;
    *done = 0;
    if (code != 0 && (no_overwriting || (below->file_size(file, &size) == 0 && end > size)))
        return code;
    return below->file_write(file, offset, slices, count, done);
}

static void begin(fixture_t *f, segj_format_t format)
{
    f->config.format = format;
    f->config.native_version = format == SEGJ_FORMAT_NATIVE ? tested_version() : 0;
    f->config.page_size = format == SEGJ_FORMAT_NATIVE ? 0 : SMALL_PAGE;
    below = f->config.storage;
    growing = *below;
    growing.file_write = write_or_refuse;
    f->config.storage = &growing;
    code = 0;
    no_overwriting = false;
    open_journal(f);
    append_samples(f->journal, SECTION, SYNCED, 0);
    assert_ok(oversized_sync(f->journal, SECTION));
}

static void run_short(shortage_t shortage, int with)
{
    const struct rlimit limit = {65536, RLIM_INFINITY};
    if (shortage == NO_BLOCKS)
        code = with;
    else
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void have_room(void)
{
    const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    code = 0;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Appends until there is no room, neither in a file nor in a buffer. */
static void fill(fixture_t *f, uint64_t section, size_t size)
{
    static uint8_t value[9000];
    uint8_t entry[SMALL_ENTRY] = {0};
    unsigned refused = 0;
    for (unsigned i = 0; i < 8000 && refused < 5; i++) {
        segj_status_t status = oversized_append(f->journal, section, entry, value, size, NULL, NULL);
        refused += status != SEGJ_OK;
        if (status != SEGJ_OK)
            assert_status(status, SEGJ_ERR_NO_SPACE);
    }
    assert_int_equal(refused, 5);
}

static void rewind_section(fixture_t *f, uint64_t records)
{
    assert_ok(oversized_rewind_section(f->journal, SECTION, records * SMALL_RECORD));
}

/* What there is no room for goes; what was synced stays, and what a rewind leaves, whatever comes then. */
static void drop_tail(fixture_t *f, segj_format_t format, shortage_t shortage, size_t size, int with)
{
    begin(f, format);
    run_short(shortage, with);
    append_samples(f->journal, SECTION, 2, 0);
    if (size > 0)
        fill(f, SECTION, size);
    /* Values that are written directly are all there, up to the limit. */
    if (shortage == NO_BLOCKS || size < f->config.value_write_buffer) {
        assert_status(oversized_sync(f->journal, SECTION), SEGJ_ERR_NO_SPACE);
        assert_status(oversized_flush(f->journal, SECTION), SEGJ_ERR_NO_SPACE);
        assert_status(oversized_rewind_section(f->journal, SECTION, (uint64_t)(SYNCED + 1) * SMALL_RECORD),
                      SEGJ_ERR_NO_SPACE);
    }
    assert_null(oversized_error(f->journal));
    rewind_section(f, SYNCED);
    assert_ok(oversized_sync(f->journal, SECTION));
    check_section(f->journal, SECTION, SYNCED, 0);
    append_samples(f->journal, SECTION, 2, 0);
    rewind_section(f, SYNCED / 2);
    check_section(f->journal, SECTION, SYNCED / 2, 0);
    assert_ok(oversized_sync_all(f->journal));
    close_journal(f);
    have_room();
    open_journal(f);
    check_section(f->journal, SECTION, SYNCED / 2, 0);
    append_samples(f->journal, SECTION, 30, 0);
    close_journal(f);
    open_journal(f);
    check_section(f->journal, SECTION, SYNCED / 2 + 30, 0);
}

static void each_format(fixture_t *f, shortage_t shortage, size_t size, int with)
{
    drop_tail(f, SEGJ_FORMAT_NATIVE, shortage, size, with);
    close_journal(f);
    if (tested_version() == 2)
        return; /* the other format was tested before */
    remove_tree(f->directory.text);
    f->config.storage = below;
    drop_tail(f, SEGJ_FORMAT_COMMONWARE, shortage, size, with);
    f->config.storage = below;
    close_journal(f);
}

static void records_in_buffers_go_without_space(void **state)
{
    each_format(*state, NO_BLOCKS, 0, ENOSPC);
}

static void records_in_part_on_the_disk_go_without_space(void **state)
{
    each_format(*state, NO_BLOCKS, 20, EDQUOT);
}

/* Each append that was refused may have left a frame behind the end. */
static void what_refused_appends_have_left_goes_too(void **state)
{
    each_format(*state, NO_BLOCKS, 2500, EFBIG);
}

static void records_beyond_the_file_size_limit_go(void **state)
{
    each_format(*state, FILE_LIMIT, 20, 0);
}

static void values_beyond_the_file_size_limit_go(void **state)
{
    each_format(*state, FILE_LIMIT, 8500, 0);
}

static void the_limit_is_named(void **state)
{
    fixture_t *f = *state;
    begin(f, SEGJ_FORMAT_NATIVE);
    run_short(FILE_LIMIT, 0);
    fill(f, SECTION, 8500);
    assert_non_null(strstr(segj_last_error(), strerror(EFBIG)));
    assert_non_null(strstr(segj_last_error(), "RLIMIT_FSIZE"));
    assert_non_null(strstr(segj_last_error(), values_path(f, SECTION).text));
    have_room();
    f->config.storage = below;
}

/* Sections that cannot be written go with a rewind of an earlier one, and do not keep it from its descriptors. */
static void later_sections_go_with_tails_that_cannot_be_written(void **state)
{
    static const uint32_t files[] = {4, 6, 256};
    fixture_t *f = *state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        f->config.max_open_files = files[i];
        begin(f, SEGJ_FORMAT_NATIVE);
        append_samples(f->journal, LATER, 1, 0);
        assert_ok(oversized_sync(f->journal, LATER));
        append_samples(f->journal, LATER, 3, 0);
        run_short(NO_BLOCKS, ENOSPC);
        assert_status(oversized_sync(f->journal, LATER), SEGJ_ERR_NO_SPACE);
        rewind_section(f, SYNCED - 3);
        assert_sections(f->journal, SECTION, LATER);
        assert_ok(oversized_rewind(f->journal, SECTION, (uint64_t)(SYNCED - 7) * SMALL_RECORD));
        assert_sections(f->journal, SECTION);
        close_journal(f);
        have_room();
        open_journal(f);
        check_section(f->journal, SECTION, SYNCED - 7, 0);
        close_journal(f);
        remove_tree(f->directory.text);
        f->config.storage = below;
    }
}

/* A section that no sync has made durable is there behind the rewind, and empty, also where the power goes. */
static void a_section_that_was_never_synced_stays_empty(void **state)
{
    fixture_t *f = *state;
    begin(f, SEGJ_FORMAT_NATIVE);
    append_samples(f->journal, LATER, 3, 0);
    run_short(NO_BLOCKS, ENOSPC);
    uint64_t before = watch_seen()->names_synced;
    assert_ok(oversized_rewind(f->journal, LATER, 0));
    assert_int_equal(watch_seen()->names_synced, before + 2);
    check_section(f->journal, LATER, 0, 0);
    close_journal(f);
    have_room();
    open_journal(f);
    assert_sections(f->journal, SECTION, LATER);
    f->config.storage = below;
}

/* A disk that needs space to write in place again (btrfs) has none for the marks: nothing has changed, and it is
 * said. */
static void marks_that_find_no_space_change_nothing(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    begin(f, SEGJ_FORMAT_NATIVE);
    append_samples(f->journal, SECTION, 2, 0);
    no_overwriting = true;
    run_short(NO_BLOCKS, ENOSPC);
    for (unsigned i = 0; i < 3; i++)
        assert_status(oversized_rewind_section(f->journal, SECTION, 20 * SMALL_RECORD), SEGJ_ERR_NO_SPACE);
    assert_null(oversized_error(f->journal));
    check_section(f->journal, SECTION, SYNCED + 2, 0);
    have_room();
    rewind_section(f, 20);
    check_section(f->journal, SECTION, 20, 0);
    close_and_open(f);
    check_section(f->journal, SECTION, 20, 0);
    f->config.storage = below;
}

/* Where not even the mark that a refused append's rest goes can be written, a close leaves it to the next open. */
static void a_close_leaves_what_it_has_no_room_to_cut(void **state)
{
    static const uint8_t value[100000] = {1};
    not_in_version_2();
    fixture_t *f = *state;
    begin(f, SEGJ_FORMAT_NATIVE);
    close_and_open(f);
    append_samples(f->journal, SECTION, 2, 0);
    assert_ok(oversized_sync(f->journal, SECTION));
    no_overwriting = true;
    run_short(NO_BLOCKS, ENOSPC);
    assert_status(oversized_append(f->journal, SECTION, value, value, sizeof value, NULL, NULL), SEGJ_ERR_NO_SPACE);
    close_journal(f);
    have_room();
    f->config.strict = true;
    open_journal(f);
    check_section(f->journal, SECTION, SYNCED + 2, 0);
    close_journal(f);
    f->config.storage = below;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(records_in_buffers_go_without_space),
        PROMISE(records_in_part_on_the_disk_go_without_space),
        PROMISE(what_refused_appends_have_left_goes_too),
        PROMISE(records_beyond_the_file_size_limit_go),
        PROMISE(values_beyond_the_file_size_limit_go),
        PROMISE(the_limit_is_named),
        PROMISE(later_sections_go_with_tails_that_cannot_be_written),
        PROMISE(a_section_that_was_never_synced_stays_empty),
        PROMISE(marks_that_find_no_space_change_nothing),
        PROMISE(a_close_leaves_what_it_has_no_room_to_cut),
    };
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return 1;
    return cmocka_run_group_tests_name("dropped_tails", tests, NULL, NULL);
}
