# Compiles types.cpp as it is, also for the sanitizers of undefined behaviour, with which GCC takes
# fewer constant expressions; and with the code that must not compile.
# -DCOMPILER=… -DDEFINITIONS=-Da;-Db -DINCLUDES=a;b -DSOURCE=…

set(command ${COMPILER} -std=gnu++20 -fsyntax-only -w ${DEFINITIONS})
foreach(folder IN LISTS INCLUDES)
  list(APPEND command -I${folder})
endforeach()

foreach(sanitizers "none" "undefined")
  set(checked ${command})
  if(NOT sanitizers STREQUAL "none")
    list(APPEND checked -fsanitize=${sanitizers})
  endif()
  execute_process(COMMAND ${checked} ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE told)
  if(failed)
    message(FATAL_ERROR "what is allowed does not compile (sanitizers: ${sanitizers}):\n${told}")
  endif()
endforeach()

execute_process(COMMAND ${command} -DREFUSED ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE told)
if(NOT failed)
  message(FATAL_ERROR "what must not compile does")
endif()
file(STRINGS ${SOURCE} wanted REGEX "^// refused: ")
foreach(line IN LISTS wanted)
  string(REPLACE "// refused: " "" text "${line}")
  string(FIND "${told}" "${text}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "no error says: ${text}\n${told}")
  endif()
endforeach()
