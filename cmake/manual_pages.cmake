# manual_pages.cmake: runs Doxygen, and makes manual pages of what it wrote.
#
#   cmake -DDOXYGEN=... -DDOXYFILE=... -DREFERENCE=FOLDER -DVERSION=... -P manual_pages.cmake
#
# FOLDER/html has the reference. FOLDER/man3 has segjournal.3 (what stands at the top of oversized.h), a page for each group
# of calls, and for each call a page that leads to its group's. A warning of Doxygen's is an error.
cmake_minimum_required(VERSION 3.16)

file(REMOVE_RECURSE "${REFERENCE}")
file(MAKE_DIRECTORY "${REFERENCE}/man3")
execute_process(COMMAND "${DOXYGEN}" "${DOXYFILE}" RESULT_VARIABLE result)
set(warnings "")
if(EXISTS "${REFERENCE}/warnings")
    file(READ "${REFERENCE}/warnings" warnings)
endif()
if(NOT result EQUAL 0 OR NOT warnings STREQUAL "")
    message(FATAL_ERROR "doxygen is not content with the public headers:\n${warnings}")
endif()

# Writes a page: without the day on which it was made, without blanks at the ends of lines, and without the author.
function(write_page from name)
    file(READ "${from}" text)
    string(REGEX REPLACE "\n\\.TH [^\n]*" "" text "\n${text}")
    string(REGEX REPLACE "[ \t]+\n" "\n" text "${text}")
    string(REGEX REPLACE "\n\\.SH \"Author\".*" "\n" text "${text}")
    string(REGEX REPLACE "\n(\\.PP\n|\\.br\n)+(\\.S[HS])" "\n\\2" text "${text}")
    string(REGEX REPLACE "\n\n+" "\n" text "${text}")
    string(REGEX REPLACE "(\n\\.S[HS] [^\n]*)(\n(\\.PP|\\.br))+" "\\1" text "${text}")
    string(REGEX REPLACE "\n\\.PP(\n(\\.PP|\\.br))+" "\n.PP" text "${text}")
    string(REPLACE "\\fC" "\\fB" text "${text}")
    string(STRIP "${text}" text)
    string(TOUPPER "${name}" title)
    file(WRITE "${REFERENCE}/man3/${name}.3"
         ".TH ${title} 3 \"\" \"segjournal ${VERSION}\" \"segjournal\"\n${text}\n")
endfunction()

file(GLOB groups "${REFERENCE}/html/group__*.html")
set(pages "")
foreach(group IN LISTS groups)
    get_filename_component(name "${group}" NAME_WE)
    string(REGEX REPLACE "^group__" "" name "${name}")
    string(REPLACE "__" "_" name "${name}")
    list(APPEND pages "${name}")
    write_page("${REFERENCE}/man/man3/${name}.3" "${name}")
    # A page for each call of the group leads to it.
    file(STRINGS "${REFERENCE}/man/man3/${name}.3" calls REGEX "^\\.SS \"[^\"]*[ *](oversized|segj)_[a-z0-9_]+ \\(")
    foreach(call IN LISTS calls)
        string(REGEX REPLACE "^\\.SS \"[^(]*[ *]((oversized|segj)_[a-z0-9_]+) \\(.*" "\\1" call "${call}")
        file(WRITE "${REFERENCE}/man3/${call}.3" ".so man3/${name}.3\n")
    endforeach()
endforeach()
list(LENGTH pages count)
if(count LESS 5)
    message(FATAL_ERROR "doxygen wrote ${count} groups of calls")
endif()

# The overview ends where Doxygen lists what the header declares.
file(READ "${REFERENCE}/man/man3/oversized.h.3" overview)
string(REGEX MATCH "\n\\.SH \"Detailed Description\".*" text "${overview}")
string(REGEX REPLACE "\n\\.SH \"[A-Z][a-z ]*Documentation\".*" "\n" text "${text}")
string(REGEX REPLACE "\n\\.SH \"(Author|Definition|Typedef|Macro)[^\n]*.*" "\n" text "${text}")
list(SORT pages)
set(others "")
foreach(page IN LISTS pages)
    string(APPEND others ".BR ${page} (3),\n")
endforeach()
string(REGEX REPLACE ",\n$" "\n" others "${others}")
file(WRITE "${REFERENCE}/overview"
     ".SH NAME\nsegjournal \\- a journal of large values that gives back exactly what was synced\n.SH SYNOPSIS\n.nf\n#include <segjournal/oversized.h>\n.fi${text}.SH \"SEE ALSO\"\n${others}")
file(READ "${REFERENCE}/overview" text)
string(REPLACE ".SH \"Detailed Description\"" ".SH DESCRIPTION" text "${text}")
file(WRITE "${REFERENCE}/overview" "\n${text}")
write_page("${REFERENCE}/overview" "segjournal")
file(REMOVE "${REFERENCE}/overview")
file(REMOVE_RECURSE "${REFERENCE}/man")
file(TOUCH "${REFERENCE}/done")
