/*
 * journal/maps.c: which parts of a file are mapped, how many of them, and which go. The storage maps nothing: its
 * addresses are numbers that nobody looks at.
 */
#include "support/support.h"

#include <errno.h>
#include <string.h>

#include "journal/maps.h"

enum { FILES = 1500 };

static struct {
    unsigned mapped;
    uint64_t bytes, offset, size; /* of the last one */
    int code, interrupts;
    uint64_t file_size; /* 0: maps whatever it is asked for */
    const bool *set_bar;
} fake;

static int fake_map(segj_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped)
{
    (void)file;
    if (fake.interrupts > 0) {
        fake.interrupts--;
        return EINTR;
    }
    if (fake.code != 0)
        return fake.code;
    if (fake.file_size > 0 && offset + size > fake.file_size)
        size = (size_t)(fake.file_size - offset);
    if (fake.set_bar != NULL)
        *(bool *)(uintptr_t)fake.set_bar = true;
    fake.mapped++;
    fake.offset = offset;
    fake.size = size;
    fake.bytes += size;
    *address = &fake;
    *mapped = size;
    return 0;
}

static void fake_unmap(void *context, const void *address, size_t mapped)
{
    (void)context;
    assert_ptr_equal(address, &fake);
    fake.mapped--;
    fake.bytes -= mapped;
}

typedef struct rig {
    segj_storage_t storage;
    segj_state_t state;
    segj_maps_t maps;
    segj_io_partition_t partition;
    segj_io_file_t file;
    segj_map_t *lists[FILES];
    bool views_blocked;
} rig_t;

static rig_t *begin(void)
{
    static rig_t rig;
    memset(&rig, 0, sizeof rig);
    memset(&fake, 0, sizeof fake);
    rig.storage = (segj_storage_t){.struct_size = sizeof rig.storage, .file_map = fake_map, .file_unmap = fake_unmap};
    assert_true(segj_state_init(&rig.state));
    rig.maps = (segj_maps_t){.state = &rig.state, .storage = &rig.storage, .on = true};
    rig.partition = (segj_io_partition_t){.storage = &rig.storage, .directory = "d", .name = "values"};
    rig.file = (segj_io_file_t){.partition = &rig.partition, .section = 1};
    segj_lock(&rig.state);
    return &rig;
}

static void end(rig_t *rig)
{
    for (size_t i = 0; i < FILES; i++)
        segj_maps_drop(&rig->maps, &rig->lists[i]);
    assert_int_equal(fake.mapped, 0);
    assert_int_equal(fake.bytes, 0);
    assert_int_equal(rig->maps.count, 0);
    assert_int_equal(rig->maps.bytes, 0);
    assert_null(rig->maps.oldest);
    assert_null(rig->maps.newest);
    segj_unlock(&rig->state);
    segj_state_destroy(&rig->state);
}

/* A view of these bytes, as a reader takes it; NULL: it cannot be mapped. */
static segj_map_t *view(rig_t *rig, size_t file, uint64_t from, uint64_t size, uint64_t file_size)
{
    segj_map_t *map = segj_maps_take(rig->lists[file], from, from + size);
    if (map == NULL) {
        (void)segj_maps_make(&rig->maps, &rig->lists[file], &rig->file, from, from + size, file_size,
                             &rig->views_blocked);
        map = segj_maps_take(rig->lists[file], from, from + size);
    }
    if (map != NULL) {
        assert_true(map->begin <= from && from + size <= map->end);
        assert_int_equal(map->end - map->begin, map->size);
    }
    return map;
}

static void a_file_is_mapped_once(void **state)
{
    rig_t *rig = begin();
    for (uint64_t at = 4096; at < 100000; at += 100)
        segj_map_release(view(rig, 0, at, 100, 200000));
    assert_int_equal(fake.mapped, 1);
    assert_int_equal(fake.offset, 0);
    end(rig);
}

