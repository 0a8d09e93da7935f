/*
 * oversized/tools/retain.c: old sections are removed so that what stays is no more than is wanted. Which ones is
 * decided here; the removal is a prune.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "oversized/section/section.h"
#include "segjournal/tools.h"

/* What there is of a section: bytes of both files, as a close would leave them. */
SEGJ_UNDER_STATE static void retain_measure(const segj_shared_t *shared, const segj_section_t *section,
                                            oversized_kept_t *kept)
{
    kept->section = section->node.number;
    kept->records = section->index.records;
    kept->bytes = segj_section_file_bytes(shared, section);
}

/* Bytes that must go for as much to be free as is wanted. */
static segj_status_t look_for_room(const oversized_t *journal, const oversized_retain_options_t *options,
                                   uint64_t *lacking)
{
    const segj_io_partition_t *values = &journal->shared.values;
    uint64_t left = 0;
    bool told;
    *lacking = 0;
    if (options->free_bytes == 0)
        return SEGJ_OK;
    segj_status_t status = segj_partition_space(values, &left, &told);
    if (status != SEGJ_OK)
        return status;
    if (!told)
        return segj_fail(SEGJ_ERR_INVALID,
                         "oversized_retain: options.free_bytes is %" PRIu64 " bytes, and the storage of %s/%s does not "
                         "tell how many it has left",
                         options->free_bytes, values->directory, values->name);
    *lacking = options->free_bytes - segj_min_u64(left, options->free_bytes);
    return SEGJ_OK;
}

/* Under state: the sections that stay by numbers alone, from the newest one down. The newest stays in any case. Gives
 * how many of the oldest go. */
SEGJ_UNDER_STATE static size_t count_beyond(const oversized_t *journal, const oversized_retain_options_t *options)
{
    const segj_sections_t *sections = &journal->sections;
    uint64_t bytes = 0;
    size_t at = sections->count;
    while (at > 0 && (at == sections->count || sections->count - at < options->sections)) {
        oversized_kept_t kept;
        retain_measure(&journal->shared, segj_section_at(journal, at - 1), &kept);
        if (at < sections->count && kept.bytes > options->bytes - segj_min_u64(bytes, options->bytes))
            break;
        bytes += kept.bytes;
        at--;
    }
    return at;
}

/* The oldest section at or above `from`, as it is now; false: only the newest is left, or none. */
static bool next_kept(oversized_t *journal, uint64_t from, oversized_kept_t *kept)
{
    segj_lock(&journal->shared.state);
    const segj_sections_t *sections = &journal->sections;
    size_t at = segj_sections_lower(sections, from);
    bool found = at + 1 < sections->count;
    if (found)
        retain_measure(&journal->shared, segj_section_at(journal, at), kept);
    segj_unlock(&journal->shared.state);
    return found;
}

/* Decides which is the oldest section that stays. Sections are only removed by who calls this, or beside it by
 * others. */
static void retain_decide(oversized_t *journal, const oversized_retain_options_t *options, uint64_t lacking,
                          oversized_retained_t *found)
{
    oversized_kept_t kept;
    segj_lock(&journal->shared.state);
    size_t beyond = count_beyond(journal, options);
    uint64_t line = beyond < journal->sections.count ? journal->sections.order[beyond]->number : 0;
    segj_unlock(&journal->shared.state);
    for (uint64_t at = 0; next_kept(journal, at, &kept);) {
        if (kept.section >= line && lacking == 0 && (options->keep == NULL || options->keep(options->context, &kept)))
            break;
        found->sections++;
        found->records += kept.records;
        found->bytes += kept.bytes;
        lacking -= segj_min_u64(kept.bytes, lacking);
        at = kept.section + 1; /* a newer one is there */
        found->min_section = at;
    }
}

void oversized_retain_options_init(oversized_retain_options_t *options)
{
    if (options != NULL)
        *options =
            (oversized_retain_options_t){.struct_size = sizeof *options, .bytes = UINT64_MAX, .sections = UINT64_MAX};
}

static segj_status_t retain_remove(oversized_t *journal, const oversized_retain_options_t *options,
                                   oversized_retained_t *found)
{
    oversized_removal_options_t how;
    oversized_removed_t removed;
    if (found->sections == 0 || options->dry_run)
        return SEGJ_OK;
    if (options->progress == NULL)
        return oversized_prune(journal, found->min_section, NULL);
    oversized_removal_options_init(&how);
    how.progress = options->progress;
    how.context = options->context;
    segj_status_t status = oversized_prune_with(journal, found->min_section, &how, &removed);
    found->sections = removed.sections;
    found->records = removed.records;
    found->bytes = removed.bytes;
    return status;
}

segj_status_t oversized_retain(oversized_t *journal, const oversized_retain_options_t *options,
                               oversized_retained_t *retained)
{
    SEGJ_ENTER(journal, oversized_retain(journal, options, retained));
    oversized_retained_t found = {.min_section = 0};
    if (options == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_retain: options is NULL");
    if (options->struct_size != sizeof *options)
        return segj_fail(SEGJ_ERR_INVALID,
                         "oversized_retain: options.struct_size is %zu bytes, expected %zu bytes: begin with "
                         "oversized_retain_options_init() of this version",
                         options->struct_size, sizeof *options);
    uint64_t lacking;
    segj_status_t status = look_for_room(journal, options, &lacking);
    if (status != SEGJ_OK)
        return status;
    retain_decide(journal, options, lacking, &found);
    status = retain_remove(journal, options, &found);
    if (retained != NULL && (status == SEGJ_OK || options->progress != NULL))
        *retained = found;
    return status;
}
