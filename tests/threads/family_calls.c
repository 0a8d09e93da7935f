/* threads/family_calls.c: every public call, as a child makes it. */
#include <string.h>

#include "segjournal/tools.h"
#include "threads/family.h"

#define CALL(call, ...)                                                                                                \
    static int make_##call(void)                                                                                       \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
        return 0;                                                                                                      \
    }
#define REFUSED(call, ...) CALL(call, EXPECT(is_refused(call(__VA_ARGS__))))

static oversized_location_t location_out;
static uint64_t number_out;
static segj_buffer_t buffer_out;

REFUSED(oversized_append, family.journal, FAMILY_SECTION, "12345678", "v", 1, NULL, NULL)
REFUSED(oversized_appendv, family.journal, FAMILY_SECTION, "12345678", NULL, 0, NULL, NULL)
REFUSED(oversized_append_batch, family.journal, FAMILY_SECTION, NULL, 0, NULL, NULL)
CALL(oversized_writer_open, oversized_writer_t *writer;
     EXPECT(is_refused(oversized_writer_open(family.journal, FAMILY_SECTION, "12345678", 1, &writer))))
REFUSED(oversized_writer_write, family.writer, "v", 1)
REFUSED(oversized_writer_finish, family.writer, NULL, NULL)
REFUSED(oversized_get, family.journal, FAMILY_SECTION, 0, NULL, &location_out)
REFUSED(oversized_last, family.journal, FAMILY_SECTION, NULL, &location_out)
REFUSED(oversized_get_value, family.journal, FAMILY_SECTION, family.location, &buffer_out)
REFUSED(oversized_read, family.journal, FAMILY_SECTION, 0, NULL, &buffer_out)
REFUSED(oversized_get_values, family.journal, FAMILY_SECTION, NULL, 0, &buffer_out)
REFUSED(oversized_read_values, family.journal, FAMILY_SECTION, NULL, 0, &buffer_out)
CALL(oversized_reader_open, oversized_reader_t *reader;
     EXPECT(is_refused(oversized_reader_open(family.journal, FAMILY_SECTION, family.location, true, &reader))))
CALL(oversized_reader_size, EXPECT(oversized_reader_size(family.reader) == FAMILY_SIZE))
CALL(oversized_reader_read, char byte; size_t done;
     EXPECT(is_refused(oversized_reader_read(family.reader, &byte, 1, &done))))
CALL(oversized_reader_close, oversized_reader_close(family.reader))
CALL(oversized_view_value, oversized_view_t view = {0};
     EXPECT(is_refused(oversized_view_value(family.journal, FAMILY_SECTION, family.location, &view))))
CALL(oversized_view, oversized_view_t view = {0};
     EXPECT(is_refused(oversized_view(family.journal, FAMILY_SECTION, 0, NULL, &view))))
CALL(oversized_view_release, EXPECT(((const uint8_t *)family.view.data)[0] == FAMILY_FILL);
     oversized_view_release(&family.view))
CALL(segj_buffer_free, segj_buffer_free(&buffer_out))
CALL(oversized_replay_open, oversized_replay_t *replay;
     EXPECT(is_refused(oversized_replay_open(family.journal, 0, 0, 4096, &replay))))
CALL(oversized_replay_open_back, oversized_replay_t *replay;
     EXPECT(is_refused(oversized_replay_open_back(family.journal, FAMILY_OTHER, 0, 4096, &replay))))
CALL(oversized_replay_next, oversized_item_t item; segj_status_t status;
     do status = oversized_replay_next(family.replay, &item); while (status == SEGJ_OK); EXPECT(is_refused(status)))
CALL(oversized_replay_value, const void *value; size_t size;
     EXPECT(is_refused(oversized_replay_value(family.replay, &value, &size))))
CALL(oversized_replay_close, oversized_replay_close(family.replay))
REFUSED(oversized_sync, family.journal, FAMILY_SECTION)
CALL(oversized_sync_start, oversized_ticket_t ticket;
     EXPECT(is_refused(oversized_sync_start(family.journal, FAMILY_SECTION, &ticket))))
REFUSED(oversized_sync_wait, family.journal, &family.ticket)
REFUSED(oversized_sync_all, family.journal)
REFUSED(oversized_sync_sections, family.journal, &family.ticket.section, 1)
REFUSED(oversized_prune, family.journal, FAMILY_OTHER, NULL)
REFUSED(oversized_prune_with, family.journal, FAMILY_OTHER, NULL, NULL)
CALL(oversized_removal_options_init, oversized_removal_options_t options; oversized_removal_options_init(&options))
REFUSED(oversized_rewind, family.journal, FAMILY_SECTION, 0)
REFUSED(oversized_rewind_section, family.journal, FAMILY_SECTION, 0)
REFUSED(oversized_rewind_to, family.journal, FAMILY_SECTION, 0)
REFUSED(oversized_rewind_section_to, family.journal, FAMILY_SECTION, 0)
REFUSED(oversized_flush, family.journal, FAMILY_SECTION)
REFUSED(oversized_acknowledge_losses, family.journal)
REFUSED(oversized_discard_quarantine, family.journal)
CALL(oversized_section_exists, bool exists;
     EXPECT(is_refused(oversized_section_exists(family.journal, FAMILY_SECTION, &exists))))
