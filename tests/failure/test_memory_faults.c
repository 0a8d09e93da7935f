/*
 * Every allocation of the library fails once, in each scenario: the first, the second, ... the last one; alone, or with
 * all behind it. A call that finds no memory has changed nothing (SEGJ_ERR_MEMORY), poisons nothing, and succeeds when
 * it is made again. AddressSanitizer sees to it that nothing leaks. In the end every place in the sources that
 * allocates must have found no memory once.
 *
 * LINK_SITES LINK_WRAP: malloc calloc realloc ZSTD_createCCtx ZSTD_createDCtx ZSTD_createCDict ZSTD_createDDict
 */
#include "failure/judge.h"
#include "failure/sites.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
ZSTD_CCtx *__real_ZSTD_createCCtx(void);
ZSTD_DCtx *__real_ZSTD_createDCtx(void);
ZSTD_CDict *__real_ZSTD_createCDict(const void *bytes, size_t size, int level);
ZSTD_DDict *__real_ZSTD_createDDict(const void *bytes, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void);
ZSTD_CDict *__wrap_ZSTD_createCDict(const void *bytes, size_t size, int level);
ZSTD_DDict *__wrap_ZSTD_createDDict(const void *bytes, size_t size);

/* --- allocations, numbered from 1 --- */

static struct {
    uint64_t number; /* of the last one */
    uint64_t fail;   /* this one fails, 0: none */
    bool for_good;   /* and all behind it */
    bool fired;
    bool elsewhere;  /* of a storage: no call site of the library's */
    uint64_t failed; /* since the program began */
} allocations;

static bool fails_now(void)
{
    if (!library_running || faulty_working)
        return false;
    allocations.number++;
    if (allocations.fail == 0 || allocations.number < allocations.fail)
        return false;
    if (allocations.number > allocations.fail && !allocations.for_good)
        return false;
    allocations.fired = true;
    allocations.failed++;
    if (!allocations.elsewhere)
        site_failed(SITE_MEMORY);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}

ZSTD_CCtx *__wrap_ZSTD_createCCtx(void)
{
    return fails_now() ? NULL : __real_ZSTD_createCCtx();
}

ZSTD_DCtx *__wrap_ZSTD_createDCtx(void)
{
    return fails_now() ? NULL : __real_ZSTD_createDCtx();
}

ZSTD_CDict *__wrap_ZSTD_createCDict(const void *bytes, size_t size, int level)
{
    return fails_now() ? NULL : __real_ZSTD_createCDict(bytes, size, level);
}

ZSTD_DDict *__wrap_ZSTD_createDDict(const void *bytes, size_t size)
{
    return fails_now() ? NULL : __real_ZSTD_createDDict(bytes, size);
}

static void fail_allocation(uint64_t number, bool for_good)
{
    allocations.number = 0;
    allocations.fail = number;
    allocations.for_good = for_good;
    allocations.fired = false;
}

static void disarm(world_t *w)
{
    (void)w;
    allocations.fail = 0;
}

/* --- one of them --- */

static world_t world;
static const char *scenario_name;

typedef struct trial {
    const scenario_t *scenario;
    bool for_good;
} trial_t;

static bool try_step(world_t *w, const step_t *step, bool *scanned)
{
    attempt_t attempt;
    outcome_t outcome = OUTCOME_REPEATED;
    begin_attempt(w, step, &attempt);
    segj_status_t status = take_step(w, step);
    if (*scanned || !allocations.fired) {
        assert_ok(status);
    } else if (status == SEGJ_OK) {
        allocations.fired = false; /* it could do without */
    } else {
        const failure_t failure = {.expected = SEGJ_ERR_MEMORY,
                                   .verdict = MUST_STAY,
                                   .lasts = allocations.for_good,
                                   .go_on = allocations.fail % 2 == 0,
                                   .disarm = disarm};
        *scanned = true;
        outcome = judge_failure(w, &attempt, status, &failure);
    }
    end_attempt(&attempt);
    return outcome == OUTCOME_REPEATED;
}

static void try_allocation(const trial_t *trial, uint64_t number, uint64_t digest)
{
    segj_storage_t *memory;
    bool scanned = false;
    bool whole = true;
    assert_ok(segj_storage_memory_create(&memory));
    world_init(&world, memory, trial->scenario->configure);
    take_steps(&world, trial->scenario->before);
    begin_test(&world, (fault_t){FAULT_NONE, 0, 0, 0});
    fail_allocation(number, trial->for_good);
    for (const step_t *step = trial->scenario->under; step->kind != DO_END && whole; step++)
        for (uint32_t i = 0; (i == 0 || i < step->times) && whole; i++)
            whole = try_step(&world, step, &scanned);
    if (whole)
        assert_int_equal(model_digest(&world.model), digest);
    disarm(&world);
    final_exam(&world);
    world_free(&world);
    segj_storage_memory_destroy(memory);
}

