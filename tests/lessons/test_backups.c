/*
 * lessons/test_backups.c: a journal is copied, file by file, while a writer appends to it. What the files held behind
 * every change of the writer's is kept, writes in two halves; then copies are put together, each file as it was at
 * some moment, in the order in which a copy reads: all pairs of moments for the two partitions, and random moments
 * for each file and for the two parts of a file. A copy that takes the index first opens with `strict` and holds what
 * was synced when it began. One that takes the values first looks, now and then, like a loss of synced records: the
 * order is what counts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/script.h"
#include "support/support.h"
#include "support/strict.h"

enum { SECTIONS = 3, APPENDS = 14, SYNC_EVERY = 3, MOMENTS = 400, RANDOM_COPIES = 3000 };
enum { INDEX = 0, VALUES = 1, PARTITIONS = 2 };

typedef struct moment {
    bytes_t files[PARTITIONS][SECTIONS]; /* data is NULL where there is no such file */
    uint64_t synced[SECTIONS];
} moment_t;

/* The run: what was there behind each change. */
static struct run {
    path_t directory;
    oversized_config_t config;
    uint64_t synced[SECTIONS];
    moment_t moments[MOMENTS];
    size_t count;
    size_t young; /* copies that were refused for a section that was being made */
    size_t torn;  /* and those for a value that was being written */
} run;

static const char *partition_name(int partition)
{
    return partition == INDEX ? run.config.index_partition : run.config.value_partition;
}

/* --- the writer --- */

static void look(void)
{
    assert_true(run.count < MOMENTS);
    moment_t *moment = &run.moments[run.count++];
    memcpy(moment->synced, run.synced, sizeof run.synced);
    for (int partition = 0; partition < PARTITIONS; partition++) {
        for (unsigned i = 0; i < SECTIONS; i++) {
            path_t path = section_path(run.directory.text, partition_name(partition), i);
            if (path_exists(path.text))
                moment->files[partition][i] = read_file(path.text);
        }
    }
}

/* A write is short, and the library goes on behind its first half. */
static int look_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    static uint64_t goes_on;
    segj_slice_t first = slices[0];
    int code;
    if (first.size > 1 && offset != goes_on) {
        first.size /= 2;
        goes_on = offset + first.size;
        code = segj_storage_posix()->file_write(file, offset, &first, 1, done);
    } else {
        code = segj_storage_posix()->file_write(file, offset, slices, count, done);
    }
    look();
    return code;
}

static int look_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int code = segj_storage_posix()->file_open(partition, name, mode, opened);
    if (mode == SEGJ_OPEN_CREATE)
        look();
    return code;
}

static int look_truncate(segj_file_t *file, uint64_t size)
{
    int code = segj_storage_posix()->file_truncate(file, size);
    look();
    return code;
}

static uint64_t record_id(unsigned section, uint64_t position)
{
    return 100 * section + position;
}

static void sync_one(oversized_t *journal, unsigned section)
{
    assert_ok(oversized_sync(journal, section));
    assert_ok(oversized_count(journal, section, &run.synced[section]));
    look();
}

static void write_journal(segj_format_t format, uint8_t version, size_t preallocate)
{
    oversized_t *journal;
    segj_storage_t storage = *segj_storage_posix();
    storage.file_write = look_write;
    storage.file_open = look_open;
    storage.file_truncate = look_truncate;
    memset(&run, 0, sizeof run);
    run.directory = make_temp_directory();
    small_config(&run.config, run.directory.text);
    run.config.storage = &storage;
    run.config.index_write_buffer = 128;
    run.config.value_write_buffer = 400;
    run.config.preallocate = preallocate;
    run.config.format = format;
    run.config.native_version = version;
    assert_ok(oversized_open(&run.config, &journal));
    look();
    for (unsigned section = 0; section < SECTIONS; section++) {
        for (uint64_t i = 0; i < APPENDS; i++) {
            uint64_t id = record_id(section, i);
            append_filled(journal, section, id, (uint8_t)id, (size_t)(50 + 17 * i), NULL);
            if (i % SYNC_EVERY == SYNC_EVERY - 1)
                sync_one(journal, section);
        }
    }
    assert_ok(oversized_close(journal));
    remove_tree(run.directory.text);
}

static void forget_run(void)
{
    for (size_t i = 0; i < run.count; i++)
        for (int partition = 0; partition < PARTITIONS; partition++)
            for (unsigned j = 0; j < SECTIONS; j++)
                free_bytes(&run.moments[i].files[partition][j]);
}

/* --- a copy --- */

/* When the files were copied: the first `cut` bytes of each at the one moment, what follows at the other. */
typedef struct copied {
    size_t began;
    size_t first[PARTITIONS][SECTIONS], rest[PARTITIONS][SECTIONS];
    size_t cut[PARTITIONS][SECTIONS];
} copied_t;

