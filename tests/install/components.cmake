# find_package(nexus COMPONENTS …) must need only the packages of the chosen components: installs
# NEXUS_BUILD below WORK, and configures a project for each component with every other package
# hidden. COMPONENTS are all components of this build; NEEDS_<component> and PARTS_<component> their
# packages and parts.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Lists have commas, since semicolons would split the arguments.
string(REPLACE "," ";" COMPONENTS "${COMPONENTS}")
set(packages)
foreach(component IN LISTS COMPONENTS)
  string(REPLACE "," ";" NEEDS_${component} "${NEEDS_${component}}")
  string(REPLACE "," ";" PARTS_${component} "${PARTS_${component}}")
  list(APPEND packages ${NEEDS_${component}})
endforeach()

# The arguments that configure for `asked`, with all packages hidden but `needed`.
function(arguments asked needed out)
  set(all ${CMAKE_COMMAND} -S ${WORK}/source -B ${WORK}/build -G ${GENERATOR}
    -D CMAKE_PREFIX_PATH=${WORK}/prefix -D CMAKE_CXX_COMPILER=${COMPILER}
    -D CMAKE_CXX_FLAGS=${FLAGS} -D "ASKED=${asked}")
  foreach(package IN LISTS packages)
    set(hidden ON)
    if(package IN_LIST needed)
      set(hidden OFF)
    endif()
    list(APPEND all -D CMAKE_DISABLE_FIND_PACKAGE_${package}=${hidden})
  endforeach()
  set(${out} "${all}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
file(COPY ${STRANGER}/ DESTINATION ${WORK}/source)
run(${CMAKE_COMMAND} --install ${NEXUS_BUILD} --prefix ${WORK}/prefix)

arguments(persistence "" configure)
run(${configure})
foreach(component IN LISTS COMPONENTS)
  set(needed ${NEEDS_${component}})
  foreach(part IN LISTS PARTS_${component})
    list(APPEND needed ${NEEDS_${part}})
  endforeach()
  if("prometheus-cpp" IN_LIST needed)
    list(APPEND needed CURL)  # which it finds itself
  endif()
  arguments(${component} "${needed}" configure)
  run(${configure})
endforeach()

# And check that hiding works.
arguments(postgres "SQLiteCpp" configure)
execute_process(COMMAND ${configure} RESULT_VARIABLE code ERROR_VARIABLE said OUTPUT_QUIET)
if(code EQUAL 0 OR NOT said MATCHES "PostgreSQL")
  message(FATAL_ERROR "nexus::postgres was found without libpq: ${said}")
endif()
