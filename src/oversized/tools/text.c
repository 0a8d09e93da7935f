/* oversized/tools/text.c: see the header. */
#include "oversized/tools/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

segj_status_t segj_text_copy(const char *text, char **copy)
{
    size_t size = strlen(text) + 1;
    *copy = malloc(size);
    if (*copy == NULL)
        return segj_fail_memory(size);
    memcpy(*copy, text, size);
    return SEGJ_OK;
}

segj_status_t segj_text_format(char **made, const char *format, ...)
{
    char text[SEGJ_ERROR_CAPACITY];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return segj_text_copy(text, made);
}
