/* command/range.c: which records a command line names: "N", "N:P", "N:P-Q", "N:P-". */
#include <errno.h>
#include <stdlib.h>

#include "command/command.h"

/* A number in decimal digits, or in hexadecimal ones after "0x". */
static bool number_read(const char **text, uint64_t *number)
{
    char *end;
    bool hexadecimal = (*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X');
    const char *digits = *text + (hexadecimal ? 2 : 0);
    bool digit =
        (*digits >= '0' && *digits <= '9') || (hexadecimal && ((*digits | 0x20) >= 'a' && (*digits | 0x20) <= 'f'));
    if (!digit)
        return false;
    errno = 0;
    unsigned long long read = strtoull(digits, &end, hexadecimal ? 16 : 10);
    *number = read;
    *text = end;
    return errno == 0 && read <= UINT64_MAX;
}

bool range_read(const char *text, range_t *range)
{
    *range = (range_t){.all = text == NULL, .first = 0, .last = UINT64_MAX};
    if (text == NULL)
        return true;
    if (!number_read(&text, &range->section))
        return false;
    if (*text == '\0')
        return true;
    if (*text++ != ':' || !number_read(&text, &range->first))
        return false;
    range->last = range->first;
    if (*text == '\0')
        return true;
    if (*text++ != '-')
        return false;
    range->last = UINT64_MAX;
    return *text == '\0' || (number_read(&text, &range->last) && *text == '\0' && range->last >= range->first);
}
