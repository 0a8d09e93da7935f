/*
 * promises/copies.h: a journal and its copy, and what the copy has. The same promises are tried twice: of a journal that is open
 * here, and of its files, beside whoever has it open.
 */
#ifndef TESTS_PROMISES_COPIES_H
#define TESTS_PROMISES_COPIES_H

#include "promises/fixture.h"
#include "segjournal/tools.h"

/** A journal and its copy. */
typedef struct pair {
    fixture_t *f;
    path_t directory; /* the copy's */
    oversized_config_t config;
    oversized_copied_t copied;
} pair_t;

/** Copies are made from the files. */
extern bool from_files;

pair_t pair_of(fixture_t *f);
segj_status_t copy_by(fixture_t *f, const char *directory, const oversized_copy_options_t *options,
                      oversized_copied_t *copied);
segj_status_t copy_journal(pair_t *pair);

/** The copy's files are as a close leaves them. */
void check_clean(pair_t *pair);
/** The copy has all sections of the journal, with all of their records, all of which are synced. */
void check_equal(pair_t *pair);
/** Each section of the copy is a beginning of the journal's. */
void check_beginnings(pair_t *pair);
/** The copy is not complete: nobody opens it. */
void refuse_open_of_copy(pair_t *pair);
/** Sections 3, 4 and 9, some of them at rest. */
void make_sections(fixture_t *f);

/* In version 2 a copy tells otherwise what is equal. */
int set_up_version_2(void **state);
int set_up_files(void **state);
int set_up_files_of_version_2(void **state);
int tear_down_files(void **state);

/* clang-format off */
#define ALL(test)                                                                              \
    PROMISE(test), cmocka_unit_test_setup_teardown(test, set_up_version_2, tear_down),         \
    {#test "_from_files", test, set_up_files, tear_down_files, NULL},                          \
    {#test "_from_files_of_version_2", test, set_up_files_of_version_2, tear_down_files, NULL}
/* clang-format on */

#endif
