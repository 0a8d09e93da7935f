/*
 * bench/turns.c: rounds and turns. In each round of a group every contender has one turn, in a fresh process and
 * (unless the group keeps them) a fresh directory; who begins moves on by one from round to round. Before a turn the
 * system has written what others left.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "data.h"

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void)found;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        perror(path);
}

static void fail_turn(bench_turn_t *turn, const bench_group_t *group)
{
    bench_t *bench = turn->bench;
    const char *label = bench->contenders[turn->contender].label;
    bench->failures++;
    (void)fprintf(stderr, "%s: %s, round %u: %s\n", group->name, label, turn->round, turn->answer);
    for (unsigned row = 0; row < ROWS; row++)
        if ((group->rows >> row & 1) != 0 && bench->measured[row][turn->contender].note[0] == '\0')
            bench_note(&bench->measured[row][turn->contender], turn->answer);
}

static void take_turn(bench_t *bench, const bench_group_t *group, unsigned contender, unsigned round,
                      const char *directory)
{
    bench_turn_t turn = {.bench = bench, .contender = contender, .round = round};
    bench_contender_t *taking = &bench->contenders[contender];
    bool fresh = !group->keep || round == 0;
    if (fresh && mkdir(directory, 0755) != 0 && !(group->share && errno == EEXIST)) {
        (void)snprintf(turn.answer, sizeof turn.answer, "error no directory: %s", strerror(errno));
        fail_turn(&turn, group);
        return;
    }
    sync();
    if (!bench_session_start(&turn.session, bench, taking, directory)) {
        (void)snprintf(turn.answer, sizeof turn.answer, "error %.900s", bench_failure());
        fail_turn(&turn, group);
        return;
    }
    bool good = bench_session_ask(&turn.session, "options", turn.answer, sizeof turn.answer) &&
                strncmp(turn.answer, "ok", 2) == 0;
    if (good && taking->options[0] == '\0')
        (void)snprintf(taking->options, sizeof taking->options, "%s", turn.answer + strspn(turn.answer, "ok "));
    if (good && round == 0)
        good = bench_session_ask(&turn.session, "count 1", turn.answer, sizeof turn.answer);
    if (!good || !group->run(&turn))
        fail_turn(&turn, group);
    bench_session_end(&turn.session, bench->stopped != 0);
    if (!group->keep)
        remove_tree(directory);
}

static bool wanted(const bench_t *bench, const bench_group_t *group)
{
    for (unsigned row = 0; row < ROWS; row++)
        if ((group->rows >> row & 1) != 0 && bench->wanted[row])
            return true;
    return false;
}

static void directory_of(const bench_t *bench, const bench_group_t *group, unsigned contender, char *to, size_t room)
{
    if (group->share)
        (void)snprintf(to, room, "%s/%s", bench->directory, group->name);
    else
        (void)snprintf(to, room, "%s/%s-%s", bench->directory, group->name, bench->contenders[contender].label);
}

static void run_group(bench_t *bench, const bench_group_t *group)
{
    char directory[4096];
    double start = bench_now();
    unsigned count = bench->contenders_count;
    (void)fprintf(stderr, "%-10s", group->name);
    for (unsigned round = 0; round <= bench->rounds && bench->stopped == 0; round++) {
        for (unsigned i = 0; i < count && bench->stopped == 0; i++) {
            unsigned contender = round == 0 ? i : (i + round) % count;
            if (!group->takes(&bench->contenders[contender]))
                continue;
            directory_of(bench, group, contender, directory, sizeof directory);
            take_turn(bench, group, contender, round, directory);
        }
        (void)fputc('.', stderr);
    }
    for (unsigned i = 0; i < count && group->keep; i++) {
        directory_of(bench, group, i, directory, sizeof directory);
        remove_tree(directory);
    }
    (void)fprintf(stderr, " %.0f s\n", bench_now() - start);
}

static bool write_pools(bench_t *bench)
{
    for (unsigned i = 0; i < BENCH_POOLS; i++) {
        const uint8_t *bytes = bench_pool((bench_pool_t)i);
        (void)snprintf(bench->pools[i], sizeof bench->pools[i], "%s/pool%u", bench->directory, i);
        FILE *file = bytes != NULL ? fopen(bench->pools[i], "w") : NULL;
        bool good = file != NULL && fwrite(bytes, 1, BENCH_POOL_SIZE, file) == BENCH_POOL_SIZE;
        if (file != NULL)
            good = fclose(file) == 0 && good;
        if (!good)
            return bench_fail_errno(bench->pools[i]);
    }
    return true;
}

bool bench_run(bench_t *bench)
{
    char directory[4096];
    (void)snprintf(directory, sizeof directory, "%s/segj_bench.XXXXXX", bench->directory);
    if (mkdtemp(directory) == NULL)
        return bench_fail_errno(directory);
    bench->directory = directory;
    bool good = write_pools(bench);
    for (unsigned i = 0; i < bench_groups_count && good; i++)
        if (bench->stopped == 0 && wanted(bench, &bench_groups[i]))
            run_group(bench, &bench_groups[i]);
    remove_tree(directory);
    return good && (bench->stopped == 0 || bench_fail("stopped"));
}
