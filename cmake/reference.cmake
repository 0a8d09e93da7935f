# The reference of the public headers, where Doxygen is there: an HTML reference (the target `reference`), and manual pages
# that are installed: segjournal(3), one for each group of calls, and a name for each call.
find_program(SEGJ_DOXYGEN doxygen)
mark_as_advanced(SEGJ_DOXYGEN)
if(NOT SEGJ_DOXYGEN)
    message(STATUS "segjournal: manual pages and the HTML reference are left out: there is no doxygen")
    return()
endif()

set(segj_reference "${CMAKE_CURRENT_BINARY_DIR}/reference")
# In the order in which the reference lists the groups of calls.
set(segj_doxygen_input "")
foreach(header oversized oversized/config oversized/dictionary oversized/open oversized/append oversized/sync oversized/read oversized/replay
        oversized/sections oversized/failures oversized/page_cache status storage storage_rados tools follow version)
    string(APPEND segj_doxygen_input " \"${CMAKE_CURRENT_SOURCE_DIR}/include/segjournal/${header}.h\"")
endforeach()
configure_file(cmake/Doxyfile.in "${CMAKE_CURRENT_BINARY_DIR}/Doxyfile" @ONLY)
file(GLOB segj_public_headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/segjournal/*.h"
     "${CMAKE_CURRENT_SOURCE_DIR}/include/segjournal/oversized/*.h")
add_custom_command(
    OUTPUT "${segj_reference}/done"
    COMMAND "${CMAKE_COMMAND}" -DDOXYGEN=${SEGJ_DOXYGEN} "-DDOXYFILE=${CMAKE_CURRENT_BINARY_DIR}/Doxyfile"
            "-DREFERENCE=${segj_reference}" -DVERSION=${PROJECT_VERSION} -P
            "${CMAKE_CURRENT_SOURCE_DIR}/cmake/manual_pages.cmake"
    DEPENDS ${segj_public_headers} "${CMAKE_CURRENT_BINARY_DIR}/Doxyfile"
            "${CMAKE_CURRENT_SOURCE_DIR}/cmake/manual_pages.cmake"
    COMMENT "Making the HTML reference and the manual pages"
    VERBATIM)
add_custom_target(reference ALL DEPENDS "${segj_reference}/done")
install(DIRECTORY "${segj_reference}/man3" DESTINATION "${CMAKE_INSTALL_MANDIR}" OPTIONAL)
