/*
 * salvage/test_random.c: of thousands of journals with random damage a salvage brings back nothing that was not there, no
 * less than an open shows, and leaves every byte of them as it is. SEGJ_SALVAGE_CASES asks for more cases, SEGJ_SALVAGE_SEED
 * for others.
 */
#include "salvage/wreck.h"

#include <stdlib.h>
#include <string.h>

enum { CASES = 500 /* of each kind of journal */ };

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below > 0 ? state % below : 0;
}

static uint64_t number_of(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : usual;
}

/* Mostly within the data, sometimes in the headers. */
static uint64_t draw_place(uint64_t data, uint64_t size)
{
    return draw(4) > 0 && size > data ? data + draw(size - data) : draw(size);
}

static void move_bytes(path_t file, uint64_t from, uint64_t to, uint64_t size)
{
    bytes_t bytes = read_file(file.text);
    write_file_at(file.text, to, bytes.data + from, (size_t)size);
    free_bytes(&bytes);
}

static void spoil(const wreck_t *wreck)
{
    bool index = draw(2) == 0;
    uint64_t section = 1 + draw(WRECK_SECTIONS);
    path_t file = index ? wreck_index(wreck, section) : wreck_values(wreck, section);
    uint64_t data = index ? wreck->index_data : wreck->values_data;
    uint64_t size = path_exists(file.text) ? file_size(file.text) : 0;
    if (size == 0)
        return;
    uint64_t at = draw_place(data, size);
    uint64_t length = 1 + draw(draw(3) == 0 ? size - at : size - at < 200 ? size - at : 200);
    switch (draw(10)) {
    case 0:
    case 1:
        wreck_zero(file, at, (size_t)length);
        break;
    case 2:
    case 3:
        wreck_noise(file, at, (size_t)length, draw(UINT64_MAX));
        break;
    case 4:
        resize_file(file.text, at);
        break;
    case 5:
        move_bytes(file, draw(size - length + 1), at, length);
        break;
    case 6:
        wreck_noise(file, size, (size_t)(1 + draw(300)), draw(UINT64_MAX));
        break;
    case 7:
        if (draw(8) == 0)
            remove_file(file.text);
        break;
    default:
        wreck_flip(file, at);
    }
}

/* What it would say of a failure is which case it was. */
static void check_case(wreck_t *wreck, uint64_t number, uint64_t seed)
{
    oversized_salvage_options_t options;
    state = seed * 1000003 + number * 7919 + 1;
    for (int i = 0; i < 8; i++)
        (void)draw(1);
    oversized_salvage_options_init(&options);
    options.values_without_entries = draw(2) == 0;
    for (uint64_t i = 1 + draw(4); i > 0; i--)
        spoil(wreck);
    haul_seen_t seen = wreck_salvage(wreck, &options);
    if (number % 4 == 0) {
        int kept = wreck_opened(wreck);
        if (kept > (int)seen.records[1])
            fail_msg("an open shows %d records, and a salvage brings back %u", kept, seen.records[1]);
    }
}

static void nothing_wrong_comes_back(void **unused)
{
    uint64_t cases = number_of("SEGJ_SALVAGE_CASES", CASES);
    uint64_t seed = number_of("SEGJ_SALVAGE_SEED", 1);
    for (size_t m = 0; m < 6; m++) {
        wreck_t wreck;
        wreck_make(&wreck, &makes[m]);
        for (uint64_t i = 0; i < cases; i++) {
            if (getenv("SEGJ_SALVAGE_TELL") != NULL)
                print_message("%s, case %llu\n", makes[m].name, (unsigned long long)i);
            check_case(&wreck, i, seed + m);
            wreck_mend(&wreck);
        }
        wreck_free(&wreck);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_wrong_comes_back)};
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
