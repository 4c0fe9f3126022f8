# The fuzzers: fuzz_NAME for each folder fuzz/corpus/NAME, in a build by clang whose sanitizers include
# fuzzer-no-link (the preset `fuzz`). `cmake --build . --target fuzzers` builds them all.
file(GLOB HONE_FUZZ_NAMES CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/fuzz/corpus fuzz/corpus/*)
add_custom_target(fuzzers)
# clang takes many minutes to instrument the SIMD kernels, which no reader runs; the suite runs them
# under the sanitizers of the preset `debug`.
file(GLOB HONE_SIMD_SOURCES CONFIGURE_DEPENDS src/kernels/*/micro*.cc src/kernels/*/*simd.cc)
set_source_files_properties(${HONE_SIMD_SOURCES} PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
foreach(name IN LISTS HONE_FUZZ_NAMES)
  add_executable(fuzz_${name} EXCLUDE_FROM_ALL fuzz/main.cc fuzz/targets.cc)
  hone_target(fuzz_${name})
  target_compile_definitions(fuzz_${name} PRIVATE HONE_FUZZ_TARGET="${name}")
  target_link_libraries(fuzz_${name} PRIVATE libhone)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers fuzz_${name})
endforeach()
