/*
 * command/picture.c: `segj map`: a journal as a picture, by what an inspection says. Few sections are bars with a line
 * of text each; of many each is an upright bar, so many in a row as there is room for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"

#define WIDE 1000 /* of the picture, in pixels */
#define EDGE 24
#define TOP 128       /* where the sections begin */
#define LINES_MOST 64 /* so many sections have a line each */
#define LINE_HIGH 22
#define NOTE_HIGH 16
#define BAR_LEFT 180   /* of a bar that lies */
#define BAR_WIDE 590.0 /* of the largest */
#define COLUMNS 200    /* of a row of upright bars */
#define ROW_HIGH 56.0
#define ROW_LEFT 180
#define ROW_WIDE 796.0
#define NOTES_MOST 24
#define NATIVE_DATA 4096u /* where values begin in a file of the native format */

/* What a part of a section is, with its colour. */
typedef enum part { PART_SYNCED, PART_KEPT, PART_CUT, PART_LOST, PART_REFUSED, PARTS } part_t;

static const struct {
    const char *fill, *text;
} parts[PARTS] = {
    [PART_SYNCED] = {"#2b6cb0", "synced"},
    [PART_KEPT] = {"#90cdf4", "not known to be synced"},
    [PART_CUT] = {"url(#cut)", "would be cut by an open"},
    [PART_LOST] = {"#e53e3e", "synced and lost"},
    [PART_REFUSED] = {"url(#refused)", "refused by an open"},
};

/** A section as it is drawn: bytes of each part, roughly: they are shared out by records. */
typedef struct bar {
    double bytes[PARTS];
    double sum;
} bar_t;

/** The picture. */
typedef struct picture {
    const options_t *options;
    const oversized_inspection_t *found;
    double most; /* bytes of the largest bar */
} picture_t;

/* --- text --- */

/* Of a name or a sentence: what XML has for itself is written otherwise, and what is no text is not written. */
static void print_escaped(const char *text, size_t most)
{
    size_t at = 0;
    for (; text[at] != '\0' && at < most; at++) {
        unsigned char byte = (unsigned char)text[at];
        if (byte == '<')
            print("&lt;");
        else if (byte == '>')
            print("&gt;");
        else if (byte == '&')
            print("&amp;");
        else if (byte == '"')
            print("&quot;");
        else
            print("%c", byte >= 0x20 && byte < 0x7f ? byte : '?');
    }
    if (text[at] != '\0')
        print("...");
}

/* 1234567 as "1,234,567". */
static void print_grouped(uint64_t number)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < size; i++)
        print("%s%c", i > 0 && (size - i) % 3 == 0 ? "," : "", digits[i]);
}

static void print_records(uint64_t records)
{
    print_grouped(records);
    print(" record%s", records == 1 ? "" : "s");
}

static void print_bytes_text(double bytes)
{
    char text[32];
    bytes_text(bytes < 0 ? 0 : (uint64_t)bytes, text, sizeof text);
    print("%s", text);
}

/* --- what is drawn of a section --- */

static double overhead_of(const oversized_inspection_t *found, const oversized_look_t *look)
{
    bool native = found->config.format == SEGJ_FORMAT_NATIVE;
    double header = native ? NATIVE_DATA + (look->dictionary + NATIVE_DATA - 1) / NATIVE_DATA * NATIVE_DATA : 0;
    double head = native && found->version == 2 ? (double)found->config.entry_size + OVERSIZED_FRAME_HEAD : 0;
    return header + head * (double)look->records;
}

static bar_t bar_of(const oversized_inspection_t *found, const oversized_look_t *look)
{
    bar_t bar = {.sum = 0};
    double stored = (double)look->stored_bytes;
    double records = (double)look->records;
    double synced = look->synced_records < look->records ? (double)look->synced_records : records;
    double rest = (double)look->value_bytes - stored - overhead_of(found, look);
    if (look->health == OVERSIZED_REFUSED) {
        bar.bytes[PART_REFUSED] = (double)look->value_bytes;
    } else if (!look->has_index) {
        bar.bytes[PART_CUT] = (double)look->value_bytes;
    } else {
        bar.bytes[PART_SYNCED] = records > 0 ? stored * synced / records : 0;
        bar.bytes[PART_KEPT] = stored - bar.bytes[PART_SYNCED];
        if (look->health != OVERSIZED_CLEAN && rest > 0)
            bar.bytes[PART_CUT] = rest;
        if (look->lost_records > 0)
            bar.bytes[PART_LOST] = (records > 0 ? stored / records : 1) * (double)look->lost_records;
    }
    for (int part = 0; part < PARTS; part++)
        bar.sum += bar.bytes[part];
    return bar;
}

/* What the mouse shows. */
static void print_tip(const oversized_look_t *look)
{
    print("<title>section %" PRIu64 ": ", look->section);
    print_records(look->records);
    print(", ");
    print_bytes_text((double)look->stored_bytes);
    print(", %s", health_word(look->health));
    if (look->problem[0] != '\0') {
        print("&#10;");
        print_escaped(look->problem, 400);
    }
    print("</title>");
}

