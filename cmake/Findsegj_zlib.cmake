# Finds zlib and gives it as segj::zlib; see segj_find.cmake.
include("${CMAKE_CURRENT_LIST_DIR}/segj_find.cmake")
segj_find(
    zlib
    HEADER zlib.h
    LIBRARIES z zlib zlibstatic
    MODULE zlib
    TARGETS ZLIB::ZLIB ZLIB::ZLIBSTATIC zlib zlibstatic)
find_package_handle_standard_args(segj_zlib REQUIRED_VARS segj_zlib_where)