/* Room to grow twofold, so that a file of n bytes has been mapped anew about log n times. */
static void a_file_that_grows_is_mapped_a_few_times(void **state)
{
    rig_t *rig = begin();
    unsigned made = 0;
    uint64_t last = 0;
    for (uint64_t size = 1 << 20; size <= (uint64_t)(sizeof(void *) == 8 ? 4096 : 24) << 20; size += 1 << 20) {
        segj_map_release(view(rig, 0, size - 4096, 4096, size));
        made += fake.size != last;
        last = fake.size;
        assert_int_equal(fake.mapped, 1); /* the shorter one is gone */
    }
    assert_in_range(made, 2, 9);
    end(rig);
}

static void a_shorter_window_that_is_viewed_stays(void **state)
{
    rig_t *rig = begin();
    segj_map_t *first = view(rig, 0, 0, 100, 4096);
    segj_map_t *second = view(rig, 0, first->size, 100, first->size + 4096);
    assert_ptr_not_equal(first, second);
    assert_int_equal(fake.mapped, 2);
    assert_true(segj_maps_viewed(rig->lists[0]));
    segj_map_release(second);
    assert_true(segj_maps_viewed(rig->lists[0]));
    segj_map_release(first);
    assert_false(segj_maps_viewed(rig->lists[0]));
    end(rig);
}

/* Frames that no window has whole, and a file far beyond the first one. */
static void every_place_of_a_huge_file_can_be_viewed(void **state)
{
    rig_t *rig = begin();
    uint64_t most = (uint64_t)INT64_MAX / 2;
    for (uint64_t from = 1; from < most; from = from * 3 + 12345) {
        static const uint64_t sizes[] = {4, 4096, 1 << 20, 40 << 20};
        for (size_t i = 0; i < 4; i++) {
            segj_map_t *map = view(rig, 0, from, sizes[i], most);
            assert_non_null(map);
            segj_map_release(map);
        }
    }
    for (uint64_t edge = (uint64_t)32 << 20; edge < most / 2; edge *= 2) {
        segj_map_t *map = view(rig, 1, edge - 10, 20, most);
        assert_non_null(map);
        segj_map_release(map);
    }
    end(rig);
}

static void there_is_an_end_to_mappings(void **state)
{
    rig_t *rig = begin();
    for (size_t i = 0; i < FILES; i++) {
        segj_map_t *map = view(rig, i, 0, 100, 4096);
        assert_non_null(map);
        segj_map_release(map);
        assert_in_range(fake.mapped, 1, 1024);
    }
    assert_null(rig->lists[0]); /* used longest ago */
    assert_non_null(rig->lists[FILES - 1]);
    end(rig);
}

static void what_is_used_stays_and_what_is_viewed_too(void **state)
{
    rig_t *rig = begin();
    segj_map_t *viewed = view(rig, 0, 0, 100, 4096);
    for (size_t i = 1; i < FILES; i++) {
        segj_map_release(view(rig, i, 0, 100, 4096));
        segj_map_release(view(rig, 1, 0, 100, 4096));
    }
    assert_ptr_equal(rig->lists[0], viewed);
    assert_non_null(rig->lists[1]);
    assert_null(rig->lists[2]);
    segj_map_release(viewed);
    end(rig);
}

static void when_all_are_viewed_there_are_no_more(void **state)
{
    rig_t *rig = begin();
    size_t have = 0;
    while (have < FILES && view(rig, have, 0, 100, 4096) != NULL)
        have++;
    assert_in_range(have, 32, 1024);
    assert_null(view(rig, have, 0, 100, 4096));
    segj_map_release(rig->lists[7]);
    segj_map_t *map = view(rig, have, 0, 100, 4096);
    assert_non_null(map);
    assert_null(rig->lists[7]);
    segj_map_release(map);
    for (size_t i = 0; i < have; i++)
        if (i != 7)
            segj_map_release(rig->lists[i]);
    end(rig);
}

static void failures_leave_nothing(void **state)
{
    rig_t *rig = begin();
    fake.code = ENOMEM;
    assert_null(view(rig, 0, 0, 100, 4096));
    assert_null(rig->lists[0]);
    assert_int_equal(rig->maps.count, 0);
    fake.code = 0;
    fake.interrupts = 3;
    segj_map_t *map = view(rig, 0, 0, 100, 4096);
    assert_non_null(map);
    segj_map_release(map);
    rig->maps.on = false;
    assert_null(view(rig, 1, 0, 100, 4096));
    end(rig);
}

