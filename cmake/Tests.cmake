# filch_test, filch_tests_in, filch_model_test: how a test is compiled, linked and registered.

find_package(PkgConfig REQUIRED)
pkg_check_modules(criterion REQUIRED IMPORTED_TARGET criterion)

# Criterion does not start under ThreadSanitizer and does not see LeakSanitizer's verdict: there its tests run under
# support/plain_main.c.
add_library(filch_plain_main OBJECT ${PROJECT_SOURCE_DIR}/tests/support/plain_main.c)
filch_compile(filch_plain_main)
target_include_directories(filch_plain_main PRIVATE ${criterion_INCLUDE_DIRS})

if(FILCH_SANITIZE)
    set(filch_slowdown 5)
else()
    set(filch_slowdown 1)
endif()

set(filch_test_environment
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1"
    "TSAN_OPTIONS=halt_on_error=1:atexit_sleep_ms=50" # 1,000 by default, at the end of each test
    "UBSAN_OPTIONS=print_stacktrace=1"
    "PLAIN_TIMEOUT_SCALE=${filch_slowdown}")

# filch_test(NAME SOURCE... [PLAIN] [SERIAL] [TIMEOUT SECONDS] [LABELS LABEL...])
#   A program of Criterion tests as one ctest.  It sees the internal headers and is linked with the static library,
#   whose hidden functions it may call.
#   PLAIN    never with libcriterion
#   SERIAL   one test at a time and nothing else beside it: for tests that need all processors
#   TIMEOUT  of the whole program in a plain build; default 60
function(filch_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "PLAIN;SERIAL" "TIMEOUT" "LABELS")
    if(NOT arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "filch_test(${name}): no source")
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()

    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    filch_compile(${name})
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # gcc takes the int that cr_assert(eq(...)) of criterion/new/assert.h stores in a one-bit field for ours
        target_compile_options(${name} PRIVATE -Wno-conversion)
    endif()
    target_include_directories(${name} PRIVATE
        ${PROJECT_SOURCE_DIR}/runtime ${PROJECT_SOURCE_DIR}/tests/support ${criterion_INCLUDE_DIRS})
    target_link_libraries(${name} PRIVATE filch::filch_static m)
    if(arg_PLAIN OR FILCH_SANITIZE)
        target_link_libraries(${name} PRIVATE filch_plain_main)
    else()
        target_link_libraries(${name} PRIVATE PkgConfig::criterion)
    endif()

    set(jobs "")
    if(arg_SERIAL)
        set(jobs -j1)
    endif()
    add_test(NAME ${name} COMMAND ${name} ${jobs})
    math(EXPR timeout "${arg_TIMEOUT} * ${filch_slowdown}")
    set_tests_properties(${name} PROPERTIES
        TIMEOUT ${timeout} LABELS "${arg_LABELS}" ENVIRONMENT "${filch_test_environment}" RUN_SERIAL ${arg_SERIAL}
        SKIP_RETURN_CODE 77
        FAIL_REGULAR_EXPRESSION "Tested: 0 ") # Criterion's exit status is 0 when nothing ran
endfunction()

# filch_tests_in(FOLDER [options of filch_test]): each .c and .cpp file of tests/FOLDER.
#   A file that needs other options names them before, in tests/CMakeLists.txt: set(unit.deque_OPTIONS TIMEOUT 200)
function(filch_tests_in folder)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c ${folder}/*.cpp)
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM stem)
        set(options ${ARGN})
        if(DEFINED ${folder}.${stem}_OPTIONS)
            set(options ${${folder}.${stem}_OPTIONS} LABELS ${folder})
        endif()
        filch_test(${folder}.${stem} ${source} ${options})
    endforeach()
endfunction()

# filch_model_test(NAME FILE [SOURCE-OF-RUNTIME...])
#   A program of the model checker as two ctests: NAME searches for a failure, NAME.mutants wants one in each mutant.
#   The runtime's sources are compiled anew with FL_MODEL, which turns every atomic access into a call of the checker.
function(filch_model_test name file)
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/runtime/ OUTPUT_VARIABLE sources)
    add_executable(${name} ${file} ${sources})
    target_link_libraries(${name} PRIVATE filch_model_checker)
    filch_model_compile(${name})

    add_test(NAME ${name} COMMAND ${name})
    add_test(NAME ${name}.mutants COMMAND ${name} --mutants)
    set_tests_properties(${name} ${name}.mutants PROPERTIES TIMEOUT 900 LABELS model SKIP_RETURN_CODE 77)
endfunction()

function(filch_model_compile target)
    filch_compile(${target})
    target_compile_definitions(${target} PRIVATE FL_MODEL)
    target_compile_options(${target} PRIVATE -O2)
    target_include_directories(${target} PRIVATE
        ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/runtime ${PROJECT_SOURCE_DIR}/tests/model)
endfunction()
