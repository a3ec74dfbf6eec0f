# The functions used by every folder's CMakeLists.txt.
#
#   nexus_find(SQLiteCpp)
#   nexus_library(sqlite
#     SOURCES src/sqlite_journal.cpp
#     LINK nexus::persistence
#     PRIVATE SQLiteCpp)
include(GNUInstallDirs)

add_library(nexus_options INTERFACE)
target_compile_features(nexus_options INTERFACE cxx_std_20)
# GCC's -Wshadow rejects constructor(int id) : id{id}, clang's does not; GCC 12 also warns falsely
# about uninitialized optionals and variants.
target_compile_options(nexus_options INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor
  $<IF:$<CXX_COMPILER_ID:GNU>,-Wshadow=local;-Wno-maybe-uninitialized,-Wshadow>
  $<$<BOOL:${NEXUS_WERROR}>:-Werror>
  # In a unity build every file looks like a header that leaks unnamed namespaces.
  $<$<AND:$<BOOL:${CMAKE_UNITY_BUILD}>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>)

# nexus_find(PACKAGE): finds a package that every program needs, for every folder, and makes the
# installed nexus-config.cmake find it too. A package that only one component needs goes to its
# NEEDS.
macro(nexus_find package)
  find_package(${package} REQUIRED GLOBAL)
  set_property(GLOBAL APPEND PROPERTY NEXUS_PACKAGES ${package})
endmacro()

# nexus_library(NAME [SOURCES …] [LINK … public targets] [PRIVATE … targets]
#   [COMPONENT … [NEEDS … packages]])
#
# A layer or backend: static library nexus_NAME (header-only without SOURCES), alias and exported
# name nexus::NAME, its public headers in include/, everything else hidden. A target sees only what
# it links, so an upward include does not compile. A COMPONENT is found only on request, or for a
# component that links it, and only then the installed nexus-config.cmake finds the packages it
# NEEDS.
function(nexus_library name)
  cmake_parse_arguments(arg "" "COMPONENT" "SOURCES;LINK;PRIVATE;NEEDS" ${ARGN})
  if(arg_SOURCES)
    set(public PUBLIC)
    add_library(nexus_${name} STATIC ${arg_SOURCES})
    target_include_directories(nexus_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
    target_link_libraries(nexus_${name} PRIVATE ${arg_PRIVATE})
    nexus_compile_as_library(nexus_${name})
    target_precompile_headers(nexus_${name} REUSE_FROM nexus_precompiled)
  else()
    set(public INTERFACE)
    add_library(nexus_${name} INTERFACE)
  endif()
  add_library(nexus::${name} ALIAS nexus_${name})
  set_target_properties(nexus_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(nexus_${name} ${public} cxx_std_20)
  target_include_directories(nexus_${name} ${public}
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(nexus_${name} ${public} ${arg_LINK})

  set(export nexus-targets)
  if(arg_COMPONENT)
    set(export nexus-${arg_COMPONENT}-targets)
    nexus_component(${arg_COMPONENT} "${arg_NEEDS}" "${arg_LINK}")
  endif()
  install(TARGETS nexus_${name} EXPORT ${export})
  install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} OPTIONAL)
  if(NEXUS_TESTS AND NOT CMAKE_CXX_FLAGS MATCHES -fsanitize)  # a sanitizer finds nothing in a header
    nexus_check_headers(${name})
  endif()
endfunction()

# The options that a precompiled header and its users must share.
function(nexus_compile_as_library target)
  target_link_libraries(${target} PRIVATE fmt::fmt $<BUILD_INTERFACE:nexus_options>)
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
endfunction()

# Records for nexus_install.cmake the packages that a component needs, and its parts.
function(nexus_component name needs links)
  get_property(known GLOBAL PROPERTY NEXUS_COMPONENTS)
  set(parts)
  foreach(link IN LISTS links)
    string(REPLACE nexus:: "" link ${link})
    if(link IN_LIST known)
      list(APPEND parts ${link})
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY NEXUS_COMPONENTS ${name})
  set_property(GLOBAL PROPERTY NEXUS_NEEDS_${name} ${needs})
  set_property(GLOBAL PROPERTY NEXUS_PARTS_${name} ${parts})
endfunction()

# Compiles each public header alone, twice in one unit, with no more than its target links. Headers
# in detail/ or contract/ are parts of another header; journal_contract.hpp defines a whole suite,
# which tests/contract/suite.cpp compiles alone. `./dev check` builds these, not `all`.
function(nexus_check_headers name)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS
    RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR}/include/*.hpp)
  list(FILTER headers EXCLUDE REGEX "/(detail|contract)/|/journal_contract.hpp$")
  if(NOT headers)
    return()
  endif()
  foreach(header IN LISTS headers)
    string(MAKE_C_IDENTIFIER ${header} unit)
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/headers/${unit}.cpp)
    file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"@header@\"\n#include \"@header@\"\n" @ONLY)
    list(APPEND units ${unit})
  endforeach()
  add_library(nexus_${name}_headers OBJECT EXCLUDE_FROM_ALL ${units})
  set_target_properties(nexus_${name}_headers PROPERTIES UNITY_BUILD OFF)  # each alone
  target_link_libraries(nexus_${name}_headers PRIVATE nexus_${name} nexus_options)
  target_compile_options(nexus_${name}_headers PRIVATE -O0 -g0)
  if(NOT TARGET headers)
    add_custom_target(headers)
  endif()
  add_dependencies(headers nexus_${name}_headers)
endfunction()
