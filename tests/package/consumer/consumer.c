/*
 * A user of segjournal in plain C11: appends a compressed value to a new journal, syncs, reads it back, closes, opens
 * again and reads it once more. consumer DIRECTORY, which must not exist yet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segjournal/oversized.h>
#include <segjournal/version.h>

static const char entry[8] = "entry-01";
static char value[100000];

static void check(segj_status_t status, const char *what)
{
    if (status == SEGJ_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, segj_status_name(status), segj_last_error());
    exit(1);
}

static void check_record(oversized_t *journal, uint64_t position)
{
    char found[sizeof entry];
    segj_buffer_t buffer = {NULL, 0, 0};
    check(oversized_read(journal, 7, position, found, &buffer), "read");
    if (memcmp(found, entry, sizeof entry) != 0 || buffer.size != sizeof value ||
        memcmp(buffer.data, value, sizeof value) != 0) {
        fprintf(stderr, "the record differs\n");
        exit(1);
    }
    segj_buffer_free(&buffer);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: consumer DIRECTORY\n");
        return 2;
    }
    memset(value, 'v', sizeof value);

    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = argv[1];
    config.entry_size = sizeof entry;
    config.compression = 3;

    oversized_t *journal = NULL;
    uint64_t position = 0;
    oversized_location_t location;
    check(oversized_open(&config, &journal), "open");
    check(oversized_append(journal, 7, entry, value, sizeof value, &position, &location), "append");
    check(oversized_sync(journal, 7), "sync");
    check_record(journal, position);
    check(oversized_close(journal), "close");

    config.must_exist = true;
    check(oversized_open(&config, &journal), "open again");
    check_record(journal, position);
    check(oversized_close(journal), "close again");

    printf("C11 consumer of segjournal %s: ok\n", segj_version());
    return 0;
}
