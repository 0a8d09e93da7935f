# An overlay port of segjournal: vcpkg install segjournal --overlay-ports=cmake/vcpkg. It builds the sources around it, which
# is why they must be where this file is; SEGJ_SOURCE_DIR in the environment names others (VCPKG_KEEP_ENV_VARS keeps it).
# It follows vcpkg's documentation and was not tried: vcpkg comes from no registry that the project's machines reach.
if(DEFINED ENV{SEGJ_SOURCE_DIR})
    set(SOURCE_PATH "$ENV{SEGJ_SOURCE_DIR}")
else()
    get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
endif()

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=OFF -DSEGJ_CHECKSUM=zlib)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME segjournal CONFIG_PATH lib/cmake/segjournal)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
