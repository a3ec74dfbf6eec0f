# Installs the package: find_package(nexus REQUIRED [COMPONENTS …]); see nexus-config.cmake.in.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nexus)
get_property(NEXUS_PACKAGES GLOBAL PROPERTY NEXUS_PACKAGES)
get_property(NEXUS_COMPONENTS GLOBAL PROPERTY NEXUS_COMPONENTS)
set(NEXUS_NEEDS)
foreach(component IN LISTS NEXUS_COMPONENTS)
  get_property(needs GLOBAL PROPERTY NEXUS_NEEDS_${component})
  get_property(parts GLOBAL PROPERTY NEXUS_PARTS_${component})
  string(APPEND NEXUS_NEEDS "set(_nexus_${component}_needs \"${needs}\")\n"
    "set(_nexus_${component}_parts \"${parts}\")\n")
endforeach()
configure_file(cmake/nexus-config.cmake.in nexus-config.cmake @ONLY)
write_basic_package_version_file(nexus-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/nexus-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/nexus-config-version.cmake
  cmake/FindCAF.cmake
  DESTINATION ${package_dir})
install(EXPORT nexus-targets NAMESPACE nexus:: DESTINATION ${package_dir})
foreach(component IN LISTS NEXUS_COMPONENTS)
  install(EXPORT nexus-${component}-targets NAMESPACE nexus:: DESTINATION ${package_dir})
endforeach()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
