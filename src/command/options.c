/*
 * command/options.c: the options of all commands. Each command has some of them, by their letters; an option that a
 * command does not have is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "command/command.h"

const known_option_t known_options[] = {
    {'j', {"json", no_argument, NULL, 'j'}, "-j, --json           JSON instead of text", NULL},
    {'n',
     {"number", required_argument, NULL, 'n'},
     "-n, --number=COUNT   so many records (retain: sections, watch: lines) at most",
     NULL},
    {'r', {"reverse", no_argument, NULL, 'r'}, "-r, --reverse        newest records first", NULL},
    {'e',
     {"entry", required_argument, NULL, 'e'},
     "-e, --entry=KIND     entries as hex, text, u64 or none",
     "hex text u64 none"},
    {'v',
     {"value", required_argument, NULL, 'v'},
     "-v, --value=KIND     values as raw, text, hex, base64 or none",
     "raw text hex base64 none"},
    {'t',
     {"threads", required_argument, NULL, 't'},
     "-t, --threads=COUNT  so many threads; as many as processors",
     NULL},
    {'l', {"limit", required_argument, NULL, 'l'}, "-l, --limit=BYTES    at most so many bytes a second", NULL},
    {'f', {"follow", no_argument, NULL, 'f'}, "-f, --follow         waits for records that come", NULL},
    {'b', {"bytes", required_argument, NULL, 'b'}, "-b, --bytes=COUNT    so many bytes of files at most", NULL},
    {'M', {"free", required_argument, NULL, 'M'}, "    --free=COUNT     so many bytes free where the values lie", NULL},
    {'y', {"yes", no_argument, NULL, 'y'}, "-y, --yes            removes without asking", NULL},
    {'d',
     {"dry-run", no_argument, NULL, 'd'},
     "-d, --dry-run        says what would be done, and changes nothing",
     NULL},
    {'O', {"to", required_argument, NULL, 'O'}, "    --to=DIR         a directory for the files; it is made", NULL},
    {'N', {"name", required_argument, NULL, 'N'}, "    --name=TEMPLATE  how names are made; \"%s/%P\"", NULL},
    {'T', {"tar", no_argument, NULL, 'T'}, "    --tar            a tar stream (ustar) instead of files", NULL},
    {'L', {"lines", no_argument, NULL, 'L'}, "    --lines          lines instead of files", NULL},
    {'I',
     {"fill", required_argument, NULL, 'I'},
     "    --fill=KIND      entries from zero, name or number; \"zero\"",
     "zero name number"},
    {'B',
     {"bare", no_argument, NULL, 'B'},
     "    --bare           takes values whose entries are lost, with zeros for these",
     NULL},
    {'E', {"entry-size", required_argument, NULL, 'E'}, "    --entry-size=COUNT   bytes of an entry", NULL},
    {'P', {"page-size", required_argument, NULL, 'P'}, "    --page-size=COUNT    logical bytes of an index page", NULL},
    {'F', {"format", required_argument, NULL, 'F'}, "    --format=NAME    native or commonware", "native commonware"},
    {'C',
     {"level", required_argument, NULL, 'C'},
     "    --level=COUNT    values are compressed anew, by zstd at this level; 0: not at all",
     NULL},
    {'A',
     {"native", required_argument, NULL, 'A'},
     "    --native=VERSION the copy is of this version of the native format, 1 or 2",
     "1 2"},
    {'S', {"from", required_argument, NULL, 'S'}, "    --from=N         sections from this one on", NULL},
    {'U', {"until", required_argument, NULL, 'U'}, "    --until=N        sections up to this one", NULL},
    {'Z', {"compressed", no_argument, NULL, 'Z'}, "    --compressed     values are compressed", NULL},
    {'i',
     {"index", required_argument, NULL, 'i'},
     "    --index=NAME     the partition of the index files; \"index\"",
     NULL},
    {'V',
     {"values", required_argument, NULL, 'V'},
     "    --values=NAME    the partition of the values files; \"values\"",
     NULL},
    {'h', {"help", no_argument, NULL, 'h'}, "-h, --help           this text", NULL},
    {.letter = '\0'},
};
enum { KNOWN = sizeof known_options / sizeof known_options[0] - 1 };

bool option_is_long(char letter)
{
    return strchr("iVBEPFZONTLICASUM", letter) != NULL;
}

bool command_has(const command_t *command, char letter)
{
    bool of_journals = strcmp(command->arguments, "SHELL") != 0;
    return (of_journals && (letter == 'i' || letter == 'V')) || letter == 'h' ||
           strchr(command->letters, letter) != NULL;
}

void options_help(const command_t *command)
{
    print("Usage: segj %s [OPTION...] %s\n\n%s\n\n", command->name, command->arguments, command->summary);
    for (size_t i = 0; i < KNOWN; i++)
        if (command_has(command, known_options[i].letter))
            print("  %s\n", known_options[i].text);
    print("\n%s", command->help);
}

static bool show_read(const char *text, bool value, show_t *show)
{
    static const struct {
        const char *word;
        show_t show;
        bool entries, values;
    } words[] = {{"none", SHOW_NONE, true, true}, {"hex", SHOW_HEX, true, true},        {"text", SHOW_TEXT, true, true},
                 {"u64", SHOW_U64, true, false},  {"base64", SHOW_BASE64, false, true}, {"raw", SHOW_RAW, false, true}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, text) == 0 && (value ? words[i].values : words[i].entries)) {
            *show = words[i].show;
            return true;
        }
    return false;
}

static bool count_read(const char *text, uint64_t *count)
{
    range_t range;
    if (strchr(text, ':') != NULL || !range_read(text, &range))
        return false;
    *count = range.section;
    return true;
}

static bool threads_read(const char *text, uint32_t *threads)
{
    uint64_t count;
    if (!count_read(text, &count) || count < 1 || count > 64)
        return false;
    *threads = (uint32_t)count;
    return true;
}

/* The same of what a configuration has at most. */
static bool size_read(const char *text, uint64_t least, uint64_t *size)
{
    return count_read(text, size) && *size >= least && *size <= UINT16_MAX;
}

