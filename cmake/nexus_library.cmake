# nexus_library(NAME SOURCES … [LINK … public targets] [PRIVATE … targets])
#
# A layer or backend: static library nexus_NAME, alias and exported name nexus::NAME, its public
# headers in include/, everything else hidden. A target sees only what it links, so an upward
# include does not compile.
include(GNUInstallDirs)

add_library(nexus_options INTERFACE)
target_compile_features(nexus_options INTERFACE cxx_std_20)
target_compile_options(nexus_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  $<$<BOOL:${NEXUS_WERROR}>:-Werror>)

function(nexus_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE" ${ARGN})
  add_library(nexus_${name} STATIC ${arg_SOURCES})
  add_library(nexus::${name} ALIAS nexus_${name})
  set_target_properties(nexus_${name} PROPERTIES
    EXPORT_NAME ${name}
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  target_compile_features(nexus_${name} PUBLIC cxx_std_20)
  target_include_directories(nexus_${name}
    PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  target_link_libraries(nexus_${name} PUBLIC ${arg_LINK}
    PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:nexus_options>)
  install(TARGETS nexus_${name} EXPORT nexus-targets)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/include)
    install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  endif()
endfunction()
