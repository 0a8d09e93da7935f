/*
 * unit/storage_contract.h: what storage.h promises of every storage, as tests on a place; the programs of the two
 * storages run them.
 */
#ifndef TESTS_UNIT_STORAGE_CONTRACT_H
#define TESTS_UNIT_STORAGE_CONTRACT_H

#include "unit/place.h"

/* storage_contract.c: the functions as they are. */
void contract_missing_is_enoent(void **state);
void contract_creation(void **state);
void contract_partitions_are_apart(void **state);
void contract_reads_and_writes(void **state);
void contract_slices(void **state);
void contract_read_only_files(void **state);
void contract_files_have_an_end(void **state);
void contract_truncation(void **state);
void contract_copies(void **state);
void contract_reads_of_the_device(void **state);
void contract_removed_files_live_on(void **state);
void contract_syncs_and_hints(void **state);
void contract_mappings(void **state);
void contract_listing(void **state);
void contract_locks(void **state);
void contract_removed_partitions(void **state);
void contract_threads(void **state);

/* storage_contract_io.c: through the wrappers of storage/io.h. */
void contract_through_the_wrappers(void **state);
void contract_sections_are_sorted(void **state);
void contract_many_sections(void **state);
void contract_lock_refused_names_the_partition(void **state);
void contract_every_allocation_fails_once(void **state);

#define CONTRACT_OF(make, drop)                                                                                        \
    cmocka_unit_test_setup_teardown(contract_missing_is_enoent, make, drop),                                           \
        cmocka_unit_test_setup_teardown(contract_creation, make, drop),                                                \
        cmocka_unit_test_setup_teardown(contract_partitions_are_apart, make, drop),                                    \
        cmocka_unit_test_setup_teardown(contract_reads_and_writes, make, drop),                                        \
        cmocka_unit_test_setup_teardown(contract_slices, make, drop),                                                  \
        cmocka_unit_test_setup_teardown(contract_read_only_files, make, drop),                                         \
        cmocka_unit_test_setup_teardown(contract_files_have_an_end, make, drop),                                       \
        cmocka_unit_test_setup_teardown(contract_truncation, make, drop),                                              \
        cmocka_unit_test_setup_teardown(contract_copies, make, drop),                                                  \
        cmocka_unit_test_setup_teardown(contract_reads_of_the_device, make, drop),                                     \
        cmocka_unit_test_setup_teardown(contract_removed_files_live_on, make, drop),                                   \
        cmocka_unit_test_setup_teardown(contract_syncs_and_hints, make, drop),                                         \
        cmocka_unit_test_setup_teardown(contract_mappings, make, drop),                                                \
        cmocka_unit_test_setup_teardown(contract_listing, make, drop),                                                 \
        cmocka_unit_test_setup_teardown(contract_locks, make, drop),                                                   \
        cmocka_unit_test_setup_teardown(contract_removed_partitions, make, drop),                                      \
        cmocka_unit_test_setup_teardown(contract_threads, make, drop),                                                 \
        cmocka_unit_test_setup_teardown(contract_through_the_wrappers, make, drop),                                    \
        cmocka_unit_test_setup_teardown(contract_sections_are_sorted, make, drop),                                     \
        cmocka_unit_test_setup_teardown(contract_many_sections, make, drop),                                           \
        cmocka_unit_test_setup_teardown(contract_lock_refused_names_the_partition, make, drop),                        \
        cmocka_unit_test_setup_teardown(contract_every_allocation_fails_once, make, drop)

#define CONTRACT(make) CONTRACT_OF(make, drop_place)

#endif