static void copy_file(const segj_storage_t *storage, segj_partition_t *partition, unsigned section, bytes_t first,
                      bytes_t rest, size_t cut)
{
    char name[17];
    segj_file_t *file;
    size_t done = 0, cut_there = cut < first.size ? cut : first.size;
    (void)snprintf(name, sizeof name, "%016x", section);
    assert_int_equal(storage->file_open(partition, name, SEGJ_OPEN_CREATE, &file), 0);
    segj_slice_t slices[2] = {{first.data, cut_there}, {NULL, 0}};
    if (rest.data != NULL && cut_there < rest.size)
        slices[1] = (segj_slice_t){rest.data + cut_there, rest.size - cut_there};
    if (slices[0].size + slices[1].size > 0)
        assert_int_equal(storage->file_write(file, 0, slices, 2, &done), 0);
    assert_int_equal(done, slices[0].size + slices[1].size);
    storage->file_close(file);
}

static segj_storage_t *put_together(const copied_t *copied)
{
    segj_storage_t *storage;
    segj_partition_t *opened;
    assert_ok(segj_storage_memory_create(&storage));
    for (int partition = 0; partition < PARTITIONS; partition++) {
        const char *name = partition_name(partition);
        assert_int_equal(storage->partition_create(storage->context, "copy", name), 0);
        assert_int_equal(storage->partition_open(storage->context, "copy", name, &opened), 0);
        for (unsigned i = 0; i < SECTIONS; i++) {
            bytes_t first = run.moments[copied->first[partition][i]].files[partition][i];
            bytes_t rest = run.moments[copied->rest[partition][i]].files[partition][i];
            if (first.data != NULL)
                copy_file(storage, opened, i, first, rest, copied->cut[partition][i]);
        }
        storage->partition_close(opened);
    }
    return storage;
}

/* A section that was being made when its index was copied has values without a header beside them: the copy is
 * refused, by its name, and nothing that was synced when the copy began can be in it. */
static bool is_too_young(const copied_t *copied)
{
    char name[32];
    for (unsigned i = 0; i < SECTIONS; i++) {
        (void)snprintf(name, sizeof name, "/%016x, offset 0", i);
        if (strstr(segj_last_error(), name) != NULL)
            return run.moments[copied->began].synced[i] == 0 &&
                   strstr(segj_last_error(), "has no whole header") != NULL;
    }
    return false;
}

/* The first section of version 2 was made when the index had been copied: the copy may have lost an index partition. */
static bool is_without_index(const copied_t *copied)
{
    for (unsigned i = 0; i < SECTIONS; i++)
        if (run.moments[copied->began].synced[i] > 0)
            return false;
    return strstr(segj_last_error(), "test_index holds no section") != NULL;
}

/* In version 2 with zeros ahead a copy may hold the beginning of a frame, zeros, and the rest of it with the next frame,
 * which says that the frame before was durable: a damaged value, as far as the files tell. Without `strict` the copy
 * holds what was synced when it began all the same. */
static bool is_torn(const copied_t *copied, const oversized_config_t *strict)
{
    oversized_config_t config = *strict;
    oversized_t *journal;
    segj_buffer_t value = SEGJ_ZERO;
    if (run.config.native_version != 2 || run.config.preallocate == 0 ||
        strstr(segj_last_error(), "damaged values that were synced") == NULL)
        return false;
    config.strict = false;
    assert_ok(oversized_open(&config, &journal));
    for (unsigned i = 0; i < SECTIONS; i++) {
        uint64_t count;
        assert_ok(oversized_count(journal, i, &count));
        assert_true(count >= run.moments[copied->began].synced[i]);
        for (uint64_t j = 0; j < count; j++) {
            segj_status_t status = oversized_read(journal, i, j, NULL, &value);
            assert_true(status == SEGJ_OK ||
                        (status == SEGJ_ERR_CHECKSUM && j >= run.moments[copied->began].synced[i]));
            if (status == SEGJ_OK)
                check_filled(journal, i, j, record_id(i, j), (uint8_t)record_id(i, j), (size_t)(50 + 17 * j));
        }
    }
    segj_buffer_free(&value);
    oversized_abandon(journal);
    return true;
}

/* Opens the copy as it was made, and then once more. False: synced records are missing. */
static bool opens_strict(const copied_t *copied)
{
    segj_storage_t *storage = put_together(copied);
    oversized_config_t config = run.config;
    oversized_t *journal;
    bool whole = true;
    config.directory = "copy";
    config.storage = storage;
    config.strict = true;
    for (unsigned opens = 0; whole && opens < 2; opens++) {
        /* Of sections that are younger than the copy of the index there may be values alone. */
        segj_status_t status = open_behind_a_crash(&config, &journal);
        if (opens == 0 && ((status == SEGJ_ERR_CORRUPT && is_too_young(copied)) ||
                           (status == SEGJ_ERR_MISMATCH && is_without_index(copied)))) {
            run.young++;
            break;
        }
        if (opens == 0 && status == SEGJ_ERR_CORRUPT && is_torn(copied, &config)) {
            run.torn++;
            break;
        }
        whole = status == SEGJ_OK;
        for (unsigned i = 0; whole && i < SECTIONS; i++) {
            uint64_t count;
            assert_ok(oversized_count(journal, i, &count));
            whole = count >= run.moments[copied->began].synced[i];
            for (uint64_t j = 0; j < count; j++)
                check_filled(journal, i, j, record_id(i, j), (uint8_t)record_id(i, j), (size_t)(50 + 17 * j));
        }
        oversized_abandon(status == SEGJ_OK ? journal : NULL);
    }
    segj_storage_memory_destroy(storage);
    return whole;
}

