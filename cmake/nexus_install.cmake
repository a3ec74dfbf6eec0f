# Installs the package: find_package(nexus REQUIRED [COMPONENTS testkit prometheus http]) and link nexus::nexus.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nexus)
get_property(NEXUS_PACKAGES GLOBAL PROPERTY NEXUS_PACKAGES)
configure_file(cmake/nexus-config.cmake.in nexus-config.cmake @ONLY)
write_basic_package_version_file(nexus-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/nexus-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/nexus-config-version.cmake
  cmake/FindCAF.cmake
  DESTINATION ${package_dir})
install(EXPORT nexus-targets NAMESPACE nexus:: DESTINATION ${package_dir})
install(EXPORT nexus-testkit-targets NAMESPACE nexus:: DESTINATION ${package_dir})
if(TARGET nexus_prometheus)
  install(EXPORT nexus-prometheus-targets NAMESPACE nexus:: DESTINATION ${package_dir})
endif()
if(TARGET nexus_http)
  install(EXPORT nexus-http-targets NAMESPACE nexus:: DESTINATION ${package_dir})
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
