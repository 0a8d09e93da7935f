"""segjournal for Conan 2, made of the sources around this file.

    conan create cmake/conan                       zstd and the checksum library from Conan's registry
    sh cmake/conan.sh                              the same with those of this machine, tried by test_package/
"""
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class Segjournal(ConanFile):
    name = "segjournal"
    description = "An embeddable journal of large values with crash recovery, for C and C++"
    license = "MIT"
    topics = ("storage", "journal", "log", "embedded", "crash recovery")
    package_type = "static-library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"fPIC": [True, False], "checksum": ["zlib", "libdeflate", "isal"]}
    default_options = {"fPIC": True, "checksum": "zlib"}

    @property
    def _sources(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._sources, "include", "segjournal", "version.h"))
        parts = [re.search(rf"#define SEGJ_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH")]
        self.version = ".".join(parts)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*.cmake", "cmake/*.in", "include/*", "src/*.[ch]"):
            copy(self, pattern, src=self._sources, dst=self.export_sources_folder)

    def validate(self):
        if self.settings.os not in ("Linux", "Macos", "FreeBSD"):
            raise ConanInvalidConfiguration("segjournal needs a POSIX system")

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("zstd/[>=1.5 <2]")
        if self.options.checksum == "zlib":
            self.requires("zlib/[>=1.2.11 <2]")
        elif self.options.checksum == "libdeflate":
            self.requires("libdeflate/[>=1.18 <2]")
        else:
            self.requires("isa-l/[>=2.30 <3]")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["SEGJ_CHECKSUM"] = str(self.options.checksum)
        toolchain.cache_variables["SEGJ_BUILD_TESTS"] = False
        toolchain.cache_variables["SEGJ_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["SEGJ_BUILD_COMMAND"] = False
        toolchain.cache_variables["SEGJ_RADOS"] = "OFF"
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        # find_package(segjournal) takes the package's own files, which find what the archive needs.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "segjournal"))
        self.cpp_info.set_property("pkg_config_name", "segjournal")
        self.cpp_info.libs = ["segjournal"]
        if self.settings.os != "Macos":
            self.cpp_info.system_libs = ["pthread"]
