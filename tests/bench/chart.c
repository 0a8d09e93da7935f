/*
 * bench/chart.c: a chart in SVG. One panel a row, one bar an engine (its fastest variant), as long as the time it took;
 * what takes much longer than segjournal is cut off and marked. Colours fit light and dark pages.
 */
#include <math.h>
#include <string.h>

#include "bench.h"

#define COLUMNS 3
#define PANEL_WIDTH 300
#define LABEL_WIDTH 74
#define BAR_WIDTH 156
#define BAR_HEIGHT 13
#define LINE_HEIGHT 19
#define TITLE_HEIGHT 40
#define PANEL_GAP 16
#define HEAD_HEIGHT 76
#define CUT_AT 5.0 /* times what segjournal took */

static const bench_row_t panels[] = {ROW_W1, ROW_W2, ROW_W3, ROW_W4, ROW_W5, ROW_R1, ROW_R2, ROW_R3, ROW_O1};
#define PANELS (sizeof panels / sizeof panels[0])

typedef struct bar {
    char label[32];
    double seconds;
} bar_t;

typedef struct panel {
    bar_t bars[BENCH_CONTENDERS];
    unsigned count;
    double ours;
} panel_t;

static void add_bar(panel_t *panel, const char *label, double seconds)
{
    if (isnan(seconds) || strncmp(label, "segjournal-", 11) == 0) /* another build of the library */
        return;
    for (unsigned i = 0; i < panel->count; i++)
        if (bench_same_engine(panel->bars[i].label, label)) {
            panel->bars[i].seconds = fmin(panel->bars[i].seconds, seconds);
            return;
        }
    bar_t *bar = &panel->bars[panel->count++];
    (void)snprintf(bar->label, sizeof bar->label, "%.*s", (int)strcspn(label, "+"), label);
    bar->seconds = seconds;
}

static panel_t gather(const bench_t *bench, bench_row_t row)
{
    panel_t panel = {.count = 0, .ours = (double)NAN};
    for (unsigned i = 0; i < bench->contenders_count; i++)
        add_bar(&panel, bench->contenders[i].label, bench_row_spread(bench, row, i).median);
    for (unsigned i = 0; i < panel.count; i++)
        if (strcmp(panel.bars[i].label, "segjournal") == 0)
            panel.ours = panel.bars[i].seconds;
    return panel;
}

static double longest(const panel_t *panel)
{
    double most = 0;
    for (unsigned i = 0; i < panel->count; i++)
        most = fmax(most, panel->bars[i].seconds);
    return isnan(panel->ours) ? most : fmin(most, CUT_AT * panel->ours);
}

static void print_bar(const bench_t *bench, FILE *to, bench_row_t row, const bar_t *bar, double most, int x, int y)
{
    char text[32];
    bool cut = bar->seconds > most;
    double width = fmax(1.5, BAR_WIDTH * fmin(bar->seconds, most) / most);
    const char *kind = strcmp(bar->label, "segjournal") == 0 ? "ours"
                       : strcmp(bar->label, "floor") == 0    ? "floor"
                                                             : "other";
    (void)fprintf(to, "<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
                  strcmp(kind, "ours") == 0 ? "strong" : "plain", x + LABEL_WIDTH - 6, y + BAR_HEIGHT - 2, bar->label);
    (void)fprintf(to, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n", kind,
                  x + LABEL_WIDTH, y, width, BAR_HEIGHT);
    if (cut) /* two slanted gaps */
        (void)fprintf(to, "<path class=\"gap\" d=\"M%.1f %dl5 %dM%.1f %dl5 %d\"/>\n", x + LABEL_WIDTH + width - 20,
                      y - 1, BAR_HEIGHT + 2, x + LABEL_WIDTH + width - 14, y - 1, BAR_HEIGHT + 2);
    (void)fprintf(to, "<text class=\"%s\" x=\"%.1f\" y=\"%d\">%s</text>\n",
                  strcmp(kind, "ours") == 0 ? "strong" : "plain", x + LABEL_WIDTH + width + 5, y + BAR_HEIGHT - 2,
                  bench_format(text, sizeof text, bench, row, bar->seconds));
}

