# segj_find(NAME HEADER file LIBRARIES name... [MODULE name] [PACKAGE name] [TARGETS target...])
#
# Finds a library and gives it as segj::NAME, however it came to this machine: as one of the TARGETS of the build, with
# its own CMake PACKAGE, with the pkg-config file of a MODULE, or as a bare header and library (several distributions
# ship no CMake package). For the modules Findsegj_NAME.cmake; installed beside them.

include(FindPackageHandleStandardArgs)

# Sets segj_find_target to the first of TARGETS that exists.
macro(segj_find_among)
    foreach(candidate IN LISTS ARGN)
        if(TARGET ${candidate} AND NOT segj_find_target)
            set(segj_find_target ${candidate})
        endif()
    endforeach()
endmacro()

# Sets segj_NAME_where for find_package_handle_standard_args.
function(segj_find name)
    cmake_parse_arguments(arg "" "HEADER;MODULE;PACKAGE" "LIBRARIES;TARGETS" ${ARGN})
    string(TOUPPER ${name} upper)
    if(TARGET segj::${name})
        set(segj_${name}_where segj::${name} PARENT_SCOPE)
        return()
    endif()

    set(segj_find_target "")
    segj_find_among(${arg_TARGETS})
    if(NOT segj_find_target AND arg_PACKAGE)
        find_package(${arg_PACKAGE} CONFIG QUIET)
        segj_find_among(${arg_TARGETS})
    endif()
    if(segj_find_target)
        add_library(segj::${name} INTERFACE IMPORTED GLOBAL)
        set_target_properties(segj::${name} PROPERTIES INTERFACE_LINK_LIBRARIES ${segj_find_target})
        set(segj_${name}_where ${segj_find_target} PARENT_SCOPE)
        return()
    endif()

    find_package(PkgConfig QUIET)
    if(PkgConfig_FOUND AND arg_MODULE)
        pkg_check_modules(SEGJ_PC_${upper} QUIET ${arg_MODULE})
    endif()
    find_path(SEGJ_${upper}_INCLUDE_DIR ${arg_HEADER} HINTS ${SEGJ_PC_${upper}_INCLUDE_DIRS})
    find_library(SEGJ_${upper}_LIBRARY NAMES ${arg_LIBRARIES} HINTS ${SEGJ_PC_${upper}_LIBRARY_DIRS})
    mark_as_advanced(SEGJ_${upper}_INCLUDE_DIR SEGJ_${upper}_LIBRARY)
    if(SEGJ_${upper}_INCLUDE_DIR AND SEGJ_${upper}_LIBRARY)
        add_library(segj::${name} UNKNOWN IMPORTED GLOBAL)
        set_target_properties(
            segj::${name} PROPERTIES IMPORTED_LOCATION "${SEGJ_${upper}_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES
                                                                                  "${SEGJ_${upper}_INCLUDE_DIR}")
        set(segj_${name}_where "${SEGJ_${upper}_LIBRARY}" PARENT_SCOPE)
    endif()
endfunction()
