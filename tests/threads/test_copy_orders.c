/*
 * threads/test_copy_orders.c: a copy from files and a writer take turns in every order with three changes of turn: the
 * copy opens strict and clean, and is what the journal was at one moment of it, but for what was not synced before it
 * began.
 *
 * A turn is some calls of the storage. The copy makes `before` of them, the writer `some`, the copy `between`, the
 * writer the rest, and the copy the rest. So a cut, or any part of one, falls between any two reads of the copy. A copy
 * waits for the end of a cut, so no turn of its goes on for ever. SEGJ_ORDERS_MORE=1 plays all numbers of calls, and
 * not every fifth or eighth; SEGJ_ORDERS_PART=N one in N of what is played otherwise (16 under sanitizers);
 * SEGJ_ORDERS_ONLY=WORDS one play.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segjournal/tools.h"
#include "threads/legs.h"

enum { VALUE = 40, BETWEEN = 40, LONG = 90, SECTIONS = 4, RECORDS = 32, STATES = 64 };

/** What a journal has: the numbers of its records. */
typedef struct state {
    bool there[SECTIONS];
    size_t count[SECTIONS];
    uint64_t numbers[SECTIONS][RECORDS];
} state_t;

typedef struct play {
    const char *name;
    void (*write)(struct play *play);
    uint8_t version;
    bool fine;  /* nearly all orders are played */
    bool zeros; /* are kept behind the values */
    bool again; /* there is a copy of what the journal had before */
    segj_storage_t storage;
    segj_storage_t *memory;
    oversized_config_t config;
    oversized_t *journal;
    uint64_t number;        /* of the next record */
    state_t states[STATES]; /* through which the journal goes; of the first one all was synced */
    size_t count;
    segj_status_t answer;
    char sentence[256];
} play_t;

/* --- what the writer does --- */

static void must(segj_status_t status)
{
    if (status != SEGJ_OK)
        abort();
}

/* The next state begins as the one before. */
static state_t *next_state(play_t *play)
{
    if (play->count == STATES)
        abort();
    play->states[play->count] = play->states[play->count - 1];
    return &play->states[play->count++];
}

static void make_value(uint64_t number, uint8_t *value)
{
    memset(value, (int)(number & 0xFF), VALUE);
    put_u64(value, number);
}

static void append_number(play_t *play, uint64_t section, uint64_t number)
{
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[VALUE];
    state_t *state = next_state(play);
    state->there[section] = true;
    state->numbers[section][state->count[section]++] = number;
    put_u64(entry, number);
    make_value(number, value);
    must(oversized_append(play->journal, section, entry, value, sizeof value, NULL, NULL));
}

static void append(play_t *play, uint64_t section, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        append_number(play, section, ++play->number);
}

static void sync_one(const play_t *play, uint64_t section)
{
    must(oversized_sync(play->journal, section));
}

/* Heads of version 2 count what was not synced before them: so the same records have the same ones. */
static void append_alone(play_t *play, uint64_t section, uint64_t number)
{
    append_number(play, section, number);
    sync_one(play, section);
}

static void rewind_section(play_t *play, uint64_t section, size_t records)
{
    next_state(play)->count[section] = records;
    must(oversized_rewind_section_to(play->journal, section, records));
}

/* What comes later goes first. */
static void rewind_all(play_t *play, uint64_t section, size_t records)
{
    for (uint64_t later = section + 1; later < SECTIONS; later++) {
        state_t *state = next_state(play);
        state->there[later] = false;
        state->count[later] = 0;
    }
    next_state(play)->count[section] = records;
    must(oversized_rewind_to(play->journal, section, records));
}

static void cut_and_append(play_t *play)
{
    rewind_section(play, 1, 2);
    append(play, 1, 3);
    sync_one(play, 1);
}

/* Other records in between, and then the same ones again, at the same places. */
static void cut_and_come_back(play_t *play)
{
    state_t was = play->states[play->count - 1];
    rewind_section(play, 1, 1);
    append(play, 1, (unsigned)was.count[1]);
    sync_one(play, 1);
    rewind_section(play, 1, 1);
    for (size_t i = 1; i < was.count[1]; i++)
        append_alone(play, 1, was.numbers[1][i]);
}

/* The same ones again, each over zeros that a sync has left. */
static void cut_and_come_back_slowly(play_t *play)
{
    state_t was = play->states[play->count - 1];
    rewind_section(play, 1, 1);
    for (size_t i = 1; i < was.count[1]; i++)
        append_alone(play, 1, was.numbers[1][i]);
}

static void cut_what_is_not_synced(play_t *play)
{
    append(play, 1, 3);
    must(oversized_flush(play->journal, 1));
    rewind_section(play, 1, play->states[0].count[1]);
    append(play, 1, 4);
    sync_one(play, 1);
}

static void cut_twice(play_t *play)
{
    rewind_section(play, 1, 2);
    append(play, 1, 2);
    sync_one(play, 1);
    rewind_section(play, 1, 3);
    append(play, 1, 1);
    sync_one(play, 1);
}

