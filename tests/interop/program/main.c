/*
 * interop/program/main.c: segj_interop, this library's side of the comparison with the crate. cmake/interop.sh calls it.
 *
 *     generate SEED COUNT                    prints COUNT random scripts
 *     play BATCH ROOT                        plays the scripts of a file below a directory, and prints what it sees
 *     texts LEFT RIGHT                       compares two such prints, script by script
 *     trees BATCH LEFT RIGHT                 compares the files that two sides have left
 *     damage SEED BATCH A B TO-A TO-B        copies what the scripts left below A or B to both TO-A and TO-B, damages it
 *                                            alike, and prints scripts that go on there
 *     swap SEED BATCH A                      prints scripts that go on in what is below A
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "interop/edit.h"
#include "interop/generate.h"
#include "interop/image.h"
#include "interop/play.h"
#include "interop/trees.h"
#include "support/support.h"

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        interop_die("%s cannot be read", path);
    return file;
}

static int generate(char **words)
{
    uint64_t seed = strtoull(words[0], NULL, 10), count = strtoull(words[1], NULL, 10);
    printf("# seed %" PRIu64 "\n", seed);
    for (uint64_t i = 0; i < count; i++) {
        script_t script;
        generate_script(seed, i, &script);
        script_write(&script, stdout);
        script_free(&script);
    }
    return 0;
}

static int play(char **words)
{
    FILE *batch = open_file(words[0]);
    script_t script;
    for (; script_read(batch, &script); script_free(&script))
        play_script(&script, words[1], stdout);
    fclose(batch);
    return 0;
}

/* --- texts --- */

typedef struct text {
    FILE *file;
    char line[SCRIPT_LINE], script[SCRIPT_LINE], operation[SCRIPT_LINE];
    bool more;
} text_t;

static void next_line(text_t *text)
{
    text->more = fgets(text->line, sizeof text->line, text->file) != NULL;
    if (!text->more)
        snprintf(text->line, sizeof text->line, "the end of the text\n");
    else if (strncmp(text->line, "script ", 7) == 0)
        snprintf(text->script, sizeof text->script, "%s", text->line);
    else if (text->line[0] != ' ')
        snprintf(text->operation, sizeof text->operation, "%s", text->line);
}

static void next_script(text_t *text)
{
    do
        next_line(text);
    while (text->more && strncmp(text->line, "script ", 7) != 0);
}

/** What open answered: the line behind it. */
static void next_answer(text_t *text)
{
    next_line(text);
    next_line(text);
}

/** A script whose first operation one side refuses and the other does not, as its name says. */
static bool judged_apart(text_t *left, text_t *right)
{
    bool here = left->script[7] == COMPARE_REFUSED_HERE;
    next_answer(left);
    next_answer(right);
    const text_t *refuses = here ? left : right, *opens = here ? right : left;
    return strcmp(refuses->line, "  refused\n") == 0 && strcmp(opens->line, "  ok\n") == 0;
}

/** Compares a line of both; false where the rest of the script is of no more interest. */
static bool same_line(text_t *left, text_t *right, uint64_t counts[3], bool *different)
{
    *different = strcmp(left->line, right->line) != 0;
    if (*different || strncmp(left->line, "script ", 7) != 0)
        return !*different;
    counts[0]++;
    if (left->script[7] != COMPARE_REFUSED_HERE && left->script[7] != COMPARE_REFUSED_THERE)
        return true;
    counts[1]++;
    *different = !judged_apart(left, right);
    return false;
}

static int texts(char **words)
{
    enum { TOLD = 20 };
    text_t left = {.file = open_file(words[0])}, right = {.file = open_file(words[1])};
    uint64_t counts[3] = {0};
    next_line(&left);
    next_line(&right);
    while (left.more || right.more) {
        bool different;
        bool on = same_line(&left, &right, counts, &different);
        if (different && counts[2]++ < TOLD)
            printf("%s  %s  %s: %s  %s: %s", left.script, left.operation, words[0], left.line, words[1], right.line);
        (on ? next_line : next_script)(&left);
        (on ? next_line : next_script)(&right);
    }
    printf("%" PRIu64 " scripts told, %" PRIu64 " of them refused by one side as they should be, %" PRIu64
           " in different ways\n",
           counts[0], counts[1], counts[2]);
    fclose(left.file);
    fclose(right.file);
    return counts[2] > 0;
}

/* --- trees --- */

