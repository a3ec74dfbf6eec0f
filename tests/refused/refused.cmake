# Compiles types.cpp twice: as it is, and with the code that must not compile.
# -DCOMPILER=… -DDEFINITIONS=-Da;-Db -DINCLUDES=a;b -DSOURCE=…

set(command ${COMPILER} -std=gnu++20 -fsyntax-only -w ${DEFINITIONS})
foreach(folder IN LISTS INCLUDES)
  list(APPEND command -I${folder})
endforeach()

execute_process(COMMAND ${command} ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE told)
if(failed)
  message(FATAL_ERROR "what is allowed does not compile:\n${told}")
endif()

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
