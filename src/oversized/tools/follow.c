/*
 * oversized/tools/follow.c: following a journal that another handle or process writes: which sections there are, whose
 * turn it is, and when to look again. What is read of a section, and why it may be trusted, is in follow_index.c and
 * follow_log.c.
 */
#include <stdlib.h>
#include <string.h>

#include "oversized/open/config.h"
#include "oversized/open/open.h"
#include "oversized/oversized.h"
#include "oversized/tools/follow.h"

/* Sections whose files stay open. */
#define FOLLOW_OPEN 32
/* Records of one section before the others have their turn. */
#define FOLLOW_TURN 4096
/* Records between two moments at which others get the processor. */
#define FOLLOW_RUN 128

/* --- the handle --- */

static bool follower_is_childs(const oversized_follower_t *follower)
{
    return follower->word != NULL ? atomic_load(follower->word) == 0 : follower->process != segj_process_id();
}

static segj_status_t follow_enter(const oversized_follower_t *follower, const char *call)
{
    if (follower == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "%s: follower is NULL", call);
    if (segj_badge_of(&follower->badged) != SEGJ_BADGE_FOLLOWER)
        return segj_fail(SEGJ_ERR_INVALID, "%s: the follower is used after its end, or never was one", call);
    if (follower_is_childs(follower))
        return segj_fail(SEGJ_ERR_INVALID,
                         "%s: the follower of %s was opened by process %lld, this is process %lld: a forked child can "
                         "only close it",
                         call, follower->journal->directory, (long long)follower->process,
                         (long long)segj_process_id());
    return SEGJ_OK;
}

static void follower_free(oversized_follower_t *follower)
{
    while (follower->count > 0)
        segj_follow_remove(follower, follower->count - 1);
    free((void *)follower->sections);
    if (follower->journal != NULL)
        segj_journal_free(follower->journal);
    segj_watch_close(follower->watch);
    segj_process_word_free(follower->word);
    segj_decoder_free(follower->decoder);
    segj_buffer_free(&follower->frame);
    segj_buffer_free(&follower->value);
    free(follower->look_ahead);
    free(follower->pages.bytes);
    free(follower->values.bytes);
    free(follower->record);
    free(follower);
}

/* --- turns --- */

static segj_status_t follow_section(oversized_follower_t *follower, segj_follow_section_t *section,
                                    oversized_followed_t *followed)
{
    bool ready = false;
    bool told = false;
    segj_status_t status = segj_follow_open(follower, section, &ready, followed, &told);
    if (status != SEGJ_OK || told)
        return status;
    if (!ready)
        return SEGJ_END;
    section->used = ++follower->turns;
    if (follower->shown != section)
        segj_follow_drop(follower);
    follower->shown = section;
    follower->fresh = 0;
    while (follower->open > FOLLOW_OPEN && segj_follow_give_back(follower)) {
    }
    return section->version == 2 ? segj_follow_log(follower, section, followed)
                                 : segj_follow_index(follower, section, followed);
}

/* The section of which something may be told, in turn; false: there is none. */
static bool find_turn(oversized_follower_t *follower)
{
    for (size_t i = 0; i < follower->count; i++) {
        size_t at = (follower->turn + i) % follower->count;
        if (follower->sections[at]->dirty) {
            follower->served = at == follower->turn ? follower->served : 0;
            follower->turn = at;
            return true;
        }
    }
    follower->turn = follower->served = 0;
    return false;
}

/* Gives the turn to the next section. */
static void end_turn(oversized_follower_t *follower)
{
    follower->served = 0;
    follower->turn = follower->turn + 1 < follower->count ? follower->turn + 1 : 0;
}

/* A file system has threads of its own that end the writer's writes, hold locks of the file until then, and may be
 * waiting for the processor on which this thread runs. Linux lets a thread that is running go on for 3 or 4 ms, and the
 * writer would wait for as long. What else runs here gets half of the processor by that, and not more. */
static void follow_give_way(oversized_follower_t *follower)
{
    if (++follower->run < FOLLOW_RUN)
        return;
    follower->run = 0;
    uint64_t before = segj_process_time();
    if (before < follower->run_until)
        return;
    segj_process_yield();
    uint64_t after = segj_process_time();
    follower->run_until = after + (after - before);
}

