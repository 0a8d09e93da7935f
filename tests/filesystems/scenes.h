/*
 * filesystems/scenes.h: what happens to a journal on a real file system. A scene is a process of its own: it ends when
 * something is wrong.
 */
#ifndef FILESYSTEMS_SCENES_H
#define FILESYSTEMS_SCENES_H

#include <stdbool.h>
#include <stdio.h>

#include "filesystems/filler.h"

enum { SCENE_SECONDS = 120 };

/** A file system, and the scene that is played on it. */
typedef struct scene {
    const char *name, *directory; /* of the file system; where it is mounted */
    const char *upper, *beneath;  /* an overlay's upper layer; the same files by another mount; or NULL */
    const char *image;            /* what the file system lies in, whose files can be read past the cache; or NULL */
    bool cow, nomap;              /* overwriting needs room; mappings are refused */
    path_t place, others;         /* the scene's own directory, and another program's file */
    filler_kind_t kind;
    char told[160]; /* what its line says in the end */
} scene_t;

#define TELL(scene, ...) ((void)snprintf((scene)->told, sizeof(scene)->told, __VA_ARGS__))

/* --- what they share --- */

void scene_begin(const scene_t *scene, filler_t *filler);
/** Closes, opens with `strict`, and all is there. */
void scene_close_and_open_strict(filler_t *filler);

/* --- without room --- */

void scene_fills_to_the_last_byte(scene_t *scene);
void scene_prunes_on_a_full_disk_and_goes_on(scene_t *scene);
void scene_rewinds_on_a_full_disk(scene_t *scene);
void scene_closes_and_opens_strict_on_a_full_disk(scene_t *scene);
void scene_killed_while_it_fills(scene_t *scene);
void scene_opens_a_new_empty_pair_on_a_full_disk(scene_t *scene);
void scene_restores_a_checkpoint_on_a_full_disk(scene_t *scene);
void scene_destroys_on_a_full_disk(scene_t *scene);

/* --- between openers, mounts and layers --- */

void scene_openers_exclude_each_other(scene_t *scene);
void scene_views_show_what_is_there(scene_t *scene);
/** Where the scene's file system shows `beneath` too. */
void scene_two_mounts_lose_nothing(scene_t *scene);
/** Where it has an `image`. */
void scene_reads_past_the_cache(scene_t *scene);
void scene_writes_what_the_device_lacks(scene_t *scene);
/** Where it has an `upper` layer. */
void scene_reads_copy_nothing_up(scene_t *scene);
void scene_reads_beneath_a_full_upper_layer(scene_t *scene);
void scene_appends_copy_one_section_up(scene_t *scene);
/** Makes the journal that those three find in the lower layer. */
void scene_make_lower(const char *directory);

#endif
