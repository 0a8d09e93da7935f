/* rados/figures/chart.h: the figures as bars, in SVG, drawn as those of bench/chart.c are. */
#ifndef TESTS_RADOS_FIGURES_CHART_H
#define TESTS_RADOS_FIGURES_CHART_H

#include <stdbool.h>
#include <stddef.h>

enum { CHART_BARS = 3 };

typedef enum chart_kind { CHART_OURS, CHART_FOUR, CHART_CLUSTER } chart_kind_t;

typedef struct chart_bar {
    const char *label;
    chart_kind_t kind;
    double time;   /* any unit: shorter is better */
    char said[32]; /* behind the bar */
} chart_bar_t;

typedef struct chart_panel {
    const char *title, *beneath;
    chart_bar_t bars[CHART_BARS];
    size_t count;
} chart_panel_t;

bool chart_write(const char *path, const chart_panel_t *panels, size_t count, unsigned turns);

#endif
