/*
 * interop/program/main.c: segj_interop, this library's side of the comparison with the crate. cmake/interop.sh calls
 * it.
 *
 *     generate RELEASE SEED COUNT            prints COUNT random scripts for a release of the crate
 *     play BATCH ROOT                        plays the scripts of a file below a directory, and prints what it sees
 *     texts LEFT RIGHT                       compares two such prints, script by script
 *     trees BATCH LEFT RIGHT                 compares the files that two sides have left
 *     damage RELEASE SEED BATCH A B TO-A TO-B
 *                                            copies what the scripts left below A or B to both TO-A and TO-B, damages it
 *                                            alike, and prints scripts that go on there
 *     swap RELEASE SEED BATCH A              prints scripts that go on in what is below A
 *
 *     chain RELEASE SEED COUNT LINK          prints that part of COUNT chains
 *     busy RELEASE SEED INDEX                prints a script to be killed in
 *     kill SEED INDEX TOLD PROGRAM...        runs a program, whose output goes to TOLD, and kills it amid its work
 *     reopen RELEASE SEED BATCH              prints scripts that go on in the same journals
 *     survived BATCH TOLD FOUND              looks for what the killed ones had synced, as TOLD/ID says, in FOUND
 *     hold DIRECTORY                         has a journal open until its input ends
 *     refused DIRECTORY                      that journal cannot be opened, because it is held
 *
 * RELEASE is 2026.2, or another with the container that new journals get: 2026.10/0, 2026.10/1; 2026.10/1+counts: as an
 * archive, with counts of what was synced.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "interop/chain.h"
#include "interop/edit.h"
#include "interop/generate.h"
#include "interop/image.h"
#include "interop/play.h"
#include "interop/process.h"
#include "interop/survived.h"
#include "interop/trees.h"
#include "support/support.h"

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        interop_die("%s cannot be read", path);
    return file;
}

static release_t release_of(const char *word)
{
    const char *header = strchr(word, '/');
    return (release_t){.newer = header != NULL,
                       .header = header != NULL && header[1] == '1',
                       .counts = header != NULL && strchr(header, '+') != NULL};
}

static int generate(char **words)
{
    release_t release = release_of(words[0]);
    uint64_t seed = strtoull(words[1], NULL, 10), count = strtoull(words[2], NULL, 10);
    printf("# seed %" PRIu64 "\n", seed);
    for (uint64_t i = 0; i < count; i++) {
        script_t script;
        generate_script(seed, i, release, &script);
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
    printf("%" PRIu64 " files have another container\n", tally.headers);
    printf("%" PRIu64 " pages stand for the same bytes: %" PRIu64 " with other slots (%" PRIu64
           " of them not the last), %" PRIu64 " with other padding\n",
           tally.pages, tally.slots, tally.slots_inner, tally.padding);
    return different > 0;
}

/* --- rounds two and three --- */

static void copy_partitions(const setting_t *from_setting, const char *from, const setting_t *to_setting,
                            const char *to)
{
    partition_names_t from_names, to_names;
    partition_names(from_setting, from_names);
    partition_names(to_setting, to_names);
    for (int i = 0; i < PARTITIONS; i++) {
        path_t source = join_path(from, from_names[i]), target = join_path(to, to_names[i]);
        if (path_exists(source.text))
            copy_tree(source.text, target.text);
    }
}

/** Its name tells how it is to be compared, which script's files it has, and whose. */
static void name_damaged(setting_t *setting, uint64_t number, compare_mode_t mode, char side, const char *directory)
{
    setting_t before = *setting;
    partition_names_t old, new;
    snprintf(setting->id, sizeof setting->id, "%c%" PRIu64 "-%c", (char)mode, number, side);
    partition_names(&before, old);
    partition_names(setting, new);
    for (int i = 0; i < PARTITIONS; i++) {
        path_t from = join_path(directory, old[i]), to = join_path(directory, new[i]);
        if (path_exists(from.text) && rename(from.text, to.text) != 0)
            interop_die("%s cannot be renamed", from.text);
    }
}

