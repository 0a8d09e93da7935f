# What `cmake --install` puts where. Nothing installed names the prefix, so the prefix may be moved.
include(CMakePackageConfigHelpers)

set(segj_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/segjournal")

install(
    TARGETS segjournal
    EXPORT segjournalTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY include/segjournal DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# find_package
install(
    EXPORT segjournalTargets
    NAMESPACE segjournal::
    DESTINATION "${segj_package_dir}")
configure_package_config_file(cmake/segjournalConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/segjournalConfig.cmake"
                              INSTALL_DESTINATION "${segj_package_dir}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/segjournalConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/segjournalConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/segjournalConfigVersion.cmake" cmake/segj_find.cmake cmake/Findsegj_zstd.cmake
        DESTINATION "${segj_package_dir}")
if(NOT segj_checksum STREQUAL "zlib")
    install(FILES cmake/Findsegj_${segj_checksum}.cmake DESTINATION "${segj_package_dir}")
endif()

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

# A package without a pkg-config file of its own is named by its library.
set(segj_pc_requires "")
set(segj_pc_libs "-pthread")
find_package(PkgConfig QUIET)
set(segj_pc_zlib "zlib:z")
set(segj_pc_isal "libisal:isal")
set(segj_pc_libdeflate "libdeflate:deflate")
foreach(package libzstd:zstd ${segj_pc_${segj_checksum}})
    string(REGEX REPLACE ":.*" "" module "${package}")
    string(REGEX REPLACE ".*:" "" library "${package}")
    if(PkgConfig_FOUND)
        pkg_check_modules(SEGJ_HAS_${library} QUIET ${module})
    endif()
    if(SEGJ_HAS_${library}_FOUND)
        list(APPEND segj_pc_requires ${module})
    else()
        set(segj_pc_libs "-l${library} ${segj_pc_libs}")
    endif()
endforeach()
list(JOIN segj_pc_requires ", " segj_pc_requires)
configure_file(cmake/segjournal.pc.in "${CMAKE_CURRENT_BINARY_DIR}/segjournal.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/segjournal.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
