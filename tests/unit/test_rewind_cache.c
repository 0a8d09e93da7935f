/*
 * A reader beside a rewind, and the page cache. Between the moment when a rewind shows its new end to readers and the
 * moment when the index file is cut, a reader may read the page that is about to be shortened, whole as it still is.
 * What it puts into the cache must not be taken for the page that grows in its place afterwards.
 */
#include "support/support.h"

#include <string.h>

#include "segjournal/storage.h"
#include "support/recorder.h"

enum { SECTION = 1, OLD = 16, KEPT = 5, NEW = 20 };

typedef struct reader {
    oversized_t *journal;
    record_kind_t kind; /* the call of the index file to which the reader comes first, */
    int skip;           /* after so many of the kind */
    int reads;
} reader_t;

/* Reads the last record that stays: it lies in the page that the rewind shortens. */
static void read_a_kept_record(void *context, const record_t *call)
{
    reader_t *reader = context;
    uint8_t entry[SMALL_ENTRY];
    if (call->kind != reader->kind || strncmp(call->place, "test_index/", 11) != 0 || reader->skip-- > 0)
        return;
    segj_status_t status = oversized_get(reader->journal, SECTION, KEPT - 1, entry, NULL);
    assert_int_equal(status, SEGJ_OK);
    assert_int_equal(get_u64(entry), KEPT - 1);
    reader->reads++;
}

/* Everything the section must hold: what was kept, and what was appended after the rewind. */
static void check_records(oversized_t *journal)
{
    for (uint64_t i = 0; i < KEPT + NEW; i++) {
        uint8_t entry[SMALL_ENTRY] = {0};
        assert_ok(oversized_get(journal, SECTION, i, entry, NULL));
        assert_int_equal(get_u64(entry), i < KEPT ? i : 1000 + i);
    }
}

static void rewind_beside_a_reader(uint8_t version, record_kind_t kind, int skip)
{
    segj_storage_t *memory = NULL;
    oversized_config_t config;
    reader_t reader = {.kind = kind, .skip = skip};
    assert_ok(segj_storage_memory_create(&memory));
    recorder_t *recorder = recorder_new(memory);
    small_config(&config, "journal");
    config.native_version = version;
    config.storage = recorder_storage(recorder);
    config.index_write_buffer = 1; /* two pages: what is full goes to the file soon */
    assert_ok(oversized_open(&config, &reader.journal));
    for (uint64_t i = 0; i < OLD; i++)
        append_filled(reader.journal, SECTION, i, 0xaa, 4, NULL);
    assert_ok(oversized_sync(reader.journal, SECTION));

    recorder_watch(recorder, read_a_kept_record, &reader);
    assert_ok(oversized_rewind_section(reader.journal, SECTION, KEPT * SMALL_RECORD));
    recorder_watch(recorder, NULL, NULL);
    assert_true(reader.reads > 0);
    for (uint64_t i = KEPT; i < KEPT + NEW; i++)
        append_filled(reader.journal, SECTION, 1000 + i, 0xbb, 4, NULL);
    check_records(reader.journal);
    assert_ok(oversized_close(reader.journal));
    recorder_free(recorder);
    segj_storage_memory_destroy(memory);
}

static void a_read_before_the_index_is_cut(void **state)
{
    rewind_beside_a_reader(1, RECORD_FILE_TRUNCATE, 0);
    rewind_beside_a_reader(2, RECORD_FILE_TRUNCATE, 0);
}

/* At each step of the rewind: its syncs are those of the section, of the marks, and of the cut's steps. */
static void a_read_before_each_sync_of_a_rewind(void **state)
{
    for (int skip = 0; skip < 4; skip++)
        rewind_beside_a_reader(1, RECORD_FILE_SYNC, skip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_before_the_index_is_cut),
        cmocka_unit_test(a_read_before_each_sync_of_a_rewind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