static uint64_t count_allocations(const scenario_t *scenario, uint64_t *digest)
{
    segj_storage_t *memory;
    fail_allocation(0, false);
    assert_ok(segj_storage_memory_create(&memory));
    world_init(&world, memory, scenario->configure);
    *digest = rehearse(&world, scenario);
    uint64_t number = allocations.number;
    final_exam(&world);
    world_free(&world);
    segj_storage_memory_destroy(memory);
    return number;
}

static void fail_each_allocation(void **state)
{
    const trial_t *trial = *state;
    uint64_t digest;
    scenario_name = trial->scenario->name;
    uint64_t number = count_allocations(trial->scenario, &digest);
    for (uint64_t at = 1; at <= number; at++)
        try_allocation(trial, at, digest);
    scenario_name = NULL;
}

static int tell_where(void **state)
{
    library_running = faulty_working = false;
    if (scenario_name != NULL)
        print_error("  in \"%s\", allocation %llu fails\n", scenario_name, (unsigned long long)allocations.fail);
    scenario_name = NULL;
    allocations.fail = 0;
    return 0;
}

/* --- what has no journal yet --- */

static void a_page_cache_without_memory_is_none(void **state)
{
    segj_page_cache_t *cache = NULL;
    segj_status_t status = SEGJ_ERR_MEMORY;
    uint64_t at = 0;
    while (status != SEGJ_OK) {
        fail_allocation(++at, false);
        cache = (segj_page_cache_t *)(void *)&world;
        library_running = true;
        status = segj_page_cache_create(64, 4, &cache);
        library_running = false;
        if (status == SEGJ_OK)
            break;
        assert_int_equal(status, SEGJ_ERR_MEMORY);
        assert_null(cache);
    }
    assert_true(at > 1);
    segj_page_cache_release(cache);
}

static void a_caller_without_memory_is_none(void **state)
{
    segj_storage_t *memory = NULL;
    oversized_config_t config;
    oversized_t *journal = NULL;
    oversized_t *caller = (oversized_t *)&config;
    assert_ok(segj_storage_memory_create(&memory));
    small_config(&config, "journal");
    config.storage = memory;
    assert_ok(oversized_open(&config, &journal));
    fail_allocation(1, false);
    library_running = true;
    segj_status_t status = oversized_caller_open(journal, &caller);
    library_running = false;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_null(caller);
    allocations.fail = 0;
    assert_ok(oversized_caller_open(journal, &caller));
    assert_ok(oversized_close(journal));
    oversized_caller_close(caller);
    segj_storage_memory_destroy(memory);
}

static void a_storage_without_memory_is_none(void **state)
{
    segj_storage_t *memory = (segj_storage_t *)(void *)&world;
    fail_allocation(1, false);
    library_running = allocations.elsewhere = true;
    segj_status_t status = segj_storage_memory_create(&memory);
    library_running = allocations.elsewhere = false;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_null(memory);
}

/* A training takes memory for its sample, for sizes that grow, and for the dictionary. */
static void a_training_without_memory_makes_none(void **state)
{
    static char texts[600][48];
    segj_slice_t values[600];
    segj_buffer_t made = SEGJ_ZERO;
    segj_status_t status = SEGJ_ERR_MEMORY;
    uint64_t number = 0;
    for (unsigned i = 0; i < 600; i++)
        values[i] = (segj_slice_t){texts[i], (size_t)snprintf(texts[i], sizeof texts[i], "{\"event\":%u,\"user\":%u}",
                                                              i * 7919 % 1000, i * 104729 % 9973)};
    while (status == SEGJ_ERR_MEMORY && number < 20) {
        fail_allocation(++number, false);
        library_running = true;
        status = oversized_train_dictionary(values, 600, 1024, &made);
        library_running = false;
        assert_true(status == SEGJ_OK || made.size == 0);
    }
    assert_int_equal(status, SEGJ_OK);
    assert_true(number > 3);
    segj_buffer_free(&made);
}

/* --- what needs more than a scenario --- */

static void commonware_format(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_COMMONWARE;
    config->native_version = 0;
}

