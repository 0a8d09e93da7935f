# What `cmake --install` puts where. Nothing installed names the prefix, so the prefix may be moved.
include(CMakePackageConfigHelpers)

set(segj_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/segjournal")

install(
    TARGETS segjournal
    EXPORT segjournalTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY include/segjournal DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
include("${CMAKE_CURRENT_SOURCE_DIR}/cmake/reference.cmake")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# find_package
install(
    EXPORT segjournalTargets
    NAMESPACE segjournal::
    DESTINATION "${segj_package_dir}")
# Libraries that this very build makes (a vendored zstd) may be installed by nobody: their archives go along, under names
# that nobody else has. Shared ones are installed by who makes them.
set(segj_bundled "")
foreach(name zstd ${segj_checksum})
    get_property(target GLOBAL PROPERTY SEGJ_VENDORED_${name})
    if(target)
        get_target_property(type ${target} TYPE)
        if(type STREQUAL "STATIC_LIBRARY")
            list(APPEND segj_bundled ${name})
            install(FILES "$<TARGET_FILE:${target}>" DESTINATION "${CMAKE_INSTALL_LIBDIR}/segjournal"
                    RENAME libsegj_${name}.a)
            message(STATUS "segjournal: ${target} is installed with it, as segjournal/libsegj_${name}.a")
        endif()
    endif()
endforeach()
configure_package_config_file(cmake/segjournalConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/segjournalConfig.cmake"
                              INSTALL_DESTINATION "${segj_package_dir}" PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/segjournalConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/segjournalConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/segjournalConfigVersion.cmake" cmake/segj_find.cmake cmake/segj_packages.cmake
              cmake/Findsegj_zstd.cmake cmake/Findsegj_${segj_checksum}.cmake
        DESTINATION "${segj_package_dir}")

# pkg-config. Its file lies in LIBDIR/pkgconfig, from where it finds its way back to the prefix.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(segj_pc_prefix "${CMAKE_INSTALL_PREFIX}")
    set(segj_pc_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
    set(segj_pc_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
    file(RELATIVE_PATH segj_pc_up "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
    string(REGEX REPLACE "/$" "" segj_pc_up "${segj_pc_up}")
    set(segj_pc_prefix "\${pcfiledir}/${segj_pc_up}")
    set(segj_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(segj_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()

# A library is named by its own pkg-config file, where it was found by that, or else by its own name and its folder.
set(segj_pc_requires "")
set(segj_pc_libs "-pthread")
find_package(PkgConfig QUIET)
set(segj_pc_zlib "zlib:z")
set(segj_pc_isal "libisal:isal")
set(segj_pc_libdeflate "libdeflate:deflate")
foreach(package zstd:libzstd:zstd ${segj_checksum}:${segj_pc_${segj_checksum}})
    string(REPLACE ":" ";" package "${package}")
    list(GET package 0 name)
    list(GET package 1 module)
    list(GET package 2 library)
    get_property(vendored GLOBAL PROPERTY SEGJ_VENDORED_${name})
    string(TOUPPER ${name} upper)
    set(found OFF)
    if(PkgConfig_FOUND AND NOT vendored)
        pkg_check_modules(SEGJ_HAS_${library} QUIET ${module})
        set(found ${SEGJ_HAS_${library}_FOUND})
    endif()
    get_filename_component(folder "${SEGJ_${upper}_LIBRARY}" DIRECTORY)
    if(name IN_LIST segj_bundled)
        set(segj_pc_libs "-L\${libdir}/segjournal -lsegj_${name} ${segj_pc_libs}")
    elseif(found)
        list(APPEND segj_pc_requires ${module})
    elseif(folder AND NOT folder IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES AND NOT vendored)
        set(segj_pc_libs "-L${folder} -l${library} ${segj_pc_libs}")
    else()
        set(segj_pc_libs "-l${library} ${segj_pc_libs}")
    endif()
endforeach()
list(JOIN segj_pc_requires ", " segj_pc_requires)
configure_file(cmake/segjournal.pc.in "${CMAKE_CURRENT_BINARY_DIR}/segjournal.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/segjournal.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
