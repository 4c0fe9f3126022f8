# Tests and benches. Every test carries one label: `quick` (the default) or `full` (long; run by
# `./dev test --full`). The name decides:
#   - a GoogleTest suite is full if its name starts with Full_;
#   - a script tests/NAME/NAME_test.sh is quick, tests/NAME/NAME_full_test.sh is full.
# Scripts get the build folder in HONE_BUILD and the tool in HONE.
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
include(GoogleTest)

file(GLOB_RECURSE HONE_TEST_SOURCES CONFIGURE_DEPENDS src/*_test.cc tests/*_test.cc)
add_executable(hone_tests ${HONE_TEST_SOURCES} fuzz/targets.cc)
hone_target(hone_tests)
target_link_libraries(hone_tests PRIVATE libhone GTest::gmock GTest::gtest_main)
# Only for whom it is for, so that a compiler cache shares the others between checkouts.
set_property(
  SOURCE ${PROJECT_SOURCE_DIR}/tests/recorded_losses_test.cc
         ${PROJECT_SOURCE_DIR}/tests/fuzz_corpus_test.cc
  PROPERTY COMPILE_DEFINITIONS HONE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")

# Names are listed when ctest runs, so that a crash while listing is a test failure.
function(hone_discover label filter)
  gtest_discover_tests(hone_tests DISCOVERY_MODE PRE_TEST TEST_FILTER ${filter} NO_PRETTY_VALUES
                       WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTIES LABELS ${label})
endfunction()
hone_discover(quick "-Full_*:*/Full_*")
hone_discover(full "Full_*:*/Full_*")

# Scripts try the tool and an installed copy as a user would: once, in a build that is not sanitized.
if(NOT HONE_SANITIZE)
  file(GLOB_RECURSE HONE_TEST_SCRIPTS CONFIGURE_DEPENDS tests/*_test.sh)
  foreach(script IN LISTS HONE_TEST_SCRIPTS)
    cmake_path(GET script STEM name)
    add_test(NAME ${name} COMMAND ${script} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set(label quick)
    if(name MATCHES "_full_test$")
      set(label full)
    endif()
    set_tests_properties(
      ${name} PROPERTIES LABELS ${label} ENVIRONMENT
                         "HONE_BUILD=${PROJECT_BINARY_DIR};HONE=${PROJECT_BINARY_DIR}/hone")
  endforeach()
endif()

# foo_bench.cc becomes bench_foo; `cmake --build . --target benches` builds them all.
file(GLOB_RECURSE HONE_BENCH_SOURCES CONFIGURE_DEPENDS src/*_bench.cc bench/*_bench.cc)
add_custom_target(benches)
foreach(source IN LISTS HONE_BENCH_SOURCES)
  cmake_path(GET source STEM stem)
  string(REGEX REPLACE "_bench$" "" stem ${stem})
  add_executable(bench_${stem} EXCLUDE_FROM_ALL ${source})
  hone_target(bench_${stem})
  target_link_libraries(bench_${stem} PRIVATE libhone benchmark::benchmark_main)
  add_dependencies(benches bench_${stem})
endforeach()
