/* command/commands.c: the commands, with what --help says of each. */
#include "command/command.h"

const command_t commands[] = {
    {.name = "stat",
     .letters = "j",
     .arguments = "DIR",
     .summary = "Shows what lies in a journal: its format and sizes, its sections, and what an open would do.",
     .help =
         "It reads the files alone, takes no lock and writes nothing. Beside a writer it shows what the files hold\n"
         "at that time.\n\n"
         "Exit status: 0 clean, 2 it could not be done, 3 an open would repair the journal, 4 synced records are\n"
         "lost or an open would be refused.\n\n"
         "Example: segj stat /var/lib/events\n",
     .run = command_stat},
    {.name = "list",
     .letters = "jnrev",
     .arguments = "DIR [N | N:P | N:P-Q]",
     .summary = "Lists records, one a line: section:position, entry, bytes of the stored value.",
     .help = "N is a section, P and Q are positions; without them all records are listed. Values are shown with\n"
             "--value. With --json each line is an object.\n\n"
             "Example: segj list --reverse -n 10 --value=text /var/lib/events 7\n",
     .takes_range = true,
     .run = command_list},
    {.name = "tail",
     .letters = "jnfev",
     .arguments = "DIR",
     .summary = "Lists the newest records, and with --follow those that come, beside a writer.",
     .help =
         "It reads the files alone and takes no lock, so it shows what a writer has synced or flushed, and what else\n"
         "has come to the files. The newest 10 records are listed first, or as many as -n says. What is taken\n"
         "back by a rewind, and sections that are removed, are told on standard error, with --json as objects\n"
         "that have \"event\". Ctrl-C ends it.\n\n"
         "Example: segj tail -f --json --value=text /var/lib/events\n",
     .run = command_tail},
    {.name = "watch",
     .letters = "jn",
     .arguments = "DIR",
     .summary = "Shows live, once a second, what is appended to a journal, beside its writer.",
     .help =
         "Shown are records and bytes a second, now and on average, and how many were seen since the command began;\n"
         "records that are not synced as far as the files tell, sections, the newest section, and what was taken back\n"
         "or removed. On a terminal some lines are drawn again once a second; elsewhere each second is a line. With\n"
         "--json each second is an object, and the end is one. -n ends it after so many lines; Ctrl-C ends it.\n"
         "It reads the files alone, takes no lock, and waits where nothing is written.\n\n"
         "Exit status: 0 done, 2 it could not be done, 4 a value that came is damaged.\n\n"
         "Example: segj watch /var/lib/events\n",
     .run = command_watch},
    {.name = "get",
     .letters = "v",
     .arguments = "DIR N:P | N:P-Q",
     .summary = "Prints the values of records, as they are, one after the other.",
     .help = "N is a section, P and Q are positions. A value is checked before its first byte is printed.\n\n"
             "Example: segj get /var/lib/events 7:41 > event\n",
     .takes_range = true,
     .needs_range = true,
     .values = true,
     .run = command_get},
    {.name = "verify",
     .letters = "jtl",
     .arguments = "DIR [N]",
     .summary = "Reads a journal through, or section N of it, and checks every page and every value.",
     .help =
         "Each damage is a line: section:position, and what is wrong. The last line is the verdict. Ctrl-C ends it.\n"
         "With --json each line is an object.\n\n"
         "Exit status: 0 fine, 2 it could not be done, 4 damage.\n\n"
         "Example: segj verify --limit=50000000 /var/lib/events\n",
     .takes_range = true,
     .run = command_verify},
    {.name = "copy",
     .letters = "jlCAPFSU",
     .arguments = "DIR COPY",
     .summary = "Copies a journal into a new directory, or brings an earlier copy of it up to date.",
     .help =
         "The copy is a journal. It is durable when the command ends; one that was not completed cannot be\n"
         "opened, and the next copy completes it. COPY is never anything but a new directory or an earlier copy.\n"
         "With --level, --native, --page-size or --format the values are stored anew. Then COPY only gets what it\n"
         "lacks, keeps sections that DIR has pruned, and may be opened at any time; so many threads compress as\n"
         "there are processors.\n"
         "A journal that a writer has open is copied from its files, beside whatever that does, but not with these\n"
         "options, nor in the commonware format. Otherwise it is open for reading during that, which keeps a writer\n"
         "out. Where synced records are lost nothing is copied.\n\n"
         "Exit status: 0 done, 2 it could not be done, 4 damage.\n\n"
         "Example: segj copy /var/lib/events /backup/events\n",
     .takes_range = true,
     .needs_range = true,
     .run = command_copy},
    {.name = "dump",
     .letters = "",
     .arguments = "DIR [N | N:P | N:P-Q]",
     .summary = "Writes a journal, or some records of it, as a stream to standard output.",
     .help =
         "`segj load` makes a journal of it, with the same records at the same positions. The stream checks itself\n"
         "(DUMP.md has its bytes). The journal is open for reading during that, which keeps its writer out.\n"
         "Values are unpacked. Where synced records are lost nothing is dumped.\n\n"
         "Exit status: 0 done, 2 it could not be done, 4 damage.\n\n"
         "Example: segj dump /var/lib/events | ssh backup segj load /backup/events\n",
     .takes_range = true,
     .run = command_dump},
    {.name = "load",
     .letters = "j",
     .arguments = "DIR [FILE]",
     .summary = "Makes a journal of the stream of a dump, or continues with it.",
     .help =
         "FILE is the stream; without it, or with \"-\", it is standard input. Records that DIR has already are "
         "compared,\n"
         "and stay: so a load that was cut off is made again and continues, and a dump of newer records is added.\n"
         "Records that differ end the load. Nothing is changed but by appending; what is loaded is durable when the\n"
         "command ends.\n\n"
         "Exit status: 0 done, 2 it could not be done, 4 the stream is damaged, is not complete, or is none.\n\n"
         "Example: segj load /var/lib/events events.dump\n",
     .takes_range = true,
     .run = command_load},
    {.name = "export",
     .letters = "jONT",
     .arguments = "DIR [N | N:P | N:P-Q]",
     .summary = "Writes values as files into a directory, or as a tar stream to standard output.",
     .help =
         "TEMPLATE makes the names: %s and %p are section and position, %S and %P with leading zeros (%S in "
         "hexadecimal\n"
         "digits), %e the entry in hexadecimal digits, %u the entry as a number, %t the entry as text, %% a percent\n"
         "sign; \"/\" makes directories. A file that is there is not written over. A value that is damaged is told "
         "of,\n"
         "and the others follow.\n\n"
         "Exit status: 0 done, 2 it could not be done, 4 damage.\n\n"
         "Example: segj export --tar --name=events/%s-%p /var/lib/events 7 | tar -xf -\n",
     .takes_range = true,
     .run = command_export},
    {.name = "import",
     .letters = "jTLIEPFZ",
     .arguments = "DIR N [FILE...]",
     .summary = "Appends files, the members of a tar stream, or lines as records to section N.",
     .help = "With --tar or --lines FILE is one stream, and without it standard input is. Streams are ustar (tar\n"
             "--format=ustar). Entries are zeros, or with --fill the name of the file, or the record's position as a "
             "number\n"
             "of 8 bytes. All is imported, durably, or nothing. A new journal is made where --entry-size is given.\n\n"
             "Exit status: 0 done, 2 it could not be done, 4 damage.\n\n"
             "Example: segj import --lines --entry-size=8 --fill=number /var/lib/notes 1 notes.txt\n",
     .takes_range = true,
     .needs_range = true,
     .takes_more = true,
     .run = command_import},
    {.name = "prune",
     .letters = "jy",
     .arguments = "DIR N",
     .summary = "Removes all sections below N, but never the newest one.",
     .help =
         "The journal is opened, and repaired where a crash has left something to do; lost records are not cut for\n"
         "this. What would go is printed; it goes with --yes, or after a word at the terminal.\n\n"
         "Exit status: 0 done, 1 --yes is missing, 2 it could not be done, 4 damage.\n\n"
         "Example: segj prune --yes /var/lib/events 41\n",
     .takes_range = true,
     .needs_range = true,
     .run = command_prune},
    {.name = "retain",
     .letters = "jnbMy",
     .arguments = "DIR",
     .summary = "Removes the oldest sections until the rest is small enough; the newest one always stays.",
     .help = "Like prune, by --bytes of files together, by --number of sections, by bytes that must be --free on the\n"
             "file system, or by several of these.\n\n"
             "Exit status: 0 done, 1 --yes is missing, 2 it could not be done, 4 damage.\n\n"
             "Example: segj retain --bytes=1000000000 --yes /var/lib/events\n",
     .run = command_retain},
    {.name = "rewind",
     .letters = "jy",
     .arguments = "DIR N:P",
     .summary = "Takes back the record at N:P and all that follow it, in section N and in later sections.",
     .help =
         "Section N keeps the records before position P; \"N\" alone is N:0 and leaves it empty. Later sections are\n"
         "removed. The journal is opened, and repaired where a crash has left something to do; lost records are not\n"
         "cut for this. What would go is printed; it goes with --yes, or after a word at the terminal.\n\n"
         "Exit status: 0 done, 1 --yes is missing, 2 it could not be done, 4 damage.\n\n"
         "Example: segj rewind --yes /var/lib/events 41:1000\n",
     .takes_range = true,
     .needs_range = true,
     .run = command_rewind},
    {.name = "recover",
     .letters = "jyd",
     .arguments = "DIR",
     .summary = "Does what an open for writing does after a crash, and reports it.",
     .help = "A section is cut to what is whole, and made durable. Where records that were synced would be cut, or a\n"
             "values file removed that has no index file, that needs --yes or a word at the terminal; what is cut of\n"
             "synced records is set aside. With --dry-run it says what would be done, without a lock, and writes "
             "nothing.\n\n"
             "Exit status: 0 clean, or repaired without a loss, 2 it could not be done, 3 it would be repaired\n"
             "(--dry-run), 4 synced records are lost, or an open is refused.\n\n"
             "Example: segj recover --dry-run /var/lib/events\n",
     .run = command_recover},
    {.name = "map",
     .letters = "",
     .arguments = "DIR",
     .summary = "Draws a journal as a picture: a free-standing SVG, on standard output.",
     .help =
         "Each section is a bar as long as its values: what is synced, what is not, what an open would cut, and what\n"
         "is lost. It reads the files alone, takes no lock and writes nothing.\n\n"
         "Exit status: as of stat.\n\n"
         "Example: segj map /var/lib/events > events.svg\n",
     .run = command_map},
    {.name = "salvage",
     .letters = "jBEPFZ",
     .arguments = "SRC DST",
     .summary = "Takes whatever verifies out of a damaged journal, and makes a new one of it.",
     .help =
         "SRC is read alone and not locked; DST must not be there. Each gap is a line: section:positions, and why.\n"
         "Records after a gap move up, and a line says which positions became which. The last line is the verdict.\n"
         "Entry size, page size and format are given where no file tells them any more.\n\n"
         "Exit status: 0 all came back, 2 it could not be done, 4 something was lost.\n\n"
         "Example: segj salvage /var/lib/events /var/lib/events.new\n",
     .takes_range = true,
     .needs_range = true,
     .run = command_salvage},
    {.name = "completion",
     .letters = "",
     .arguments = "SHELL",
     .summary = "Prints what completes segj's command lines in bash or zsh.",
     .help = "It is installed with segj; this prints it for other places.\n\n"
             "Example: segj completion bash > ~/.local/share/bash-completion/completions/segj\n",
     .run = command_completion},
    {.name = NULL},
};
