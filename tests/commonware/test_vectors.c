/*
 * commonware/test_vectors.c: every byte that a journal of the commonware format writes, against bytes that were worked
 * out from the reference's rules: pages of 64 bytes, entries that are an id of 8 bytes, values of 16 bytes, a sync
 * after each append.
 */
#include "support/commonware.h"

#include <string.h>
#include <zstd.h>

typedef struct vectors {
    path_t root, directory;
    oversized_config_t config;
    oversized_t *journal;
} vectors_t;

static void make_journal(vectors_t *v)
{
    v->root = make_temp_directory();
    v->directory = join_path(v->root.text, "journal");
    small_config(&v->config, v->directory.text);
    v->config.format = SEGJ_FORMAT_COMMONWARE;
    v->config.native_version = 0;
    assert_ok(oversized_open(&v->config, &v->journal));
}

static void drop(vectors_t *v)
{
    oversized_abandon(v->journal);
    remove_tree(v->root.text);
}

static uint8_t digit(char text)
{
    return (uint8_t)(text <= '9' ? text - '0' : text - 'a' + 10);
}

/* The file holds these bytes: hexadecimal digits, blanks between them as one likes, "n*xx" for n bytes xx. */
static void check_bytes(const char *path, const char *expected)
{
    uint8_t bytes[1024];
    size_t size = 0;
    for (const char *at = expected; *at != '\0';) {
        const char *star = strchr(at, '*');
        const char *blank = strchr(at, ' ');
        size_t times = 1;
        if (*at == ' ') {
            at++;
            continue;
        }
        if (star != NULL && (blank == NULL || star < blank)) {
            times = 0;
            for (; at < star; at++)
                times = 10 * times + digit(*at);
            at++;
        }
        for (size_t i = 0; i < times; i++)
            bytes[size++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
        at += 2;
    }
    bytes_t file = read_file(path);
    assert_int_equal(file.size, size);
    assert_memory_equal(file.data, bytes, size);
    free_bytes(&file);
}

static void append_and_sync(const vectors_t *v, uint8_t id)
{
    (void)append_filled(v->journal, 7, id, id, 16, NULL);
    assert_ok(oversized_sync(v->journal, 7));
}

#define RECORD(id, offset) "00000000000000" id " 00000000000000" offset " 00000014 "

static void the_values_file_is_a_header_and_frames(void **state)
{
    vectors_t v;
    make_journal(&v);
    path_t path = section_path(v.directory.text, "test_values", 7);
    append_and_sync(&v, 1);
    check_bytes(path.text, "4357494300000000 16*01 459cffc2");
    append_and_sync(&v, 2);
    check_bytes(path.text, "4357494300000000 16*01 459cffc2 16*02 4da850ba");
    drop(&v);
}

static void each_sync_uses_the_slot_that_is_not_synced(void **state)
{
    vectors_t v;
    make_journal(&v);
    path_t path = section_path(v.directory.text, "test_index", 7);
    append_and_sync(&v, 1);
    check_bytes(path.text, "4357494300000000 " RECORD("01", "00") "44*00 0014 5bd33e2b 0000 00000000");
    append_and_sync(&v, 2);
    check_bytes(path.text,
                "4357494300000000 " RECORD("01", "00") RECORD("02", "14") "24*00 0014 5bd33e2b 0028 3eef4a4f");
    append_and_sync(&v, 3);
    check_bytes(path.text, "4357494300000000 " RECORD("01", "00") RECORD("02", "14")
                               RECORD("03", "28") "4*00 003c 98765c87 0028 3eef4a4f");
    append_and_sync(&v, 4);
    check_bytes(path.text,
                "4357494300000000 " RECORD("01", "00") RECORD("02", "14")
                    RECORD("03", "28") "00000000 003c 98765c87 0040 dc687cd3 "
                                       "00000004 000000000000003c 00000014 48*00 0010 e7544aab 0000 00000000");
    drop(&v);
}

/* The same bytes whichever process has written the earlier records. */
static void a_reopened_journal_goes_on_in_the_same_bytes(void **state)
{
    vectors_t v;
    make_journal(&v);
    path_t path = section_path(v.directory.text, "test_index", 7);
    for (uint8_t id = 1; id <= 4; id++) {
        append_and_sync(&v, id);
        assert_ok(oversized_close(v.journal));
        assert_ok(oversized_open(&v.config, &v.journal));
    }
    check_bytes(path.text,
                "4357494300000000 " RECORD("01", "00") RECORD("02", "14")
                    RECORD("03", "28") "00000000 003c 98765c87 0040 dc687cd3 "
                                       "00000004 000000000000003c 00000014 48*00 0010 e7544aab 0000 00000000");
    drop(&v);
}

static void an_empty_value_is_four_zeros(void **state)
{
    vectors_t v;
    make_journal(&v);
    uint8_t entry[SMALL_ENTRY] = {0};
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_append(v.journal, 7, entry, NULL, 0, NULL, NULL));
    assert_ok(oversized_sync(v.journal, 7));
    check_bytes(section_path(v.directory.text, "test_values", 7).text, "4357494300000000 00000000");
    assert_ok(oversized_read(v.journal, 7, 0, entry, &value));
    assert_int_equal(value.size, 0);
    segj_buffer_free(&value);
    drop(&v);
}

