# A toolchain file for `zig cc`, which brings headers and C libraries for machines that are not here; see cmake/zig.sh.
#
#   SEGJ_ZIG_TOOLS    a directory with the commands cc, ar and ranlib for the target
#   SEGJ_ZIG_TARGET   x86_64-linux-musl, aarch64-macos, ...
#   SEGJ_ZIG_ROOT     a directory with include/ and perhaps lib/: zstd and zlib
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SEGJ_ZIG_TOOLS SEGJ_ZIG_TARGET SEGJ_ZIG_ROOT)

set(CMAKE_SYSTEM_NAME Linux)
if(SEGJ_ZIG_TARGET MATCHES "macos")
    set(CMAKE_SYSTEM_NAME Darwin)
endif()
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR "${SEGJ_ZIG_TARGET}")
set(CMAKE_C_COMPILER "${SEGJ_ZIG_TOOLS}/cc")
set(CMAKE_AR "${SEGJ_ZIG_TOOLS}/ar")
set(CMAKE_RANLIB "${SEGJ_ZIG_TOOLS}/ranlib")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # a library is made, and nothing linked

set(CMAKE_FIND_ROOT_PATH "${SEGJ_ZIG_ROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_DISABLE_FIND_PACKAGE_PkgConfig ON)
# What lies there is found by name; without it a header is enough to compile.
foreach(library zstd:ZSTD z:ZLIB)
    string(REPLACE ":" ";" library "${library}")
    list(GET library 0 file)
    list(GET library 1 name)
    set(SEGJ_${name}_INCLUDE_DIR "${SEGJ_ZIG_ROOT}/include")
    set(SEGJ_${name}_LIBRARY "${SEGJ_ZIG_ROOT}/${SEGJ_ZIG_TARGET}/lib${file}.a")
endforeach()
