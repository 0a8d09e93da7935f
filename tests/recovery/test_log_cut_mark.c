/*
 * recovery/test_log_cut_mark.c: version 2: a rewind to a count between W and what a raise that failed may have said, of
 * a process that is killed between the cut and its flush. The next open must not take the cut for durable: what is
 * appended again may be the same as what was cut, and link what was cut after it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/simdisk.h"
#include "support/support.h"

enum { SECTION = 7, BIG = 5 << 20, MOST = 12 };

typedef struct plan {
    simdisk_call_t call; /* that fails, or that the process does not live to see */
    unsigned skip;
    bool kills;
    bool armed;
    simdisk_t *killed;
} plan_t;

static void fail_it(void *context, simdisk_call_t call, simdisk_fault_t *fault)
{
    plan_t *plan = context;
    if (!plan->armed || plan->kills || call != plan->call || plan->skip-- > 0)
        return;
    plan->armed = false;
    fault->code = EIO;
}

static void kill_it(void *context, simdisk_t *disk, simdisk_call_t call)
{
    plan_t *plan = context;
    if (!plan->armed || !plan->kills || call != plan->call || plan->skip-- > 0)
        return;
    plan->armed = false;
    plan->killed = simdisk_kill(disk);
}

static void open_on(simdisk_t *disk, oversized_t **journal)
{
    oversized_config_t config;
    small_config(&config, "disk");
    config.native_version = 2;
    config.page_size = 4084;
    config.preallocate = 0;
    config.storage = simdisk_storage(disk);
    assert_ok(oversized_open(&config, journal));
}

static void append(oversized_t *journal, uint8_t fill, size_t size)
{
    (void)append_filled(journal, SECTION, fill, fill, size, NULL);
}

static void sync_without_mark(oversized_t *journal, plan_t *plan, unsigned writes)
{
    *plan = (plan_t){.call = SIMDISK_WRITE, .skip = writes, .armed = true};
    assert_ok(oversized_sync(journal, SECTION));
    assert_false(plan->armed);
}

static uint64_t count_on(simdisk_t *disk)
{
    uint64_t count;
    oversized_t *journal;
    open_on(disk, &journal);
    assert_ok(oversized_count(journal, SECTION, &count));
    oversized_abandon(journal);
    return count;
}

/* What was appended after the open is there after any power cut, and nothing that was cut. */
static void check_crashes(simdisk_t *disk, uint64_t records)
{
    simdisk_cut_t *cut = simdisk_cut_new(disk);
    size_t units = simdisk_cut_units(cut);
    assert_in_range(units, 0, MOST);
    for (unsigned mask = 0; mask < 1u << units; mask++) {
        const simdisk_fill_t fill[2] = {SIMDISK_SHORT, SIMDISK_SHORT};
        uint8_t keep[MOST];
        for (size_t i = 0; i < units; i++)
            keep[i] = (mask >> i & 1) != 0 ? SIMDISK_KEPT : SIMDISK_LOST;
        simdisk_t *left = simdisk_cut_build(cut, keep, fill);
        assert_int_equal(count_on(left), records);
        simdisk_free(left);
    }
    simdisk_cut_free(cut);
}

/* Killed before the flush of this number in the rewind; false: there are not so many. *cut: the open found it cut. */
static bool kill_rewind(unsigned flush, bool *cut)
{
    oversized_t *journal;
    uint64_t count;
    plan_t plan = {.armed = false};
    simdisk_t *disk = simdisk_new();
    simdisk_on_fault(disk, fail_it, &plan);
    simdisk_on_call(disk, kill_it, &plan);
    open_on(disk, &journal);
    append(journal, 'a', 30);
    assert_ok(oversized_close(journal));
    open_on(disk, &journal); /* W is 1 */
    append(journal, 'b', BIG);
    sync_without_mark(journal, &plan, 1); /* a page */
    append(journal, 'x', 30);
    append(journal, 'y', 30);
    sync_without_mark(journal, &plan, 2); /* frames and a page */
    plan = (plan_t){.call = SIMDISK_FILE_SYNC, .skip = flush, .kills = true, .armed = true};
    assert_ok(oversized_rewind_section_to(journal, SECTION, 2));
    oversized_abandon(journal);
    simdisk_free(disk);
    if (plan.killed == NULL)
        return false;

    open_on(plan.killed, &journal);
    assert_ok(oversized_count(journal, SECTION, &count));
    *cut = count == 2;
    assert_true(count == 2 || count == 4);
    if (*cut) {
        append(journal, 'x', 30);
        assert_ok(oversized_sync(journal, SECTION));
        check_crashes(plan.killed, 3);
    }
    oversized_abandon(journal);
    simdisk_free(plan.killed);
    return true;
}

static void a_cut_below_a_raise_that_failed_is_made_durable(void **state)
{
    bool cut = false;
    unsigned cuts = 0;
    for (unsigned flush = 0; kill_rewind(flush, &cut); flush++)
        cuts += cut;
    assert_in_range(cuts, 2, 10); /* before the flush of the cut, and before that of the slot */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_cut_below_a_raise_that_failed_is_made_durable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