static void cut_and_make_again(play_t *play)
{
    rewind_all(play, 1, 3);
    append(play, 2, 2);
    sync_one(play, 2);
    append(play, 1, 1);
    sync_one(play, 1);
}

static void grow(play_t *play)
{
    append(play, 1, 1);
    must(oversized_flush(play->journal, 1));
    append(play, 1, 2);
    sync_one(play, 1);
    append(play, 3, 1);
    sync_one(play, 3);
}

static void prune(play_t *play)
{
    append(play, 3, 1);
    sync_one(play, 3);
    state_t *state = next_state(play);
    state->there[1] = false;
    state->count[1] = 0;
    must(oversized_prune(play->journal, 2, NULL));
    append(play, 2, 2);
    sync_one(play, 2);
}

/* --- what the copy has --- */

/* Reads a section of the copy; NULL, or what is wrong. */
static const char *read_section(oversized_t *copy, uint64_t section, state_t *state)
{
    segj_buffer_t value = SEGJ_ZERO;
    uint64_t count = 0;
    const char *wrong = NULL;
    if (oversized_count(copy, section, &count) != SEGJ_OK || count > RECORDS)
        return "a section that cannot be counted";
    state->there[section] = true;
    state->count[section] = (size_t)count;
    for (uint64_t i = 0; i < count && wrong == NULL; i++) {
        uint8_t entry[SMALL_ENTRY];
        uint8_t wanted[VALUE];
        if (oversized_read(copy, section, i, entry, &value) != SEGJ_OK)
            wrong = "a record that cannot be read";
        make_value(get_u64(entry), wanted);
        if (wrong == NULL && (value.size != VALUE || memcmp(value.data, wanted, VALUE) != 0))
            wrong = "a record with another one's value";
        state->numbers[section][i] = get_u64(entry);
    }
    segj_buffer_free(&value);
    return wrong;
}

static bool begins_with(const state_t *whole, const state_t *part, size_t section)
{
    return part->count[section] <= whole->count[section] && (whole->there[section] || !part->there[section]) &&
           memcmp(part->numbers[section], whole->numbers[section], part->count[section] * sizeof(uint64_t)) == 0;
}

/* What is in both from the beginning. */
static size_t common(const state_t *a, const state_t *b, size_t section)
{
    size_t count = 0;
    while (count < a->count[section] && count < b->count[section] &&
           a->numbers[section][count] == b->numbers[section][count])
        count++;
    return count;
}

/* Whether the copy may have been made at a moment: it has beginnings of what the journal had then, and everything that
 * was synced at first and was never taken back. */
static bool is_of_moment(const play_t *play, const state_t *copy, size_t moment)
{
    for (size_t section = 0; section < SECTIONS; section++) {
        size_t least = play->states[0].count[section];
        for (size_t i = 1; i <= moment; i++) {
            size_t same = common(&play->states[0], &play->states[i], section);
            least = same < least ? same : least;
        }
        if (!begins_with(&play->states[moment], copy, section) || copy->count[section] < least)
            return false;
    }
    return true;
}

static const char *judge(const play_t *play, oversized_t *copy)
{
    state_t has = {.there = {false}};
    uint64_t section;
    const char *wrong = NULL;
    for (segj_status_t status = oversized_oldest_section(copy, &section); status == SEGJ_OK && wrong == NULL;
         status = oversized_next_section(copy, section, &section))
        wrong = section < SECTIONS ? read_section(copy, section, &has) : "a section that never was";
    if (wrong != NULL)
        return wrong;
    for (size_t i = 0; i < play->count; i++)
        if (is_of_moment(play, &has, i))
            return NULL;
    return "the journal was never like that";
}

/* --- plays --- */

static void begin(play_t *play)
{
    assert_ok(segj_storage_memory_create(&play->memory));
    play->storage = legs_over(play->memory);
    small_config(&play->config, "memory");
    play->config.native_version = play->version;
    play->config.storage = &play->storage;
    play->config.preallocate = play->zeros ? 400 : 0;
    assert_ok(oversized_open(&play->config, &play->journal));
    play->count = 1;
    if (play->fine || play->zeros)
        for (unsigned i = 0; i < (play->zeros ? 8 : 3); i++)
            append_alone(play, 1, ++play->number);
    else
        append(play, 1, 3);
    append(play, 2, 2);
    assert_ok(oversized_sync_all(play->journal));
    if (play->again)
        assert_ok(oversized_copy_beside(&play->config, "copy", NULL, NULL));
    append(play, 1, 1);
    assert_ok(oversized_sync_all(play->journal));
    play->states[0] = play->states[play->count - 1];
    play->count = 1;
}