/* A row of records that does not begin at 0 is looked at by every size that records may have. */
static void an_index_of_unknown_records_wants_memory_to_be_judged(void **state)
{
    static const uint8_t junk[50] = {1};
    static const step_t before[] = {{.kind = DO_OPEN},
                                    {.kind = DO_APPEND, .section = 1, .size = 20},
                                    {.kind = DO_REWIND, .section = 1},
                                    {.kind = DO_CLOSE},
                                    {.kind = DO_END}};
    segj_storage_t *memory;
    oversized_t *journal = NULL;
    segj_status_t status = SEGJ_ERR_MEMORY;
    const uint8_t entry[SMALL_ENTRY] = {0};
    assert_ok(segj_storage_memory_create(&memory));
    world_init(&world, memory, commonware_format);
    take_steps(&world, before);
    append_to_file(memory, world.config.directory, world.config.value_partition, 1, junk, sizeof junk);
    assert_ok(oversized_open(&world.config, &journal));
    for (int i = 0; i < 3; i++)
        assert_ok(oversized_append(journal, 1, entry, "value", 5, NULL, NULL));
    assert_ok(oversized_close(journal));
    for (uint64_t at = 1; status != SEGJ_OK; at++) {
        fail_allocation(at, false);
        library_running = true;
        status = oversized_open(&world.config, &journal);
        library_running = false;
        check_status(status, allocations.fired ? SEGJ_ERR_MEMORY : SEGJ_OK, "open", __FILE__, __LINE__);
    }
    allocations.fail = 0;
    assert_ok(oversized_destroy(journal));
    world_free(&world);
    segj_storage_memory_destroy(memory);
}

/* One read after another, each of its allocations failing once; then it succeeds. */
static void fail_each_of_a_read(oversized_t *journal, uint64_t section, uint64_t position, uint64_t least)
{
    segj_buffer_t value = {NULL, 0, 0};
    segj_status_t status = SEGJ_ERR_MEMORY;
    uint64_t at = 0;
    while (status != SEGJ_OK) {
        fail_allocation(++at, false);
        library_running = true;
        status = oversized_read(journal, section, position, NULL, &value);
        library_running = false;
        assert_int_equal(allocations.fired, status != SEGJ_OK);
        assert_int_equal(status, status == SEGJ_OK ? SEGJ_OK : SEGJ_ERR_MEMORY);
    }
    assert_true(at > least);
    allocations.fail = 0;
    segj_buffer_free(&value);
}

static void a_large_record_wants_memory_to_be_read(void **state)
{
    static const uint8_t entry[5000] = {1, 2, 3};
    segj_storage_t *memory;
    oversized_config_t config;
    oversized_t *journal = NULL;
    assert_ok(segj_storage_memory_create(&memory));
    small_config(&config, "disk");
    config.storage = memory;
    config.entry_size = sizeof entry;
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_append(journal, 1, entry, "value", 5, NULL, NULL));
    fail_each_of_a_read(journal, 1, 0, 2); /* the record and the value */
    assert_ok(oversized_close(journal));
    segj_storage_memory_destroy(memory);
}

/* A storage in memory that shows what a file has by copying it, which nobody who looks can tell. */
static segj_storage_t showing;
static uint8_t shown[8192];

static int show_file(segj_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped)
{
    *address = shown;
    return showing.file_read(file, offset, shown, size < sizeof shown ? size : sizeof shown, mapped);
}

static void show_no_more(void *context, const void *address, size_t mapped)
{
    assert_ptr_equal(address, shown);
}

static void a_mapping_without_memory_costs_a_copy(void **state)
{
    segj_storage_t *memory;
    oversized_config_t config;
    oversized_t *journal = NULL;
    oversized_view_t view;
    memset(&view, 0, sizeof view);
    assert_ok(segj_storage_memory_create(&memory));
    showing = *memory;
    showing.file_map = show_file;
    showing.file_unmap = show_no_more;
    small_config(&config, "disk");
    config.storage = &showing;
    config.map_values = true;
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_append(journal, 1, "12345678", "value", 5, NULL, NULL));
    assert_ok(oversized_close(journal));
    assert_ok(oversized_open(&config, &journal));
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_read(journal, 1, 0, NULL, &value)); /* its page is in the cache, its file open */
    segj_buffer_free(&value);
    fail_allocation(1, false);
    library_running = true;
    segj_status_t status = oversized_view(journal, 1, 0, NULL, &view);
    library_running = false;
    assert_true(allocations.fired);
    allocations.fail = 0;
    assert_ok(status);
    assert_ptr_equal(view.data, view.copy.data);
    assert_memory_equal(view.data, "value", 5);
    assert_ok(oversized_view(journal, 1, 0, NULL, &view));
    assert_true((const uint8_t *)view.data > shown && (const uint8_t *)view.data < shown + sizeof shown);
    assert_memory_equal(view.data, "value", 5);
    oversized_view_release(&view);
    assert_ok(oversized_close(journal));
    segj_storage_memory_destroy(memory);
}

