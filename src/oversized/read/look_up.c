/*
 * oversized/read/look_up.c: see the header.
 */
#include "oversized/read/look_up.h"

segj_status_t segj_look_up_missing(const segj_section_t *section, uint64_t position)
{
    return segj_fail(SEGJ_ERR_NO_RECORD, "section %llu has no record %llu, it has %llu records",
                     (unsigned long long)section->node.number, (unsigned long long)position,
                     (unsigned long long)section->index.records);
}

segj_status_t segj_look_up_in_file(oversized_t *journal, segj_section_t *section, uint64_t position, uint8_t *record,
                                   bool *changed)
{
    segj_assert_held(&journal->shared.state);
    uint32_t size = journal->shared.record_size;
    uint64_t generation = section->generation;
    segj_section_acquire(section);
    segj_status_t status = segj_fixed_read(&section->index, &journal->shared, position * size, size, record);
    if (status != SEGJ_OK)
        status = segj_context(status, "section %llu, record %llu", (unsigned long long)section->node.number,
                              (unsigned long long)position);
    *changed = segj_section_changed(section, generation);
    segj_section_release_locked(journal, section);
    return status;
}

segj_status_t segj_look_up_again(const oversized_t *journal, uint64_t number, uint64_t generation, const char *reader,
                                 segj_section_t **section)
{
    *section = segj_journal_find(journal, number);
    if (*section == NULL && number < journal->prune_line)
        return segj_fail(SEGJ_ERR_PRUNED, "section %llu was pruned during a %s", (unsigned long long)number, reader);
    if (*section == NULL || (*section)->generation != generation)
        return segj_fail(SEGJ_ERR_NO_RECORD, "section %llu was rewound during a %s", (unsigned long long)number,
                         reader);
    return SEGJ_OK;
}
