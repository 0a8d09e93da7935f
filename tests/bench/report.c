/*
 * bench/report.c: medians, quartiles and paired ratios, as text and as CSV.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"
#include "segjournal/version.h"

/* --- numbers --- */

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Between the two numbers that lie around it. */
static double quantile(const double *sorted, unsigned count, double part)
{
    double at = part * (count - 1);
    unsigned below = (unsigned)at;
    unsigned above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

bench_spread_t bench_spread(const double *numbers, unsigned count)
{
    double sorted[BENCH_ROUNDS];
    unsigned used = 0;
    for (unsigned i = 0; i < count; i++)
        if (!isnan(numbers[i]))
            sorted[used++] = numbers[i];
    if (used == 0)
        return (bench_spread_t){0, (double)NAN, (double)NAN, (double)NAN};
    qsort(sorted, used, sizeof *sorted, compare);
    return (bench_spread_t){used, quantile(sorted, used, 0.25), quantile(sorted, used, 0.5),
                            quantile(sorted, used, 0.75)};
}

bench_spread_t bench_row_spread(const bench_t *bench, bench_row_t row, unsigned contender)
{
    return bench_spread(bench->measured[row][contender].seconds, bench->rounds);
}

bench_spread_t bench_ratio_spread(const bench_t *bench, bench_row_t row, unsigned ours, unsigned other)
{
    double ratios[BENCH_ROUNDS];
    for (unsigned i = 0; i < bench->rounds; i++)
        ratios[i] = bench->measured[row][ours].seconds[i] / bench->measured[row][other].seconds[i];
    return bench_spread(ratios, bench->rounds);
}

static const char *three_digits(char *to, size_t room, double number, const char *unit)
{
    int digits = number < 1 ? 3 : number < 10 ? 2 : number < 100 ? 1 : 0;
    (void)snprintf(to, room, "%.*f %s", digits, number, unit);
    return to;
}

const char *bench_format(char *to, size_t room, const bench_t *bench, bench_row_t row, double seconds)
{
    if (isnan(seconds))
        return "-";
    if (bench_rows[row].share)
        return three_digits(to, room, seconds, "");
    if (bench_rows[row].rate) {
        double rate = (double)bench_divided(bench, bench_rows[row].operations) / seconds;
        if (rate >= 1e6)
            return three_digits(to, room, rate / 1e6, "M/s");
        return rate >= 1e3 ? three_digits(to, room, rate / 1e3, "k/s") : three_digits(to, room, rate, "/s");
    }
    if (seconds >= 0.1)
        return three_digits(to, room, seconds, "s");
    return seconds >= 1e-4 ? three_digits(to, room, seconds * 1e3, "ms") : three_digits(to, room, seconds * 1e6, "us");
}

bool bench_same_engine(const char *label, const char *other)
{
    size_t size = strcspn(label, "+");
    return size == strcspn(other, "+") && strncmp(label, other, size) == 0;
}

static bool is_ours(const bench_t *bench, unsigned contender)
{
    return bench_same_engine(bench->contenders[contender].label, "segjournal");
}

static bool has_row(const bench_t *bench, bench_row_t row, unsigned contender)
{
    return bench_row_spread(bench, row, contender).count > 0;
}

static bool row_has_numbers(const bench_t *bench, bench_row_t row)
{
    for (unsigned i = 0; i < bench->contenders_count; i++)
        if (has_row(bench, row, i))
            return true;
    return false;
}

/* --- text --- */

static void report_machine(const bench_t *bench, FILE *to)
{
    struct utsname system;
    char line[256], model[256] = "";
    FILE *cpu = fopen("/proc/cpuinfo", "r");
    while (cpu != NULL && model[0] == '\0' && fgets(line, sizeof line, cpu) != NULL)
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL)
            (void)snprintf(model, sizeof model, "%s", strchr(line, ':') + 2);
    if (cpu != NULL)
        (void)fclose(cpu);
    model[strcspn(model, "\n")] = '\0';
    (void)uname(&system);
    (void)fprintf(to, "segjournal %s; %s %s, %ld processors, %s; %u rounds after a discarded one", segj_version(),
                  system.sysname, system.release, sysconf(_SC_NPROCESSORS_ONLN), model, bench->rounds);
    if (bench->divisor > 1)
        (void)fprintf(to, "; SIZES DIVIDED BY %" PRIu64 ": no figures", bench->divisor);
    (void)fprintf(to, "\n\nEngines\n");
    for (unsigned i = 0; i < bench->contenders_count; i++)
        (void)fprintf(to, "  %-25s %s\n", bench->contenders[i].label, bench->contenders[i].options);
}

static void report_medians(const bench_t *bench, FILE *to)
{
    char text[32];
    (void)fprintf(to, "\nMedians\n\n| |");
    for (unsigned i = 0; i < bench->contenders_count; i++)
        (void)fprintf(to, " %s |", bench->contenders[i].label);
    (void)fprintf(to, "\n|---|");
    for (unsigned i = 0; i < bench->contenders_count; i++)
        (void)fprintf(to, "---|");
    (void)fputc('\n', to);
    for (unsigned row = 0; row < ROWS; row++) {
        if (!row_has_numbers(bench, (bench_row_t)row))
            continue;
        (void)fprintf(to, "| %s |", bench_rows[row].name);
        for (unsigned i = 0; i < bench->contenders_count; i++)
            (void)fprintf(to, " %s |",
                          bench_format(text, sizeof text, bench, (bench_row_t)row,
                                       bench_row_spread(bench, (bench_row_t)row, i).median));
        (void)fputc('\n', to);
    }
}

