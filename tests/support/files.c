/* support/files.c: see files.h. */
#include "support/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fails the test where an operation on the test's own files went wrong. */
static void require(bool holds, const char *operation, const char *path)
{
    if (holds)
        return;
    print_error("%s: %s: %s\n", path, operation, strerror(errno));
    fail();
}

void *need_memory(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    require(memory != NULL, "calloc", "memory");
    return memory;
}

/* --- paths --- */

static path_t print_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

static path_t print_path(const char *format, ...)
{
    path_t path;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path.text, sizeof path.text, format, arguments);
    va_end(arguments);
    require(length > 0 && length < PATH_LIMIT, "a path too long for the tests", format);
    return path;
}

path_t join_path(const char *directory, const char *name)
{
    return print_path("%s/%s", directory, name);
}

path_t section_path(const char *directory, const char *partition, uint64_t section)
{
    return print_path("%s/%s/%016" PRIx64, directory, partition, section);
}

/* --- directories --- */

path_t make_temp_directory(void)
{
    const char *base = getenv("TMPDIR");
    path_t path = print_path("%s/segjournal-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    require(mkdtemp(path.text) != NULL, "mkdtemp", path.text);
    return path;
}

void make_directory(const char *path)
{
    require(mkdir(path, 0777) == 0, "mkdir", path);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static names_t list_all(const char *path)
{
    names_t list = {NULL, 0};
    DIR *directory = opendir(path);
    require(directory != NULL, "opendir", path);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char **longer = realloc(list.names, (list.count + 1) * sizeof *longer);
        require(longer != NULL, "realloc", path);
        list.names = longer;
        size_t size = strlen(entry->d_name) + 1;
        list.names[list.count] = need_memory(size);
        memcpy(list.names[list.count++], entry->d_name, size);
    }
    closedir(directory);
    if (list.count > 0)
        qsort(list.names, list.count, sizeof *list.names, compare_names);
    return list;
}

names_t list_directory(const char *path)
{
    names_t list = list_all(path);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.names[i], ".hold") == 0)
            free(list.names[i]);
        else
            list.names[kept++] = list.names[i];
    list.count = kept;
    return list;
}

void free_names(names_t *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (names_t){NULL, 0};
}

static bool is_directory(const char *path)
{
    struct stat status;
    require(lstat(path, &status) == 0, "lstat", path);
    return S_ISDIR(status.st_mode);
}

void remove_tree(const char *path)
{
    if (!path_exists(path))
        return;
    if (!is_directory(path)) {
        remove_file(path);
        return;
    }
    names_t list = list_all(path);
    for (size_t i = 0; i < list.count; i++)
        remove_tree(join_path(path, list.names[i]).text);
    free_names(&list);
    require(rmdir(path) == 0, "rmdir", path);
}

void copy_tree(const char *from, const char *to)
{
    make_directory(to);
    names_t list = list_directory(from);
    for (size_t i = 0; i < list.count; i++) {
        path_t source = join_path(from, list.names[i]);
        path_t target = join_path(to, list.names[i]);
        if (is_directory(source.text)) {
            copy_tree(source.text, target.text);
            continue;
        }
        bytes_t content = read_file(source.text);
        write_file(target.text, content.data, content.size);
        free_bytes(&content);
    }
    free_names(&list);
}

/* Where the commonware format keeps it: in a partition beside. */
static path_t owner_beside(const char *directory, const char *index_partition)
{
    char name[PATH_MAX];
    (void)snprintf(name, sizeof name, ".%s.owner", index_partition);
    return join_path(directory, name);
}

void forget_owner(const char *directory, const char *index_partition)
{
    remove_tree(join_path(join_path(directory, index_partition).text, ".owner").text);
    remove_tree(owner_beside(directory, index_partition).text);
}

void share_owner(const char *directory, const char *copy, const char *index_partition)
{
    path_t from = join_path(join_path(directory, index_partition).text, ".owner");
    path_t to = join_path(join_path(copy, index_partition).text, ".owner");
    forget_owner(copy, index_partition);
    if (path_exists(from.text)) {
        bytes_t content = read_file(from.text);
        write_file(to.text, content.data, content.size);
        free_bytes(&content);
    }
    path_t beside = owner_beside(directory, index_partition);
    if (path_exists(beside.text))
        copy_tree(beside.text, owner_beside(copy, index_partition).text);
}

static void assert_files_equal(const char *left, const char *right)
{
    bytes_t a = read_file(left);
    bytes_t b = read_file(right);
    size_t same = 0;
    while (same < a.size && same < b.size && a.data[same] == b.data[same])
        same++;
    if (a.size != b.size || same < a.size) {
        print_error("%s (%zu bytes)\n%s (%zu bytes)\n  differ from byte %zu on\n", left, a.size, right, b.size, same);
        fail();
    }
    free_bytes(&a);
    free_bytes(&b);
}

void assert_trees_equal(const char *left, const char *right)
{
    names_t a = list_directory(left);
    names_t b = list_directory(right);
    for (size_t i = 0; i < a.count || i < b.count; i++) {
        const char *name = i < a.count ? a.names[i] : "(no further name)";
        const char *other = i < b.count ? b.names[i] : "(no further name)";
        if (strcmp(name, other) != 0) {
            print_error("%s has %s\n%s has %s\n", left, name, right, other);
            fail();
        }
        path_t one = join_path(left, name);
        path_t two = join_path(right, name);
        assert_int_equal(is_directory(one.text), is_directory(two.text));
        if (is_directory(one.text))
            assert_trees_equal(one.text, two.text);
        else
            assert_files_equal(one.text, two.text);
    }
    free_names(&a);
    free_names(&b);
}

/* --- raw files --- */

bool path_exists(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0)
        return true;
    require(errno == ENOENT, "lstat", path);
    return false;
}

uint64_t file_size(const char *path)
{
    struct stat status;
    require(stat(path, &status) == 0, "stat", path);
    return (uint64_t)status.st_size;
}

bytes_t read_file(const char *path)
{
    bytes_t content = {NULL, (size_t)file_size(path)};
    content.data = need_memory(content.size);
    int file = open(path, O_RDONLY);
    require(file >= 0, "open", path);
    for (size_t done = 0; done < content.size;) {
        ssize_t got = pread(file, content.data + done, content.size - done, (off_t)done);
        require(got > 0, "pread", path);
        done += (size_t)got;
    }
    close(file);
    return content;
}

void free_bytes(bytes_t *bytes)
{
    free(bytes->data);
    *bytes = (bytes_t){NULL, 0};
}

void (*file_was_changed)(const char *path);

static void changed(const char *path)
{
    if (file_was_changed != NULL)
        file_was_changed(path);
}

static void write_through(int file, const char *path, uint64_t offset, const uint8_t *data, size_t size)
{
    require(file >= 0, "open", path);
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(file, data + done, size - done, (off_t)(offset + done));
        require(put > 0, "pwrite", path);
        done += (size_t)put;
    }
    require(close(file) == 0, "close", path);
    changed(path);
}

void write_file(const char *path, const void *data, size_t size)
{
    write_through(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666), path, 0, data, size);
}

void write_file_at(const char *path, uint64_t offset, const void *data, size_t size)
{
    write_through(open(path, O_WRONLY), path, offset, data, size);
}

void resize_file(const char *path, uint64_t size)
{
    require(truncate(path, (off_t)size) == 0, "truncate", path);
    changed(path);
}

void remove_file(const char *path)
{
    require(unlink(path) == 0, "unlink", path);
    changed(path);
}
