# segj_flags(target): the language, the warnings and the instruments that every target of this project is built with.

set(SEGJ_WARNINGS
    -Wall
    -Wextra
    -Wpedantic
    -Wcast-align
    -Wcast-qual
    -Wconversion
    -Wdouble-promotion
    -Wformat=2
    -Wimplicit-fallthrough
    -Wmissing-declarations
    -Wmissing-prototypes
    -Wnested-externs
    -Wold-style-definition
    -Wpointer-arith
    -Wredundant-decls
    -Wshadow
    -Wsign-conversion
    -Wstrict-prototypes
    -Wundef
    -Wvla
    -Wwrite-strings)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND SEGJ_WARNINGS -Wduplicated-branches -Wduplicated-cond -Wlogical-op)
endif()

function(segj_flags target)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L _FILE_OFFSET_BITS=64)
    if(APPLE)
        # F_FULLFSYNC. Without a value, as sources define it themselves.
        target_compile_definitions(${target} PRIVATE "_DARWIN_C_SOURCE=")
    endif()
    if(NOT CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
        return()
    endif()

    if(segj_top_level OR SEGJ_WERROR)
        target_compile_options(${target} PRIVATE ${SEGJ_WARNINGS})
    endif()
    if(SEGJ_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()

    # Whoever links an instrumented library links the instrument's run time too.
    if(SEGJ_SANITIZE)
        target_compile_options(
            ${target} PRIVATE -fsanitize=${SEGJ_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
        target_link_options(${target} PUBLIC "$<BUILD_INTERFACE:-fsanitize=${SEGJ_SANITIZE}>")
    endif()
    if(SEGJ_FUZZ)
        target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
    if(SEGJ_COVERAGE)
        target_compile_options(${target} PRIVATE --coverage -O0 -g -fprofile-update=atomic)
        target_link_options(${target} PUBLIC "$<BUILD_INTERFACE:--coverage>")
    endif()
endfunction()
