/*
 * Two openers of one journal, in every order of their calls of the storage: of a new journal, of one that is being used
 * and closed meanwhile, of one that is being destroyed.
 */
#include "failure/turns.h"

#include <string.h>

enum { SYNCED = 3 };

typedef struct seen {
    segj_status_t opened[2];
    segj_status_t synced, destroyed;
    uint64_t records; /* that B found */
    bool together;    /* both had it open */
    oversized_t *open[2];
    bool read_only, must_exist, restores, writes; /* how B opens it */
} seen_t;

static seen_t seen;

static void config_of(oversized_config_t *config, const segj_storage_t *storage)
{
    small_config(config, "turns");
    config->storage = storage;
}

/* Opens, and keeps it for the judge. */
static void open_as(int actor, const segj_storage_t *storage)
{
    oversized_config_t config;
    config_of(&config, storage);
    seen.opened[actor] = oversized_open(&config, &seen.open[actor]);
}

static void open_first(void *context, const segj_storage_t *storage)
{
    (void)context;
    open_as(0, storage);
}

static void open_second(void *context, const segj_storage_t *storage)
{
    (void)context;
    open_as(1, storage);
}

static void leave_all(void)
{
    for (int i = 0; i < 2; i++)
        oversized_abandon(seen.open[i]);
}

static bool right(bool condition, const char *what)
{
    if (!condition)
        print_error("%s: A's open %s, B's %s, A's sync %s; B found %d records\n", what,
                    segj_status_name(seen.opened[0]), segj_status_name(seen.opened[1]), segj_status_name(seen.synced),
                    (int)seen.records);
    return condition;
}

static bool ok_or_locked(segj_status_t status)
{
    return status == SEGJ_OK || status == SEGJ_ERR_LOCKED;
}

/* --- a new journal --- */

static bool judge_one_open(void *context, const segj_storage_t *storage)
{
    (void)context;
    (void)storage;
    bool good = right(ok_or_locked(seen.opened[0]) && ok_or_locked(seen.opened[1]), "neither open nor locked") &&
                right(seen.opened[0] != SEGJ_OK || seen.opened[1] != SEGJ_OK, "both have it open") &&
                right(seen.opened[0] == SEGJ_OK || seen.opened[1] == SEGJ_OK, "neither has it open");
    leave_all();
    memset(&seen, 0, sizeof seen);
    return good;
}

static void of_a_new_journal_one_gets_it(void **state)
{
    const turns_play_t play = {.act = {open_first, open_second}, .judge = judge_one_open};
    assert_true(turns_all(&play) > 10);
}

static void make_empty(void *context, const segj_storage_t *storage)
{
    (void)context;
    open_as(0, storage);
    assert_ok(oversized_close(seen.open[0]));
    memset(&seen, 0, sizeof seen);
}

static void make_values_alone(void *context, const segj_storage_t *storage)
{
    (void)context;
    assert_int_equal(storage->partition_create(storage->context, "turns", "test_values"), 0);
}

static void make_index_alone(void *context, const segj_storage_t *storage)
{
    (void)context;
    assert_int_equal(storage->partition_create(storage->context, "turns", "test_index"), 0);
}

static void of_an_empty_journal_one_gets_it(void **state)
{
    const turns_play_t play = {.prepare = make_empty, .act = {open_first, open_second}, .judge = judge_one_open};
    assert_true(turns_all(&play) > 10);
}

static void of_a_journal_without_values_one_gets_it(void **state)
{
    const turns_play_t play = {.prepare = make_index_alone, .act = {open_first, open_second}, .judge = judge_one_open};
    assert_true(turns_all(&play) > 10);
}

/* Here each may see the other one's lock: both look for the index once more while they hold the values. */
static bool judge_at_most_one_open(void *context, const segj_storage_t *storage)
{
    (void)context;
    (void)storage;
    bool good = right(ok_or_locked(seen.opened[0]) && ok_or_locked(seen.opened[1]), "neither open nor locked") &&
                right(seen.opened[0] != SEGJ_OK || seen.opened[1] != SEGJ_OK, "both have it open");
    leave_all();
    memset(&seen, 0, sizeof seen);
    return good;
}

