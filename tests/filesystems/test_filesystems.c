/*
 * filesystems/test_filesystems.c: a journal on a real file system, by the calls and answers that an application sees:
 * its disk is filled to the last byte, what was acknowledged reads back, sections are pruned, processes are killed,
 * and what they left is opened where there is no room for repairs. Each scene is a process of its own and a line of
 * output.
 *
 *     test_filesystems NAME DIRECTORY [TRAIT...]    NAME: what the lines call it; DIRECTORY: empty, with 16 to 64 MiB
 *                                                   of room, which the scenes fill and give back
 *     test_filesystems lower DIRECTORY              makes the journal that an overlay will have in its lower layer
 *
 *     cow           overwriting needs room
 *     nomap         mappings are refused
 *     upper=PATH    DIRECTORY is an overlay with that upper layer, and the journal of the second form in its lower one
 *     beneath=PATH  shows the same files as DIRECTORY, by another mount
 *     image=PATH    DIRECTORY lies in that file, by a loop device, and its files can be read past the cache
 *     only=WORD     scenes whose names hold it
 *
 * cmake/filesystems.sh makes the file systems and runs it on each; without arguments it is skipped.
 */
#if !defined(__linux__)
#include <stdio.h>

int main(void)
{
    (void)puts("SKIPPED: this is not Linux");
    return 77;
}
#else
#define _GNU_SOURCE /* syncfs */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "filesystems/scenes.h"

enum { SKIPPED = 77, ONE_KIND = 1, NATIVE_AND_COMMONWARE = 2, BUT_FOR_ZSTD = 3, ALL_KINDS = FILLER_KINDS };

typedef struct kind_of_scene {
    const char *name;
    void (*play)(scene_t *scene);
    unsigned kinds;
    enum { EVERYWHERE, BENEATH, UPPER, IMAGE } where;
} kind_of_scene_t;

/* Those of the lower layer come first, in this order: a full upper layer, and one that is still empty. */
static const kind_of_scene_t scenes[] = {
    {"reads of the lower layer copy nothing up", scene_reads_copy_nothing_up, ONE_KIND, UPPER},
    {"reads beneath a full upper layer", scene_reads_beneath_a_full_upper_layer, ONE_KIND, UPPER},
    {"an append copies its own section up, and no other", scene_appends_copy_one_section_up, ONE_KIND, UPPER},
    {"openers exclude each other", scene_openers_exclude_each_other, NATIVE_AND_COMMONWARE, EVERYWHERE},
    {"writers by two mounts lose nothing quietly", scene_two_mounts_lose_nothing, ONE_KIND, BENEATH},
    {"reads past the cache", scene_reads_past_the_cache, ONE_KIND, IMAGE},
    {"writes again what the device lacks", scene_writes_what_the_device_lacks, ONE_KIND, IMAGE},
    {"views show what is there", scene_views_show_what_is_there, NATIVE_AND_COMMONWARE, EVERYWHERE},
    {"filled to the last byte, and all reads back", scene_fills_to_the_last_byte, ALL_KINDS, EVERYWHERE},
    {"full: prune makes room, appends go on", scene_prunes_on_a_full_disk_and_goes_on, NATIVE_AND_COMMONWARE,
     EVERYWHERE},
    {"full: rewinds", scene_rewinds_on_a_full_disk, NATIVE_AND_COMMONWARE, EVERYWHERE},
    {"full: close, open strict, open read-only", scene_closes_and_opens_strict_on_a_full_disk, NATIVE_AND_COMMONWARE,
     EVERYWHERE},
    {"killed while it fills, opened full, pruned, goes on", scene_killed_while_it_fills, BUT_FOR_ZSTD, EVERYWHERE},
    {"full: a section whose files are still empty", scene_opens_a_new_empty_pair_on_a_full_disk, NATIVE_AND_COMMONWARE,
     EVERYWHERE},
    {"full: a checkpoint of the newest section", scene_restores_a_checkpoint_on_a_full_disk, NATIVE_AND_COMMONWARE,
     EVERYWHERE},
    {"destroyed, full and not", scene_destroys_on_a_full_disk, ONE_KIND, EVERYWHERE},
};

/* --- one scene --- */