/* Whether a part is seen whatever its size: what is wrong must not be too small. */
static double least_of(int part)
{
    return part == PART_LOST || part == PART_REFUSED ? 5 : 1.5;
}

/* --- few sections --- */

static const char *mark_of(oversized_health_t health)
{
    return health == OVERSIZED_CLEAN ? "#2f855a" : health == OVERSIZED_REPAIR ? "#b7791f" : "#c53030";
}

static void print_note(double y, const oversized_look_t *look)
{
    print("<text x=\"%d\" y=\"%.0f\" font-size=\"11\" fill=\"%s\">", BAR_LEFT, y, mark_of(look->health));
    print_escaped(look->problem, 124);
    print("</text>\n");
}

static double draw_line(const picture_t *picture, double y, const oversized_look_t *look)
{
    bar_t bar = bar_of(picture->found, look);
    double x = BAR_LEFT;
    print("<g>");
    print_tip(look);
    print("<rect x=\"0\" y=\"%.0f\" width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", y, WIDE, LINE_HIGH);
    print("<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\" fill=\"%s\">%" PRIu64 "</text>\n", BAR_LEFT - 10, y + 15,
          look->health == OVERSIZED_CLEAN ? "#2d3748" : mark_of(look->health), look->section);
    print("<rect x=\"%d\" y=\"%.0f\" width=\"%.0f\" height=\"14\" fill=\"#edf2f7\"/>\n", BAR_LEFT, y + 4, BAR_WIDE);
    for (int part = 0; part < PARTS; part++) {
        if (bar.bytes[part] <= 0)
            continue;
        double wide = bar.bytes[part] / picture->most * (BAR_WIDE - 16);
        wide = wide < least_of(part) ? least_of(part) : wide;
        print("<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n", x, y + 4, wide,
              parts[part].fill);
        x += wide;
    }
    print("<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\" font-size=\"12\">", WIDE - EDGE, y + 15);
    print_records(look->records);
    print(", ");
    print_bytes_text((double)look->stored_bytes);
    print("%s</text></g>\n", look->compressed ? " zstd" : "");
    y += LINE_HIGH;
    if (look->problem[0] == '\0')
        return y;
    print_note(y + 10, look);
    return y + NOTE_HIGH;
}

/* --- many sections --- */

static void draw_upright(const picture_t *picture, double x, double wide, double bottom, const oversized_look_t *look)
{
    bar_t bar = bar_of(picture->found, look);
    double y = bottom;
    print("<g>");
    print_tip(look);
    for (int part = 0; part < PARTS; part++) {
        if (bar.bytes[part] <= 0)
            continue;
        double high = bar.bytes[part] / picture->most * (ROW_HIGH - 16);
        high = high < least_of(part) ? least_of(part) : high;
        y -= high;
        print("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"%s\"/>", x, y,
              wide > 2 ? wide - (wide > 6 ? 1.5 : 0.6) : wide, high, parts[part].fill);
    }
    if (look->health != OVERSIZED_CLEAN) /* so that it is found among many */
        print("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"4\" fill=\"%s\"/>", x, bottom + 2,
              wide < 3 ? 3 : wide - 0.6, mark_of(look->health));
    print("</g>\n");
}

static size_t columns_of(size_t count)
{
    size_t rows = (count + COLUMNS - 1) / COLUMNS;
    return (count + rows - 1) / rows;
}

static double draw_rows(const picture_t *picture, double y)
{
    const oversized_inspection_t *found = picture->found;
    size_t columns = columns_of(found->section_count);
    double wide = ROW_WIDE / (double)columns;
    for (size_t i = 0; i < found->section_count; i++) {
        double bottom = y + ROW_HIGH - 10;
        if (i % columns == 0) {
            print("<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%" PRIu64 "</text>\n", ROW_LEFT - 10, bottom,
                  found->sections[i].section);
            print("<rect x=\"%d\" y=\"%.1f\" width=\"%.0f\" height=\"1\" fill=\"#cbd5e0\"/>\n", ROW_LEFT, bottom,
                  ROW_WIDE);
        }
        draw_upright(picture, ROW_LEFT + (double)(i % columns) * wide, wide, bottom, &found->sections[i]);
        if (i % columns == columns - 1 || i + 1 == found->section_count)
            y += ROW_HIGH;
    }
    return y;
}

/* What is wrong, the worst first, as far as there is room. */
static double draw_notes(const picture_t *picture, double y)
{
    const oversized_inspection_t *found = picture->found;
    size_t problems = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < found->section_count; i++) {
            const oversized_look_t *look = &found->sections[i];
            bool worst = look->health == OVERSIZED_LOSS || look->health == OVERSIZED_REFUSED;
            if (look->problem[0] == '\0' || worst != (pass == 0) || problems++ >= NOTES_MOST)
                continue;
            y += NOTE_HIGH;
            print("<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\" font-size=\"11\" fill=\"%s\">%" PRIu64 "</text>\n",
                  BAR_LEFT - 10, y, mark_of(look->health), look->section);
            print_note(y, look);
        }
    if (problems <= NOTES_MOST)
        return y;
    print("<text x=\"%d\" y=\"%.0f\" font-size=\"11\">and %zu others</text>\n", BAR_LEFT, y + NOTE_HIGH,
          problems - NOTES_MOST);
    return y + NOTE_HIGH;
}

