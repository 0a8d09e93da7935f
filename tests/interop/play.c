/*
 * interop/play.c: a script played on this library.
 */
#include "interop/play.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "segjournal/oversized.h"
#include "support/support.h"

enum { REPLAY_BUFFER = 4096, VARINT_LIMIT = 5 };

typedef struct player {
    const setting_t *setting;
    const char *directory;
    const segj_storage_t *storage;
    FILE *output;
    oversized_t *journal;
    uint8_t *entry;
    segj_buffer_t value;
} player_t;

/** One word for what both sides call differently. */
static const char *word(segj_status_t status)
{
    switch (status) {
    case SEGJ_OK:
        return "ok";
    case SEGJ_ERR_PRUNED:
        return "pruned";
    case SEGJ_ERR_NO_SECTION:
        return "no section";
    case SEGJ_ERR_NO_RECORD:
        return "no record";
    case SEGJ_ERR_CHECKSUM:
        return "checksum";
    case SEGJ_ERR_COMPRESSION:
        return "compression";
    case SEGJ_ERR_RANGE:
        return "range";
    case SEGJ_ERR_CORRUPT:
        return "corrupt";
    default:
        return segj_status_name(status);
    }
}

static void answer(player_t *player, segj_status_t status)
{
    if (strncmp(word(status), "SEGJ_", 5) == 0)
        fprintf(stderr, "script %s: %s\n", player->setting->id, segj_last_error());
    fprintf(player->output, "  %s\n", word(status));
}

void partition_names(const setting_t *setting, partition_names_t names)
{
    static const char *const endings[PARTITIONS] = {"index", "values", "counts"};
    for (int i = 0; i < PARTITIONS; i++)
        snprintf(names[i], sizeof names[i], "%s-%s", setting->id, endings[i]);
}

/** An archive's counts are the crate's, who makes their partition when it opens the journal for the first time. */
static bool has_counts(const player_t *player, partition_names_t names)
{
    path_t path = join_path(player->directory, names[2]);
    return player->setting->counts && path_exists(path.text);
}

static void open_journal(player_t *player, const operation_t *operation)
{
    const setting_t *setting = player->setting;
    partition_names_t names;
    partition_names(setting, names);

    oversized_config_t config;
    oversized_config_init(&config);
    config.native_version = 1;
    config.directory = player->directory;
    config.index_partition = names[0];
    config.value_partition = names[1];
    config.entry_size = setting->entry;
    config.page_size = setting->page;
    config.page_cache_pages = setting->cache;
    config.index_write_buffer = setting->index_buffer;
    config.value_write_buffer = setting->value_buffer;
    config.compression = setting->zstd;
    config.format = SEGJ_FORMAT_COMMONWARE;
    config.native_version = 0;
    config.commonware_header = setting->header;
    config.storage = player->storage;
    config.hole = setting->hole ? OVERSIZED_HOLE_CUT : OVERSIZED_HOLE_REFUSE;
    if (has_counts(player, names))
        config.counts_partition = names[2];
    uint64_t record = setting->entry + OVERSIZED_LOCATION_SIZE;
    oversized_bound_t bound = {operation->words[0], operation->words[1]};
    oversized_checkpoint_t checkpoint = {.section = bound.section, .index_size = bound.records * record};
    if (operation->kind == OPERATION_OPEN_AT)
        config.bound = &bound;
    if (operation->kind == OPERATION_OPEN_CHECKPOINT)
        config.checkpoint = &checkpoint;
    segj_status_t status = oversized_open(&config, &player->journal);
    if (status == SEGJ_OK) {
        answer(player, status);
    } else {
        fprintf(stderr, "script %s: %s: %s\n", setting->id, segj_status_name(status), segj_last_error());
        fprintf(player->output, "  refused\n");
    }
}

/* --- values, as commonware-codec writes them --- */

/** Puts a length before the bytes, seven bits a byte, the lowest first; answers the size of both. */
static size_t encode_value(const setting_t *setting, const uint8_t *bytes, size_t size, uint8_t *encoded)
{
    size_t prefix = 0;
    if (!setting->fixed) {
        size_t rest = size;
        for (; rest >= 0x80; rest >>= 7)
            encoded[prefix++] = (uint8_t)(rest | 0x80);
        encoded[prefix++] = (uint8_t)rest;
    }
    if (size > 0)
        memcpy(encoded + prefix, bytes, size);
    return prefix + size;
}

/** Where the bytes begin; false where these are no value. */
static bool decode_value(const setting_t *setting, const uint8_t *encoded, size_t size, size_t *prefix)
{
    *prefix = 0;
    if (setting->fixed)
        return size == setting->value_size;
    uint64_t length = 0;
    for (unsigned i = 0; i < size && i < VARINT_LIMIT; i++) {
        length |= (uint64_t)(encoded[i] & 0x7F) << (7 * i);
        if (encoded[i] < 0x80) {
            *prefix = i + 1;
            return (i == 0 || encoded[i] != 0) && length == size - *prefix;
        }
    }
    return false;
}

