# Finds ISA-L, Intel's library of storage routines, and gives it as segj::isal; see segj_find.cmake.
include("${CMAKE_CURRENT_LIST_DIR}/segj_find.cmake")
segj_find(
    isal
    HEADER isa-l/crc.h
    LIBRARIES isal isa-l isa-l_static
    MODULE libisal
    TARGETS ISAL::isal unofficial::isal::isal)
find_package_handle_standard_args(segj_isal REQUIRED_VARS segj_isal_where)
