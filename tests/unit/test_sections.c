/*
 * journal/sections.c: the table against a model.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "journal/sections.h"
#include "unit/random.h"
#include "unit/wrapped_memory.h"

enum { NODES = 300 };

/* What must be in the table: the nodes, in the order of their numbers. */
typedef struct model {
    segj_sections_t table;
    segj_node_t nodes[NODES];
    segj_node_t *held[NODES];
    size_t count;
} model_t;

static size_t model_lower(const model_t *model, uint64_t number)
{
    size_t at = 0;
    while (at < model->count && model->held[at]->number < number)
        at++;
    return at;
}

static bool model_holds(const model_t *model, uint64_t number)
{
    size_t at = model_lower(model, number);
    return at < model->count && model->held[at]->number == number;
}

static void check_number(const model_t *model, uint64_t number)
{
    size_t at = model_lower(model, number);
    assert_int_equal(segj_sections_lower(&model->table, number), at);
    if (model_holds(model, number))
        assert_ptr_equal(segj_sections_find(&model->table, number), model->held[at]);
    else
        assert_null(segj_sections_find(&model->table, number));
}

/* The same nodes in the same order, each of them and its neighbours found where they are. */
static void check_table(const model_t *model)
{
    assert_int_equal(model->table.count, model->count);
    for (size_t i = 0; i < model->count; i++) {
        assert_ptr_equal(model->table.order[i], model->held[i]);
        check_number(model, model->held[i]->number - 1);
        check_number(model, model->held[i]->number);
        check_number(model, model->held[i]->number + 1);
    }
    check_number(model, 0);
    check_number(model, UINT64_MAX);
}

static void insert(model_t *model, segj_node_t *node, uint64_t number)
{
    size_t at = model_lower(model, number);
    node->number = number;
    assert_ok(segj_sections_reserve(&model->table, model->table.count + 1));
    segj_sections_insert(&model->table, node);
    memmove(model->held + at + 1, model->held + at, (model->count - at) * sizeof model->held[0]);
    model->held[at] = node;
    model->count++;
}

static void take_out(model_t *model, size_t first, size_t last)
{
    segj_sections_remove(&model->table, first, last);
    memmove(model->held + first, model->held + last, (model->count - last) * sizeof model->held[0]);
    model->count -= last - first;
}

static void an_empty_table_finds_nothing(void **state)
{
    model_t model = {.count = 0};
    check_table(&model);
    segj_sections_remove(&model.table, 0, 0);
    segj_sections_free(&model.table);
    assert_ok(segj_sections_reserve(&model.table, 1));
    check_table(&model); /* room, and nothing in it */
    segj_sections_free(&model.table);
}

static void the_first_and_the_last_number_are_numbers(void **state)
{
    model_t model = {.count = 0};
    insert(&model, &model.nodes[0], UINT64_MAX);
    check_table(&model);
    insert(&model, &model.nodes[1], 0);
    check_table(&model);
    insert(&model, &model.nodes[2], UINT64_MAX - 1);
    insert(&model, &model.nodes[3], 1);
    check_table(&model);
    take_out(&model, 0, 1);
    take_out(&model, 2, 3);
    check_table(&model);
    segj_sections_free(&model.table);
}

static void ascending_and_descending_numbers(void **state)
{
    for (int descending = 0; descending < 2; descending++) {
        model_t model = {.count = 0};
        for (uint64_t i = 0; i < NODES; i++)
            insert(&model, &model.nodes[i], descending != 0 ? NODES - i : i);
        check_table(&model);
        segj_sections_free(&model.table);
    }
}

/* Numbers that differ in their upper bits alone share what a hash of the lower ones would make of them. */
static void numbers_that_look_alike(void **state)
{
    model_t model = {.count = 0};
    for (uint64_t i = 0; i < 256; i++)
        insert(&model, &model.nodes[i], i << 56);
    check_table(&model);
    for (uint64_t i = 0; i < 128; i++)
        take_out(&model, (size_t)i, (size_t)i + 1); /* every second one */
    check_table(&model);
    segj_sections_free(&model.table);
}

static void ranges_are_taken_out(void **state)
{
    static const size_t ranges[][2] = {{0, 0}, {0, 1}, {39, 40}, {0, 40}, {10, 30}, {40, 40}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        model_t model = {.count = 0};
        for (uint64_t number = 0; number < 40; number++)
            insert(&model, &model.nodes[number], 3 * number);
        take_out(&model, ranges[i][0], ranges[i][1]);
        check_table(&model);
        segj_sections_free(&model.table);
    }
}

static void random_changes_against_the_model(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed;
        model_t model = {.count = 0};
        segj_node_t *spare[NODES];
        size_t spares = NODES;
        for (size_t i = 0; i < NODES; i++)
            spare[i] = &model.nodes[i];
        for (int step = 0; step < 1000; step++) {
            uint64_t number = random_below(&random, 8) == 0 ? random_next(&random) : random_below(&random, 400);
            if (spares > 0 && random_below(&random, 5) < 3) {
                if (!model_holds(&model, number))
                    insert(&model, spare[--spares], number);
                continue;
            }
            size_t first = (size_t)random_below(&random, model.count + 1);
            size_t last = first + (size_t)random_below(&random, 4);
            last = last < model.count ? last : model.count;
            for (size_t i = first; i < last; i++)
                spare[spares++] = model.held[i];
            take_out(&model, first, last);
            if (step % 50 == 0)
                check_table(&model);
        }
        check_table(&model);
        segj_sections_free(&model.table);
    }
}

/* Insertion itself must not fail, so room is made before: all of it at once, and none is lost to a failure. */
static void room_is_made_or_nothing_has_changed(void **state)
{
    model_t model = {.count = 0};
    for (uint64_t i = 0; i < 16; i++)
        insert(&model, &model.nodes[i], 7 * i);
    for (int left = 0; left < 2; left++) {
        allocations_left = left;
        segj_status_t status = segj_sections_reserve(&model.table, 1000);
        allocations_left = -1;
        assert_int_equal(status, SEGJ_ERR_MEMORY);
        assert_true(model.table.capacity < 1000);
        check_table(&model);
    }
    assert_ok(segj_sections_reserve(&model.table, 200));
    allocations_left = 0;
    for (size_t i = 16; i < 200; i++)
        insert(&model, &model.nodes[i], 7 * i + 1);
    allocations_left = -1;
    check_table(&model);
    segj_sections_free(&model.table);
}

static void room_beyond_memory_is_refused(void **state)
{
    model_t model = {.count = 0};
    insert(&model, &model.nodes[0], 5);
    assert_status(segj_sections_reserve(&model.table, SIZE_MAX), SEGJ_ERR_MEMORY);
    check_table(&model);
    segj_sections_free(&model.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_finds_nothing),
        cmocka_unit_test(the_first_and_the_last_number_are_numbers),
        cmocka_unit_test(ascending_and_descending_numbers),
        cmocka_unit_test(numbers_that_look_alike),
        cmocka_unit_test(ranges_are_taken_out),
        cmocka_unit_test(random_changes_against_the_model),
        cmocka_unit_test(room_is_made_or_nothing_has_changed),
        cmocka_unit_test(room_beyond_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
