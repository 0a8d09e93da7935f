/* support/support.c: see support.h. */
#include "support/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "support/commonware.h"
#include "support/log.h"
#include "support/log_section.h"

/* SEGJ_TEST_ONLY names the test functions that are wanted, SEGJ_TEST_SKIP those that are not, with * and ?: every program
 * takes them. */
__attribute__((constructor)) static void take_filter(void)
{
    const char *only = getenv("SEGJ_TEST_ONLY");
    if (only != NULL && only[0] != '\0')
        cmocka_set_test_filter(only);
    const char *skip = getenv("SEGJ_TEST_SKIP");
    if (skip != NULL && skip[0] != '\0')
        cmocka_set_skip_filter(skip);
}

/* --- statuses --- */

void check_status(segj_status_t actual, segj_status_t expected, const char *call, const char *file, int line)
{
    if (actual == expected)
        return;
    print_error("%s\n  answers %s, expected %s\n", call, segj_status_name(actual), segj_status_name(expected));
    print_error("  last error: %s\n", segj_last_error());
    _fail(file, line);
}

/* Fails the test where an operation on the test's own files went wrong. */
static void require(bool holds, const char *operation, const char *path)
{
    if (holds)
        return;
    print_error("%s: %s: %s\n", path, operation, strerror(errno));
    fail();
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    require(memory != NULL, "calloc", "memory");
    return memory;
}

/* --- paths --- */

static path_t print_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

static path_t print_path(const char *format, ...)
{
    path_t path;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path.text, sizeof path.text, format, arguments);
    va_end(arguments);
    require(length > 0 && length < PATH_LIMIT, "a path too long for the tests", format);
    return path;
}

path_t join_path(const char *directory, const char *name)
{
    return print_path("%s/%s", directory, name);
}

path_t section_path(const char *directory, const char *partition, uint64_t section)
{
    return print_path("%s/%s/%016" PRIx64, directory, partition, section);
}

/* --- directories --- */

path_t make_temp_directory(void)
{
    const char *base = getenv("TMPDIR");
    path_t path = print_path("%s/segjournal-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    require(mkdtemp(path.text) != NULL, "mkdtemp", path.text);
    return path;
}

void make_directory(const char *path)
{
    require(mkdir(path, 0777) == 0, "mkdir", path);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static names_t list_all(const char *path)
{
    names_t list = {NULL, 0};
    DIR *directory = opendir(path);
    require(directory != NULL, "opendir", path);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char **longer = realloc(list.names, (list.count + 1) * sizeof *longer);
        require(longer != NULL, "realloc", path);
        list.names = longer;
        size_t size = strlen(entry->d_name) + 1;
        list.names[list.count] = allocate(size);
        memcpy(list.names[list.count++], entry->d_name, size);
    }
    closedir(directory);
    if (list.count > 0)
        qsort(list.names, list.count, sizeof *list.names, compare_names);
    return list;
}

names_t list_directory(const char *path)
{
    names_t list = list_all(path);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.names[i], ".hold") == 0)
            free(list.names[i]);
        else
            list.names[kept++] = list.names[i];
    list.count = kept;
    return list;
}

void free_names(names_t *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (names_t){NULL, 0};
}

static bool is_directory(const char *path)
{
    struct stat status;
    require(lstat(path, &status) == 0, "lstat", path);
    return S_ISDIR(status.st_mode);
}

void remove_tree(const char *path)
{
    if (!path_exists(path))
        return;
    if (!is_directory(path)) {
        remove_file(path);
        return;
    }
    names_t list = list_all(path);
    for (size_t i = 0; i < list.count; i++)
        remove_tree(join_path(path, list.names[i]).text);
    free_names(&list);
    require(rmdir(path) == 0, "rmdir", path);
}

void copy_tree(const char *from, const char *to)
{
    make_directory(to);
    names_t list = list_directory(from);
    for (size_t i = 0; i < list.count; i++) {
        path_t source = join_path(from, list.names[i]);
        path_t target = join_path(to, list.names[i]);
        if (is_directory(source.text)) {
            copy_tree(source.text, target.text);
            continue;
        }
        bytes_t content = read_file(source.text);
        write_file(target.text, content.data, content.size);
        free_bytes(&content);
    }
    free_names(&list);
}