static void report_ratios(const bench_t *bench, FILE *to, bench_row_t row, unsigned other)
{
    for (unsigned ours = 0; ours < bench->contenders_count; ours++) {
        if (!is_ours(bench, ours) || !has_row(bench, row, ours))
            continue;
        bench_spread_t ratio = bench_ratio_spread(bench, row, ours, other);
        if (ours == other || ratio.count == 0)
            (void)fprintf(to, "  %-25s", "");
        else
            (void)fprintf(to, "  %5.2f [%5.2f %5.2f]%6s", ratio.median, ratio.low, ratio.high, "");
    }
}

/* Calls that wait for the device. */
static uint64_t flushes(const bench_measured_t *measured)
{
    const uint64_t *counts = measured->counts;
    return counts[BENCH_FSYNC] + counts[BENCH_FDATASYNC] + counts[BENCH_MSYNC] + counts[BENCH_DSYNC];
}

static void report_contender(const bench_t *bench, FILE *to, bench_row_t row, unsigned contender)
{
    char median[32], low[32], high[32], note[BENCH_NOTE + 4] = "";
    const bench_measured_t *measured = &bench->measured[row][contender];
    bench_spread_t spread = bench_row_spread(bench, row, contender);
    if (measured->note[0] != '\0')
        (void)snprintf(note, sizeof note, "  %s", measured->note);
    if (spread.count == 0 && note[0] == '\0')
        return;
    (void)fprintf(to, "  %-25s", bench->contenders[contender].label);
    if (spread.count == 0) {
        (void)fprintf(to, "%s\n", note);
        return;
    }
    (void)fprintf(to, " %9s  [%9s %9s]", bench_format(median, sizeof median, bench, row, spread.median),
                  bench_format(low, sizeof low, bench, row, spread.low),
                  bench_format(high, sizeof high, bench, row, spread.high));
    if (measured->counted)
        (void)fprintf(to, "  %6" PRIu64 " flushes", flushes(measured));
    else
        (void)fprintf(to, "  %14s", "");
    report_ratios(bench, to, row, contender);
    (void)fprintf(to, "%s\n", note);
}

static void report_row(const bench_t *bench, FILE *to, bench_row_t row)
{
    if (!row_has_numbers(bench, row))
        return;
    (void)fprintf(to, "\n%s: %s\n  %-25s %9s  [%9s %9s]  %14s", bench_rows[row].name, bench_rows[row].title, "",
                  "median", "quartiles", "", "");
    for (unsigned i = 0; i < bench->contenders_count; i++)
        if (is_ours(bench, i) && has_row(bench, row, i))
            (void)fprintf(to, "  %-25s", bench->contenders[i].label);
    (void)fputc('\n', to);
    for (unsigned i = 0; i < bench->contenders_count; i++)
        report_contender(bench, to, row, i);
}

static bool is_counted(const bench_t *bench, bench_row_t row, unsigned contender)
{
    const char *label = bench->contenders[contender].label;
    return bench->measured[row][contender].counted && (is_ours(bench, contender) || bench_same_engine(label, "floor"));
}

static void report_counts(const bench_t *bench, FILE *to)
{
    (void)fprintf(
        to,
        "\nCounted an operation, in the discarded round (calls of the system; bytes read and written by them; "
        "calls of malloc and its like; bytes given to memcpy)\n  %-5s %-25s",
        "", "");
    for (unsigned k = 0; k < BENCH_COUNTERS; k++)
        (void)fprintf(to, " %13s", bench_counter_names[k]);
    (void)fputc('\n', to);
    for (unsigned row = 0; row < ROWS; row++)
        for (unsigned i = 0; i < bench->contenders_count; i++) {
            if (!is_counted(bench, (bench_row_t)row, i))
                continue;
            double operations = (double)bench_divided(bench, bench_rows[row].operations);
            (void)fprintf(to, "  %-5s %-25s", bench_rows[row].name, bench->contenders[i].label);
            for (unsigned k = 0; k < BENCH_COUNTERS; k++)
                (void)fprintf(to, " %13.7g", (double)bench->measured[row][i].counts[k] / operations);
            (void)fputc('\n', to);
        }
}

void bench_report(const bench_t *bench, FILE *to)
{
    report_machine(bench, to);
    report_medians(bench, to);
    (void)fprintf(to,
                  "\nEach row: median, quartiles, calls that wait for the device (in the discarded round), and the "
                  "ratio of\nsegjournal's seconds to this engine's in the same round, median and quartiles: below 1 "
                  "segjournal is faster.\n");
    for (unsigned row = 0; row < ROWS; row++)
        report_row(bench, to, (bench_row_t)row);
    report_counts(bench, to);
}

/* --- CSV --- */

bool bench_write_csv(const bench_t *bench, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return bench_fail_errno(path);
    (void)fprintf(file, "row,engine,round,operations,seconds\n");
    for (unsigned row = 0; row < ROWS; row++)
        for (unsigned i = 0; i < bench->contenders_count; i++)
            for (unsigned round = 0; round < bench->rounds; round++) {
                double seconds = bench->measured[row][i].seconds[round];
                if (!isnan(seconds))
                    (void)fprintf(file, "%s,%s,%u,%" PRIu64 ",%.9f\n", bench_rows[row].name, bench->contenders[i].label,
                                  round + 1, bench_divided(bench, bench_rows[row].operations), seconds);
            }
    bool written = ferror(file) == 0;
    return (fclose(file) == 0 && written) || bench_fail_errno(path);
}
