# Chooses the library that computes CRC-32. zlib is everywhere; ISA-L and libdeflate use the machine's instructions and
# are many times as fast. The bytes on disk are the same.
#
#   SEGJ_CHECKSUM   auto (ISA-L, else libdeflate, else zlib), isal, libdeflate or zlib; what is named must be there
#
# Sets segj_checksum to isal, libdeflate or zlib, and segj_checksum_target to what the library links.
set(SEGJ_CHECKSUM "auto" CACHE STRING "Library that computes checksums for segjournal: auto, isal, libdeflate or zlib")
set_property(CACHE SEGJ_CHECKSUM PROPERTY STRINGS auto isal libdeflate zlib)
if(NOT SEGJ_CHECKSUM MATCHES "^(auto|isal|libdeflate|zlib)$")
    message(FATAL_ERROR "SEGJ_CHECKSUM is auto, isal, libdeflate or zlib, not \"${SEGJ_CHECKSUM}\"")
endif()

include(CheckSymbolExists)

# A bare library may be another machine's (32 bits beside 64): auto takes only what can be linked.
function(segj_checksum_try name header symbol)
    if(segj_checksum OR NOT SEGJ_CHECKSUM MATCHES "^(auto|${name})$")
        return()
    endif()
    if(SEGJ_CHECKSUM STREQUAL "auto")
        find_package(segj_${name} QUIET)
        if(NOT segj_${name}_FOUND)
            return()
        endif()
        get_target_property(type segj::${name} TYPE)
        if(type STREQUAL "UNKNOWN_LIBRARY")
            set(CMAKE_REQUIRED_LIBRARIES segj::${name})
            set(CMAKE_REQUIRED_QUIET ON)
            check_symbol_exists(${symbol} "${header}" SEGJ_${name}_LINKS)
            if(NOT SEGJ_${name}_LINKS)
                return()
            endif()
        endif()
    else()
        find_package(segj_${name} REQUIRED)
    endif()
    set(segj_checksum ${name} PARENT_SCOPE)
    set(segj_checksum_target segj::${name} PARENT_SCOPE)
endfunction()

set(segj_checksum "")
segj_checksum_try(isal "isa-l/crc.h" crc32_gzip_refl)
segj_checksum_try(libdeflate "libdeflate.h" libdeflate_crc32)
if(NOT segj_checksum)
    find_package(ZLIB REQUIRED)
    set(segj_checksum zlib)
    set(segj_checksum_target ZLIB::ZLIB)
endif()
message(STATUS "segjournal: checksums by ${segj_checksum} (SEGJ_CHECKSUM=${SEGJ_CHECKSUM})")
