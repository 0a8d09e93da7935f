# Finds zstd and gives it as segj::zstd; see segj_find.cmake.
include("${CMAKE_CURRENT_LIST_DIR}/segj_find.cmake")
segj_find(
    zstd
    HEADER zstd.h
    LIBRARIES zstd libzstd zstd_static
    MODULE libzstd
    PACKAGE zstd
    TARGETS zstd::libzstd zstd::libzstd_shared zstd::libzstd_static libzstd_shared libzstd_static)
find_package_handle_standard_args(segj_zstd REQUIRED_VARS segj_zstd_where)
