/*
 * segj_bench: measures segjournal beside other stores, and beside a floor that does the necessary work alone.
 *
 *     segj_bench [OPTION...]
 *
 *     --rows W1,R1,...        only these rows; `--list` prints them
 *     --engines A,B,...       only these engines, with all their variants, or these variants (A+B)
 *     --rounds N              measured rounds, after one that is discarded; 5
 *     --directory DIR         where the stores go, on the file system to be measured; the current directory
 *     --divide N              sizes divided by N: to see that everything works, not to measure
 *     --external LABEL=PROGRAM  one more engine, a program of its own (engine_external.c has the protocol)
 *     --csv FILE, --chart FILE  every single measurement; a chart in SVG
 *
 * It is itself such a program: `segj_bench DIRECTORY POOL POOL` takes commands for the engine that SEGJ_BENCH_ENGINE
 * names, segjournal where it names none. So a build with another routine for checksums can stand beside this one.
 *
 * Exit status: 0; 1 when a turn failed; 2 for wrong arguments.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "serve.h"

typedef struct arguments {
    const char *rows, *engines, *csv, *chart;
    const char *externals[BENCH_CONTENDERS];
    unsigned externals_count;
    bool list;
} arguments_t;

static bool in_list(const char *list, const char *word, size_t size)
{
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

static bool wants_engine(const arguments_t *arguments, const char *label)
{
    return arguments->engines == NULL || in_list(arguments->engines, label, strlen(label)) ||
           in_list(arguments->engines, label, strcspn(label, "+"));
}

static void add_contender(bench_t *bench, const arguments_t *arguments, bench_contender_t contender)
{
    if (wants_engine(arguments, contender.label) && bench->contenders_count < BENCH_CONTENDERS)
        bench->contenders[bench->contenders_count++] = contender;
}

static bool add_contenders(bench_t *bench, const arguments_t *arguments)
{
    for (unsigned i = 0; bench_engines[i] != NULL; i++) {
        const bench_engine_t *engine = bench_engines[i];
        bench_contender_t contender = {
            .label = engine->label, .engine = engine, .writes = engine->writes, .reads = engine->reads};
        (void)snprintf(contender.options, sizeof contender.options, "%s", engine->options);
        add_contender(bench, arguments, contender);
    }
    for (unsigned i = 0; i < arguments->externals_count; i++) {
        char *label = strdup(arguments->externals[i]); /* lives as long as the process */
        char *program = label != NULL ? strchr(label, '=') : NULL;
        if (program == NULL)
            return bench_fail("--external takes LABEL=PROGRAM");
        *program++ = '\0';
        add_contender(bench, arguments,
                      (bench_contender_t){.label = label, .program = program, .writes = true, .reads = true});
    }
    return bench->contenders_count > 0 || bench_fail("no engine is left");
}

static bool choose_rows(bench_t *bench, const char *rows)
{
    bool any = false;
    for (unsigned row = 0; row < ROWS; row++) {
        bench->wanted[row] = rows == NULL || in_list(rows, bench_rows[row].name, strlen(bench_rows[row].name));
        any = any || bench->wanted[row];
        for (unsigned i = 0; i < BENCH_CONTENDERS; i++)
            for (unsigned round = 0; round < BENCH_ROUNDS; round++)
                bench->measured[row][i].seconds[round] = (double)NAN;
    }
    return any || bench_fail("no row is left");
}

static bool parse_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    unsigned long long parsed = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || parsed < 1 || parsed > most)
        return bench_fail("\"%s\" is no number from 1 to %" PRIu64, text, most);
    *number = parsed;
    return true;
}

static bool take_option(int option, bench_t *bench, arguments_t *arguments)
{
    uint64_t number;
    switch (option) {
    case 'w':
        arguments->rows = optarg;
        return true;
    case 'e':
        arguments->engines = optarg;
        return true;
    case 'd':
        bench->directory = optarg;
        return true;
    case 'c':
        arguments->csv = optarg;
        return true;
    case 's':
        arguments->chart = optarg;
        return true;
    case 'l':
        arguments->list = true;
        return true;
    case 'x':
        if (arguments->externals_count == BENCH_CONTENDERS)
            return bench_fail("too many engines");
        arguments->externals[arguments->externals_count++] = optarg;
        return true;
    case 'n':
        if (!parse_number(optarg, BENCH_ROUNDS, &number))
            return false;
        bench->rounds = (unsigned)number;
        return true;
    case 'v':
        return parse_number(optarg, UINT32_MAX, &bench->divisor);
    default:
        return bench_fail("see the head of tests/bench/main.c");
    }
}

static bool parse(int count, char **words, bench_t *bench, arguments_t *arguments)
{
    static const struct option options[] = {
        {"rows", required_argument, NULL, 'w'},   {"engines", required_argument, NULL, 'e'},
        {"rounds", required_argument, NULL, 'n'}, {"directory", required_argument, NULL, 'd'},
        {"divide", required_argument, NULL, 'v'}, {"external", required_argument, NULL, 'x'},
        {"csv", required_argument, NULL, 'c'},    {"chart", required_argument, NULL, 's'},
        {"list", no_argument, NULL, 'l'},         {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, words, "", options, NULL)) != -1)
        if (!take_option(option, bench, arguments))
            return false;
    if (optind < count)
        return bench_fail("\"%s\" is no option", words[optind]);
    return true;
}

static int serve(const char *directory)
{
    const char *label = getenv("SEGJ_BENCH_ENGINE");
    for (unsigned i = 0; bench_engines[i] != NULL; i++)
        if (strcmp(bench_engines[i]->label, label != NULL ? label : "segjournal") == 0)
            return bench_serve(bench_engines[i], directory, stdin, stdout);
    return 2;
}

static void list_rows(void)
{
    for (unsigned row = 0; row < ROWS; row++)
        (void)printf("%-5s %s\n", bench_rows[row].name, bench_rows[row].title);
    (void)printf("\nengines:");
    for (unsigned i = 0; bench_engines[i] != NULL; i++)
        (void)printf(" %s", bench_engines[i]->label);
    (void)printf("\n");
}

static bench_t all = {.rounds = 5, .divisor = 1, .directory = "."};

static void stop(int number)
{
    (void)number;
    all.stopped = 1;
}

/* Not restarted: whoever waits for an answer finds out. */
static void set_signals(void)
{
    struct sigaction stopping = {.sa_handler = stop};
    (void)sigaction(SIGINT, &stopping, NULL);
    (void)sigaction(SIGTERM, &stopping, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

int main(int count, char **words)
{
    if (count == 4 && words[1][0] != '-')
        return serve(words[1]);
    arguments_t arguments = {0};
    bool good =
        parse(count, words, &all, &arguments) && choose_rows(&all, arguments.rows) && add_contenders(&all, &arguments);
    if (good && arguments.list) {
        list_rows();
        return 0;
    }
    if (!good) {
        (void)fprintf(stderr, "segj_bench: %s\n", bench_failure());
        return 2;
    }
    set_signals();
    good = bench_run(&all);
    if (good)
        bench_report(&all, stdout);
    if (good && arguments.csv != NULL)
        good = bench_write_csv(&all, arguments.csv);
    if (good && arguments.chart != NULL)
        good = bench_write_chart(&all, arguments.chart);
    if (!good)
        (void)fprintf(stderr, "segj_bench: %s\n", bench_failure());
    return good && all.failures == 0 ? 0 : 1;
}
