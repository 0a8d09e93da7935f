# Finds libdeflate and gives it as segj::libdeflate; see segj_find.cmake.
include("${CMAKE_CURRENT_LIST_DIR}/segj_find.cmake")
segj_find(
    libdeflate
    HEADER libdeflate.h
    LIBRARIES deflate deflatestatic libdeflate
    MODULE libdeflate
    PACKAGE libdeflate
    TARGETS libdeflate::libdeflate_shared libdeflate::libdeflate_static libdeflate_shared libdeflate_static)
find_package_handle_standard_args(segj_libdeflate REQUIRED_VARS segj_libdeflate_where)
