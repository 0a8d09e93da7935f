# Finds cmocka, which the tests are written with. Where it is missing SEGJ_BUILD_TESTS is off for this time, and its user is
# told so: the library needs no cmocka.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(SEGJ_PC_CMOCKA QUIET cmocka)
endif()
find_path(SEGJ_CMOCKA_INCLUDE_DIR cmocka.h HINTS ${SEGJ_PC_CMOCKA_INCLUDE_DIRS})
find_library(SEGJ_CMOCKA_LIBRARY cmocka HINTS ${SEGJ_PC_CMOCKA_LIBRARY_DIRS})
mark_as_advanced(SEGJ_CMOCKA_INCLUDE_DIR SEGJ_CMOCKA_LIBRARY)
if(NOT SEGJ_CMOCKA_INCLUDE_DIR OR NOT SEGJ_CMOCKA_LIBRARY)
    segj_packages(segj_text cmocka)
    message(WARNING "segjournal: the tests are NOT BUILT, because cmocka was not found. This installs it:\n${segj_text}"
                    "SEGJ_BUILD_TESTS=OFF leaves them out without this warning.")
    set(SEGJ_BUILD_TESTS OFF)
endif()