static void print_panel(const bench_t *bench, FILE *to, bench_row_t row, const panel_t *panel, int x, int y)
{
    const char *title = bench_rows[row].title;
    const char *comma = strstr(title, ", ");
    int split = comma != NULL ? (int)(comma - title) : (int)strlen(title);
    (void)fprintf(to, "<text class=\"title\" x=\"%d\" y=\"%d\">%s  %.*s</text>\n", x + 4, y + 13, bench_rows[row].name,
                  split, title);
    (void)fprintf(to, "<text class=\"plain\" x=\"%d\" y=\"%d\">%s</text>\n", x + 4, y + 29,
                  comma != NULL ? comma + 2 : "");
    double most = longest(panel);
    for (unsigned i = 0; i < panel->count; i++)
        print_bar(bench, to, row, &panel->bars[i], most, x, y + TITLE_HEIGHT + (int)i * LINE_HEIGHT);
}

static void print_head(FILE *to, int width, int height, unsigned rounds)
{
    (void)fprintf(
        to,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n"
        "<title>Times of segjournal and of other stores</title>\n"
        "<style>\n"
        "text { font: 11.5px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #57606a; }\n"
        ".title { font-weight: 600; fill: #1f2328; }\n"
        ".head { font-size: 16px; font-weight: 600; fill: #1f2328; }\n"
        ".strong { font-weight: 600; fill: #0b57d0; }\n"
        ".page, .gap { fill: #ffffff; stroke: none; }\n"
        ".gap { fill: none; stroke: #ffffff; stroke-width: 2.5; }\n"
        ".ours { fill: #2f6fde; }\n"
        ".floor { fill: #c3cad3; }\n"
        ".other { fill: #8c96a3; }\n"
        "@media (prefers-color-scheme: dark) {\n"
        "text { fill: #9ea7b3; }\n"
        ".title, .head { fill: #e6edf3; }\n"
        ".strong { fill: #79b0ff; }\n"
        ".page { fill: #0d1117; }\n"
        ".gap { stroke: #0d1117; }\n"
        ".ours { fill: #4d8dff; }\n"
        ".floor { fill: #3d4651; }\n"
        ".other { fill: #6b7684; }\n"
        "}\n"
        "</style>\n",
        width, height, width, height);
    (void)fprintf(
        to,
        "<rect class=\"page\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n"
        "<text class=\"head\" x=\"20\" y=\"28\">Time taken: shorter is better</text>\n"
        "<text class=\"plain\" x=\"20\" y=\"47\">Medians of %u rounds in which all take turns; of each engine "
        "its fastest variant. Cut bars would be more than %.0f times as long as segjournal's.</text>\n"
        "<text class=\"plain\" x=\"20\" y=\"63\">Behind each bar stands the time, or for reads their rate. "
        "floor: a bare program that does the necessary work and nothing else.</text>\n",
        width, height, rounds, CUT_AT);
}

bool bench_write_chart(const bench_t *bench, const char *path)
{
    panel_t gathered[PANELS];
    unsigned most_bars = 0, rows = (PANELS + COLUMNS - 1) / COLUMNS;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return bench_fail_errno(path);
    for (unsigned i = 0; i < PANELS; i++) {
        gathered[i] = gather(bench, panels[i]);
        most_bars = gathered[i].count > most_bars ? gathered[i].count : most_bars;
    }
    int panel_height = TITLE_HEIGHT + (int)most_bars * LINE_HEIGHT + PANEL_GAP;
    print_head(file, COLUMNS * (PANEL_WIDTH + PANEL_GAP) + PANEL_GAP,
               HEAD_HEIGHT + (int)rows * panel_height + PANEL_GAP, bench->rounds);
    for (unsigned i = 0; i < PANELS; i++)
        if (gathered[i].count > 0)
            print_panel(bench, file, panels[i], &gathered[i],
                        PANEL_GAP + (int)(i % COLUMNS) * (PANEL_WIDTH + PANEL_GAP),
                        HEAD_HEIGHT + 8 + (int)(i / COLUMNS) * panel_height);
    (void)fprintf(file, "</svg>\n");
    bool written = ferror(file) == 0;
    return (fclose(file) == 0 && written) || bench_fail_errno(path);
}