static int damage(char **words)
{
    release_t release = release_of(words[0]);
    uint64_t seed = strtoull(words[1], NULL, 10), counts[EDIT_KINDS] = {0};
    FILE *batch = open_file(words[2]);
    script_t script, next;
    for (uint64_t i = 0; script_read(batch, &script); script_free(&script), i++) {
        draw_t draw = draw_begin(seed ^ 0xDA, i);
        uint64_t side = draw_below(&draw, 2);
        setting_t setting = script.setting;
        setting.newer = release.newer;
        compare_mode_t mode = setting.zstd > 0 ? COMPARE_ENTRIES : COMPARE_PAGES;
        snprintf(setting.id, sizeof setting.id, "copy%" PRIu64, i);
        copy_partitions(&script.setting, words[3 + side], &setting, words[5]);
        edit_kind_t kind = draw_percent(&draw, 90) ? edit_tree(&draw, &setting, words[5], &mode) : EDIT_NOTHING;
        name_damaged(&setting, i, mode, side == 0 ? 'a' : 'b', words[5]);
        copy_partitions(&setting, words[5], &setting, words[6]);
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
    release_t release = release_of(words[0]);
    uint64_t seed = strtoull(words[1], NULL, 10);
    FILE *batch = open_file(words[2]);
    script_t script, next;
    for (uint64_t i = 0; script_read(batch, &script); script_free(&script), i++) {
        draw_t draw = draw_begin(seed ^ 0x5A, i);
        if (script.setting.id[0] == COMPARE_REFUSED_HERE || script.setting.id[0] == COMPARE_REFUSED_THERE)
            continue;
        script.setting.newer = release.newer;
        script_after_swap(&draw, &script.setting, words[3], &next);
        script_write(&next, stdout);
        script_free(&next);
    }
    fclose(batch);
    return 0;
}

/* --- chains, killed processes --- */

static int chain(char **words)
{
    release_t release = release_of(words[0]);
    uint64_t seed = strtoull(words[1], NULL, 10), count = strtoull(words[2], NULL, 10);
    for (uint64_t i = 0; i < count; i++) {
        script_t script;
        chain_script(seed, i, strtoull(words[3], NULL, 10), release, &script);
        script_write(&script, stdout);
        script_free(&script);
    }
    return 0;
}

static int busy(char **words)
{
    script_t script;
    busy_script(strtoull(words[1], NULL, 10), strtoull(words[2], NULL, 10), release_of(words[0]), &script);
    script_write(&script, stdout);
    script_free(&script);
    return 0;
}

static int kill_amid(char **words)
{
    draw_t draw = draw_begin(strtoull(words[0], NULL, 10) ^ 0x4B, strtoull(words[1], NULL, 10));
    kill_amid_work(&draw, words[2], words + 3);
    return 0;
}

static int reopen(char **words)
{
    release_t release = release_of(words[0]);
    FILE *batch = open_file(words[2]);
    script_t script, next;
    for (uint64_t i = 0; script_read(batch, &script); script_free(&script), i++) {
        draw_t draw = draw_begin(strtoull(words[1], NULL, 10) ^ 0x2E, i);
        script.setting.newer = release.newer;
        script_after_damage(&draw, &script.setting, &next);
        script_write(&next, stdout);
        script_free(&next);
    }
    fclose(batch);
    return 0;
}

static int survived(char **words)
{
    FILE *batch = open_file(words[0]), *found = open_file(words[2]);
    uint64_t missing = 0, synced = 0;
    char line[SCRIPT_LINE];
    script_t script;
    for (; script_read(batch, &script); script_free(&script)) {
        path_t path = join_path(words[1], script.setting.id);
        FILE *told = open_file(path.text);
        if (fgets(line, sizeof line, told) != NULL)
            missing += missing_records(&script, told, found, &synced);
        fclose(told);
    }
    fclose(batch);
    fclose(found);
    printf("%" PRIu64 " records were synced before a kill, %" PRIu64 " are missing\n", synced, missing);
    return missing > 0 || synced == 0;
}

static int hold(char **words)
{
    return hold_journal(words[0]);
}

static int refused(char **words)
{
    return refused_journal(words[0]);
}

int main(int count, char **words)
{
    static const struct {
        const char *name;
        int words; /* at least */
        int (*run)(char **words);
    } commands[] = {{"generate", 3, generate}, {"play", 2, play},     {"texts", 2, texts},       {"trees", 3, trees},
                    {"damage", 7, damage},     {"swap", 4, swap},     {"chain", 4, chain},       {"busy", 3, busy},
                    {"kill", 4, kill_amid},    {"reopen", 3, reopen}, {"survived", 3, survived}, {"hold", 1, hold},
                    {"refused", 1, refused}};
    for (size_t i = 0; count >= 2 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(words[1], commands[i].name) == 0 && count >= commands[i].words + 2)
            return commands[i].run(words + 2);
    fprintf(stderr, "usage: segj_interop COMMAND WORD...; the commands stand in program/main.c\n");
    return 2;
}
