/* failure/sites.c: see sites.h. */
#include "failure/sites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The bounds of the section that sites are gathered in; absent where the library is linked as it is. */
extern site_t *const __start_segj_sites[] __attribute__((weak));
extern site_t *const __stop_segj_sites[] __attribute__((weak));

/* A call that wants a descriptor may put a section to rest before it is made again: calls within calls. */
enum { DEPTH = 8 };
static _Thread_local site_t *current[SITE_KINDS][DEPTH];
static _Thread_local unsigned depth[SITE_KINDS];
static uint64_t unknown[SITE_KINDS];

void site_enter(site_t *site)
{
    site->passed++;
    assert_in_range(depth[site->kind], 0, DEPTH - 1);
    current[site->kind][depth[site->kind]++] = site;
}

void site_leave(site_kind_t kind)
{
    depth[kind]--;
}

void site_failed(site_kind_t kind)
{
    if (depth[kind] > 0)
        current[kind][depth[kind] - 1]->failed++;
    else
        unknown[kind]++;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static const site_excuse_t *excuse_of(const site_t *site, const site_excuse_t *excuses, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ends_with(site->file, excuses[i].file) &&
            (excuses[i].function == NULL ||
             (strcmp(site->function, excuses[i].function) == 0 && strcmp(site->call, excuses[i].call) == 0)))
            return &excuses[i];
    return NULL;
}

bool sites_all_failed(site_kind_t kind, const site_excuse_t *excuses, size_t count)
{
    size_t sites = 0;
    size_t failed = 0;
    size_t excused = 0;
    uint64_t used = 0; /* excuses, by their places; one that nothing needs is to go */
    for (site_t *const *at = __start_segj_sites; at < __stop_segj_sites; at++) {
        const site_t *site = *at;
        if (site->kind != kind)
            continue;
        sites++;
        failed += site->failed > 0;
        if (site->failed > 0)
            continue;
        const site_excuse_t *excuse = excuse_of(site, excuses, count);
        excused += excuse != NULL;
        used |= excuse != NULL ? UINT64_C(1) << (excuse - excuses) : 0;
        print_message("  never failed: %s:%d, %s in %s, passed %llu times%s%s\n", site->file, site->line, site->call,
                      site->function, (unsigned long long)site->passed, excuse != NULL ? ": " : "",
                      excuse != NULL ? excuse->reason : "");
    }
    print_message("  %zu of %zu call sites failed, %zu excused; %llu failures at no site\n", failed, sites, excused,
                  (unsigned long long)unknown[kind]);
    return sites > 0 && failed + excused == sites && used == (UINT64_C(1) << count) - 1 && unknown[kind] == 0;
}