/* Whatever a scene that has failed has left. */
static void clear(const scene_t *scene)
{
    int directory = open(scene->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    remove_tree(scene->others.text);
    for (unsigned tries = 0; tries < 3 && path_exists(scene->place.text); tries++) {
        char command[PATH_LIMIT + 16];
        (void)snprintf(command, sizeof command, "rm -rf '%.*s'", PATH_LIMIT - 1, scene->place.text);
        if (system(command) != 0) /* NOLINT(cert-env33-c): a FUSE file system may keep hidden names for a moment */
            (void)sleep(1);
    }
    (void)syncfs(directory);
    (void)close(directory);
}

/* In a child: says what it has to tell through the pipe, and ends with 0. */
static _Noreturn void play_it(const kind_of_scene_t *kind, scene_t *scene, int pipe)
{
    (void)alarm(SCENE_SECONDS);
    scene->told[0] = '\0';
    make_directory(scene->place.text);
    kind->play(scene);
    (void)!write(pipe, scene->told, strlen(scene->told));
    _exit(0);
}

static bool play(const kind_of_scene_t *kind, scene_t *scene)
{
    int ends[2], status = 0;
    time_t start = time(NULL);
    char told[sizeof scene->told] = "";
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        play_it(kind, scene, ends[1]);
    (void)close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)!read(ends[0], told, sizeof told - 1);
    (void)close(ends[0]);
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        TELL(scene, "not through within %d s", SCENE_SECONDS);
    else if (WIFSIGNALED(status))
        TELL(scene, "ended by signal %d", WTERMSIG(status));
    else
        TELL(scene, "%s", told);
    (void)printf("%-7s %s: %s (%s, %ld s)%s%s\n", good ? "ok" : "FAILED", scene->name, kind->name,
                 filler_kind_names[scene->kind], (long)(time(NULL) - start), scene->told[0] != '\0' ? ": " : "",
                 scene->told);
    clear(scene);
    return good;
}

/* --- all of them --- */

static bool read_trait(scene_t *scene, const char **only, const char *trait)
{
    if (strcmp(trait, "cow") == 0)
        scene->cow = true;
    else if (strcmp(trait, "nomap") == 0)
        scene->nomap = true;
    else if (strncmp(trait, "upper=", 6) == 0)
        scene->upper = trait + 6;
    else if (strncmp(trait, "beneath=", 8) == 0)
        scene->beneath = trait + 8;
    else if (strncmp(trait, "image=", 6) == 0)
        scene->image = trait + 6;
    else if (strncmp(trait, "only=", 5) == 0)
        *only = trait + 5;
    else
        return false;
    return true;
}

static bool is_played(const kind_of_scene_t *kind, const scene_t *scene, const char *only)
{
    if ((kind->where == BENEATH && scene->beneath == NULL) || (kind->where == UPPER && scene->upper == NULL) ||
        (kind->where == IMAGE && scene->image == NULL))
        return false;
    return only == NULL || strstr(kind->name, only) != NULL;
}

static unsigned play_all(scene_t *scene, const char *only)
{
    static const filler_kind_t order[] = {FILLER_PLAIN, FILLER_COMMONWARE, FILLER_AHEAD, FILLER_ZSTD};
    unsigned failed = 0;
    scene->others = join_path(scene->directory, "others");
    scene->place = join_path(scene->directory, "scene");
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        for (unsigned kind = 0; is_played(&scenes[i], scene, only) && kind < scenes[i].kinds; kind++) {
            scene->kind = order[kind];
            failed += !play(&scenes[i], scene);
        }
    }
    return failed;
}

int main(int count, char **arguments)
{
    scene_t scene = {.name = NULL};
    const char *only = NULL;
    if (count < 3) {
        print_message("SKIPPED: it wants the name and the directory of a file system (sh cmake/filesystems.sh)\n");
        return SKIPPED;
    }
    scene.name = arguments[1];
    scene.directory = arguments[2];
    for (int i = 3; i < count; i++)
        if (!read_trait(&scene, &only, arguments[i]))
            fail_msg("%s is no trait of a file system", arguments[i]);
    if (strcmp(scene.name, "lower") == 0) {
        scene_make_lower(scene.directory);
        return 0;
    }
    return play_all(&scene, only) > 0;
}
#endif
