/* journal/shared.c: a journal is poisoned once, and says why. */
#include "unit/rig.h"

#include <stdio.h>
#include <string.h>

typedef struct lines {
    int count;
    segj_log_level_t level;
    char last[SEGJ_POISON_CAPACITY + 64];
} lines_t;

static void keep_line(void *context, segj_log_level_t level, const char *message)
{
    lines_t *lines = context;
    lines->count++;
    lines->level = level;
    (void)snprintf(lines->last, sizeof lines->last, "%s", message);
}

static rig_t *new_rig(lines_t *lines)
{
    rig_t *rig = rig_new((rig_sizes_t){0});
    *lines = (lines_t){0};
    rig->shared.log = keep_line;
    rig->shared.log_context = lines;
    return rig;
}

static void the_first_cause_poisons(void **state)
{
    lines_t lines;
    rig_t *rig = new_rig(&lines);
    assert_int_equal(segj_shared_poison(&rig->shared, segj_fail(SEGJ_ERR_IO, "the first")), SEGJ_ERR_IO);
    assert_true(atomic_load(&rig->shared.poisoned));
    assert_string_equal(rig->shared.poison, "the first");
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.level, SEGJ_LOG_ERROR);
    assert_non_null(strstr(lines.last, "the first"));
    assert_int_equal(segj_shared_poison(&rig->shared, segj_fail(SEGJ_ERR_NO_SPACE, "the second")), SEGJ_ERR_NO_SPACE);
    assert_string_equal(rig->shared.poison, "the first");
    assert_int_equal(lines.count, 2); /* a later failure is told to whoever follows everything */
    assert_int_equal(lines.level, SEGJ_LOG_DEBUG);
    assert_non_null(strstr(lines.last, "the second"));
    assert_string_equal(segj_last_error(), "the second"); /* the caller's own failure is still the thread's last */
    rig_free(rig);
}

/* "Out of memory" promises that nothing has changed, which is not so where a journal is poisoned. */
static void want_of_memory_that_poisons_is_a_failure_of_the_storage(void **state)
{
    lines_t lines;
    rig_t *rig = new_rig(&lines);
    assert_int_equal(segj_shared_poison(&rig->shared, segj_fail_memory(5)), SEGJ_ERR_IO);
    assert_true(atomic_load(&rig->shared.poisoned));
    assert_int_equal(segj_shared_poison(&rig->shared, segj_fail_memory(5)), SEGJ_ERR_IO);
    rig_free(rig);
}

static void a_long_cause_is_cut(void **state)
{
    lines_t lines;
    rig_t *rig = new_rig(&lines);
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)segj_shared_poison(&rig->shared, segj_fail(SEGJ_ERR_IO, "%s", text));
    assert_int_equal(strlen(rig->shared.poison), SEGJ_POISON_CAPACITY - 1);
    assert_int_equal(lines.count, 1);
    rig_free(rig);
}

static void a_line_is_formatted_for_the_application(void **state)
{
    lines_t lines;
    rig_t *rig = new_rig(&lines);
    segj_shared_log(&rig->shared, SEGJ_LOG_WARNING, "%s and %d", "text", 7);
    assert_string_equal(lines.last, "text and 7");
    assert_int_equal(lines.level, SEGJ_LOG_WARNING);
    rig_free(rig);
}

static void nobody_needs_to_listen(void **state)
{
    rig_t *rig = rig_new((rig_sizes_t){0});
    rig->shared.log = NULL;
    segj_shared_log(&rig->shared, SEGJ_LOG_ERROR, "%d", 1);
    (void)segj_shared_poison(&rig->shared, segj_fail(SEGJ_ERR_IO, "cause"));
    assert_string_equal(rig->shared.poison, "cause");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_cause_poisons),
        cmocka_unit_test(want_of_memory_that_poisons_is_a_failure_of_the_storage),
        cmocka_unit_test(a_long_cause_is_cut),
        cmocka_unit_test(a_line_is_formatted_for_the_application),
        cmocka_unit_test(nobody_needs_to_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
