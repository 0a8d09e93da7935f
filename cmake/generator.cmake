# Names the way out where CMake chose makefiles and there is no make. CMake looks for make in project(), so this comes
# before it, and takes Ninja for the build folder's next configuration where Ninja is there.
if(CMAKE_GENERATOR STREQUAL "Unix Makefiles" AND NOT CMAKE_MAKE_PROGRAM)
    find_program(segj_make NAMES gmake make smake)
    find_program(segj_ninja NAMES ninja-build ninja samu)
    if(NOT segj_make AND segj_ninja)
        set(CMAKE_GENERATOR "Ninja" CACHE INTERNAL "" FORCE)
        message(FATAL_ERROR
            "CMake chose makefiles for ${CMAKE_BINARY_DIR}, and there is no make. There is ${segj_ninja}: run the same "
            "command again, it takes Ninja now. `-G Ninja`, or CMAKE_GENERATOR=Ninja in the environment, does so at once.")
    endif()
    unset(segj_make CACHE)
    unset(segj_ninja CACHE)
endif()