/* Where the commonware format keeps it: in a partition beside. */
static path_t owner_beside(const char *directory, const char *index_partition)
{
    char name[PATH_MAX];
    (void)snprintf(name, sizeof name, ".%s.owner", index_partition);
    return join_path(directory, name);
}

void forget_owner(const char *directory, const char *index_partition)
{
    remove_tree(join_path(join_path(directory, index_partition).text, ".owner").text);
    remove_tree(owner_beside(directory, index_partition).text);
}

void share_owner(const char *directory, const char *copy, const char *index_partition)
{
    path_t from = join_path(join_path(directory, index_partition).text, ".owner");
    path_t to = join_path(join_path(copy, index_partition).text, ".owner");
    forget_owner(copy, index_partition);
    if (path_exists(from.text)) {
        bytes_t content = read_file(from.text);
        write_file(to.text, content.data, content.size);
        free_bytes(&content);
    }
    path_t beside = owner_beside(directory, index_partition);
    if (path_exists(beside.text))
        copy_tree(beside.text, owner_beside(copy, index_partition).text);
}

static void assert_files_equal(const char *left, const char *right)
{
    bytes_t a = read_file(left);
    bytes_t b = read_file(right);
    size_t same = 0;
    while (same < a.size && same < b.size && a.data[same] == b.data[same])
        same++;
    if (a.size != b.size || same < a.size) {
        print_error("%s (%zu bytes)\n%s (%zu bytes)\n  differ from byte %zu on\n", left, a.size, right, b.size, same);
        fail();
    }
    free_bytes(&a);
    free_bytes(&b);
}

void assert_trees_equal(const char *left, const char *right)
{
    names_t a = list_directory(left);
    names_t b = list_directory(right);
    for (size_t i = 0; i < a.count || i < b.count; i++) {
        const char *name = i < a.count ? a.names[i] : "(no further name)";
        const char *other = i < b.count ? b.names[i] : "(no further name)";
        if (strcmp(name, other) != 0) {
            print_error("%s has %s\n%s has %s\n", left, name, right, other);
            fail();
        }
        path_t one = join_path(left, name);
        path_t two = join_path(right, name);
        assert_int_equal(is_directory(one.text), is_directory(two.text));
        if (is_directory(one.text))
            assert_trees_equal(one.text, two.text);
        else
            assert_files_equal(one.text, two.text);
    }
    free_names(&a);
    free_names(&b);
}

/* --- raw files --- */

bool path_exists(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0)
        return true;
    require(errno == ENOENT, "lstat", path);
    return false;
}

uint64_t file_size(const char *path)
{
    struct stat status;
    require(stat(path, &status) == 0, "stat", path);
    return (uint64_t)status.st_size;
}

bytes_t read_file(const char *path)
{
    bytes_t content = {NULL, (size_t)file_size(path)};
    content.data = allocate(content.size);
    int file = open(path, O_RDONLY);
    require(file >= 0, "open", path);
    for (size_t done = 0; done < content.size;) {
        ssize_t got = pread(file, content.data + done, content.size - done, (off_t)done);
        require(got > 0, "pread", path);
        done += (size_t)got;
    }
    close(file);
    return content;
}

void free_bytes(bytes_t *bytes)
{
    free(bytes->data);
    *bytes = (bytes_t){NULL, 0};
}

void (*file_was_changed)(const char *path);

static void changed(const char *path)
{
    if (file_was_changed != NULL)
        file_was_changed(path);
}

static void write_through(int file, const char *path, uint64_t offset, const uint8_t *data, size_t size)
{
    require(file >= 0, "open", path);
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(file, data + done, size - done, (off_t)(offset + done));
        require(put > 0, "pwrite", path);
        done += (size_t)put;
    }
    require(close(file) == 0, "close", path);
    changed(path);
}

void write_file(const char *path, const void *data, size_t size)
{
    write_through(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666), path, 0, data, size);
}

void write_file_at(const char *path, uint64_t offset, const void *data, size_t size)
{
    write_through(open(path, O_WRONLY), path, offset, data, size);
}

