/*
 * failure/owner_place.c: see the header.
 */
#include "failure/owner_place.h"

#include <string.h>
#include <zlib.h>

segj_storage_t owner_storage;

static void count_line(void *context, segj_log_level_t level, const char *message)
{
    owner_place_t *place = context;
    place->warnings += level == SEGJ_LOG_WARNING && strstr(message, "another writer") != NULL;
}

int owner_set_up(void **state)
{
    static owner_place_t place;
    place.root = make_temp_directory();
    place.directory = join_path(place.root.text, "journal");
    place.before = join_path(place.root.text, "before");
    bool native = tested_format() == SEGJ_FORMAT_NATIVE;
    place.owner =
        join_path(join_path(place.directory.text, native ? "test_index" : ".test_index.owner").text, ".owner");
    place.warnings = 0;
    small_config(&place.config, place.directory.text);
    place.config.log = count_line;
    place.config.log_context = &place;
    owner_storage = *segj_storage_posix();
    *state = &place;
    return 0;
}

int owner_tear_down(void **state)
{
    owner_place_t *place = *state;
    remove_tree(place->root.text);
    return 0;
}

oversized_t *owner_open(const owner_place_t *place)
{
    oversized_t *journal = NULL;
    assert_ok(oversized_open(&place->config, &journal));
    return journal;
}

/* Section 1 is synced and has a record behind that, section 2 is at rest. */
oversized_t *owner_fill(const owner_place_t *place)
{
    oversized_t *journal = owner_open(place);
    for (uint64_t i = 0; i < RECORDS; i++) {
        append_filled(journal, 1, i, (uint8_t)i, 30, NULL);
        append_filled(journal, 2, i, (uint8_t)i, 30, NULL);
    }
    assert_ok(oversized_close(journal));
    journal = owner_open(place);
    append_filled(journal, 1, RECORDS, RECORDS, 30, NULL);
    assert_ok(oversized_sync(journal, 1));
    append_filled(journal, 1, RECORDS + 1, RECORDS + 1, 30, NULL);
    return journal;
}

void owner_check(const owner_place_t *place)
{
    oversized_t *journal = owner_open(place);
    for (uint64_t i = 0; i <= RECORDS; i++)
        check_filled(journal, 1, i, i, (uint8_t)i, 30);
    for (uint64_t i = 0; i < RECORDS; i++)
        check_filled(journal, 2, i, i, (uint8_t)i, 30);
    assert_ok(oversized_close(journal));
}

/* As another process on another machine would write it. */
void owner_make_token(uint8_t token[TOKEN])
{
    memset(token, 0, TOKEN);
    memcpy(token, "SEGO", 4);
    put_u16(token + 4, 1);
    memset(token + 8, 0x5a, 16);
    put_u64(token + 24, 4711);
    memcpy(token + 32, "elsewhere", 9);
    put_u32(token + 92, (uint32_t)crc32(0, token, 92));
}

void owner_claim_elsewhere(const owner_place_t *place)
{
    uint8_t token[TOKEN];
    owner_make_token(token);
    write_file_at(place->owner.text, 0, token, sizeof token);
}
