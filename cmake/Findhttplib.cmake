# Finds cpp-httplib: target httplib::httplib, variable httplib_VERSION.
#
# Upstream's install, vcpkg and Conan bring a package config; Debian and Ubuntu bring a compiled library
# with a pkg-config file, which names the macros that its layout depends on. Installed with Nexus, since
# whoever links nexus::http needs it too.
find_package(httplib QUIET CONFIG)
if(TARGET httplib::httplib)
  return()
endif()

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_httplib QUIET cpp-httplib)
endif()
find_path(httplib_INCLUDE_DIR httplib.h HINTS ${PC_httplib_INCLUDE_DIRS})
find_library(httplib_LIBRARY cpp-httplib HINTS ${PC_httplib_LIBRARY_DIRS})
if(httplib_INCLUDE_DIR)
  file(STRINGS ${httplib_INCLUDE_DIR}/httplib.h _httplib_version REGEX "#define CPPHTTPLIB_VERSION \"")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" httplib_VERSION "${_httplib_version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(httplib
  REQUIRED_VARS httplib_LIBRARY httplib_INCLUDE_DIR PC_httplib_FOUND
  VERSION_VAR httplib_VERSION
  HANDLE_VERSION_RANGE)

if(httplib_FOUND AND NOT TARGET httplib::httplib)
  find_package(Threads REQUIRED)
  add_library(httplib::httplib UNKNOWN IMPORTED)
  set_target_properties(httplib::httplib PROPERTIES
    IMPORTED_LOCATION ${httplib_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${httplib_INCLUDE_DIR}
    INTERFACE_COMPILE_OPTIONS "${PC_httplib_CFLAGS_OTHER}"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
mark_as_advanced(httplib_INCLUDE_DIR httplib_LIBRARY)
