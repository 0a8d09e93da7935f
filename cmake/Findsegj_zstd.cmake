# Finds zstd and gives it as segj::zstd, however it came to this machine: as a target of the build, with zstd's own CMake
# package, with a pkg-config file, or as a bare header and library (several distributions ship no CMake package).
# Installed beside segjournalConfig.cmake, so that users find zstd the way the library was built.

include(FindPackageHandleStandardArgs)

if(NOT TARGET segj::zstd)
    set(segj_zstd_names zstd::libzstd zstd::libzstd_shared zstd::libzstd_static libzstd_shared libzstd_static)
    set(segj_zstd_target "")
    foreach(segj_zstd_pass there package)
        if(segj_zstd_pass STREQUAL "package" AND NOT segj_zstd_target)
            find_package(zstd CONFIG QUIET)
        endif()
        foreach(segj_zstd_name IN LISTS segj_zstd_names)
            if(TARGET ${segj_zstd_name} AND NOT segj_zstd_target)
                set(segj_zstd_target ${segj_zstd_name})
            endif()
        endforeach()
    endforeach()

    if(segj_zstd_target)
        add_library(segj::zstd INTERFACE IMPORTED GLOBAL)
        set_target_properties(segj::zstd PROPERTIES INTERFACE_LINK_LIBRARIES ${segj_zstd_target})
        set(segj_zstd_where ${segj_zstd_target})
    else()
        find_package(PkgConfig QUIET)
        if(PkgConfig_FOUND)
            pkg_check_modules(SEGJ_PC_ZSTD QUIET libzstd)
        endif()
        find_path(SEGJ_ZSTD_INCLUDE_DIR zstd.h HINTS ${SEGJ_PC_ZSTD_INCLUDE_DIRS})
        find_library(SEGJ_ZSTD_LIBRARY NAMES zstd libzstd zstd_static HINTS ${SEGJ_PC_ZSTD_LIBRARY_DIRS})
        mark_as_advanced(SEGJ_ZSTD_INCLUDE_DIR SEGJ_ZSTD_LIBRARY)
        if(SEGJ_ZSTD_INCLUDE_DIR AND SEGJ_ZSTD_LIBRARY)
            add_library(segj::zstd UNKNOWN IMPORTED GLOBAL)
            set_target_properties(
                segj::zstd PROPERTIES IMPORTED_LOCATION "${SEGJ_ZSTD_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES
                                                                               "${SEGJ_ZSTD_INCLUDE_DIR}")
            set(segj_zstd_where "${SEGJ_ZSTD_LIBRARY}")
        endif()
    endif()
else()
    set(segj_zstd_where segj::zstd)
endif()

find_package_handle_standard_args(segj_zstd REQUIRED_VARS segj_zstd_where)