CALL(oversized_checkpoint_at, oversized_checkpoint_t at;
     EXPECT(oversized_checkpoint_at(&family.config, 0, FAMILY_SECTION, 1, &at) == SEGJ_OK))
REFUSED(oversized_size, family.journal, FAMILY_SECTION, &number_out)
REFUSED(oversized_count, family.journal, FAMILY_SECTION, &number_out)
REFUSED(oversized_value_size, family.journal, FAMILY_SECTION, &number_out)
CALL(oversized_record_size, EXPECT(oversized_record_size(family.journal) == SMALL_RECORD))
REFUSED(oversized_oldest_section, family.journal, &number_out)
REFUSED(oversized_newest_section, family.journal, &number_out)
REFUSED(oversized_next_section, family.journal, 0, &number_out)
REFUSED(oversized_prev_section, family.journal, FAMILY_OTHER, &number_out)
CALL(oversized_recovery, EXPECT(oversized_recovery(family.journal) != NULL))
CALL(oversized_error, EXPECT(oversized_error(family.journal) == NULL))
CALL(oversized_writer_abandon, oversized_writer_abandon(family.writer))
CALL(oversized_caller_open, oversized_t *caller; EXPECT(is_refused(oversized_caller_open(family.journal, &caller))))
CALL(oversized_caller_error, EXPECT(is_refused(oversized_sync(family.caller, FAMILY_SECTION)));
     EXPECT(strcmp(oversized_caller_error(family.caller)->text, segj_last_error()) == 0))
CALL(oversized_caller_close, oversized_caller_close(family.caller))
CALL(oversized_stats, oversized_stats_t stats = {.struct_size = sizeof stats};
     EXPECT(is_refused(oversized_stats(family.journal, &stats))))
REFUSED(oversized_verify, family.journal, NULL, NULL)
REFUSED(oversized_train_section, family.journal, FAMILY_SECTION, 4096, &buffer_out)
CALL(oversized_train_dictionary, EXPECT(oversized_train_dictionary(NULL, 0, 4096, &buffer_out) == SEGJ_ERR_COMPRESSION))
REFUSED(oversized_retain, family.journal, NULL, NULL)
CALL(oversized_retain_options_init, oversized_retain_options_t options; oversized_retain_options_init(&options))
REFUSED(oversized_copy, family.journal, "copy", NULL, NULL)
CALL(oversized_copy_beside, EXPECT(oversized_copy_beside(&family.config, NULL, NULL, NULL) == SEGJ_ERR_INVALID))
REFUSED(oversized_copy_into, family.journal, NULL, NULL, NULL)
CALL(oversized_copy_options_init, oversized_copy_options_t options; oversized_copy_options_init(&options))
CALL(oversized_verify_options_init, oversized_verify_options_t options; oversized_verify_options_init(&options))
CALL(oversized_inspect, oversized_inspection_t *found; EXPECT(oversized_inspect(&family.config, &found) == SEGJ_OK);
     oversized_inspection_free(found))
CALL(oversized_inspection_free, oversized_inspection_free(NULL))
CALL(oversized_salvage, EXPECT(oversized_salvage(&family.config, &family.config, NULL, NULL) == SEGJ_ERR_MISMATCH))
CALL(oversized_salvage_options_init, oversized_salvage_options_t options; oversized_salvage_options_init(&options))
CALL(oversized_follow_open, oversized_follower_t *follower;
     EXPECT(oversized_follow_open(&family.config, NULL, &follower) ==
            (tested_format() == SEGJ_FORMAT_NATIVE ? SEGJ_OK : SEGJ_ERR_INVALID));
     oversized_follow_close(follower))
CALL(oversized_follow_options_init, oversized_follow_options_t options; oversized_follow_options_init(&options))
CALL(oversized_follow_next, oversized_followed_t followed;
     EXPECT(family.follower == NULL || is_refused(oversized_follow_next(family.follower, &followed))))
CALL(oversized_follow_wait,
     EXPECT(family.follower == NULL || is_refused(oversized_follow_wait(family.follower, OVERSIZED_FOLLOW_FOREVER))))
