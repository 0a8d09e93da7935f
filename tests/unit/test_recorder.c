/* support/recorder.c itself: other tests believe its lists, and that its failures are the ones that were planned. */
#include "unit/rig.h"

#include <errno.h>
#include <string.h>

static segj_status_t write_text(const segj_io_file_t *file, const char *text)
{
    return segj_io_write(file, 0, text, strlen(text));
}

static void calls_are_listed_in_order(void **state)
{
    rig_t *rig = rig_new((rig_sizes_t){0});
    segj_io_file_t file = rig_create(rig, &rig->shared.values, 0x1f);
    char found[3];
    uint64_t size;
    assert_ok(segj_io_write(&file, 10, "abc", 3));
    segj_io_write_back(&file, 10, 3);
    assert_ok(segj_io_read(&file, 10, found, 3, NULL));
    assert_memory_equal(found, "abc", 3);
    assert_ok(segj_io_size(&file, &size));
    assert_int_equal(size, 13);
    assert_ok(segj_io_truncate(&file, 5));
    assert_ok(segj_io_sync(&file));
    segj_io_close(&file);
    assert_ok(segj_partition_sync(&rig->shared.values));
    assert_ok(segj_partition_sync_directory(&rig->shared.values));
    assert_ok(segj_partition_unlink(&rig->shared.values, 0x1f));
    assert_calls(rig->recorder, RECORD_ALL,
                 "write values/1f 10+3; write_back values/1f 10+3; read values/1f 10+3; size values/1f; "
                 "cut values/1f 5; sync values/1f; close values/1f; sync values; sync .; remove values/1f");
    assert_calls(rig->recorder, RECORD_ALL, ""); /* a comparison forgets */
    rig_free(rig);
}

static void a_mask_selects_calls(void **state)
{
    rig_t *rig = rig_new((rig_sizes_t){0});
    segj_io_file_t file = rig_create(rig, &rig->shared.index, 0);
    char byte;
    size_t got;
    assert_ok(write_text(&file, "x"));
    assert_ok(segj_io_read(&file, 0, &byte, 1, &got));
    assert_int_equal(recorder_count(rig->recorder, RECORD_FILE_READ), 1);
    assert_changes(rig->recorder, "write index/0 0+1");
    assert_int_equal(recorder_count(rig->recorder, RECORD_FILE_READ), 0);
    segj_io_close(&file);
    rig_free(rig);
}

static void planned_calls_fail_and_do_nothing(void **state)
{
    rig_t *rig = rig_new((rig_sizes_t){0});
    segj_io_file_t file = rig_create(rig, &rig->shared.index, 1);
    recorder_fail(rig->recorder, RECORD_FILE_WRITE, 1, 2, ENOSPC);
    assert_ok(write_text(&file, "1"));
    assert_status(write_text(&file, "22"), SEGJ_ERR_NO_SPACE);
    assert_ok(segj_io_sync(&file)); /* another kind */
    assert_status(write_text(&file, "333"), SEGJ_ERR_NO_SPACE);
    assert_changes(rig->recorder, "write index/1 0+1; write index/1 0+2 !; sync index/1; write index/1 0+3 !");
    bytes_t bytes = rig_read(rig, &rig->shared.index, 1);
    assert_int_equal(bytes.size, 1);
    free_bytes(&bytes);
    assert_ok(write_text(&file, "4"));
    recorder_fail(rig->recorder, RECORD_FILE_SYNC, 0, RECORD_FOR_GOOD, EIO);
    for (int i = 0; i < 10; i++)
        assert_status(segj_io_sync(&file), SEGJ_ERR_IO);
    recorder_fail(rig->recorder, RECORD_FILE_SYNC, 0, 0, 0);
    assert_ok(segj_io_sync(&file));
    segj_io_close(&file);
    rig_free(rig);
}

static void a_torn_write_has_written_a_part(void **state)
{
    rig_t *rig = rig_new((rig_sizes_t){0});
    segj_io_file_t file = rig_create(rig, &rig->shared.index, 1);
    const segj_slice_t slices[] = {{"abc", 3}, {NULL, 0}, {"defg", 4}};
    recorder_tear(rig->recorder, 1, 5, EIO);
    assert_ok(write_text(&file, "......."));
    assert_status(segj_io_write_slices(&file, 0, slices, 3), SEGJ_ERR_IO);
    bytes_t bytes = rig_read(rig, &rig->shared.index, 1);
    assert_int_equal(bytes.size, 7);
    assert_memory_equal(bytes.data, "abcde..", 7);
    free_bytes(&bytes);
    assert_ok(segj_io_write_slices(&file, 0, slices, 3)); /* once */
    segj_io_close(&file);
    rig_free(rig);
}

static void count_call(void *context, const record_t *call)
{
    assert_string_equal(call->place, "index/1");
    assert_int_equal(call->code, call->kind == RECORD_FILE_SYNC ? EIO : 0);
    ++*(int *)context;
}

static void a_watcher_comes_before_each_call(void **state)
{
    rig_t *rig = rig_new((rig_sizes_t){0});
    segj_io_file_t file = rig_create(rig, &rig->shared.index, 1);
    int seen = 0;
    recorder_watch(rig->recorder, count_call, &seen);
    recorder_fail(rig->recorder, RECORD_FILE_SYNC, 0, 1, EIO);
    assert_ok(write_text(&file, "x"));
    assert_status(segj_io_sync(&file), SEGJ_ERR_IO);
    assert_int_equal(seen, 2);
    recorder_watch(rig->recorder, NULL, NULL);
    assert_ok(write_text(&file, "x"));
    assert_int_equal(seen, 2);
    segj_io_close(&file);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_listed_in_order),         cmocka_unit_test(a_mask_selects_calls),
        cmocka_unit_test(planned_calls_fail_and_do_nothing), cmocka_unit_test(a_torn_write_has_written_a_part),
        cmocka_unit_test(a_watcher_comes_before_each_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
