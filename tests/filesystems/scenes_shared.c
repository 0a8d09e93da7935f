/* filesystems/scenes_shared.c: two openers, two mounts of the same files, mappings, and the layers of an overlay. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filesystems/scenes.h"

enum { LOWER_SECTIONS = 6, LOWER_RECORDS = 40, NAME_DIGITS = 16 };

/* --- locks and views --- */

/* What another process is told, which keeps what it opens until the pipe is closed. */
static segj_status_t open_elsewhere(const filler_t *filler, unsigned how)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        oversized_config_t config;
        oversized_t *journal;
        filler_config(filler, &config, how);
        segj_status_t answer = oversized_open(&config, &journal);
        if (answer == SEGJ_OK && oversized_close(journal) != SEGJ_OK)
            answer = SEGJ_ERR_IO;
        _exit((int)answer);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (segj_status_t)WEXITSTATUS(status);
}

void scene_openers_exclude_each_other(scene_t *scene)
{
    filler_t filler;
    scene_begin(scene, &filler);
    filler_open(&filler, 0);
    assert_true(filler_append(&filler, 0, 100) && filler_sync(&filler, 0));
    assert_int_equal(open_elsewhere(&filler, 0), SEGJ_ERR_LOCKED);
    assert_int_equal(open_elsewhere(&filler, FILLER_READ_ONLY), SEGJ_ERR_LOCKED);
    filler_close(&filler);
    filler_open(&filler, FILLER_READ_ONLY);
    assert_int_equal(open_elsewhere(&filler, 0), SEGJ_ERR_LOCKED);
    assert_int_equal(open_elsewhere(&filler, FILLER_READ_ONLY), SEGJ_OK);
    filler_close(&filler);
    assert_int_equal(open_elsewhere(&filler, 0), SEGJ_OK);
    filler_open(&filler, FILLER_STRICT);
    filler_end(&filler);
}

static void judge_views(filler_t *filler, unsigned section)
{
    oversized_view_t view = {0};
    segj_buffer_t value = {0};
    const filled_t *filled = &filler->noted->sections[section];
    for (uint32_t i = 0; i < filled->count; i++) {
        assert_ok(oversized_view(filler->journal, section, i, NULL, &view));
        assert_ok(oversized_read(filler->journal, section, i, NULL, &value));
        assert_int_equal(view.size, value.size);
        assert_memory_equal(view.data, value.data, value.size);
    }
    oversized_view_release(&view);
    segj_buffer_free(&value);
}

static bool maps_files(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    void *made = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    if (made != MAP_FAILED)
        (void)munmap(made, 4096);
    (void)close(file);
    return made != MAP_FAILED;
}

void scene_views_show_what_is_there(scene_t *scene)
{
    filler_t filler;
    scene_begin(scene, &filler);
    filler_open(&filler, FILLER_MAPPED);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 100; i++)
            assert_true(filler_append(&filler, round / 2, 997 * i % 9000));
        judge_views(&filler, round / 2); /* what is only in memory, too */
        assert_true(filler_sync(&filler, round / 2));
        judge_views(&filler, round / 2);
    }
    filler_close(&filler);
    filler_open(&filler, FILLER_MAPPED | FILLER_READ_ONLY);
    judge_views(&filler, 0);
    filler_close(&filler);
    bool mapped = maps_files(section_path(filler.directory.text, "values", 0).text);
    assert_true(mapped != scene->nomap);
    TELL(scene, "%s", mapped ? "by mappings" : "mappings are refused here, values are copied");
    filler_end(&filler);
}

/* --- two mounts of the same files: a lock may not reach from one to the other --- */

typedef struct opener {
    oversized_t *journal;
    uint8_t mark;
    unsigned acknowledged; /* records */
    bool refused;
} opener_t;

static void open_one(opener_t *opener, const char *directory, uint8_t mark)
{
    oversized_config_t config;
    *opener = (opener_t){.mark = mark};
    oversized_config_init(&config);
    config.native_version = 1;
    config.directory = directory;
    config.entry_size = 8;
    opener->refused = oversized_open(&config, &opener->journal) != SEGJ_OK;
}

/* Records that are all one opener's own, and a sync, which acknowledges them or does not. */
static void append_some(opener_t *opener, unsigned records)
{
    uint8_t value[300];
    memset(value, opener->mark, sizeof value);
    if (opener->journal == NULL)
        return;
    for (unsigned i = 0; i < records; i++)
        if (oversized_append(opener->journal, 0, value, value, sizeof value, NULL, NULL) != SEGJ_OK)
            opener->refused = true;
    if (!opener->refused && oversized_sync(opener->journal, 0) == SEGJ_OK)
        opener->acknowledged += records;
    else
        opener->refused = true;
}

static void close_one(opener_t *opener)
{
    if (opener->journal != NULL && oversized_close(opener->journal) != SEGJ_OK)
        opener->refused = true;
    opener->journal = NULL;
}

static unsigned count_marked(oversized_t *journal, uint8_t mark)
{
    uint8_t entry[8];
    uint64_t count = 0;
    unsigned marked = 0;
    segj_buffer_t value = {0};
    assert_ok(oversized_count(journal, 0, &count));
    for (uint64_t i = 0; i < count; i++) {
        assert_ok(oversized_read(journal, 0, i, entry, &value));
        assert_int_equal(value.size, 300);
        assert_memory_equal(entry, value.data, sizeof entry);
        marked += entry[0] == mark;
    }
    segj_buffer_free(&value);
    return marked;
}

