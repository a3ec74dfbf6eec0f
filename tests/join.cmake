# cmake -D JOINED=file.cpp -D KIND=wrapped -D "SOURCES=a_test.cpp;b_test.cpp" -P join.cmake
#
# Writes a unit that includes the sources; with KIND wrapped each in a namespace of its own, so that
# their helpers may have the same names. Those that open a namespace of Nexus are not wrapped. What
# they include comes first, outside of these namespaces: every header is included once, and then the
# lines of the sources include nothing.
cmake_minimum_required(VERSION 3.25)

foreach(source IN LISTS SOURCES)
  cmake_path(GET source PARENT_PATH folder)
  file(STRINGS ${source} lines REGEX "^#include")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^.*\"(.*)\".*$" "${folder}/\\1" beside "${line}")
    if(EXISTS ${beside})
      set(line "#include \"${beside}\"")
    endif()
    list(APPEND headers "${line}")
  endforeach()
  cmake_path(GET source STEM name)
  if(KIND STREQUAL wrapped)
    string(APPEND text "namespace ${name} {\n#include \"${source}\"\n}\n")
  else()
    string(APPEND text "#include \"${source}\"\n")
  endif()
endforeach()
list(REMOVE_DUPLICATES headers)
list(JOIN headers "\n" headers)
file(CONFIGURE OUTPUT ${JOINED} CONTENT "@headers@\n@text@" @ONLY)