static void of_a_journal_without_an_index_at_most_one_gets_it(void **state)
{
    const turns_play_t play = {
        .prepare = make_values_alone, .act = {open_first, open_second}, .judge = judge_at_most_one_open};
    assert_true(turns_all(&play) > 10);
}

/* --- one that writes and closes meanwhile --- */

static void use(void *context, const segj_storage_t *storage)
{
    static const uint8_t bytes[64] = {0};
    (void)context;
    open_as(0, storage);
    oversized_t *journal = seen.open[0];
    seen.open[0] = NULL;
    seen.synced = seen.opened[0];
    for (int i = 0; i < SYNCED && seen.synced == SEGJ_OK; i++)
        seen.synced = oversized_append(journal, 1, bytes, bytes, 10, NULL, NULL);
    if (seen.synced == SEGJ_OK)
        seen.synced = oversized_sync(journal, 1);
    if (seen.opened[0] == SEGJ_OK && oversized_close(journal) != SEGJ_OK)
        seen.synced = SEGJ_ERR_IO;
}

/* Opens and looks at what there is. */
static void look(void *context, const segj_storage_t *storage)
{
    static const oversized_checkpoint_t checkpoint = {
        .oldest = 1, .section = 1, .index_size = (uint64_t)SYNCED * SMALL_RECORD};
    oversized_config_t config;
    (void)context;
    config_of(&config, storage);
    config.read_only = seen.read_only;
    config.must_exist = seen.must_exist;
    if (seen.restores)
        config.checkpoint = &checkpoint;
    if (!seen.writes && config.format == SEGJ_FORMAT_NATIVE)
        config.page_size = 0; /* taken from the files that are behind the lock */
    seen.opened[1] = oversized_open(&config, &seen.open[1]);
    if (seen.opened[1] == SEGJ_OK && oversized_count(seen.open[1], 1, &seen.records) != SEGJ_OK)
        seen.records = 1000;
}

static bool is_there(const segj_storage_t *storage)
{
    oversized_config_t config;
    oversized_t *journal;
    uint64_t records = 0;
    config_of(&config, storage);
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_count(journal, 1, &records));
    assert_ok(oversized_close(journal));
    return records == SYNCED;
}

/* Either has it before the other one, or is told; what A synced is there, for B too where it came later. */
static bool judge_use(void *context, const segj_storage_t *storage)
{
    (void)context;
    bool refused = seen.opened[1] == SEGJ_ERR_LOCKED ||
                   ((seen.read_only || seen.must_exist) && seen.opened[1] == SEGJ_ERR_NOT_FOUND) ||
                   (seen.restores && seen.opened[1] == SEGJ_ERR_CORRUPT);
    bool good = right(ok_or_locked(seen.opened[0]) && (seen.opened[1] == SEGJ_OK || refused), "not to be expected") &&
                right(seen.opened[0] == SEGJ_OK ? seen.synced == SEGJ_OK : true, "A's sync") &&
                right(seen.opened[1] != SEGJ_OK || seen.opened[0] == SEGJ_ERR_LOCKED || seen.records == SYNCED,
                      "B does not see what A synced");
    leave_all();
    good = good && (seen.opened[0] != SEGJ_OK || right(is_there(storage), "what A synced is gone"));
    seen = (seen_t){.read_only = seen.read_only, .must_exist = seen.must_exist, .restores = seen.restores};
    return good;
}

static void what_the_first_one_syncs_the_second_one_sees(void **state)
{
    const turns_play_t play = {.act = {use, look}, .judge = judge_use};
    assert_true(turns_all(&play) > 100);
}

static void a_reader_sees_all_or_nothing(void **state)
{
    const turns_play_t play = {.act = {use, look}, .judge = judge_use};
    seen.read_only = true;
    assert_true(turns_all(&play) > 100);
    seen.read_only = false;
}