/** Those from `from` to `end`; without any there may be no memory. */
static void tell_bytes(player_t *player, const uint8_t *bytes, size_t from, size_t end)
{
    size_t size = end - from;
    fprintf(player->output, "%zu bytes %016" PRIx64 "\n", size, digest_bytes(size > 0 ? bytes + from : NULL, size));
}

static void tell_value(player_t *player, segj_status_t status)
{
    const setting_t *setting = player->setting;
    size_t prefix;
    if (status != SEGJ_OK)
        fprintf(player->output, "%s\n", word(status));
    else if (!decode_value(setting, player->value.data, player->value.size, &prefix))
        fprintf(player->output, "codec\n");
    else
        tell_bytes(player, player->value.data, prefix, player->value.size);
}

/* --- operations --- */

/** Compressed sizes depend on the version of zstd, so they are not told. */
static void tell_place(player_t *player, oversized_location_t location)
{
    if (player->setting->zstd == 0)
        fprintf(player->output, " at %" PRIu64 "+%" PRIu32, location.offset, location.size);
}

static void play_append(player_t *player, uint64_t section, uint64_t number, size_t size)
{
    const setting_t *setting = player->setting;
    if (setting->fixed)
        size = setting->value_size;
    uint8_t *bytes = interop_need(malloc(2 * size + VARINT_LIMIT + 1));
    uint8_t *encoded = bytes + size;
    fill_bytes(number, bytes, size);
    fill_entry(number, player->entry, setting->entry);
    size = encode_value(setting, bytes, size, encoded);

    uint64_t position;
    oversized_location_t location;
    segj_status_t status =
        oversized_append(player->journal, section, player->entry, encoded, size, &position, &location);
    if (status == SEGJ_OK) {
        fprintf(player->output, "  %" PRIu64, position);
        tell_place(player, location);
        fprintf(player->output, "\n");
    } else {
        answer(player, status);
    }
    free(bytes);
}

static void play_prune(player_t *player, uint64_t section)
{
    bool pruned;
    segj_status_t status = oversized_prune(player->journal, section, &pruned);
    if (status == SEGJ_OK)
        fprintf(player->output, "  %s\n", pruned ? "pruned" : "nothing");
    else
        answer(player, status);
}

/** Tells what there is; false, with the status, where a record could not be read. */
static bool replay_tells(player_t *player, oversized_replay_t *replay, bool aloud, segj_status_t *status)
{
    oversized_item_t item;
    while ((*status = oversized_replay_next(replay, &item)) == SEGJ_OK) {
        if (!aloud)
            continue;
        fprintf(player->output, "  %" PRIu64 "/%" PRIu64 " %016" PRIx64, item.section, item.position,
                digest_bytes(item.entry, player->setting->entry));
        tell_place(player, item.location);
        fprintf(player->output, "\n");
    }
    return *status == SEGJ_END;
}

/** Of a replay that fails the error alone is told: how many records the crate gives before depends on what it has read
 *  ahead. So everything is visited twice. */
static void play_replay(player_t *player, uint64_t section, uint64_t position)
{
    for (int round = 0; round < 2; round++) {
        oversized_replay_t *replay;
        segj_status_t status = oversized_replay_open(player->journal, section, position, REPLAY_BUFFER, &replay);
        if (status != SEGJ_OK) {
            answer(player, status);
            return;
        }
        bool whole = replay_tells(player, replay, round == 1, &status);
        oversized_replay_close(replay);
        if (!whole) {
            answer(player, status);
            return;
        }
    }
    fprintf(player->output, "  end\n");
}

static void dump_record(player_t *player, uint64_t section, uint64_t position)
{
    oversized_location_t location;
    fprintf(player->output, "    %" PRIu64 " ", position);
    segj_status_t status = oversized_get(player->journal, section, position, player->entry, &location);
    if (status != SEGJ_OK) {
        fprintf(player->output, "%s\n", word(status));
        return;
    }
    fprintf(player->output, "%016" PRIx64, digest_bytes(player->entry, player->setting->entry));
    tell_place(player, location);
    fprintf(player->output, ": ");
    tell_value(player, oversized_get_value(player->journal, section, location, &player->value));
}