/* --- the picture --- */

static double height_of(const oversized_inspection_t *found)
{
    size_t problems = 0;
    for (size_t i = 0; i < found->section_count; i++)
        problems += found->sections[i].problem[0] != '\0';
    if (found->section_count <= LINES_MOST)
        return TOP + (double)found->section_count * LINE_HIGH + (double)problems * NOTE_HIGH + 2 * EDGE;
    size_t columns = columns_of(found->section_count);
    size_t rows = (found->section_count + columns - 1) / columns;
    size_t notes = problems > NOTES_MOST ? NOTES_MOST + 2 : problems > 0 ? problems + 1 : 0;
    return TOP + (double)rows * ROW_HIGH + (double)notes * NOTE_HIGH + 2 * EDGE;
}

static void draw_title(const picture_t *picture)
{
    const oversized_inspection_t *found = picture->found;
    print("<text x=\"%d\" y=\"36\" font-size=\"20\" font-weight=\"bold\">", EDGE);
    print_escaped(picture->options->directory, 70);
    print("</text>\n<rect x=\"%d\" y=\"18\" width=\"130\" height=\"24\" rx=\"12\" fill=\"%s\"/>", WIDE - EDGE - 130,
          mark_of(found->health));
    print("<text x=\"%d\" y=\"35\" text-anchor=\"middle\" fill=\"#fff\" font-weight=\"bold\">%s</text>\n",
          WIDE - EDGE - 65, health_word(found->health));
    print("<text x=\"%d\" y=\"60\">", EDGE);
    print_records(found->recovery.records);
    print(" in ");
    print_grouped(found->section_count);
    print(" section%s; ", found->section_count == 1 ? "" : "s");
    if (found->sizes_known)
        print("%s format, version %" PRIu32 ", pages of %u bytes, entries of %" PRIu32 " bytes",
              found->config.format == SEGJ_FORMAT_NATIVE ? "native" : "commonware", found->version,
              (unsigned)found->config.page_size, found->config.entry_size);
    else
        print("no file tells format and sizes");
    if (found->holder != 0)
        print("; process %" PRId64 " has it open", found->holder);
    print("</text>\n");
}

static void draw_legend(const picture_t *picture)
{
    double x = EDGE;
    for (int part = 0; part < PARTS; part++) {
        print("<rect x=\"%.0f\" y=\"78\" width=\"14\" height=\"14\" fill=\"%s\"/>", x, parts[part].fill);
        print("<text x=\"%.0f\" y=\"90\">%s</text>\n", x + 20, parts[part].text);
        x += 44 + 7 * (double)strlen(parts[part].text);
    }
    bool lies = picture->found->section_count <= LINES_MOST;
    print(
        "<text x=\"%d\" y=\"114\" font-size=\"11\" fill=\"#718096\">Each bar is a section; its %s stands for the bytes "
        "of its values, and the %s bar for ",
        EDGE, lies ? "length" : "height", lies ? "longest" : "highest");
    print_bytes_text(picture->most);
    print(". Its parts are shared out by records.</text>\n");
}

static void draw(const picture_t *picture)
{
    const oversized_inspection_t *found = picture->found;
    double high = height_of(found);
    double y = TOP;
    print("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" "
          "font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\" font-size=\"13\" fill=\"#2d3748\">\n",
          WIDE, high, WIDE, high);
    print("<defs><pattern id=\"cut\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
          "<rect width=\"6\" height=\"6\" fill=\"#e2e8f0\"/><path d=\"M0 6L6 0\" stroke=\"#718096\" "
          "stroke-width=\"1.5\"/></pattern>\n"
          "<pattern id=\"refused\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
          "<rect width=\"6\" height=\"6\" fill=\"#742a2a\"/><path d=\"M0 0L6 6\" stroke=\"#fc8181\" "
          "stroke-width=\"1.5\"/></pattern></defs>\n");
    print("<rect width=\"%d\" height=\"%.0f\" fill=\"#fff\"/>\n", WIDE, high);
    draw_title(picture);
    draw_legend(picture);
    if (found->section_count > LINES_MOST) {
        y = draw_rows(picture, y);
        (void)draw_notes(picture, y);
    } else {
        for (size_t i = 0; i < found->section_count; i++)
            y = draw_line(picture, y, &found->sections[i]);
    }
    print("</svg>\n");
}

answer_t command_map(const options_t *options)
{
    oversized_inspection_t *found = NULL;
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    picture_t picture = {.options = options, .found = found, .most = 1};
    for (size_t i = 0; i < found->section_count; i++) {
        bar_t bar = bar_of(found, &found->sections[i]);
        picture.most = bar.sum > picture.most ? bar.sum : picture.most;
    }
    draw(&picture);
    answer = health_answer(found->health);
    oversized_inspection_free(found);
    return answer;
}