static void who_wants_it_to_exist_sees_all_or_nothing(void **state)
{
    const turns_play_t play = {.act = {use, look}, .judge = judge_use};
    seen.must_exist = true;
    assert_true(turns_all(&play) > 100);
    seen.must_exist = false;
}

static void a_checkpoint_is_held_against_what_is_behind_the_lock(void **state)
{
    const turns_play_t play = {.act = {use, look}, .judge = judge_use};
    seen.restores = true;
    assert_true(turns_all(&play) > 100);
    seen.restores = false;
}

static void values_alone_were_there_before(void **state)
{
    const turns_play_t play = {.prepare = make_values_alone, .act = {use, look}, .judge = judge_use};
    assert_true(turns_all(&play) > 100);
}

/* --- one that destroys it --- */

static void fill(void *context, const segj_storage_t *storage)
{
    use(context, storage);
    assert_ok(seen.synced);
    seen = (seen_t){.read_only = seen.read_only};
}

static void destroy(void *context, const segj_storage_t *storage)
{
    oversized_config_t config;
    oversized_t *journal;
    (void)context;
    config_of(&config, storage);
    seen.opened[0] = oversized_open(&config, &journal);
    seen.destroyed = seen.opened[0];
    if (seen.destroyed == SEGJ_OK)
        seen.destroyed = oversized_destroy(journal);
}

static void write_into(void *context, const segj_storage_t *storage)
{
    static const uint8_t bytes[64] = {0};
    seen.writes = true;
    look(context, storage);
    seen.synced = seen.opened[1];
    for (uint64_t i = seen.records; i < SYNCED && seen.synced == SEGJ_OK; i++)
        seen.synced = oversized_append(seen.open[1], 1, bytes, bytes, 10, NULL, NULL);
    if (seen.synced == SEGJ_OK)
        seen.synced = oversized_sync(seen.open[1], 1);
    if (seen.opened[1] == SEGJ_OK && oversized_close(seen.open[1]) != SEGJ_OK)
        seen.synced = SEGJ_ERR_IO;
    seen.open[1] = NULL;
}

/* B had all of it before, or an empty one of its own behind; what it then synced is destroyed only by an A that came
 * later. */
static bool judge_destroy(void *context, const segj_storage_t *storage)
{
    (void)context;
    bool good = right(ok_or_locked(seen.opened[0]) && ok_or_locked(seen.opened[1]), "not to be expected") &&
                right(seen.destroyed == seen.opened[0], "the destroy") &&
                right(seen.synced == seen.opened[1], "the writer") &&
                right(seen.opened[1] != SEGJ_OK || seen.records == SYNCED || seen.records == 0, "a part of it");
    if (good && seen.opened[0] != SEGJ_OK)
        good = right(is_there(storage), "gone without a destroy");
    if (good && seen.opened[1] == SEGJ_OK && seen.records == 0)
        good = right(is_there(storage), "the new one is gone");
    seen = (seen_t){.read_only = seen.read_only};
    return good;
}

static void beside_a_destroy_it_is_the_old_one_or_a_new_one(void **state)
{
    const turns_play_t play = {.prepare = fill, .act = {destroy, write_into}, .judge = judge_destroy};
    assert_true(turns_all(&play) > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_new_journal_one_gets_it),
        cmocka_unit_test(of_an_empty_journal_one_gets_it),
        cmocka_unit_test(of_a_journal_without_values_one_gets_it),
        cmocka_unit_test(of_a_journal_without_an_index_at_most_one_gets_it),
        cmocka_unit_test(what_the_first_one_syncs_the_second_one_sees),
        cmocka_unit_test(a_reader_sees_all_or_nothing),
        cmocka_unit_test(who_wants_it_to_exist_sees_all_or_nothing),
        cmocka_unit_test(a_checkpoint_is_held_against_what_is_behind_the_lock),
        cmocka_unit_test(values_alone_were_there_before),
        cmocka_unit_test(beside_a_destroy_it_is_the_old_one_or_a_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
