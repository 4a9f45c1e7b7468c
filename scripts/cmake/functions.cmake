# One function for each kind of thing the project builds. All of it lands flat in the build folder,
# so that `build/heapwise` finds its parts beside itself.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

add_library(heapwise_flags INTERFACE)
target_include_directories(heapwise_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(heapwise_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                       -Wno-missing-field-initializers
                       # g++ 12 warns of impossible lengths inside its own std::string
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                       $<$<BOOL:${HEAPWISE_WERROR}>:-Werror>)

# What a compiler must not be allowed to know in measured code: it deletes malloc/free pairs otherwise.
set(HEAPWISE_NO_BUILTIN_MALLOC -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc
    -fno-builtin-free -fno-builtin-aligned_alloc -fno-builtin-posix_memalign)

# What is not interposed can run under a sanitizer; what links it is instrumented too.
function(make_sanitizable target)
  if(HEAPWISE_SANITIZER)
    target_compile_options(${target} PUBLIC -fsanitize=${HEAPWISE_SANITIZER} -fno-sanitize-recover=all
                           -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${HEAPWISE_SANITIZER})
  endif()
endfunction()

# A layer of the suite: a static library `heapwise_<name>` with an explicit list of sources.
function(add_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(heapwise_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(heapwise_${name} PUBLIC heapwise_flags ${ARG_LINK})
  set_target_properties(heapwise_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  make_sanitizable(heapwise_${name})
endfunction()

# A library for LD_PRELOAD: raw system calls, no C++ runtime, resolves everything at load.
function(add_preload name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} SHARED ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE heapwise_flags ${ARG_LINK})
  target_compile_options(${name} PRIVATE -fno-exceptions -fno-rtti -fvisibility=hidden
                         -ftls-model=initial-exec ${HEAPWISE_NO_BUILTIN_MALLOC})
  # g++ knows -nostdlib++ only from 13 on; naming what is linked is the same for every compiler.
  target_link_options(${name} PRIVATE -nodefaultlibs -Wl,--no-undefined -Wl,-z,now)
  target_link_libraries(${name} PRIVATE c gcc)
endfunction()

# A GoogleTest program: tests/<...>/<name>.cpp becomes test target <name>; `unit_tests` builds all.
add_custom_target(unit_tests)
function(add_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES ${name}.cpp)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE heapwise_flags ${ARG_LINK} GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(unit_tests ${name})
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
endfunction()