static segj_status_t follow_turn(oversized_follower_t *follower, oversized_followed_t *followed)
{
    segj_follow_section_t *section = follower->sections[follower->turn];
    segj_status_t status = follow_section(follower, section, followed);
    if (status == SEGJ_END) {
        section->dirty = false;
        if (section->told && !section->listed) {
            segj_follow_remove(follower, follower->turn);
            follower->relist = follower->relist || follower->count == 0;
        } else
            end_turn(follower);
    } else if (status == SEGJ_OK) {
        follow_give_way(follower);
        if (++follower->served >= FOLLOW_TURN) {
            end_turn(follower);
            segj_follow_take(follower);
        }
        /* A section that was told to be gone is listed again before it is looked for. */
        if (followed->kind == OVERSIZED_FOLLOW_REMOVED)
            follower->relist = true;
    } else if (!segj_follow_is_of_value(status))
        end_turn(follower); /* then the next record of the others is told */
    return status;
}

static segj_status_t follow_next(oversized_follower_t *follower, oversized_followed_t *followed)
{
    bool taken = false;
    *followed = (oversized_followed_t){.kind = OVERSIZED_FOLLOW_RECORD};
    for (;;) {
        segj_status_t status = follower->relist ? segj_follow_list(follower) : SEGJ_OK;
        if (status != SEGJ_OK)
            return status;
        if (follower->count > 0 && find_turn(follower)) {
            status = follow_turn(follower, followed);
            if (status != SEGJ_END)
                return status;
            continue;
        }
        if (taken)
            return SEGJ_END;
        taken = true;
        segj_follow_take(follower);
    }
}

segj_status_t oversized_follow_next(oversized_follower_t *follower, oversized_followed_t *followed)
{
    segj_status_t status = follow_enter(follower, "oversized_follow_next");
    if (status == SEGJ_OK && followed == NULL)
        status = segj_fail(SEGJ_ERR_INVALID, "oversized_follow_next: followed is NULL");
    return status == SEGJ_OK ? follow_next(follower, followed) : status;
}

segj_status_t oversized_follow_wait(oversized_follower_t *follower, uint32_t milliseconds)
{
    segj_status_t status = follow_enter(follower, "oversized_follow_wait");
    if (status != SEGJ_OK)
        return status;
    switch (segj_watch_wait(follower->watch, milliseconds)) {
    case SEGJ_WATCH_OVER:
        return SEGJ_END;
    case SEGJ_WATCH_INTERRUPTED:
        return segj_fail(SEGJ_ERR_CANCELLED, "oversized_follow_wait: interrupted");
    default:
        return SEGJ_OK;
    }
}

void oversized_follow_interrupt(oversized_follower_t *follower)
{
    if (follower != NULL && segj_badge_of(&follower->badged) == SEGJ_BADGE_FOLLOWER && !follower_is_childs(follower))
        segj_watch_interrupt(follower->watch);
}

void oversized_follow_close(oversized_follower_t *follower)
{
    if (follower == NULL || segj_badge_of(&follower->badged) != SEGJ_BADGE_FOLLOWER)
        return;
    atomic_store(&follower->badged.badge, SEGJ_BADGE_ENDED);
    follower_free(follower);
}

/* --- the beginning --- */

void oversized_follow_options_init(oversized_follow_options_t *options)
{
    if (options != NULL)
        *options = (oversized_follow_options_t){.struct_size = sizeof *options, .from = OVERSIZED_FOLLOW_OLDEST};
}

/* To the end of what is there: everything is passed, and nothing shown. */
static segj_status_t pass_all(oversized_follower_t *follower)
{
    oversized_followed_t followed;
    segj_status_t status = segj_follow_list(follower);
    for (size_t i = 0; i < follower->count && status == SEGJ_OK; i++) {
        segj_follow_section_t *section = follower->sections[i];
        section->skip = UINT64_MAX;
        do
            status = follow_section(follower, section, &followed);
        while (status == SEGJ_OK && !section->told);
        section->skip = section->at.records;
        /* What is damaged is told when it is looked at the next time. */
        if (status != SEGJ_ERR_IO && status != SEGJ_ERR_MEMORY)
            status = SEGJ_OK;
    }
    return status;
}