void resize_file(const char *path, uint64_t size)
{
    require(truncate(path, (off_t)size) == 0, "truncate", path);
    changed(path);
}

void remove_file(const char *path)
{
    require(unlink(path) == 0, "unlink", path);
    changed(path);
}

/* --- integers --- */

void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, (uint16_t)(value >> 16));
    put_u16(at + 2, (uint16_t)value);
}

void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)(value >> 32));
    put_u32(at + 4, (uint32_t)value);
}

uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

uint64_t get_u64(const uint8_t *at)
{
    return (uint64_t)get_u32(at) << 32 | get_u32(at + 4);
}

/* --- checksums: zlib's CRC-32, which continues from its own last result and restarts when it is given no bytes --- */

static uint32_t continue_crc(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uLong sum = crc;
    while (size > 0) {
        uInt part = size > 1u << 30 ? 1u << 30 : (uInt)size;
        sum = crc32(sum, at, part);
        at += part;
        size -= part;
    }
    return (uint32_t)sum;
}

/* Checksum of two numbers, the place, and of what lies there. */
static uint32_t place_checksum(uint64_t section, uint64_t place, const void *bytes, size_t size)
{
    uint8_t bound[16];
    put_u64(bound, section);
    put_u64(bound + 8, place);
    return continue_crc(continue_crc(0, bound, sizeof bound), bytes, size);
}

uint32_t page_checksum(uint64_t section, uint64_t page, const void *bytes, size_t size)
{
    return place_checksum(section, page, bytes, size);
}

uint32_t frame_checksum(uint64_t section, uint64_t offset, const void *payload, size_t size)
{
    return place_checksum(section, offset, payload, size);
}

/* --- headers --- */

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

void encode_identity(uint8_t *block, const identity_t *identity)
{
    memset(block, 0, HEADER_BLOCK);
    memcpy(block, "SEGJ", 4);
    put_u16(block + 4, identity->version);
    block[6] = identity->kind;
    block[7] = identity->compression;
    put_u16(block + 8, identity->page_size);
    put_u32(block + 12, identity->record_size);
    put_u64(block + 16, identity->section);
    put_u32(block + 28, continue_crc(0, block, 28));
}

bool decode_identity(const uint8_t *block, identity_t *identity)
{
    bool valid = memcmp(block, "SEGJ", 4) == 0 && get_u32(block + 28) == continue_crc(0, block, 28);
    valid = valid && all_zero(block + 10, 2) && all_zero(block + 24, 4) && all_zero(block + 32, HEADER_BLOCK - 32);
    if (!valid)
        return false;
    identity->version = get_u16(block + 4);
    identity->kind = block[6];
    identity->compression = block[7];
    identity->page_size = get_u16(block + 8);
    identity->record_size = get_u32(block + 12);
    identity->section = get_u64(block + 16);
    return true;
}

/* Of the section number and the slot's first 12 bytes. */
static uint32_t watermark_checksum(uint64_t section, const uint8_t *slot)
{
    uint8_t bound[8];
    put_u64(bound, section);
    return continue_crc(continue_crc(0, bound, sizeof bound), slot, 12);
}

void encode_watermark(uint8_t *block, uint64_t section, watermark_t watermark)
{
    memset(block, 0, HEADER_BLOCK);
    put_u64(block, watermark.records);
    put_u32(block + 8, watermark.sequence);
    put_u32(block + 12, watermark_checksum(section, block));
}

bool decode_watermark(const uint8_t *block, uint64_t section, watermark_t *watermark)
{
    if (get_u32(block + 12) != watermark_checksum(section, block))
        return false;
    watermark->records = get_u64(block);
    watermark->sequence = get_u32(block + 8);
    return true;
}

uint64_t effective_watermark(const uint8_t *slots, uint64_t section)
{
    watermark_t a = {0, 0};
    watermark_t b = {0, 0};
    bool has_a = decode_watermark(slots, section, &a);
    bool has_b = decode_watermark(slots + HEADER_BLOCK, section, &b);
    if (has_a && has_b)
        return b.sequence > a.sequence ? b.records : a.records;
    return has_a ? a.records : b.records;
}