static bool format_read(const char *text, bool *commonware)
{
    *commonware = strcmp(text, "commonware") == 0;
    return *commonware || strcmp(text, "native") == 0;
}

/* What zstd has at most, and 0; levels below 0 are of no use for storing. */
static bool level_read(const char *text, uint64_t *level)
{
    return count_read(text, level) && *level <= 22;
}

static bool fill_read(const char *text, fill_t *fill)
{
    static const char *const words[] = {"zero", "name", "number"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], text) == 0) {
            *fill = (fill_t)i;
            return true;
        }
    return false;
}

/* Takes an option about files. */
static bool option_take_files(options_t *options, int letter, const char *argument)
{
    switch (letter) {
    case 'O':
        options->to = argument;
        return argument[0] != '\0';
    case 'N':
        options->name = argument;
        return argument[0] != '\0';
    case 'T':
        options->tar = true;
        return true;
    case 'L':
        options->lines = true;
        return true;
    default:
        return fill_read(argument, &options->fill);
    }
}

/* Takes an option about a copy. */
static bool option_take_copy(options_t *options, int letter, const char *argument)
{
    switch (letter) {
    case 'C':
        return level_read(argument, &options->level);
    case 'A':
        return count_read(argument, &options->version) && options->version >= 1 && options->version <= 2;
    case 'S':
        return count_read(argument, &options->first_section);
    default:
        return count_read(argument, &options->last_section);
    }
}

/* Takes an option about a journal that does not tell what it is. */
static bool option_take_nature(options_t *options, int letter, const char *argument)
{
    switch (letter) {
    case 'B':
        options->bare = true;
        return true;
    case 'Z':
        options->compressed = true;
        return true;
    case 'E':
        return size_read(argument, 0, &options->entry_size);
    case 'P':
        return size_read(argument, 1, &options->page_size);
    default:
        options->format = true;
        return format_read(argument, &options->commonware);
    }
}

