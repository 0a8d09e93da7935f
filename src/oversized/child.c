/*
 * oversized/child.c: the end of a journal in a child of fork. The child has the parent's memory as it was, its
 * descriptors, and one thread. The threads that held a lock, or that a condition waits for, are not there. So nothing
 * here waits. The files, and the locks on them, are the parent's: descriptors are closed, which takes nothing from the
 * parent's own, and nothing else is done with them.
 *
 * What a lock guards is walked through only where that lock is free: its holder may have been in the middle of a
 * change. The memory, and where it is the state lock the descriptors too, then stay until the child ends or calls exec.
 */
#include <stdlib.h>

#include "oversized/lost/quarantine.h"
#include "oversized/oversized.h"
#include "oversized/read/value_cache.h"
#include "oversized/section/dictionary.h"
#include "oversized/section/section.h"

static void free_chain(segj_chain_t *chain)
{
    while (chain->first != NULL) {
        segj_write_buffer_t *next = chain->first->next;
        free(chain->first);
        chain->first = next;
    }
}

static void child_free_section(segj_section_t *section)
{
    if (section->index.tail != NULL)
        free_chain(&section->index.tail->chain);
    free(section->index.tail);
    free_chain(&section->values.chain);
    free(section);
}

/* Every open file is in the list, also of sections that are not in the table any more, or not yet. */
static void close_files(segj_files_t *files)
{
    for (segj_handle_t *at = files->oldest, *next; at != NULL; at = next) {
        next = at->newer;
        segj_io_close(&at->file);
    }
}

static void unmap_all(segj_maps_t *maps)
{
    for (segj_map_t *at = maps->oldest, *next; at != NULL; at = next) {
        next = at->newer;
        maps->storage->file_unmap(maps->storage->context, at->address, at->size);
        free(at);
    }
}

SEGJ_UNDER_STATE static void free_what_state_guards(oversized_t *journal)
{
    segj_shared_t *shared = &journal->shared;
    close_files(&shared->files);
    unmap_all(&shared->maps);
    for (size_t i = 0; i < journal->sections.count; i++)
        child_free_section(segj_section_at(journal, i));
    segj_sections_free(&journal->sections);
    segj_pool_free(&shared->pages);
    segj_pool_free(&shared->frames);
    segj_dictionaries_free(&journal->codec.dictionaries);
}

/* Not followed: both locks are tried for, and what they guard is left where they are not to be had. */
SEGJ_NO_THREAD_SAFETY_ANALYSIS void segj_journal_free_in_child(oversized_t *journal)
{
    segj_shared_t *shared = &journal->shared;
    bool unchanged = segj_gate_try(&journal->change);
    bool still = segj_try_lock(&shared->state);
    if (still) {
        free_what_state_guards(journal);
        if (unchanged)
            segj_codec_free(&journal->codec); /* what the crew has stays: freeing it would wait for its threads */
        segj_unlock(&shared->state);
    }
    if (unchanged) {
        segj_gate_leave(&journal->change);
        free(shared->scratch);
        free(shared->head);
        free(journal->record);
        segj_quarantine_free(journal);
        segj_counts_free(&shared->counts);
    }
    segj_page_cache_release(shared->cache);
    segj_value_cache_free_in_child(journal->value_cache);
    segj_owner_close(shared);
    segj_partition_close(&shared->index);
    segj_partition_close(&shared->values);
    segj_partition_close(&shared->counts.partition);
    segj_hold_release(shared);
    free(journal->directory);
    free(journal->index_name);
    free(journal->value_name);
    segj_journal_drop(journal);
}