static void a_bar_that_comes_meanwhile_keeps_the_file_unmapped(void **state)
{
    rig_t *rig = begin();
    fake.set_bar = &rig->views_blocked;
    assert_null(view(rig, 0, 0, 100, 4096));
    assert_int_equal(fake.mapped, 0);
    end(rig);
}

/* A system that maps what is there and no more. */
static void a_mapping_may_end_with_the_file(void **state)
{
    rig_t *rig = begin();
    for (uint64_t size = 10000; size < 200000; size += 10000) {
        fake.file_size = size;
        segj_map_t *map = view(rig, 0, size - 100, 100, size);
        assert_non_null(map);
        assert_int_equal(map->end, size);
        segj_map_release(map);
    }
    assert_null(view(rig, 0, fake.file_size, 100, fake.file_size + 100));
    end(rig);
}

/* What was mapped before the file was opened for writing shows what the file had then. */
static void a_file_that_is_written_to_is_mapped_anew(void **state)
{
    rig_t *rig = begin();
    segj_map_t *old = view(rig, 0, 4096, 100, 200000);
    segj_map_t *idle = view(rig, 0, (uint64_t)32 << 30, 100, ((uint64_t)32 << 30) + 200000);
    segj_map_release(idle);
    assert_int_equal(fake.mapped, 2);
    segj_maps_drop_stale(&rig->maps, &rig->lists[0], 200000);
    assert_int_equal(fake.mapped, 1);
    assert_ptr_equal(segj_maps_take(rig->lists[0], 199900, 200000), old);
    assert_null(segj_maps_take(rig->lists[0], 199901, 200001));
    rig->file.writable = true;
    segj_map_t *new = view(rig, 0, 199901, 100, 300000);
    assert_ptr_not_equal(new, old);
    assert_int_equal(fake.mapped, 2);
    segj_map_release(old);
    segj_map_release(old);
    segj_map_release(new);
    segj_maps_drop_stale(&rig->maps, &rig->lists[0], 300000); /* of another writing */
    assert_int_equal(fake.mapped, 1);
    assert_ptr_equal(rig->lists[0], new);
    assert_ptr_equal(view(rig, 0, 4096, 100, 300000), new);
    segj_map_release(new);
    end(rig);
}

static void tries_that_fail_come_less_and_less_often(void **state)
{
    segj_map_tries_t tries = {0};
    unsigned asked = 0;
    for (unsigned views = 0; views < 100000; views++) {
        if (!segj_map_worth(&tries, 1))
            continue;
        segj_map_tried(&tries, 1, false);
        asked++;
    }
    assert_in_range(asked, 100, 110);       /* 7 that double, and then each 1024 views */
    assert_true(segj_map_worth(&tries, 2)); /* another descriptor */
    segj_map_tried(&tries, 2, false);
    for (unsigned views = 0; views < 16; views++)
        assert_false(segj_map_worth(&tries, 2));
    assert_true(segj_map_worth(&tries, 2));
    segj_map_tried(&tries, 2, true);
    for (unsigned views = 0; views < 16; views++)
        assert_true(segj_map_worth(&tries, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_mapped_once),
        cmocka_unit_test(a_file_that_grows_is_mapped_a_few_times),
        cmocka_unit_test(a_shorter_window_that_is_viewed_stays),
        cmocka_unit_test(every_place_of_a_huge_file_can_be_viewed),
        cmocka_unit_test(there_is_an_end_to_mappings),
        cmocka_unit_test(what_is_used_stays_and_what_is_viewed_too),
        cmocka_unit_test(when_all_are_viewed_there_are_no_more),
        cmocka_unit_test(failures_leave_nothing),
        cmocka_unit_test(a_bar_that_comes_meanwhile_keeps_the_file_unmapped),
        cmocka_unit_test(a_mapping_may_end_with_the_file),
        cmocka_unit_test(a_file_that_is_written_to_is_mapped_anew),
        cmocka_unit_test(tries_that_fail_come_less_and_less_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
