# Compiles each beginner's mistake and compares the first error with the lines above the mistake's code.
# -DCOMPILER=… -DCOMPILER_ID=GNU|Clang -DDEFINITIONS=-Da;-Db -DINCLUDES=a;b -DSOURCES=a.cpp;b.cpp
# -DBINARY_DIR=…
#
# All of them with NEXUS_LONG_TESTS, else those that are marked "by default". The headers are compiled
# once.

set(ENV{LC_ALL} C)  # plain quotation marks
set(command ${COMPILER} -std=gnu++20 -w ${DEFINITIONS})
foreach(folder IN LISTS INCLUDES)
  list(APPEND command -I${folder})
endforeach()
list(GET SOURCES 0 first)
cmake_path(GET first PARENT_PATH folder)
if(COMPILER_ID STREQUAL "GNU")
  set(says "g++")
  set(output ${BINARY_DIR}/mistakes.hpp.gch)
  set(precompiled -include ${BINARY_DIR}/mistakes.hpp)
else()
  set(says "clang++")
  set(output ${BINARY_DIR}/mistakes.hpp.pch)
  set(precompiled -include-pch ${output})
endif()
file(MAKE_DIRECTORY ${BINARY_DIR})
execute_process(COMMAND ${command} -x c++-header ${folder}/mistakes.hpp -o ${output}
  RESULT_VARIABLE failed ERROR_VARIABLE told)
if(failed)
  message(FATAL_ERROR "mistakes.hpp does not compile:\n${told}")
endif()

# check(SOURCE NAME TEXTS…): the first error of the mistake NAME contains the texts.
function(check source name)
  execute_process(COMMAND ${command} -fsyntax-only ${precompiled} -D${name} ${source}
    RESULT_VARIABLE failed ERROR_VARIABLE told)
  if(NOT failed)
    message(SEND_ERROR "${name} compiles")
    return()
  endif()
  string(REGEX MATCH "[^\n]* error: [^\n]*" error "${told}")
  foreach(text IN LISTS ARGN)
    string(FIND "${error}" "${text}" at)
    if(at EQUAL -1)
      message(SEND_ERROR "${name}: the first error is not \"${text}\":\n${told}")
    endif()
  endforeach()
  message(STATUS "${name}: ${error}")
endfunction()

foreach(source IN LISTS SOURCES)
  set(name "")
  file(STRINGS ${source} lines REGEX "^(#ifdef|#endif|// (error|g\\+\\+|clang\\+\\+): )")
  foreach(line IN LISTS lines)
    if(line MATCHES "^#ifdef ([A-Z_]+)(  // by default)?$")
      set(name ${CMAKE_MATCH_1})
      set(by_default "${CMAKE_MATCH_2}")
      set(texts "")
    elseif(line STREQUAL "#endif")
      if(by_default OR DEFINED ENV{NEXUS_LONG_TESTS})
        check(${source} ${name} ${texts})
      endif()
    elseif(line MATCHES "^// ([a-z+]+): (.*)$")
      if(CMAKE_MATCH_1 STREQUAL "error" OR CMAKE_MATCH_1 STREQUAL says)
        list(APPEND texts "${CMAKE_MATCH_2}")
      endif()
    endif()
  endforeach()
endforeach()
