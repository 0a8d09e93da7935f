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

# Why the libraries before the chosen one were not taken, and what a static program will have to know.
set(segj_checksum_reasons "")

# A bare library may be another machine's (32 bits beside 64), or shared where the link is static: auto takes only what
# can be linked.
function(segj_checksum_try name header symbol)
    if(segj_checksum OR NOT SEGJ_CHECKSUM MATCHES "^(auto|${name})$")
        return()
    endif()
    set(reason "")
    if(SEGJ_CHECKSUM STREQUAL "auto" AND NOT name STREQUAL "zlib")
        find_package(segj_${name} QUIET)
        segj_static(static)
        if(NOT segj_${name}_FOUND AND static)
            set(reason "no archive of ${name} for a static link")
        elseif(NOT segj_${name}_FOUND)
            set(reason "no ${name}")
        else()
            get_target_property(type segj::${name} TYPE)
            if(type STREQUAL "UNKNOWN_LIBRARY")
                get_target_property(location segj::${name} IMPORTED_LOCATION)
                set(CMAKE_REQUIRED_LIBRARIES segj::${name})
                set(CMAKE_REQUIRED_QUIET ON)
                string(MAKE_C_IDENTIFIER "SEGJ_LINKS_${location}_${CMAKE_EXE_LINKER_FLAGS}" links)
                check_symbol_exists(${symbol} "${header}" ${links})
                if(NOT ${links})
                    set(reason "${location} cannot be linked")
                endif()
            endif()
        endif()
        if(reason)
            set(segj_checksum_reasons ${segj_checksum_reasons} "${reason}" PARENT_SCOPE)
            return()
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
segj_checksum_try(zlib "zlib.h" crc32_z)

# A fully static program may be made of the installed archive later.
if(segj_checksum STREQUAL "isal" AND SEGJ_ISAL_LIBRARY MATCHES "^(.*/libisal)\\.so$" AND NOT EXISTS "${CMAKE_MATCH_1}.a")
    list(APPEND segj_checksum_reasons "there is no ${CMAKE_MATCH_1}.a, so fully static programs need libdeflate or zlib")
endif()
list(JOIN segj_checksum_reasons "; " segj_checksum_reasons)
if(segj_checksum_reasons)
    string(PREPEND segj_checksum_reasons ": ")
endif()
message(STATUS "segjournal: checksums by ${segj_checksum} (SEGJ_CHECKSUM=${SEGJ_CHECKSUM}${segj_checksum_reasons})")