static void act_in_play(int who, void *context)
{
    play_t *play = context;
    if (who == LEG_WRITER) {
        play->write(play);
        return;
    }
    play->answer = oversized_copy_beside(&play->config, "copy", NULL, NULL);
    if (play->answer != SEGJ_OK)
        (void)snprintf(play->sentence, sizeof play->sentence, "%s", segj_last_error());
}

static bool is_clean(const oversized_config_t *config)
{
    oversized_inspection_t *found = NULL;
    bool clean = oversized_inspect(config, &found) == SEGJ_OK && found->health == OVERSIZED_CLEAN;
    oversized_inspection_free(found);
    return clean;
}

/* NULL, or what is wrong. */
static const char *end(play_t *play)
{
    oversized_t *copy = NULL;
    oversized_config_t config = play->config;
    const char *wrong = play->answer != SEGJ_OK ? play->sentence : NULL;
    config.directory = "copy";
    config.strict = config.read_only = true;
    if (wrong == NULL && !is_clean(&config))
        wrong = "the copy is not clean";
    if (wrong == NULL && oversized_open(&config, &copy) != SEGJ_OK)
        wrong = "the copy does not open";
    if (wrong == NULL)
        wrong = judge(play, copy);
    oversized_abandon(copy);
    oversized_abandon(play->journal);
    segj_storage_memory_destroy(play->memory);
    return wrong;
}

static bool play_order(const play_t *of, uint64_t before, uint64_t some, uint64_t between, uint64_t made[LEG_ACTORS])
{
    static play_t play;
    const leg_t legs[] = {{LEG_OTHER, before}, {LEG_WRITER, some}, {LEG_OTHER, between}, {LEG_WRITER, LEG_ALL}};
    play = *of;
    begin(&play);
    legs_play(legs, sizeof legs / sizeof legs[0], act_in_play, &play, made);
    const char *wrong = end(&play);
    if (wrong != NULL)
        print_error("%s, version %u, %s: %llu calls of the copy, %llu of the writer, %llu of the copy: %s\n", of->name,
                    (unsigned)of->version, of->again ? "once more" : "anew", (unsigned long long)before,
                    (unsigned long long)some, (unsigned long long)between, wrong);
    return wrong == NULL;
}

static void play_all(const play_t *play)
{
    uint64_t most[LEG_ACTORS];
    uint64_t made[LEG_ACTORS];
    uint64_t played = 0;
    const bool more = getenv("SEGJ_ORDERS_MORE") != NULL;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const uint64_t usual = 16; /* each order takes several times as long */
#else
    const uint64_t usual = 1;
#endif
    const char *of = getenv("SEGJ_ORDERS_PART");
    const uint64_t part = of != NULL && strtoull(of, NULL, 10) > 0 ? strtoull(of, NULL, 10) : usual;
    const uint64_t strides[3] = {more ? 1 : part * (play->fine ? 2 : 5), more || play->fine ? 1 : 8, more ? 1 : 8};
    const char *only = getenv("SEGJ_ORDERS_ONLY");
    if (only != NULL && strstr(play->name, only) == NULL)
        return;
    assert_true(play_order(play, LEG_ALL, 0, 0, most));
    for (uint64_t before = 0; before <= most[LEG_OTHER]; before += strides[0])
        for (uint64_t some = (before * 7) % strides[1]; some <= most[LEG_WRITER] + strides[1]; some += strides[1])
            for (uint64_t between = 1 + (before + some) % strides[2]; between <= BETWEEN; between += strides[2]) {
                if (!play_order(play, before, some, between >= BETWEEN - strides[2] ? LONG : between, made))
                    fail();
                played++;
            }
    print_message("  %s, version %u: %llu orders of %llu and %llu calls\n", play->name, (unsigned)play->version,
                  (unsigned long long)played, (unsigned long long)most[LEG_OTHER],
                  (unsigned long long)most[LEG_WRITER]);
}

static void each_order_makes_a_copy_of_one_moment(void **state)
{
    static const struct {
        const char *name;
        void (*write)(play_t *play);
        bool fine, zeros; /* of version 2 */
    } writes[] = {{"a cut and appends", cut_and_append, false, false},
                  {"a cut, and the same again", cut_and_come_back, true, false},
                  {"a cut, and slowly the same again", cut_and_come_back_slowly, false, true},
                  {"a cut of what was not synced", cut_what_is_not_synced, false, false},
                  {"two cuts", cut_twice, false, false},
                  {"a section that is made again", cut_and_make_again, false, false},
                  {"appends", grow, false, false},
                  {"a prune", prune, false, false}};
    for_native_only();
    for (uint8_t version = 1; version <= 2; version++)
        for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
            for (int again = 0; again <= 1; again++) {
                play_t play = {.name = writes[i].name,
                               .write = writes[i].write,
                               .version = version,
                               .fine = writes[i].fine && version == 2,
                               .zeros = writes[i].zeros && version == 2,
                               .again = again == 1};
                play_all(&play);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_order_makes_a_copy_of_one_moment)};
    return cmocka_run_group_tests_name("copy_orders", tests, NULL, NULL);
}