static segj_status_t follow_begin(oversized_follower_t *follower, const oversized_follow_options_t *options)
{
    segj_status_t status = segj_watch_open(&follower->watch);
    if (status == SEGJ_OK)
        status = segj_follow_enter_partitions(follower);
    if (status != SEGJ_OK)
        return status;
    if (options->from == OVERSIZED_FOLLOW_END)
        return pass_all(follower);
    if (options->from == OVERSIZED_FOLLOW_PLACE)
        follower->first = options->section;
    status = segj_follow_list(follower);
    segj_follow_section_t *section =
        options->from == OVERSIZED_FOLLOW_PLACE ? segj_follow_find(follower, options->section) : NULL;
    if (section != NULL)
        section->skip = options->position;
    return status;
}

/* The files of the first section say whether the journal is one that can be followed. */
static segj_status_t check_first(oversized_follower_t *follower)
{
    oversized_followed_t followed;
    bool ready = false;
    bool told = false;
    if (follower->count == 0)
        return SEGJ_OK;
    segj_follow_section_t *newest = follower->sections[follower->count - 1];
    segj_status_t status =
        newest->values.opened != NULL ? SEGJ_OK : segj_follow_open(follower, newest, &ready, &followed, &told);
    return status != SEGJ_ERR_CORRUPT ? status : SEGJ_OK;
}

static segj_status_t follow_make(const oversized_config_t *given, const oversized_config_t *config,
                                 const oversized_follow_options_t *options, oversized_follower_t **made)
{
    oversized_follower_t *follower = calloc(1, sizeof *follower);
    if (follower == NULL)
        return segj_fail_memory(sizeof *follower);
    follower->process = segj_process_id();
    follower->word = segj_process_word_make();
    if (follower->word != NULL)
        atomic_store(follower->word, 1);
    follower->synced_only = options->synced_only;
    follower->max_value_size = given->max_value_size;
    segj_status_t status = segj_journal_make(config, &follower->journal);
    if (status == SEGJ_OK) {
        segj_shared_t *shared = &follower->journal->shared;
        shared->index.give_back = shared->values.give_back = segj_follow_give_back;
        shared->index.lost = shared->values.lost = NULL; /* it changes nothing */
        shared->index.owner = shared->values.owner = follower;
        status = follow_begin(follower, options);
    }
    if (status == SEGJ_OK)
        status = check_first(follower);
    if (status != SEGJ_OK) {
        follower_free(follower);
        return status;
    }
    atomic_store(&follower->badged.badge, SEGJ_BADGE_FOLLOWER);
    *made = follower;
    return SEGJ_OK;
}

static segj_status_t check_and_follow(const oversized_config_t *given, const oversized_follow_options_t *options,
                                      oversized_follower_t **follower)
{
    oversized_config_t config;
    oversized_follow_options_t usual;
    if (follower != NULL)
        *follower = NULL;
    if (given == NULL || follower == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "%s is NULL", given == NULL ? "config" : "follower");
    segj_status_t status = segj_config_check_size(given);
    if (status != SEGJ_OK)
        return status;
    segj_config_to_look(given, &config);
    status = segj_config_check(&config);
    if (status != SEGJ_OK)
        return status;
    if (config.format != SEGJ_FORMAT_NATIVE)
        return segj_fail(SEGJ_ERR_INVALID, "config.format: the commonware format cannot be followed: its files do not "
                                           "tell what was synced or taken back");
    oversized_follow_options_init(&usual);
    if (options == NULL)
        options = &usual;
    if (options->struct_size != sizeof *options)
        return segj_fail(SEGJ_ERR_INVALID,
                         "options.struct_size is %zu bytes, expected %zu bytes: begin with "
                         "oversized_follow_options_init() of this version",
                         options->struct_size, sizeof *options);
    if ((unsigned)options->from > OVERSIZED_FOLLOW_PLACE)
        return segj_fail(SEGJ_ERR_INVALID, "options.from is %u, which is none", (unsigned)options->from);
    return follow_make(given, &config, options, follower);
}

segj_status_t oversized_follow_open(const oversized_config_t *config, const oversized_follow_options_t *options,
                                    oversized_follower_t **follower)
{
    segj_status_t status = check_and_follow(config, options, follower);
    bool told = config != NULL && config->struct_size == sizeof *config && config->error != NULL;
    if (status != SEGJ_OK)
        status = segj_context(status, "oversized_follow_open");
    if (status != SEGJ_OK && told)
        segj_error_take(config->error, status);
    return status;
}
