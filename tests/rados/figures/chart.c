/* rados/figures/chart.c: see the header. Colours fit light and dark pages. */
#include "rados/figures/chart.h"

#include <stdio.h>
#include <string.h>

enum {
    PANEL_WIDTH = 300,
    LABEL_WIDTH = 92,
    BAR_WIDTH = 138,
    BAR_HEIGHT = 13,
    LINE_HEIGHT = 19,
    TITLE_HEIGHT = 40,
    PANEL_GAP = 16,
    HEAD_HEIGHT = 76
};

static const char style[] =
    "<style>\n"
    "text { font: 11.5px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #57606a; }\n"
    ".title { font-weight: 600; fill: #1f2328; }\n"
    ".head { font-size: 16px; font-weight: 600; fill: #1f2328; }\n"
    ".strong { font-weight: 600; fill: #0b57d0; }\n"
    ".page { fill: #ffffff; stroke: none; }\n"
    ".ours { fill: #2f6fde; }\n"
    ".four { fill: #8fb4f2; }\n"
    ".other { fill: #8c96a3; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "text { fill: #9ea7b3; }\n"
    ".title, .head { fill: #e6edf3; }\n"
    ".strong { fill: #79b0ff; }\n"
    ".page { fill: #0d1117; }\n"
    ".ours { fill: #4d8dff; }\n"
    ".four { fill: #2c4f8f; }\n"
    ".other { fill: #6b7684; }\n"
    "}\n"
    "</style>\n";

static void print_bar(FILE *to, const chart_bar_t *bar, double most, int x, int y)
{
    static const char *const kinds[] = {"ours", "four", "other"};
    const char *text = bar->kind == CHART_OURS ? "strong" : "plain";
    double width = BAR_WIDTH * bar->time / most;
    width = width > 1.5 ? width : 1.5;
    (void)fprintf(to, "<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", text, x + LABEL_WIDTH - 6,
                  y + BAR_HEIGHT - 2, bar->label);
    (void)fprintf(to, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n",
                  kinds[bar->kind], x + LABEL_WIDTH, y, width, BAR_HEIGHT);
    (void)fprintf(to, "<text class=\"%s\" x=\"%.1f\" y=\"%d\">%s</text>\n", text, x + LABEL_WIDTH + width + 5,
                  y + BAR_HEIGHT - 2, bar->said);
}

static void print_panel(FILE *to, const chart_panel_t *panel, int x, int y)
{
    double most = 0;
    for (size_t i = 0; i < panel->count; i++)
        most = panel->bars[i].time > most ? panel->bars[i].time : most;
    (void)fprintf(to, "<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>\n", x + 4, y + 13, panel->title);
    (void)fprintf(to, "<text class=\"plain\" x=\"%d\" y=\"%d\">%s</text>\n", x + 4, y + 29, panel->beneath);
    for (size_t i = 0; i < panel->count; i++)
        print_bar(to, &panel->bars[i], most, x, y + TITLE_HEIGHT + (int)i * LINE_HEIGHT);
}

bool chart_write(const char *path, const chart_panel_t *panels, size_t count, unsigned turns)
{
    int width = (int)count * (PANEL_WIDTH + PANEL_GAP) + PANEL_GAP;
    int height = HEAD_HEIGHT + TITLE_HEIGHT + CHART_BARS * LINE_HEIGHT + PANEL_GAP;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    (void)fprintf(file,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n"
                  "<title>Times of journals in a Ceph cluster and of the cluster's own tool</title>\n%s",
                  width, height, width, height, style);
    (void)fprintf(file,
                  "<rect class=\"page\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n"
                  "<text class=\"head\" x=\"20\" y=\"28\">Time taken in a cluster: shorter is better</text>\n"
                  "<text class=\"plain\" x=\"20\" y=\"47\">Medians of %u turns in which all take part; one monitor and "
                  "three OSDs, three copies, all on one machine.</text>\n",
                  width, height, turns);
    for (size_t i = 0; i < count; i++)
        print_panel(file, &panels[i], PANEL_GAP + (int)i * (PANEL_WIDTH + PANEL_GAP), HEAD_HEIGHT - 12);
    (void)fprintf(file, "</svg>\n");
    bool written = ferror(file) == 0;
    return fclose(file) == 0 && written;
}
