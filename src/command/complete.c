/*
 * command/complete.c: `segj completion`: what completes the command line in a shell, made from the tables of commands
 * and options.
 */
#include <string.h>

#include "command/command.h"

/* Within single quotes of a shell; `special` is escaped by a backslash. */
static void print_quoted(const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            print("'\\''");
            continue;
        }
        if (strchr(special, *text) != NULL)
            print("\\");
        print("%c", *text);
    }
}

/* --- bash --- */

static void bash_options(const command_t *command)
{
    print("    %s) options='", command->name);
    for (const known_option_t *known = known_options; known->letter != '\0'; known++)
        if (command_has(command, known->letter))
            print("--%s%s ", known->option.name, known->option.has_arg == required_argument ? "=" : "");
    print("' ;;\n");
}

static void bash_print(void)
{
    print("# Completes the command lines of segj in bash; made by `segj completion bash`.\n"
          "_segj()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options='' name=''\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '");
    for (const command_t *command = commands; command->name != NULL; command++)
        print("%s ", command->name);
    print("--help --version' -- \"$word\")\n"
          "        return\n"
          "    fi\n"
          "    if [ \"$word\" = = ]; then\n"
          "        word='' name=$before\n"
          "    elif [ \"$before\" = = ]; then\n"
          "        name=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    case $name in\n");
    for (const known_option_t *known = known_options; known->letter != '\0'; known++)
        if (known->words != NULL)
            print("    --%s) options='%s' ;;\n", known->option.name, known->words);
    print("    ?*) return ;;\n"
          "    esac\n"
          "    if [ -n \"$options\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n");
    for (const command_t *command = commands; command->name != NULL; command++)
        bash_options(command);
    print("    esac\n"
          "    if [ \"${COMP_WORDS[1]}\" = completion ] && [ \"$COMP_CWORD\" -eq 2 ]; then\n"
          "        options=\"$options bash zsh\"\n"
          "    elif [ \"${word:0:1}\" != - ]; then\n"
          "        return\n"
          "    fi\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
          "    case ${COMPREPLY[0]-} in\n"
          "    *=) compopt -o nospace 2>/dev/null ;;\n"
          "    esac\n"
          "}\n"
          "complete -o bashdefault -o default -F _segj segj\n");
}

/* --- zsh --- */

/* What the help says of an option, after its names. */
static const char *description_of(const known_option_t *known)
{
    const char *text = known->text + strspn(known->text, " ");
    const char *gap = strstr(text, "  ");
    return gap != NULL ? gap + strspn(gap, " ") : text;
}

static void zsh_option(const known_option_t *known)
{
    bool argument = known->option.has_arg == required_argument;
    print(" \\\n        ");
    if (option_is_long(known->letter))
        print("'--%s%s[", known->option.name, argument ? "=" : "");
    else
        print("'(-%c --%s)'{-%c%s,--%s%s}'[", known->letter, known->option.name, known->letter, argument ? "+" : "",
              known->option.name, argument ? "=" : "");
    print_quoted(description_of(known), "[]:");
    print("]");
    if (argument && known->words != NULL)
        print(":kind:(%s)", known->words);
    else if (argument)
        print(":%s:%s", known->option.name, known->letter == 'O' ? "_files -/" : "");
    print("'");
}

static void zsh_print(void)
{
    print("#compdef segj\n# Completes the command lines of segj in zsh; made by `segj completion zsh`.\n"
          "_segj()\n{\n"
          "    local -a commands\n"
          "    commands=(\n");
    for (const command_t *command = commands; command->name != NULL; command++) {
        print("        '%s:", command->name);
        print_quoted(command->summary, "");
        print("'\n");
    }
    print("    )\n"
          "    if (( CURRENT == 2 )); then\n"
          "        _describe -t commands command commands\n"
          "        return\n"
          "    fi\n"
          "    local name=$words[2]\n"
          "    shift words\n"
          "    (( CURRENT-- ))\n"
          "    case $name in\n");
    for (const command_t *command = commands; command->name != NULL; command++) {
        print("    %s)\n        _arguments", command->name);
        for (const known_option_t *known = known_options; known->letter != '\0'; known++)
            if (command_has(command, known->letter))
                zsh_option(known);
        print(" \\\n        %s ;;\n", strcmp(command->arguments, "SHELL") == 0 ? "'1:shell:(bash zsh)'"
                                                                               : "'1:journal:_files -/' '*:: :_files'");
    }
    print("    esac\n"
          "}\n"
          "_segj \"$@\"\n");
}

answer_t command_completion(const options_t *options)
{
    if (strcmp(options->directory, "bash") == 0)
        bash_print();
    else if (strcmp(options->directory, "zsh") == 0)
        zsh_print();
    else
        return complain(ANSWER_USAGE, "\"%s\" is no shell that this knows: bash or zsh", options->directory);
    return ANSWER_FINE;
}
