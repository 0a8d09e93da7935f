/*
 * command/main.c: `segj`: which command is meant. The answers are those of command.h.
 */
#include <stdio.h>
#include <string.h>

#include "command/cluster.h"
#include "command/command.h"
#include "segjournal/version.h"

static void help(void)
{
    print("Usage: segj COMMAND [OPTION...] DIR ...\n\nLooks into the journals of segjournal %s.\n\n", segj_version());
    for (const command_t *command = commands; command->name != NULL; command++)
        print("  %-12s%s\n", command->name, command->summary);
    print("\n`segj COMMAND --help` tells more. Exit status: 0 fine, 1 usage, 2 it could not be done,\n"
          "3 an open would repair the journal, 4 damage.\n");
}

static answer_t run(const command_t *command, int count, char **arguments)
{
    options_t options;
    if (!options_read(command, count, arguments, &options))
        return ANSWER_USAGE;
    if (options.help) {
        options_help(command);
        return ANSWER_FINE;
    }
    answer_t answer = cluster_begin(&options, arguments - 1); /* main()'s */
    if (answer == ANSWER_FINE)
        answer = command->run(&options);
    cluster_end();
    return answer;
}

static answer_t dispatch(int count, char **arguments)
{
    if (count < 2)
        return complain(ANSWER_USAGE, "a command is missing; `segj --help` lists them");
    const char *name = arguments[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help();
        return ANSWER_FINE;
    }
    if (strcmp(name, "--version") == 0) {
        print("segj %s\n", segj_version());
        return ANSWER_FINE;
    }
    for (const command_t *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return run(command, count - 1, arguments + 1);
    return complain(ANSWER_USAGE, "there is no command \"%s\"; `segj --help` lists them", name);
}

int main(int count, char **arguments)
{
    answer_t answer = dispatch(count, arguments);
    /* What could not be written, to a full disk say, is no success. */
    if (fflush(stdout) != 0 || ferror(stdout) != 0)
        return (int)complain(ANSWER_FAILED, "standard output could not be written");
    return (int)answer;
}