/** A section that does not exist, or was pruned, says nothing. */
static void dump_section(player_t *player, uint64_t section)
{
    uint64_t size, records, end;
    segj_status_t status = oversized_last(player->journal, section, player->entry, NULL);
    if (status == SEGJ_ERR_NO_SECTION || status == SEGJ_ERR_PRUNED)
        return;
    if (oversized_size(player->journal, section, &size) != SEGJ_OK ||
        oversized_count(player->journal, section, &records) != SEGJ_OK)
        interop_die("script %s: %s", player->setting->id, segj_last_error());
    fprintf(player->output, "  section %" PRIu64 ": index %" PRIu64 ", values ", section, size);
    segj_status_t values = oversized_value_size(player->journal, section, &end);
    if (values != SEGJ_OK)
        fprintf(player->output, "%s, ", word(values));
    else if (player->setting->zstd == 0)
        fprintf(player->output, "%" PRIu64 ", ", end);
    else
        fprintf(player->output, "compressed, ");
    if (status == SEGJ_OK)
        fprintf(player->output, "last %016" PRIx64 "\n", digest_bytes(player->entry, player->setting->entry));
    else
        fprintf(player->output, "%s\n", status == SEGJ_END ? "empty" : word(status));
    for (uint64_t position = 0; position < records; position++)
        dump_record(player, section, position);
}

static void play_dump(player_t *player)
{
    uint64_t oldest, newest;
    if (oversized_oldest_section(player->journal, &oldest) == SEGJ_OK &&
        oversized_newest_section(player->journal, &newest) == SEGJ_OK)
        fprintf(player->output, "  sections %" PRIu64 " to %" PRIu64 "\n", oldest, newest);
    else
        fprintf(player->output, "  no sections\n");
    for (size_t i = 0; i < player->setting->section_count; i++)
        dump_section(player, player->setting->sections[i]);
}

/** Operations that end the journal. */
static bool play_end(player_t *player, operation_kind_t kind)
{
    segj_status_t status = SEGJ_OK;
    switch (kind) {
    case OPERATION_CLOSE:
        status = oversized_close(player->journal);
        break;
    case OPERATION_ABANDON:
        oversized_abandon(player->journal);
        break;
    case OPERATION_DESTROY:
        status = oversized_destroy(player->journal);
        break;
    default:
        return false;
    }
    player->journal = NULL;
    answer(player, status);
    return true;
}

/* A flush before a sync, of which the reference has none, changes nothing of what the sync leaves. What it answers
 * the sync says too. */
static void flush_first(player_t *player, uint64_t section)
{
    segj_status_t status = oversized_flush(player->journal, section);
    if (status != SEGJ_OK && status != SEGJ_ERR_PRUNED)
        interop_die("script %s: flush: %s", player->setting->id, segj_last_error());
}

static void play_operation(player_t *player, const operation_t *operation)
{
    const uint64_t *words = operation->words;
    uint64_t record = player->setting->entry + OVERSIZED_LOCATION_SIZE;
    oversized_location_t location = {words[1], (uint32_t)words[2]};
    switch (operation->kind) {
    case OPERATION_APPEND:
        play_append(player, words[0], words[1], (size_t)words[2]);
        break;
    case OPERATION_SYNC:
        flush_first(player, words[0]);
        answer(player, oversized_sync(player->journal, words[0]));
        break;
    case OPERATION_SYNC_ALL:
        answer(player, oversized_sync_all(player->journal));
        break;
    case OPERATION_PRUNE:
        play_prune(player, words[0]);
        break;
    case OPERATION_REWIND:
        answer(player, oversized_rewind(player->journal, words[0], words[1] * record));
        break;
    case OPERATION_REWIND_SECTION:
        answer(player, oversized_rewind_section(player->journal, words[0], words[1] * record));
        break;
    case OPERATION_REPLAY:
        play_replay(player, words[0], words[1]);
        break;
    case OPERATION_VALUE:
        fprintf(player->output, "  ");
        tell_value(player, oversized_get_value(player->journal, words[0], location, &player->value));
        break;
    case OPERATION_DUMP:
        play_dump(player);
        break;
    default:
        interop_die("operation %d is not played here", (int)operation->kind);
    }
}

static bool opens(operation_kind_t kind)
{
    return kind == OPERATION_OPEN || kind == OPERATION_OPEN_AT || kind == OPERATION_OPEN_CHECKPOINT;
}

void play_script_on(const segj_storage_t *storage, const script_t *script, const char *directory, FILE *output)
{
    player_t player = {.setting = &script->setting, .directory = directory, .storage = storage, .output = output};
    player.entry = interop_need(malloc(script->setting.entry + 1));
    fprintf(output, "script %s\n", script->setting.id);
    for (size_t i = 0; i < script->count; i++) {
        const operation_t *operation = &script->operations[i];
        fprintf(output, "%s\n", operation->line);
        if (opens(operation->kind))
            open_journal(&player, operation);
        else if (player.journal == NULL)
            fprintf(output, "  not open\n");
        else if (!play_end(&player, operation->kind))
            play_operation(&player, operation);
        fflush(output);
    }
    oversized_abandon(player.journal);
    segj_buffer_free(&player.value);
    free(player.entry);
}

void play_script(const script_t *script, const char *directory, FILE *output)
{
    play_script_on(NULL, script, directory, output);
}
