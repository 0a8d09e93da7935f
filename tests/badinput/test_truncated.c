/*
 * badinput/test_truncated.c: both files of a small journal, cut to every length there is.
 *
 * Whatever the length, open says what DESIGN.md ("Open") makes of it: the records whose pages and values are whole,
 * from the first one on, and the loss of those that a completed sync had covered. Each record that stays is what was
 * appended. A file without its whole header, beside one with data, is refused, but for values whose loss a watermark
 * counts.
 */
#include "badinput/badinput.h"

/* Where the outcome changes: there the damaged copy is also opened read-only, strict and a second time. */
static bool is_of_interest(size_t length, size_t data_offset)
{
    return length <= 36 || length >= data_offset - 2 || length % HEADER_BLOCK <= 18 || length % 512 == 511;
}

/* Without a watermark the inside of a header is one like the other: the journal that was dropped has a step there. */
static size_t step_from(size_t length, size_t data_offset, leave_t leave)
{
    return leave == LEAVE_DROPPED && !is_of_interest(length, data_offset) && length % 16 == 0 ? 16 : 1;
}

static void cut_index_everywhere(leave_t leave)
{
    vault_t vault;
    open_vault(&vault, leave);
    for (size_t length = 0; length <= vault.sample.index.size; length += step_from(length, INDEX_DATA_OFFSET, leave)) {
        mend(&vault);
        vault.damaged.index.size = length;
        verdict_t verdict = judge(&vault);
        assert_int_equal(verdict.status, length < INDEX_DATA_OFFSET ? SEGJ_ERR_CORRUPT : SEGJ_OK);
        try_damaged(&vault, &verdict, is_of_interest(length, INDEX_DATA_OFFSET));
    }
    close_vault(&vault);
}

static void cut_values_everywhere(leave_t leave)
{
    vault_t vault;
    open_vault(&vault, leave);
    for (size_t length = 0; length <= vault.sample.values.size;
         length += step_from(length, VALUES_DATA_OFFSET, leave)) {
        mend(&vault);
        vault.damaged.values.size = length;
        verdict_t verdict = judge(&vault);
        bool refused = leave == LEAVE_DROPPED && length < VALUES_DATA_OFFSET;
        assert_int_equal(verdict.status, refused ? SEGJ_ERR_CORRUPT : SEGJ_OK);
        try_damaged(&vault, &verdict, is_of_interest(length, VALUES_DATA_OFFSET));
    }
    close_vault(&vault);
}

static void index_of_a_closed_journal_cut_to_every_length(void **state)
{
    cut_index_everywhere(LEAVE_CLOSED);
}

static void index_of_a_dropped_journal_cut_to_every_length(void **state)
{
    cut_index_everywhere(LEAVE_DROPPED);
}

static void values_of_a_closed_journal_cut_to_every_length(void **state)
{
    cut_values_everywhere(LEAVE_CLOSED);
}

static void values_of_a_dropped_journal_cut_to_every_length(void **state)
{
    cut_values_everywhere(LEAVE_DROPPED);
}

/* Both files at once, behind their headers: what stays is what both of them hold. */
static void both_files_cut_behind_their_headers(void **state)
{
    vault_t vault;
    open_vault(&vault, LEAVE_CLOSED);
    for (size_t index = INDEX_DATA_OFFSET; index <= vault.sample.index.size; index += 19)
        for (size_t values = VALUES_DATA_OFFSET; values <= vault.sample.values.size; values += 10) {
            mend(&vault);
            vault.damaged.index.size = index;
            vault.damaged.values.size = values;
            verdict_t verdict = judge(&vault);
            assert_int_equal(verdict.status, SEGJ_OK);
            try_damaged(&vault, &verdict, true);
        }
    close_vault(&vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_of_a_closed_journal_cut_to_every_length),
        cmocka_unit_test(index_of_a_dropped_journal_cut_to_every_length),
        cmocka_unit_test(values_of_a_closed_journal_cut_to_every_length),
        cmocka_unit_test(values_of_a_dropped_journal_cut_to_every_length),
        cmocka_unit_test(both_files_cut_behind_their_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
