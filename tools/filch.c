/* filch: the installed program.  Each command is a file of its own. */
#include <filch.h>

#include <stdio.h>
#include <string.h>

#include "info.h"

static const char usage[] = "usage: filch COMMAND [OPTION...]\n"
                            "       filch --help | --version\n"
                            "\n"
                            "  info    what filch sees of this machine and would do with it (filch info --help)\n";

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : NULL;
    if (!command) {
        fputs(usage, stderr);
        return 2;
    }
    if (strcmp(command, "info") == 0)
        return filch_info(argc - 2, argv + 2);
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 || strcmp(command, "help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (strcmp(command, "--version") == 0) {
        printf("filch %s\n", filch_version());
        return 0;
    }
    fprintf(stderr, "filch: there is no %s %s; try filch --help\n", command[0] == '-' ? "option" : "command", command);
    return 2;
}
