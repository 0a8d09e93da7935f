/*
 * command/output.c: what the commands print. Results go to standard output, everything else to standard error. Bytes of
 * a journal never reach a terminal as they are, unless that is asked for.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"

void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
}

void print_bytes(const void *bytes, size_t size)
{
    (void)fwrite(bytes, 1, size, stdout);
}

answer_t complain(answer_t answer, const char *format, ...)
{
    va_list arguments;
    (void)fflush(stdout);
    (void)fputs("segj: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return answer;
}

bool is_agreed(const char *format, ...)
{
    va_list arguments;
    char answer[8] = "";
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
        return false;
    (void)fflush(stdout);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputs(" [y/N] ", stderr);
    (void)fflush(stderr);
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

answer_t complain_of(const options_t *options, segj_status_t status)
{
    answer_t answer = status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_MISMATCH || status == SEGJ_ERR_CHECKSUM ||
                              status == SEGJ_ERR_COMPRESSION
                          ? ANSWER_DAMAGED
                          : ANSWER_FAILED;
    (void)complain(answer, "%s", segj_last_error());
    if (status == SEGJ_ERR_LOCKED)
        (void)complain(answer, "while a writer has the journal open, `segj stat %s` shows it", options->directory);
    else if (status == SEGJ_ERR_NOT_FOUND)
        (void)complain(answer, "partitions of other names than \"%s\" and \"%s\" are given by --index and --values",
                       options->index, options->values);
    else if (answer == ANSWER_DAMAGED)
        (void)complain(answer, "`segj stat %s` tells which sections are concerned", options->directory);
    return answer;
}

/* --- bytes --- */

void bytes_text(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000 && unit < 6; unit++)
        value /= 1000;
    (void)snprintf(text, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static char *hex_text(const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * size + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

/* Everything but printable ASCII becomes \xNN, and a backslash two. */
static char *plain_text(const uint8_t *bytes, size_t size)
{
    char *text = malloc(4 * size + 1);
    char *to = text;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\\')
            *to++ = '\\';
        if (bytes[i] >= 0x20 && bytes[i] < 0x7f)
            *to++ = (char)bytes[i];
        else
            to += snprintf(to, 5, "\\x%02x", (unsigned)bytes[i]);
    }
    *to = '\0';
    return text;
}

static char *base64_text(const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((size + 2) / 3 * 4 + 1);
    char *to = text;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three =
            (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        *to++ = digits[three >> 18];
        *to++ = digits[three >> 12 & 63];
        *to++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[three & 63] : '=';
    }
    *to = '\0';
    return text;
}

/* A number of 8 bytes, big-endian; bytes of another length are shown in hexadecimal digits. */
static char *number_text(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    char *text;
    if (size != 8)
        return hex_text(bytes, size);
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    text = malloc(24);
    if (text != NULL)
        (void)snprintf(text, 24, "%" PRIu64, number);
    return text;
}

char *shown_text(const void *bytes, size_t size, show_t show)
{
    switch (show) {
    case SHOW_TEXT:
        return plain_text(bytes, size);
    case SHOW_BASE64:
        return base64_text(bytes, size);
    case SHOW_U64:
        return number_text(bytes, size);
    default:
        return hex_text(bytes, size);
    }
}

void print_shown(const void *bytes, size_t size, show_t show)
{
    char *text = show == SHOW_RAW ? NULL : shown_text(bytes, size, show);
    if (show == SHOW_RAW)
        print_bytes(bytes, size);
    else
        print("%s", text != NULL ? text : "(out of memory)");
    free(text);
}
