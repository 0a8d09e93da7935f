/* command/tar.c: see the header. Members are regular files and directories; all else is refused. */
#include "command/tar.h"

#include <string.h>

/* Fields of a header: where they begin, and their bytes. */
#define NAME_SIZE 100
#define MODE 100
#define OWNER 108
#define GROUP 116
#define SIZE 124
#define SIZE_DIGITS 11
#define TIME 136
#define SUM 148
#define SUM_SIZE 8
#define KIND 156
#define MAGIC 257
#define PREFIX 345
#define PREFIX_SIZE 155

bool tar_name_is_tame(const char *name)
{
    if (name[0] == '\0' || name[0] == '/')
        return false;
    while (*name != '\0') {
        size_t size = strcspn(name, "/");
        if (size == 0 || (size == 1 && name[0] == '.') || (size == 2 && name[0] == '.' && name[1] == '.'))
            return false;
        name += size;
        if (*name == '/' && *++name == '\0')
            return false;
    }
    return true;
}

size_t tar_padding(uint64_t size)
{
    return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

static void put_octal(uint8_t *field, size_t digits, uint64_t number)
{
    for (size_t i = digits; i > 0; i--, number >>= 3)
        field[i - 1] = (uint8_t)('0' + (number & 7));
}

/* Digits, with spaces before them, and one or no space or NUL after them. */
static bool get_octal(const uint8_t *field, size_t size, uint64_t *number)
{
    size_t at = 0;
    *number = 0;
    while (at < size && field[at] == ' ')
        at++;
    size_t first = at;
    for (; at < size && field[at] >= '0' && field[at] <= '7'; at++)
        *number = *number << 3 | (uint64_t)(field[at] - '0');
    if (at == first)
        return false;
    for (; at < size; at++)
        if (field[at] != ' ' && field[at] != '\0')
            return false;
    return true;
}

/* The checksum field counts as spaces. */
static uint64_t sum_of(const uint8_t *block)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= SUM && i < SUM + SUM_SIZE ? ' ' : block[i];
    return sum;
}

/* Where a name is divided into prefix and rest; its size: it fits whole. False: nowhere. */
static bool find_division(const char *name, size_t size, size_t *at)
{
    *at = size;
    if (size <= NAME_SIZE)
        return true;
    for (size_t i = size > PREFIX_SIZE ? PREFIX_SIZE : size - 1; i > 0; i--)
        if (name[i] == '/' && size - i - 1 <= NAME_SIZE) {
            *at = i;
            return true;
        }
    return false;
}

bool tar_make(const tar_member_t *member, uint8_t *block)
{
    size_t size = strlen(member->name);
    size_t division;
    memset(block, 0, TAR_BLOCK);
    if (!find_division(member->name, size, &division))
        return false;
    if (division < size) {
        memcpy(block + PREFIX, member->name, division);
        memcpy(block, member->name + division + 1, size - division - 1);
    } else {
        memcpy(block, member->name, size);
    }
    put_octal(block + MODE, 7, 0644);
    put_octal(block + OWNER, 7, 0);
    put_octal(block + GROUP, 7, 0);
    put_octal(block + SIZE, SIZE_DIGITS, member->size);
    put_octal(block + TIME, 11, 0);
    block[KIND] = '0';
    memcpy(block + MAGIC, "ustar\00000", 8);
    put_octal(block + SUM, 6, sum_of(block));
    block[SUM + 7] = ' ';
    return true;
}

static bool is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i] != 0)
            return false;
    return true;
}

static size_t text_size(const uint8_t *field, size_t most)
{
    const uint8_t *end = memchr(field, 0, most);
    return end != NULL ? (size_t)(end - field) : most;
}

static void get_name(const uint8_t *block, bool posix, char *name)
{
    size_t prefix = posix ? text_size(block + PREFIX, PREFIX_SIZE) : 0;
    size_t rest = text_size(block, NAME_SIZE);
    memcpy(name, block + PREFIX, prefix);
    if (prefix > 0)
        name[prefix++] = '/';
    memcpy(name + prefix, block, rest);
    name[prefix + rest] = '\0';
}

const char *tar_read(const uint8_t *block, tar_member_t *member, bool *end)
{
    uint64_t sum;
    *end = is_zero(block);
    if (*end)
        return NULL;
    if (!get_octal(block + SUM, SUM_SIZE, &sum) || sum != sum_of(block))
        return "this is no header of a member: its checksum is wrong";
    bool posix = memcmp(block + MAGIC, "ustar\00000", 8) == 0;
    if (!posix && memcmp(block + MAGIC, "ustar  ", 8) != 0)
        return "the member is not in the ustar format; make the stream with tar --format=ustar";
    get_name(block, posix, member->name);
    member->is_file = block[KIND] == '0' || block[KIND] == 0;
    if (!member->is_file && block[KIND] != '5')
        return "the member is no regular file and no directory, or of another format; tar --format=ustar makes streams "
               "without such";
    if (!get_octal(block + SIZE, SIZE_DIGITS + 1, &member->size))
        return "the size of the member is no octal number";
    if (!member->is_file)
        member->size = 0;
    return NULL;
}
