/*
 * The storage in memory: the contract of every storage, and its own making.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "unit/storage_contract.h"
#include "unit/wrapped_memory.h"

static void memory_creation_fails(void **state)
{
    (void)state;
    segj_storage_t *storage = NULL;
    assert_int_equal(segj_storage_memory_create(NULL), SEGJ_ERR_INVALID);
    allocations_left = 0;
    segj_status_t status = segj_storage_memory_create(&storage);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_null(storage);
    segj_storage_memory_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CONTRACT(make_memory), cmocka_unit_test(memory_creation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