void scene_two_mounts_lose_nothing(scene_t *scene)
{
    opener_t first, second, last;
    path_t there = join_path(scene->beneath, strrchr(scene->place.text, '/') + 1);
    path_t here = join_path(scene->place.text, "journal");
    there = join_path(there.text, "journal");
    open_one(&first, here.text, 'A');
    append_some(&first, 40);
    open_one(&second, there.text, 'B');
    append_some(&second, 25);
    append_some(&first, 20);
    append_some(&second, 10);
    close_one(&first);
    close_one(&second);
    open_one(&last, here.text, 'C');
    assert_non_null(last.journal);
    unsigned a = count_marked(last.journal, 'A'), b = count_marked(last.journal, 'B');
    if (a < first.acknowledged || b < second.acknowledged)
        fail_msg("%u and %u records were acknowledged, %u and %u are there", first.acknowledged, second.acknowledged, a,
                 b);
    assert_true(first.refused || second.refused);
    TELL(scene, "%u and %u records acknowledged; the %s was told", first.acknowledged, second.acknowledged,
         first.refused ? "first" : "second");
    close_one(&last);
}

/* --- layers --- */

/* The journal in the lower layer; noted here as it was there. */
static void lower_filler(filler_t *filler, const char *directory)
{
    filler_begin(filler, directory, FILLER_PLAIN, UINT64_MAX);
    filler->directory = join_path(directory, "lower-journal");
}

static void fill_lower(filler_t *filler, bool append)
{
    for (unsigned i = 0; i < LOWER_SECTIONS * LOWER_RECORDS; i++) {
        filled_t *filled = &filler->noted->sections[i / LOWER_RECORDS];
        uint32_t size = 5000 + i * 37;
        if (append) {
            assert_true(filler_append(filler, i / LOWER_RECORDS, size));
            continue;
        }
        filled->ids[filled->count] = filler->noted->ids++;
        filled->sizes[filled->count++] = size;
        filled->synced = filled->count;
    }
}

void scene_make_lower(const char *directory)
{
    filler_t filler;
    lower_filler(&filler, directory);
    filler_open(&filler, 0);
    fill_lower(&filler, true);
    filler_close(&filler);
    filler_end(&filler);
}

/* Files of sections in the upper layer. */
static unsigned copied_up(const scene_t *scene)
{
    static const char *const partitions[] = {"index", "values"};
    unsigned count = 0;
    path_t journal = join_path(scene->upper, "lower-journal");
    for (unsigned i = 0; i < 2; i++) {
        path_t partition = join_path(journal.text, partitions[i]);
        if (!path_exists(partition.text))
            continue;
        names_t names = list_directory(partition.text);
        for (size_t j = 0; j < names.count; j++)
            count += strspn(names.names[j], "0123456789abcdef") == NAME_DIGITS;
        free_names(&names);
    }
    return count;
}

static void judge_lower(scene_t *scene, filler_t *filler, unsigned how)
{
    filler_open(filler, how);
    for (unsigned i = 0; i < LOWER_SECTIONS; i++)
        judge_views(filler, i);
    assert_int_equal(filler_judge(filler, true), LOWER_SECTIONS * LOWER_RECORDS);
    filler_close(filler);
    assert_int_equal(copied_up(scene), 0);
}

void scene_reads_copy_nothing_up(scene_t *scene)
{
    filler_t filler;
    lower_filler(&filler, scene->directory);
    fill_lower(&filler, false);
    judge_lower(scene, &filler, FILLER_READ_ONLY);
    judge_lower(scene, &filler, 0);
    judge_lower(scene, &filler, FILLER_MAPPED);
    TELL(scene, "%u sections, by a reader and by writers", LOWER_SECTIONS);
    filler_end(&filler);
}

void scene_reads_beneath_a_full_upper_layer(scene_t *scene)
{
    filler_t filler;
    lower_filler(&filler, scene->directory);
    fill_lower(&filler, false);
    take_the_rest(scene->others.text);
    judge_lower(scene, &filler, FILLER_READ_ONLY);
    judge_lower(scene, &filler, FILLER_MAPPED);
    filler_open(&filler, 0);
    (void)filler_append(&filler, LOWER_SECTIONS - 1, FILLER_LARGE); /* no room, and nothing else */
    (void)filler_judge(&filler, true);
    oversized_abandon(filler.journal);
    filler.journal = NULL;
    judge_lower(scene, &filler, FILLER_STRICT);
    filler_end(&filler);
}

void scene_appends_copy_one_section_up(scene_t *scene)
{
    filler_t filler;
    oversized_view_t view = {0};
    segj_buffer_t value = {0};
    unsigned last = LOWER_SECTIONS - 1;
    lower_filler(&filler, scene->directory);
    fill_lower(&filler, false);
    filler_open(&filler, FILLER_MAPPED);
    assert_ok(oversized_view(filler.journal, last, 3, NULL, &view)); /* of the lower file, and stays */
    assert_true(filler_append(&filler, last, 1234));
    assert_true(filler_sync(&filler, last));
    assert_ok(oversized_read(filler.journal, last, 3, NULL, &value));
    assert_int_equal(view.size, value.size);
    assert_memory_equal(view.data, value.data, value.size);
    oversized_view_release(&view);
    segj_buffer_free(&value);
    judge_views(&filler, last);
    (void)filler_judge(&filler, true);
    assert_int_equal(copied_up(scene), 2);
    assert_true(filler_append(&filler, LOWER_SECTIONS, 4321));
    scene_close_and_open_strict(&filler);
    assert_int_equal(copied_up(scene), 4);
    filler_prune(&filler, 2);
    scene_close_and_open_strict(&filler);
    filler_end(&filler);
}
