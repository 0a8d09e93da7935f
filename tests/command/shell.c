/* command/shell.c: see the header. */
#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

int shell_set_up(void **state)
{
    shell_t *shell = calloc(1, sizeof *shell);
    if (shell == NULL)
        return -1;
    shell->root = make_temp_directory();
    oversized_config_init(&shell->config);
    shell->config.native_version = 1;
    shell->config.entry_size = 8;
    *state = shell;
    return 0;
}

int shell_tear_down(void **state)
{
    shell_t *shell = *state;
    oversized_abandon(shell->journal);
    remove_tree(shell->root.text);
    free(shell);
    return 0;
}

/* A file as text. */
static bytes_t text_of(const char *path)
{
    bytes_t file = read_file(path);
    bytes_t text = {malloc(file.size + 1), file.size};
    assert_non_null(text.data);
    if (file.size > 0)
        memcpy(text.data, file.data, file.size);
    text.data[file.size] = '\0';
    free_bytes(&file);
    return text;
}

said_t shell_run(const shell_t *shell, const char *line)
{
    char command[8192];
    said_t said;
    path_t out = join_path(shell->root.text, "stdout");
    path_t err = join_path(shell->root.text, "stderr");
    int size =
        snprintf(command, sizeof command, "segj() { \"%s\" \"$@\"; }; cd '%s' && { %s\n} >'%s' 2>'%s' </dev/null",
                 SEGJ_COMMAND, shell->root.text, line, out.text, err.text);
    assert_in_range(size, 1, sizeof command - 1);
    int status = system(command);
    assert_true(WIFEXITED(status));
    said.answer = WEXITSTATUS(status);
    said.out = text_of(out.text);
    said.err = text_of(err.text);
    return said;
}

void shell_free(said_t *said)
{
    free(said->out.data);
    free(said->err.data);
}

void shell_expect(const shell_t *shell, const char *line, int answer, const char *out, const char *err)
{
    said_t said = shell_run(shell, line);
    const char *printed = (const char *)said.out.data;
    const char *complaint = (const char *)said.err.data;
    bool good = said.answer == answer && strcmp(printed, out) == 0 &&
                (err != NULL ? strstr(complaint, err) != NULL : complaint[0] == '\0');
    if (!good)
        fail_msg("%s\nanswers %d, expected %d; prints\n%s\nexpected\n%s\nsays\n%s\nexpected\n%s", line, said.answer,
                 answer, printed, out, complaint, err != NULL ? err : "");
    shell_free(&said);
}