static int trees(char **words)
{
    enum { TOLD = 20 };
    FILE *batch = open_file(words[0]);
    script_t script;
    tally_t tally = {0};
    uint64_t different = 0;
    for (; different < TOLD && script_read(batch, &script); script_free(&script))
        different += !compare_trees(&script.setting, words[1], words[2], &tally);
    fclose(batch);
    printf("%" PRIu64 " trees with %" PRIu64 " files compared: %" PRIu64 " are equal byte for byte, %" PRIu64
           " differ too much\n",
           tally.trees, tally.files, tally.equal_trees, different);
    printf("%" PRIu64 " pages stand for the same bytes: %" PRIu64 " with other slots (%" PRIu64
           " of them not the last), %" PRIu64 " with other padding\n",
           tally.pages, tally.slots, tally.slots_inner, tally.padding);
    return different > 0;
}

/* --- rounds two and three --- */

static void copy_partitions(const setting_t *from_setting, const char *from, const setting_t *to_setting,
                            const char *to)
{
    char from_names[2][NAME_LIMIT + 8], to_names[2][NAME_LIMIT + 8];
    partition_names(from_setting, from_names[0], from_names[1]);
    partition_names(to_setting, to_names[0], to_names[1]);
    for (int i = 0; i < 2; i++) {
        path_t source = join_path(from, from_names[i]), target = join_path(to, to_names[i]);
        if (path_exists(source.text))
            copy_tree(source.text, target.text);
    }
}

/** Its name tells how it is to be compared, which script's files it has, and whose. */
static void name_damaged(setting_t *setting, uint64_t number, compare_mode_t mode, char side, const char *directory)
{
    setting_t before = *setting;
    char old[2][NAME_LIMIT + 8], new[2][NAME_LIMIT + 8];
    snprintf(setting->id, sizeof setting->id, "%c%" PRIu64 "-%c", (char)mode, number, side);
    partition_names(&before, old[0], old[1]);
    partition_names(setting, new[0], new[1]);
    for (int i = 0; i < 2; i++) {
        path_t from = join_path(directory, old[i]), to = join_path(directory, new[i]);
        if (path_exists(from.text) && rename(from.text, to.text) != 0)
            interop_die("%s cannot be renamed", from.text);
    }
}

static int damage(char **words)
{
    uint64_t seed = strtoull(words[0], NULL, 10), counts[EDIT_KINDS] = {0};
    FILE *batch = open_file(words[1]);
    script_t script, next;
    for (uint64_t i = 0; script_read(batch, &script); script_free(&script), i++) {
        draw_t draw = draw_begin(seed ^ 0xDA, i);
        uint64_t side = draw_below(&draw, 2);
        setting_t setting = script.setting;
        compare_mode_t mode = setting.zstd > 0 ? COMPARE_ENTRIES : COMPARE_PAGES;
        snprintf(setting.id, sizeof setting.id, "copy%" PRIu64, i);
        copy_partitions(&script.setting, words[2 + side], &setting, words[4]);
        edit_kind_t kind = draw_percent(&draw, 90) ? edit_tree(&draw, &setting, words[4], &mode) : EDIT_NOTHING;
        name_damaged(&setting, i, mode, side == 0 ? 'a' : 'b', words[4]);
        copy_partitions(&setting, words[4], &setting, words[5]);
        counts[kind]++;
        printf("# %s: %s\n", setting.id, edit_name(kind));
        script_after_damage(&draw, &setting, &next);
        script_write(&next, stdout);
        script_free(&next);
    }
    fclose(batch);
    for (edit_kind_t kind = 0; kind < EDIT_KINDS; kind++)
        fprintf(stderr, "  %5" PRIu64 "  %s\n", counts[kind], edit_name(kind));
    return 0;
}

static int swap(char **words)
{
    uint64_t seed = strtoull(words[0], NULL, 10);
    FILE *batch = open_file(words[1]);
    script_t script, next;
    for (uint64_t i = 0; script_read(batch, &script); script_free(&script), i++) {
        draw_t draw = draw_begin(seed ^ 0x5A, i);
        if (script.setting.id[0] == COMPARE_REFUSED_HERE || script.setting.id[0] == COMPARE_REFUSED_THERE)
            continue;
        script_after_swap(&draw, &script.setting, words[2], &next);
        script_write(&next, stdout);
        script_free(&next);
    }
    fclose(batch);
    return 0;
}

int main(int count, char **words)
{
    static const struct {
        const char *name;
        int words;
        int (*run)(char **words);
    } commands[] = {{"generate", 2, generate}, {"play", 2, play},     {"texts", 2, texts},
                    {"trees", 3, trees},       {"damage", 6, damage}, {"swap", 3, swap}};
    for (size_t i = 0; count >= 2 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(words[1], commands[i].name) == 0 && count == commands[i].words + 2)
            return commands[i].run(words + 2);
    fprintf(stderr, "usage: segj_interop generate|play|texts|trees|damage|swap ...\n");
    return 2;
}