/* --- pages, records, frames --- */

page_slot_t make_slot(uint64_t section, uint64_t page, const void *bytes, uint16_t length)
{
    return (page_slot_t){length, page_checksum(section, page, bytes, length)};
}

void encode_page(uint8_t *physical, uint16_t page_size, const void *bytes, size_t size, page_slot_t first,
                 page_slot_t second)
{
    assert_true(size <= page_size);
    memset(physical, 0, (size_t)page_size + PAGE_CHECKSUMS);
    memcpy(physical, bytes, size);
    uint8_t *slots = physical + page_size;
    put_u16(slots, first.length);
    put_u32(slots + 2, first.checksum);
    put_u16(slots + 6, second.length);
    put_u32(slots + 8, second.checksum);
}

uint16_t decode_page(const uint8_t *physical, uint16_t page_size, uint64_t section, uint64_t page)
{
    const uint8_t *slots = physical + page_size;
    uint16_t authoritative = 0;
    for (size_t i = 0; i < 2; i++) {
        uint16_t length = get_u16(slots + 6 * i);
        bool fits = length >= 1 && length <= page_size;
        if (fits && get_u32(slots + 6 * i + 2) == page_checksum(section, page, physical, length))
            authoritative = length > authoritative ? length : authoritative;
    }
    return authoritative;
}

void encode_record(uint8_t *record, const void *entry, size_t entry_size, oversized_location_t location)
{
    if (entry_size > 0)
        memcpy(record, entry, entry_size);
    put_u64(record + entry_size, location.offset);
    put_u32(record + entry_size + 8, location.size);
}

oversized_location_t decode_location(const uint8_t *record, size_t entry_size)
{
    return (oversized_location_t){get_u64(record + entry_size), get_u32(record + entry_size + 8)};
}

void encode_frame(uint8_t *frame, uint64_t section, uint64_t offset, const void *payload, size_t size)
{
    if (size > 0)
        memcpy(frame, payload, size);
    put_u32(frame + size, frame_checksum(section, offset, payload, size));
}

/* --- whole files --- */

void write_index_file(const char *path, const identity_t *identity, uint64_t watermark, const void *records,
                      size_t size)
{
    const uint8_t *bytes = records;
    uint16_t page_size = identity->page_size;
    assert_true(page_size > 0);
    size_t physical = (size_t)page_size + PAGE_CHECKSUMS;
    size_t pages = (size + page_size - 1) / page_size;
    bytes_t file = {NULL, INDEX_DATA_OFFSET + pages * physical};
    file.data = allocate(file.size);
    encode_identity(file.data, identity);
    if (watermark > 0)
        encode_watermark(file.data + HEADER_BLOCK, identity->section, (watermark_t){watermark, 1});
    for (size_t page = 0; page < pages; page++) {
        size_t left = size - page * page_size;
        uint16_t length = left < page_size ? (uint16_t)left : page_size;
        page_slot_t slot = make_slot(identity->section, page, bytes + page * page_size, length);
        encode_page(file.data + INDEX_DATA_OFFSET + page * physical, page_size, bytes + page * page_size, length, slot,
                    (page_slot_t){0, 0});
    }
    write_file(path, file.data, file.size);
    free_bytes(&file);
}

void write_values_file(const char *path, uint64_t section, const segj_slice_t *values, size_t count)
{
    bytes_t file = {NULL, VALUES_DATA_OFFSET};
    for (size_t i = 0; i < count; i++)
        file.size += values[i].size + FRAME_CHECKSUM;
    file.data = allocate(file.size);
    encode_identity(file.data, &(identity_t){.version = 1, .kind = IDENTITY_VALUES, .section = section});
    size_t end = VALUES_DATA_OFFSET;
    for (size_t i = 0; i < count; i++) {
        encode_frame(file.data + end, section, end - VALUES_DATA_OFFSET, values[i].data, values[i].size);
        end += values[i].size + FRAME_CHECKSUM;
    }
    write_file(path, file.data, file.size);
    free_bytes(&file);
}

/* --- a section at rest --- */

