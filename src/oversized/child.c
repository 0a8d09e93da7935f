/*
 * oversized/child.c: the end of a journal in a child of fork. The child has the parent's memory as it was, its
 * descriptors, and one thread. Whoever held a lock, or waited on a condition, is not there: nothing here waits. The
 * files, and the locks on them, are the parent's: descriptors are closed, which takes nothing from the parent's own,
 * and nothing else is done with them.
 *
 * What a lock guards is walked through only where that lock is free: who had it may have been in the middle of a
 * change. The memory, and where it is the state lock the descriptors too, then stay until the child ends or calls exec.
 */
#include <stdlib.h>

#include "oversized/journal.h"

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

static void free_what_state_guards(oversized_t *journal)
{
    segj_env_t *env = &journal->env;
    close_files(&env->files);
    unmap_all(&env->maps);
    for (size_t i = 0; i < journal->sections.count; i++)
        child_free_section((segj_section_t *)(void *)journal->sections.order[i]);
    segj_sections_free(&journal->sections);
    segj_pool_free(&env->pages);
    segj_pool_free(&env->frames);
}

void segj_journal_forsake(oversized_t *journal)
{
    segj_env_t *env = &journal->env;
    bool unchanged = segj_try_lock(&journal->change);
    bool still = segj_try_lock(&env->state);
    if (still) {
        free_what_state_guards(journal);
        if (unchanged)
            segj_codec_free(&journal->codec);
        segj_unlock(&env->state);
    }
    if (unchanged) {
        segj_unlock(&journal->change);
        free(env->scratch);
        free(journal->record);
    }
    segj_page_cache_release(env->cache);
    segj_owner_close(env);
    segj_part_close(&env->index);
    segj_part_close(&env->values);
    free(journal->directory);
    free(journal->index_name);
    free(journal->value_name);
    segj_journal_drop(journal);
}