static void *read_beside(void *context)
{
    world_t *w = context;
    fail_each_of_a_read(w->journal, 1, 0, 2); /* a page and the value */
    return NULL;
}

/* Called in a read of the only page that the cache has room for. */
static void read_another_page(void *context)
{
    world_t *w = context;
    pthread_t thread;
    w->faulty.during_read = NULL;
    faulty_working = false;
    assert_int_equal(pthread_create(&thread, NULL, read_beside, w), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    faulty_working = true;
}

static void one_page(oversized_config_t *config)
{
    config->page_cache_pages = 1;
}

/* While another thread reads into the cache's only page. */
static void a_page_that_finds_no_room_in_the_cache_wants_memory(void **state)
{
    static const step_t steps[] = {{.kind = DO_OPEN},
                                   {.kind = DO_APPEND, .section = 1, .size = 20, .times = 20},
                                   {.kind = DO_CLOSE},
                                   {.kind = DO_OPEN},
                                   {.kind = DO_END}};
    segj_storage_t *memory;
    assert_ok(segj_storage_memory_create(&memory));
    world_init(&world, memory, one_page);
    take_steps(&world, steps);
    assert_ok(oversized_get(world.journal, 1, 19, NULL, NULL)); /* the cache has the last page */
    world.faulty.during_context = &world;
    world.faulty.during_read = read_another_page;
    assert_ok(oversized_get(world.journal, 1, 10, NULL, NULL));
    assert_null(world.faulty.during_read);
    final_exam(&world);
    world_free(&world);
    segj_storage_memory_destroy(memory);
}

static void every_kind_of_scenario_needed_memory(void **state)
{
    print_message("  %llu allocations failed\n", (unsigned long long)allocations.failed);
    assert_true(allocations.failed > 500);
}

static void every_call_site_has_failed(void **state)
{
    static const site_excuse_t excuses[] = {
        {"journal/counts.c", "counts_collect", "realloc",
         "the storage in memory has no directory to list; commonware/counts fails it"},
        {"oversized/section/crew.c", "segj_crew_reserve_wide", "ZSTD_createCCtx",
         "threads/compression_threads fails it: the value does without"},
        {"oversized/tools/sizes.c", "native_page_size", "malloc", "only where no header is left"},
        {"oversized/tools/follow.c", NULL, NULL, "failure/follow fails them"},
        {"oversized/tools/follow_list.c", NULL, NULL, "failure/follow fails them"},
        {"oversized/tools/follow_log.c", NULL, NULL, "failure/follow fails them"},
        {"oversized/tools/follow_section.c", NULL, NULL, "failure/follow fails them"},
    };
    assert_true(sites_all_failed(SITE_MEMORY, excuses, sizeof excuses / sizeof excuses[0]));
}

int main(void)
{
    enum { TESTS_MAX = 400 };
    static struct CMUnitTest tests[TESTS_MAX];
    static char names[TESTS_MAX][120];
    static trial_t trials[TESTS_MAX];
    size_t count = 0;
    assert_true(scenario_count * 2 + 10 < TESTS_MAX);
    for (; count < scenario_count * 2; count++) {
        trials[count] = (trial_t){&scenarios[count / 2], count % 2 == 1};
        (void)snprintf(names[count], sizeof names[count], "%s: %s", trials[count].scenario->name,
                       trials[count].for_good ? "no memory from each allocation on" : "each allocation fails once");
        tests[count] = (struct CMUnitTest){names[count], fail_each_allocation, NULL, tell_where, &trials[count]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(a_page_cache_without_memory_is_none, tell_where);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(a_storage_without_memory_is_none, tell_where);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(a_training_without_memory_makes_none, tell_where);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(a_caller_without_memory_is_none, tell_where);
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test_teardown(an_index_of_unknown_records_wants_memory_to_be_judged, tell_where);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(a_large_record_wants_memory_to_be_read, tell_where);
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test_teardown(a_page_that_finds_no_room_in_the_cache_wants_memory, tell_where);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(a_mapping_without_memory_costs_a_copy, tell_where);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_kind_of_scenario_needed_memory);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_call_site_has_failed);
    return _cmocka_run_group_tests("memory_faults", tests, count, NULL, NULL);
}