static void check_identity(const char *path, const bytes_t *file, const identity_t *expected)
{
    identity_t found = {0};
    if (!decode_identity(file->data, &found)) {
        print_error("%s: no valid identity block\n", path);
        fail();
    }
    assert_int_equal(found.version, 1);
    assert_int_equal(found.kind, expected->kind);
    assert_int_equal(found.page_size, expected->page_size);
    assert_int_equal(found.record_size, expected->record_size);
    assert_int_equal(found.section, expected->section);
}

static void check_slots(const char *path, const uint8_t *slots, uint64_t section)
{
    watermark_t a;
    watermark_t b;
    if (!decode_watermark(slots, section, &a) || !decode_watermark(slots + HEADER_BLOCK, section, &b))
        return;
    if (a.records == b.records) {
        print_error("%s: both watermark slots are valid and hold %" PRIu64 "\n", path, a.records);
        fail();
    }
}

/* Gathers the logical bytes of all pages. */
static bytes_t load_pages(const char *path, const bytes_t *file, uint16_t page_size, uint64_t section)
{
    size_t physical = (size_t)page_size + PAGE_CHECKSUMS;
    size_t pages = (file->size - INDEX_DATA_OFFSET) / physical;
    if ((file->size - INDEX_DATA_OFFSET) % physical != 0) {
        print_error("%s: %zu bytes end inside a page\n", path, file->size);
        fail();
    }
    bytes_t logical = {allocate(pages * page_size), 0};
    for (size_t page = 0; page < pages; page++) {
        const uint8_t *at = file->data + INDEX_DATA_OFFSET + page * physical;
        uint16_t length = decode_page(at, page_size, section, page);
        if (length == 0 || (length < page_size && page + 1 < pages)) {
            print_error("%s: page %zu of %zu holds %u valid bytes\n", path, page, pages, (unsigned)length);
            fail();
        }
        memcpy(logical.data + logical.size, at, length);
        logical.size += length;
    }
    return logical;
}

static void load_index(const oversized_config_t *config, uint64_t section, section_image_t *image)
{
    path_t path = section_path(config->directory, config->index_partition, section);
    uint32_t record_size = config->entry_size + LOCATION_BYTES;
    identity_t expected = {1, IDENTITY_INDEX, 0, config->page_size, record_size, section};
    bytes_t file = read_file(path.text);
    if (file.size < INDEX_DATA_OFFSET) {
        print_error("%s: %zu bytes are no index file\n", path.text, file.size);
        fail();
    }
    check_identity(path.text, &file, &expected);
    check_slots(path.text, file.data + HEADER_BLOCK, section);
    image->watermark = effective_watermark(file.data + HEADER_BLOCK, section);
    image->logical = load_pages(path.text, &file, config->page_size, section);
    assert_int_equal(image->logical.size % record_size, 0);
    image->records = image->logical.size / record_size;
    free_bytes(&file);
}

static void load_frames(const oversized_config_t *config, uint64_t section, section_image_t *image)
{
    path_t path = section_path(config->directory, config->value_partition, section);
    image->has_values_file = path_exists(path.text);
    if (!image->has_values_file) {
        assert_int_equal(image->records, 0);
        return;
    }
    bytes_t file = read_file(path.text);
    if (file.size < VALUES_DATA_OFFSET) {
        print_error("%s: %zu bytes are no values file\n", path.text, file.size);
        fail();
    }
    check_identity(path.text, &file, &(identity_t){.kind = IDENTITY_VALUES, .section = section});
    image->frames.size = file.size - VALUES_DATA_OFFSET;
    image->frames.data = allocate(image->frames.size);
    memcpy(image->frames.data, file.data + VALUES_DATA_OFFSET, image->frames.size);
    free_bytes(&file);
}

