# How filch's own sources are compiled.  Nothing here reaches a consumer: every property is PRIVATE.

set(FILCH_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Wcast-qual -Wredundant-decls)
if(FILCH_WERROR)
    list(APPEND FILCH_WARNINGS -Werror)
endif()

set(FILCH_SANITIZE_FLAGS "")
if(FILCH_SANITIZE STREQUAL "address")
    # A report ends the process: one that only prints would let the test pass.
    set(FILCH_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(FILCH_SANITIZE STREQUAL "thread")
    set(FILCH_SANITIZE_FLAGS -fsanitize=thread -fno-omit-frame-pointer)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # gcc warns at every fence that ThreadSanitizer models none: known, and said at fl_fence_sc.
        list(APPEND FILCH_WARNINGS -Wno-tsan)
    endif()
elseif(FILCH_SANITIZE)
    message(FATAL_ERROR "FILCH_SANITIZE is '${FILCH_SANITIZE}': expected address, thread or nothing")
endif()
add_compile_options(${FILCH_SANITIZE_FLAGS})
add_link_options(${FILCH_SANITIZE_FLAGS})

# FL_DEBUG switches the internal checks on.  NDEBUG is left to assert(): tests rely on it in every build.
function(filch_compile target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
        CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
    target_compile_options(${target} PRIVATE ${FILCH_WARNINGS} $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>)
    if(FILCH_SANITIZE)
        target_compile_definitions(${target} PRIVATE FL_DEBUG=1)
    else()
        target_compile_definitions(${target} PRIVATE $<$<CONFIG:Debug>:FL_DEBUG=1>)
    endif()
endfunction()

# FILCH_SWITCH: the folder of runtime/arch/ that is compiled.
set(FILCH_SWITCH ucontext)
set(FILCH_SWITCH_LIBRARIES "")
if(FILCH_FIBER STREQUAL "auto")
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|aarch64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8) # not x32
        string(REPLACE AMD64 x86_64 FILCH_SWITCH ${CMAKE_SYSTEM_PROCESSOR})
    endif()
elseif(NOT FILCH_FIBER STREQUAL "ucontext")
    message(FATAL_ERROR "FILCH_FIBER is '${FILCH_FIBER}': expected auto or ucontext")
endif()
if(FILCH_SWITCH STREQUAL "ucontext")
    set(FILCH_SWITCH_LIBRARIES m) # fegetenv, fesetenv
endif()
