/*
 * quickstart: three records into a journal, one read back, all of them replayed, newest first. Run it again: the
 * journal goes on.
 *
 *     quickstart [DIRECTORY]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segjournal/oversized.h"

/** True for SEGJ_OK, false for SEGJ_END; everything else ends the program with its reason. */
static bool ok(segj_status_t status)
{
    if (status != SEGJ_OK && status != SEGJ_END) {
        fprintf(stderr, "quickstart: %s: %s\n", segj_status_name(status), segj_last_error());
        exit(EXIT_FAILURE);
    }
    return status == SEGJ_OK;
}

/** The journal's own lines: what it repaired, and what it lost. Lower levels follow its work. */
static void log_line(void *context, segj_log_level_t level, const char *message)
{
    (void)context;
    if (level >= SEGJ_LOG_WARNING)
        fprintf(stderr, "quickstart: %s\n", message);
}

int main(int argc, char **argv)
{
    static const char *const values[] = {"a value may be empty,", "or short,", "or four gigabytes long"};
    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = argc > 1 ? argv[1] : "quickstart.journal";
    config.entry_size = 8;
    config.log = log_line;

    oversized_t *journal;
    ok(oversized_open(&config, &journal));
    const oversized_recovery_t *found = oversized_recovery(journal);
    /* The disk's doing, not a crash's. With config.strict the open would have failed instead. What was lost earlier
     * is told until oversized_acknowledge_losses() is called. */
    if (found->synced_records_lost > 0)
        fprintf(stderr, "quickstart: %" PRIu64 " synced records are lost\n", found->synced_records_lost);
    else if (found->unacknowledged_records > 0)
        fprintf(stderr, "quickstart: %" PRIu64 " synced records were lost before\n", found->unacknowledged_records);
    uint64_t position = 0;
    for (size_t i = 0; i < 3; i++)
        ok(oversized_append(journal, 7, "an entry", values[i], strlen(values[i]), &position, NULL));
    ok(oversized_sync(journal, 7)); /* from here on all three survive a power cut */

    segj_buffer_t value = SEGJ_ZERO;
    ok(oversized_read(journal, 7, position, NULL, &value));
    printf("record %" PRIu64 " is \"%.*s\"\n", position, (int)value.size, (const char *)value.data);

    oversized_replay_t *replay;
    oversized_item_t item;
    ok(oversized_replay_open_back(journal, UINT64_MAX, OVERSIZED_END, 65536, &replay));
    while (ok(oversized_replay_next(replay, &item))) {
        const void *bytes;
        size_t size;
        ok(oversized_replay_value(replay, &bytes, &size));
        printf("%" PRIu64 "/%" PRIu64 ": %.8s: %.*s\n", item.section, item.position, (const char *)item.entry,
               (int)size, (const char *)bytes);
    }
    oversized_replay_close(replay);
    segj_buffer_free(&value);
    ok(oversized_close(journal));
    return EXIT_SUCCESS;
}