static copied_t at_two_moments(size_t index, size_t values)
{
    copied_t copied = {.began = index < values ? index : values};
    for (unsigned i = 0; i < SECTIONS; i++) {
        copied.first[INDEX][i] = copied.rest[INDEX][i] = index;
        copied.first[VALUES][i] = copied.rest[VALUES][i] = values;
    }
    return copied;
}

/* Files one behind the other, index files first, each in two parts, at moments that only go forward. Commonware
 * files are read in one go: they have no watermark that would tell a page of two moments from damage. */
static copied_t at_random_moments(uint64_t seed)
{
    size_t now = (size_t)(script_mix(seed, 0) % run.count);
    copied_t copied = {.began = now};
    for (int partition = 0; partition < PARTITIONS; partition++) {
        for (unsigned i = 0; i < SECTIONS; i++) {
            uint64_t draw = script_mix(seed, 1 + i + (uint64_t)partition * SECTIONS);
            now += draw % 8 < 3 ? (size_t)((draw >> 8) % (run.count - now)) : 0;
            copied.first[partition][i] = now;
            if (run.config.format == SEGJ_FORMAT_NATIVE)
                now += (draw >> 4) % 8 < 3 ? (size_t)((draw >> 24) % (run.count - now)) : 0;
            copied.rest[partition][i] = now;
            copied.cut[partition][i] = (draw >> 40) % 16384;
        }
    }
    return copied;
}

/* --- tests --- */

static void index_before_values(segj_format_t format, uint8_t version, size_t preallocate)
{
    write_journal(format, version, preallocate);
    for (size_t index = 0; index < run.count; index++) {
        for (size_t values = index; values < run.count; values++) {
            copied_t copied = at_two_moments(index, values);
            if (!opens_strict(&copied))
                fail_msg("index at %zu, values at %zu of %zu: %s", index, values, run.count, segj_last_error());
        }
    }
    for (uint64_t seed = 0; seed < RANDOM_COPIES; seed++) {
        copied_t copied = at_random_moments(seed);
        if (!opens_strict(&copied))
            fail_msg("random copy %llu of %zu moments: %s", (unsigned long long)seed, run.count, segj_last_error());
    }
    print_message(
        "%zu moments, %zu copies at two of them, %d at many; refused: %zu for a section that was being made, %zu "
        "for a value that was being written\n",
        run.count, run.count * (run.count + 1) / 2, RANDOM_COPIES, run.young, run.torn);
    assert_true(run.young < run.count * (run.count + 1) / 20);
    assert_true(run.torn < RANDOM_COPIES / 100);
    forget_run();
}

static void a_copy_that_takes_the_index_first_is_whole(void **state)
{
    index_before_values(SEGJ_FORMAT_NATIVE, 1, 0);
}

static void and_so_it_is_where_zeros_are_kept_ahead(void **state)
{
    index_before_values(SEGJ_FORMAT_NATIVE, 1, 1000);
}

static void and_so_it_is_in_version_2(void **state)
{
    index_before_values(SEGJ_FORMAT_NATIVE, 2, 0);
}

static void zeros_ahead_in_version_2_may_show_a_value_that_was_being_written(void **state)
{
    index_before_values(SEGJ_FORMAT_NATIVE, 2, 1000);
}

static void and_so_are_commonware_files(void **state)
{
    index_before_values(SEGJ_FORMAT_COMMONWARE, 0, 0);
}

static void a_copy_that_takes_the_values_first_may_look_like_a_loss(void **state)
{
    size_t whole = 0, lost = 0;
    write_journal(SEGJ_FORMAT_NATIVE, 1, 0);
    for (size_t values = 0; values < run.count; values += 3) {
        for (size_t index = values; index < run.count; index += 3) {
            copied_t copied = at_two_moments(index, values);
            *(opens_strict(&copied) ? &whole : &lost) += 1;
        }
    }
    print_message("%zu copies are whole, %zu are not\n", whole, lost);
    assert_true(whole > 0 && lost > 0);
    forget_run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_that_takes_the_index_first_is_whole),
        cmocka_unit_test(and_so_it_is_where_zeros_are_kept_ahead),
        cmocka_unit_test(and_so_it_is_in_version_2),
        cmocka_unit_test(zeros_ahead_in_version_2_may_show_a_value_that_was_being_written),
        cmocka_unit_test(and_so_are_commonware_files),
        cmocka_unit_test(a_copy_that_takes_the_values_first_may_look_like_a_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
