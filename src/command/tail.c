/*
 * command/tail.c: `segj tail`: the newest records, and with -f those that come. It follows the files, so that the
 * journal may have a writer.
 */
#include <inttypes.h>
#include <stdio.h>

#include "command/command.h"
#include "command/following.h"
#include "command/json.h"
#include "segjournal/follow.h"

#define TAIL_USUAL 10
/* Milliseconds between two looks at whether the output still has a reader. */
#define TAIL_LOOK 500

/* Where so many of the newest records begin. */
static void find_begin(const oversized_inspection_t *found, uint64_t most, oversized_follow_options_t *begin)
{
    uint64_t left = most;
    for (size_t i = found->section_count; i-- > 0;) {
        const oversized_look_t *look = &found->sections[i];
        begin->from = OVERSIZED_FOLLOW_PLACE;
        begin->section = look->section;
        begin->position = look->records > left ? look->records - left : 0;
        if (look->records >= left)
            return;
        left -= look->records;
    }
    begin->from = OVERSIZED_FOLLOW_OLDEST;
}

static answer_t tail_open(const options_t *options, oversized_follower_t **follower)
{
    oversized_inspection_t *found = NULL;
    oversized_follow_options_t begin;
    uint64_t most = options->most == UINT64_MAX ? TAIL_USUAL : options->most;
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    oversized_follow_options_init(&begin);
    if (most == 0)
        begin.from = OVERSIZED_FOLLOW_END;
    else
        find_begin(found, most, &begin);
    oversized_config_t config = found->config;
    segj_status_t status = oversized_follow_open(&config, &begin, follower);
    if (status != SEGJ_OK) {
        answer = complain_of(options, status);
        if (found->config.format == SEGJ_FORMAT_COMMONWARE)
            (void)complain(answer, "`segj list --reverse -n %" PRIu64 " %s` shows the newest records", most,
                           options->directory);
    }
    oversized_inspection_free(found);
    return answer;
}

/* What was taken back is no record: lines of it go to standard error. */
static bool tail_event(const options_t *options, const oversized_followed_t *followed)
{
    bool rewound = followed->kind == OVERSIZED_FOLLOW_REWOUND;
    if (options->json) {
        json_t *object = json_new();
        json_text(object, "event", rewound ? "rewound" : "removed");
        json_number(object, "section", followed->section);
        json_number(object, "position", followed->position);
        return json_print(object);
    }
    (void)complain(ANSWER_FINE, "%" PRIu64 ":%" PRIu64 ": %s", followed->section, followed->position,
                   rewound ? "records from here on were taken back" : "the section was removed");
    return true;
}

static bool tail_show(const options_t *options, const oversized_followed_t *followed)
{
    if (followed->kind != OVERSIZED_FOLLOW_RECORD)
        return tail_event(options, followed);
    const record_t record = {.section = followed->section,
                             .position = followed->position,
                             .entry = followed->entry,
                             .entry_size = followed->entry_size,
                             .stored = followed->location,
                             .value = options->value != SHOW_NONE ? followed->value : NULL,
                             .value_size = followed->value_size,
                             .told = true,
                             .synced = followed->synced};
    return record_print(options, &record);
}

/* False: it is over. */
static bool tail_wait(const options_t *options, oversized_follower_t *follower, answer_t *answer)
{
    uint32_t most = following_is_piped() ? TAIL_LOOK : OVERSIZED_FOLLOW_FOREVER;
    if (fflush(stdout) != 0)
        return false; /* the end says so */
    segj_status_t status = oversized_follow_wait(follower, most);
    if (status != SEGJ_OK && status != SEGJ_END && status != SEGJ_ERR_CANCELLED)
        *answer = complain_of(options, status);
    return *answer != ANSWER_FAILED && !following_ended() && !following_is_unread();
}

/* A value that cannot be read is reported, and the tail continues. */
static answer_t tail_all(const options_t *options, oversized_follower_t *follower)
{
    answer_t answer = ANSWER_FINE;
    while (!following_ended()) {
        oversized_followed_t followed;
        segj_status_t status = oversized_follow_next(follower, &followed);
        if (status == SEGJ_END && (!options->follow || !tail_wait(options, follower, &answer)))
            return answer;
        if (status == SEGJ_OK && !tail_show(options, &followed))
            return complain(ANSWER_FAILED, "out of memory");
        if (status == SEGJ_OK || status == SEGJ_END)
            continue;
        answer = complain_of(options, status);
        if (!following_goes_on(status))
            return answer;
    }
    return answer;
}

answer_t command_tail(const options_t *options)
{
    oversized_follower_t *follower = NULL;
    if (options->json && options->value == SHOW_RAW)
        return complain(ANSWER_USAGE, "--value=raw is no JSON: hex, text or base64");
    answer_t answer = tail_open(options, &follower);
    if (answer != ANSWER_FINE)
        return answer;
    following_begin(follower);
    answer = tail_all(options, follower);
    following_end(follower);
    return answer;
}