CALL(oversized_follow_interrupt, oversized_follow_interrupt(family.follower))
CALL(oversized_follow_close, oversized_follow_close(family.follower))
CALL(oversized_config_init, oversized_config_t config; oversized_config_init(&config))
CALL(oversized_open, return open_locked())
CALL(oversized_close, return close_here())
CALL(oversized_abandon, return abandon_here())
CALL(oversized_destroy, return destroy_here())
CALL(oversized_destroy_with, return destroy_with_here())
CALL(segj_page_cache_create, segj_page_cache_t *cache; EXPECT(segj_page_cache_create(64, 4, &cache) == SEGJ_OK);
     segj_page_cache_release(cache))
CALL(segj_page_cache_release, segj_page_cache_release(NULL))

#define ENTRY(call)                                                                                                    \
    {                                                                                                                  \
#call, make_##call                                                                                             \
    }
const family_call_t family_calls[] = {ENTRY(oversized_append),
                                      ENTRY(oversized_appendv),
                                      ENTRY(oversized_append_batch),
                                      ENTRY(oversized_writer_open),
                                      ENTRY(oversized_writer_write),
                                      ENTRY(oversized_writer_finish),
                                      ENTRY(oversized_get),
                                      ENTRY(oversized_last),
                                      ENTRY(oversized_get_value),
                                      ENTRY(oversized_read),
                                      ENTRY(oversized_get_values),
                                      ENTRY(oversized_read_values),
                                      ENTRY(oversized_reader_open),
                                      ENTRY(oversized_reader_size),
                                      ENTRY(oversized_reader_read),
                                      ENTRY(oversized_reader_close),
                                      ENTRY(oversized_view_value),
                                      ENTRY(oversized_view),
                                      ENTRY(oversized_view_release),
                                      ENTRY(segj_buffer_free),
                                      ENTRY(oversized_replay_open),
                                      ENTRY(oversized_replay_open_back),
                                      ENTRY(oversized_replay_next),
                                      ENTRY(oversized_replay_value),
                                      ENTRY(oversized_replay_close),
                                      ENTRY(oversized_sync),
                                      ENTRY(oversized_sync_start),
                                      ENTRY(oversized_sync_wait),
                                      ENTRY(oversized_sync_all),
                                      ENTRY(oversized_sync_sections),
                                      ENTRY(oversized_prune),
                                      ENTRY(oversized_rewind),
                                      ENTRY(oversized_rewind_section),
                                      ENTRY(oversized_rewind_to),
                                      ENTRY(oversized_rewind_section_to),
                                      ENTRY(oversized_flush),
                                      ENTRY(oversized_acknowledge_losses),
                                      ENTRY(oversized_discard_quarantine),
                                      ENTRY(oversized_section_exists),
                                      ENTRY(oversized_checkpoint_at),
                                      ENTRY(oversized_size),
                                      ENTRY(oversized_count),
                                      ENTRY(oversized_value_size),
                                      ENTRY(oversized_record_size),
                                      ENTRY(oversized_oldest_section),
                                      ENTRY(oversized_newest_section),
                                      ENTRY(oversized_next_section),
                                      ENTRY(oversized_prev_section),
                                      ENTRY(oversized_stats),
                                      ENTRY(oversized_train_dictionary),
                                      ENTRY(oversized_train_section),
                                      ENTRY(oversized_prune_with),
                                      ENTRY(oversized_removal_options_init),
                                      ENTRY(oversized_retain),
                                      ENTRY(oversized_retain_options_init),
                                      ENTRY(oversized_verify),
                                      ENTRY(oversized_verify_options_init),
                                      ENTRY(oversized_copy),
                                      ENTRY(oversized_copy_beside),
                                      ENTRY(oversized_copy_into),
                                      ENTRY(oversized_copy_options_init),
                                      ENTRY(oversized_inspect),
                                      ENTRY(oversized_inspection_free),
                                      ENTRY(oversized_salvage),
                                      ENTRY(oversized_salvage_options_init),
                                      ENTRY(oversized_follow_open),
                                      ENTRY(oversized_follow_options_init),
                                      ENTRY(oversized_follow_next),
                                      ENTRY(oversized_follow_wait),
                                      ENTRY(oversized_follow_interrupt),
                                      ENTRY(oversized_follow_close),
                                      ENTRY(oversized_recovery),
                                      ENTRY(oversized_error),
                                      ENTRY(oversized_writer_abandon),
                                      ENTRY(oversized_caller_open),
                                      ENTRY(oversized_caller_error),
                                      ENTRY(oversized_caller_close),
                                      ENTRY(oversized_config_init),
                                      ENTRY(oversized_open),
                                      ENTRY(oversized_close),
                                      ENTRY(oversized_abandon),
                                      ENTRY(oversized_destroy),
                                      ENTRY(oversized_destroy_with),
                                      ENTRY(segj_page_cache_create),
                                      ENTRY(segj_page_cache_release)};
const size_t family_call_count = sizeof family_calls / sizeof *family_calls;
