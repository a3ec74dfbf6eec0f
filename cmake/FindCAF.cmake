# Finds the core of the C++ Actor Framework, 0.17.6 or 1.x: target CAF::core, variable CAF_VERSION.
# With CAF_ROOT, the prefix of an installed CAF, no other CAF is taken.
#
# CAF 1.x (vcpkg, Conan, Homebrew) brings a package config that defines CAF::core; Debian's and
# Ubuntu's 0.17.6 brings none, so its header and library are looked up here. Installed with Nexus,
# since projects that find Nexus need it too.
include(FindPackageHandleStandardArgs)

if(DEFINED CAF_ROOT)  # what was found for another value does not count
  unset(CAF_DIR CACHE)
  unset(CAF_INCLUDE_DIR CACHE)
  unset(CAF_CORE_LIBRARY CACHE)
endif()

find_package(CAF QUIET CONFIG COMPONENTS core)
if(TARGET CAF::core)
  set(caf_core CAF::core)
  if(CAF_DIR)
    set(caf_core ${CAF_DIR})
  endif()
else()
  find_path(CAF_INCLUDE_DIR caf/actor_system.hpp)
  find_library(CAF_CORE_LIBRARY caf_core)
  mark_as_advanced(CAF_INCLUDE_DIR CAF_CORE_LIBRARY)
  if(EXISTS "${CAF_INCLUDE_DIR}/caf/config.hpp")
    file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp _caf_version REGEX "#define CAF_VERSION [0-9]+")
  endif()
  if(_caf_version MATCHES "[0-9]+$")
    set(caf_core ${CAF_CORE_LIBRARY})
    math(EXPR _caf_major "${CMAKE_MATCH_0} / 10000")
    math(EXPR _caf_minor "${CMAKE_MATCH_0} / 100 % 100")
    math(EXPR _caf_patch "${CMAKE_MATCH_0} % 100")
    set(CAF_VERSION ${_caf_major}.${_caf_minor}.${_caf_patch})
  endif()
endif()

set(_caf_why "none was found")
if(DEFINED CAF_ROOT)
  cmake_path(IS_PREFIX CAF_ROOT "${caf_core}" NORMALIZE _caf_is_in_root)
  if(NOT CAF_ROOT OR NOT _caf_is_in_root)
    set(_caf_why "none is installed in CAF_ROOT=\"${CAF_ROOT}\"")
    unset(caf_core)
    unset(CAF_VERSION)
  endif()
endif()
if(caf_core AND CAF_VERSION MATCHES "^0\\." AND NOT CAF_VERSION MATCHES "^0\\.17\\.[6-9]")
  set(_caf_why "${CAF_VERSION} in ${caf_core} is unsupported")
  unset(caf_core)
endif()
find_package_handle_standard_args(CAF
  REQUIRED_VARS caf_core
  VERSION_VAR CAF_VERSION
  FAIL_MESSAGE "Could NOT find CAF 0.17.6 or 1.x: ${_caf_why}")

if(CAF_FOUND AND NOT TARGET CAF::core)
  find_package(Threads REQUIRED)
  add_library(CAF::core UNKNOWN IMPORTED)
  set_target_properties(CAF::core PROPERTIES
    IMPORTED_LOCATION ${CAF_CORE_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