void load_section(const oversized_config_t *config, uint64_t section, section_image_t *image)
{
    if (config->format == SEGJ_FORMAT_COMMONWARE) {
        load_commonware_section(config, section, image);
        return;
    }
    if (tested_version() == 2) {
        load_log_section(config, section, image);
        return;
    }
    *image = (section_image_t){0};
    load_index(config, section, image);
    load_frames(config, section, image);
    size_t record_size = config->entry_size + LOCATION_BYTES;
    uint64_t end = 0;
    for (uint64_t i = 0; i < image->records; i++) {
        oversized_location_t at = decode_location(image->logical.data + i * record_size, config->entry_size);
        assert_int_equal(at.offset, end);
        assert_true(at.size >= FRAME_CHECKSUM);
        end += at.size;
        assert_true(end <= image->frames.size);
        const uint8_t *frame = image->frames.data + at.offset;
        size_t payload = at.size - FRAME_CHECKSUM;
        assert_int_equal(get_u32(frame + payload), frame_checksum(section, at.offset, frame, payload));
    }
    assert_int_equal(image->frames.size, end);
}

void free_section(section_image_t *image)
{
    free_bytes(&image->logical);
    free_bytes(&image->frames);
    *image = (section_image_t){0};
}

/* --- journals --- */

segj_format_t tested_format(void)
{
    const char *name = getenv("SEGJ_TEST_FORMAT");
    return name != NULL && strcmp(name, "commonware") == 0 ? SEGJ_FORMAT_COMMONWARE : SEGJ_FORMAT_NATIVE;
}

uint8_t tested_version(void)
{
    const char *name = getenv("SEGJ_TEST_FORMAT");
    if (tested_format() != SEGJ_FORMAT_NATIVE)
        return 0;
    return name != NULL && strcmp(name, "native2") == 0 ? 2 : 1;
}

size_t tested_head(size_t entry_size)
{
    return tested_version() == 2 ? LOG_HEAD + entry_size : 0;
}

uint64_t tested_frame_end(oversized_location_t location, size_t entry_size)
{
    return location.offset + tested_head(entry_size) + location.size;
}

void not_in_version_2(void)
{
    if (tested_version() == 2)
        SKIP("version 2 writes other bytes, or loses less");
}

void for_version_1_only(void)
{
    for_native_only();
    if (tested_version() == 2)
        SKIP("version 1 of the native format alone has this");
}

void for_native_only(void)
{
    if (tested_format() != SEGJ_FORMAT_NATIVE)
        SKIP("the native format alone has this");
}

uint64_t tested_index_data(void)
{
    return tested_format() == SEGJ_FORMAT_NATIVE ? INDEX_DATA_OFFSET : COMMONWARE_V0;
}

uint64_t tested_values_data(void)
{
    return tested_format() == SEGJ_FORMAT_NATIVE ? VALUES_DATA_OFFSET : COMMONWARE_V0;
}

void small_config(oversized_config_t *config, const char *directory)
{
    oversized_config_init(config);
    config->format = tested_format();
    config->native_version = tested_version();
    config->directory = directory;
    config->index_partition = "test_index";
    config->value_partition = "test_values";
    config->entry_size = SMALL_ENTRY;
    config->page_size = SMALL_PAGE;
    config->page_cache_pages = 8;
    config->index_write_buffer = 1024;
    config->value_write_buffer = 1024;
}

oversized_location_t append_filled(oversized_t *journal, uint64_t section, uint64_t id, uint8_t fill, size_t size,
                                   uint64_t *position)
{
    uint8_t entry[SMALL_ENTRY];
    put_u64(entry, id);
    uint8_t *value = allocate(size);
    memset(value, fill, size);
    oversized_location_t location = {UINT64_MAX, 0};
    assert_ok(oversized_append(journal, section, entry, value, size, position, &location));
    free(value);
    return location;
}

static void check_fill(const segj_buffer_t *value, uint8_t fill, size_t size)
{
    assert_int_equal(value->size, size);
    const uint8_t *bytes = value->data;
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], fill);
}

void check_filled(oversized_t *journal, uint64_t section, uint64_t position, uint64_t id, uint8_t fill, size_t size)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_location_t location = {UINT64_MAX, 0};
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_get(journal, section, position, entry, &location));
    assert_int_equal(get_u64(entry), id);
    assert_ok(oversized_get_value(journal, section, location, &value));
    check_fill(&value, fill, size);
    memset(entry, 0, sizeof entry);
    assert_ok(oversized_read(journal, section, position, entry, &value));
    assert_int_equal(get_u64(entry), id);
    check_fill(&value, fill, size);
    segj_buffer_free(&value);
}
