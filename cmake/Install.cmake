# What `cmake --install` puts where: headers, both libraries, a CMake package and filch.pc.

include(CMakePackageConfigHelpers)

set(filch_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/filch)

install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

# Two exports, for the package loads the static library's only where hwloc, which it must link, can be found.
install(TARGETS filch_shared EXPORT filchShared)
install(TARGETS filch_static EXPORT filchStatic)
install(EXPORT filchShared NAMESPACE filch:: FILE filchShared.cmake DESTINATION ${filch_package_dir})
install(EXPORT filchStatic NAMESPACE filch:: FILE filchStatic.cmake DESTINATION ${filch_package_dir})

configure_package_config_file(cmake/filchConfig.cmake.in filchConfig.cmake
    INSTALL_DESTINATION ${filch_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(filchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/filchConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/filchConfigVersion.cmake
    DESTINATION ${filch_package_dir})

# filch.pc finds its prefix from its own place, so that an installed tree can be moved.
file(RELATIVE_PATH filch_pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" filch_pc_prefix "${filch_pc_prefix}")
# Not Requires.private: --static would then ask for what only a static hwloc needs, such as udev's development files.
set(filch_pc_private ${filch_hwloc_LIBRARY_DIRS})
list(REMOVE_ITEM filch_pc_private ${CMAKE_C_IMPLICIT_LINK_DIRECTORIES})
list(TRANSFORM filch_pc_private PREPEND -L)
list(TRANSFORM FILCH_SWITCH_LIBRARIES PREPEND -l OUTPUT_VARIABLE filch_pc_switch)
list(APPEND filch_pc_private -lhwloc ${filch_pc_switch})
list(JOIN filch_pc_private " " filch_pc_private)
configure_file(cmake/filch.pc.in filch.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/filch.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