static void zstd_payloads_are_frames_of_the_one_shot_call(void **state)
{
    vectors_t v;
    make_journal(&v);
    uint8_t entry[SMALL_ENTRY] = {0};
    segj_buffer_t value = {NULL, 0, 0};
    oversized_abandon(v.journal);
    v.config.compression = 3;
    assert_ok(oversized_open(&v.config, &v.journal));
    assert_ok(oversized_append(v.journal, 7, entry, NULL, 0, NULL, NULL));
    assert_ok(oversized_append(v.journal, 7, entry, "abc", 3, NULL, NULL));
    assert_ok(oversized_sync(v.journal, 7));
    /* Bodies are zstd's own business; these two are too short to leave it a choice. */
    uint8_t frames[2][12] = {{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00},
                             {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x03, 0x19, 0x00, 0x00, 'a', 'b', 'c'}};
    uint8_t expected[8 + 9 + 4 + 12 + 4];
    encode_commonware_header(expected, COMMONWARE_V0, 0);
    encode_plain_frame(expected + 8, frames[0], 9);
    encode_plain_frame(expected + 21, frames[1], 12);
    bytes_t file = read_file(section_path(v.directory.text, "test_values", 7).text);
    assert_int_equal(file.size, sizeof expected);
    assert_memory_equal(file.data, expected, sizeof expected);
    free_bytes(&file);
    for (uint64_t i = 0; i < 2; i++) {
        assert_ok(oversized_read(v.journal, 7, i, entry, &value));
        assert_int_equal(value.size, 3 * i);
    }
    assert_memory_equal(value.data, "abc", 3);
    segj_buffer_free(&value);
    drop(&v);
}

static void crc_32c_is_castagnolis(void **state)
{
    static const uint8_t zeros[32];
    assert_int_equal(plain_checksum("123456789", 9), 0xE3069283);
    assert_int_equal(plain_checksum("", 0), 0);
    assert_int_equal(plain_checksum(zeros, sizeof zeros), 0x8A9136AA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_32c_is_castagnolis),
        cmocka_unit_test(the_values_file_is_a_header_and_frames),
        cmocka_unit_test(each_sync_uses_the_slot_that_is_not_synced),
        cmocka_unit_test(a_reopened_journal_goes_on_in_the_same_bytes),
        cmocka_unit_test(an_empty_value_is_four_zeros),
        cmocka_unit_test(zstd_payloads_are_frames_of_the_one_shot_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
