/* The program's front door: finds the subcommand in commands.def and runs it. */
#include <stdio.h>
#include <string.h>

#define COMMAND(name, function, help) int function(int argc, char **argv);
#include "cli/commands.def"
#undef COMMAND

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
#define COMMAND(name, function, help) {#name, function, help},
#include "cli/commands.def"
#undef COMMAND
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
    fprintf(out, "usage: cambist <command> [options]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s", commands[i].name);
        for (char *c = name; *c; c++)
            if (*c == '_')
                *c = '-';
        fprintf(out, "  %-14s %s\n", name, commands[i].help);
    }
    fprintf(out, "\n`cambist <command> --help` lists a command's options.\n");
}

/* Names are C identifiers in the table and hyphenated on the command line. */
static int same_name(const char *typed, const char *name)
{
    for (; *typed && *name; typed++, name++)
        if (*typed != *name && !(*typed == '-' && *name == '_'))
            return 0;
    return *typed == *name;
}

int cli_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("cambist %s\n", CAMBIST_VERSION);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0)
        return cli_version(argc, argv);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (same_name(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "cambist: there is no command '%s'\n\n", argv[1]);
    print_usage(stderr);
    return 2;
}
