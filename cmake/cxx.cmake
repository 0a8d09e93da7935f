# C++, for examples and tests. The library is C: where there is no C++ compiler it is built and tested without them, and that
# is said. SEGJ_BUILD_CPP=OFF leaves them out. Sets SEGJ_CXX.
#
# segj_cxx_flags(target): the language, the warnings and the instruments of a target in C++.
include(CheckLanguage)

set(SEGJ_CXX OFF)
set(segj_cxx_missing "")
if(NOT SEGJ_BUILD_CPP)
    set(segj_cxx_missing "SEGJ_BUILD_CPP is OFF")
elseif(CMAKE_CROSSCOMPILING AND NOT CMAKE_CXX_COMPILER)
    set(segj_cxx_missing "CMAKE_CXX_COMPILER is not given for the other machine")
else()
    check_language(CXX)
    if(CMAKE_CXX_COMPILER)
        enable_language(CXX)
    else()
        set(segj_cxx_missing "there is no C++ compiler")
    endif()
endif()
if(NOT segj_cxx_missing AND NOT cxx_std_17 IN_LIST CMAKE_CXX_COMPILE_FEATURES)
    set(segj_cxx_missing "${CMAKE_CXX_COMPILER} does not know C++17")
endif()
if((SEGJ_SANITIZE OR SEGJ_COVERAGE OR SEGJ_FUZZ) AND NOT segj_cxx_missing
   AND NOT CMAKE_CXX_COMPILER_ID STREQUAL CMAKE_C_COMPILER_ID)
    set(segj_cxx_missing "instruments of ${CMAKE_C_COMPILER} cannot be linked by ${CMAKE_CXX_COMPILER}")
endif()
if(segj_cxx_missing)
    message(STATUS "segjournal: the tests and the example in C++ are left out: ${segj_cxx_missing}")
else()
    set(SEGJ_CXX ON)
endif()

set(SEGJ_CXX_WARNINGS
    -Wall
    -Wextra
    -Wpedantic
    -Wcast-align
    -Wcast-qual
    -Wconversion
    -Wformat=2
    -Wnon-virtual-dtor
    -Wold-style-cast
    -Wshadow
    -Wsign-conversion
    -Wundef)

function(segj_cxx_flags target)
    set_target_properties(${target} PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
    target_compile_definitions(${target} PRIVATE _FILE_OFFSET_BITS=64)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
        return()
    endif()
    target_compile_options(${target} PRIVATE ${SEGJ_CXX_WARNINGS})
    if(SEGJ_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(SEGJ_SANITIZE)
        target_compile_options(
            ${target} PRIVATE -fsanitize=${SEGJ_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    endif()
    if(SEGJ_COVERAGE)
        target_compile_options(${target} PRIVATE --coverage -O0 -g)
    endif()
endfunction()