/* Takes an option; false: its argument is wrong. */
static bool option_take(options_t *options, int letter, const char *argument)
{
    switch (letter) {
    case 'j':
        options->json = true;
        return true;
    case 'r':
        options->reverse = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    case 'f':
        options->follow = true;
        return true;
    case 'i':
        options->index = argument;
        return true;
    case 'V':
        options->values = argument;
        return true;
    case 'n':
        return count_read(argument, &options->most);
    case 'y':
        options->yes = true;
        return true;
    case 'd':
        options->dry = true;
        return true;
    case 'b':
        return count_read(argument, &options->bytes);
    case 'M':
        return count_read(argument, &options->free_bytes);
    case 'l':
        return count_read(argument, &options->limit);
    case 't':
        return threads_read(argument, &options->threads);
    case 'e':
        return show_read(argument, false, &options->entry);
    case 'O':
    case 'N':
    case 'T':
    case 'L':
    case 'I':
        return option_take_files(options, letter, argument);
    case 'C':
    case 'A':
    case 'S':
    case 'U':
        return option_take_copy(options, letter, argument);
    case 'B':
    case 'E':
    case 'P':
    case 'F':
    case 'Z':
        return option_take_nature(options, letter, argument);
    default:
        return show_read(argument, true, &options->value);
    }
}

static bool usage(const command_t *command, const char *what, const char *text)
{
    (void)complain(ANSWER_USAGE, "%s%s; `segj %s --help` tells more", what, text, command->name);
    return false;
}

/* The arguments that are no options. */
static bool arguments_take(const command_t *command, int count, char **arguments, options_t *options)
{
    if (options->help)
        return true;
    if (count < 1)
        return usage(command, "an argument is missing: ", command->arguments);
    options->directory = arguments[0];
    if (!command->takes_more && count > (command->takes_range ? 2 : 1))
        return usage(command, "too many arguments: ", arguments[command->takes_range ? 2 : 1]);
    if (count < 2 && command->needs_range)
        return usage(command, "an argument is missing: ", command->arguments);
    if (count >= 2)
        options->range = arguments[1];
    if (count > 2) {
        options->more = arguments + 2;
        options->more_count = count - 2;
    }
    return true;
}

bool options_read(const command_t *command, int count, char **arguments, options_t *options)
{
    struct option longs[KNOWN + 1] = {{0}};
    char shorts[2 * KNOWN + 2] = "";
    size_t many = 0;
    size_t at = 0;
    *options = (options_t){.command = command->name,
                           .index = "index",
                           .values = "values",
                           .most = UINT64_MAX,
                           .bytes = UINT64_MAX,
                           .entry_size = UINT64_MAX,
                           .page_size = UINT64_MAX,
                           .level = UINT64_MAX,
                           .version = UINT64_MAX,
                           .last_section = UINT64_MAX,
                           .entry = SHOW_HEX,
                           .value = command->values ? SHOW_RAW : SHOW_NONE};
    shorts[at++] = ':'; /* it is said here what is wrong */
    for (size_t i = 0; i < KNOWN; i++) {
        if (!command_has(command, known_options[i].letter))
            continue;
        longs[many++] = known_options[i].option;
        if (option_is_long(known_options[i].letter))
            continue;
        shorts[at++] = known_options[i].letter;
        if (known_options[i].option.has_arg == required_argument)
            shorts[at++] = ':';
    }
    optind = 1;
    for (;;) {
        int letter = getopt_long(count, arguments, shorts, longs, NULL); /* NOLINT(concurrency-mt-unsafe): one thread */
        if (letter == -1)
            break;
        if (letter == '?')
            return usage(command, "there is no such option: ", arguments[optind - 1]);
        if (letter == ':')
            return usage(command, "an argument is missing: ", arguments[optind - 1]);
        if (!option_take(options, letter, optarg))
            return usage(command, "a wrong argument of an option: ", optarg);
    }
    return arguments_take(command, count - optind, arguments + optind, options);
}
