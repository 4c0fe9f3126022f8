# How every target of this project is compiled, and what it may use.
find_package(nlohmann_json REQUIRED)
find_package(hwy 1.0.3 REQUIRED)
find_package(Boost REQUIRED) # headers only

function(hone_target target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  # The same bits on every machine (docs/numerics.md): an FMA is written, never made by the compiler.
  # -Wno-restrict: GCC 12 sees overlaps in std::string's operator+ that are not there (PR 105651).
  target_compile_options(${target} PRIVATE -Wall -Wextra -ffp-contract=off
                                           $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  # Highway compiles each SIMD file for exactly these two levels (src/kernels/simd.h).
  target_compile_definitions(${target} PRIVATE HWY_BASELINE_TARGETS=HWY_AVX2
                                               HWY_DISABLED_TARGETS=~\(HWY_AVX2|HWY_AVX3\))
  if(PROJECT_IS_TOP_LEVEL)
    set_target_properties(${target} PROPERTIES COMPILE_WARNING_AS_ERROR ON)
  endif()
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:Boost::headers>)
  # What protoc makes of src/*.proto.
  target_include_directories(${target} SYSTEM PRIVATE ${PROJECT_BINARY_DIR})
  # Of Highway only headers are used, so that nothing of it is linked.
  target_include_directories(
    ${target} SYSTEM PRIVATE $<TARGET_PROPERTY:hwy::hwy,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(${target} PRIVATE Threads::Threads fmt::fmt ZLIB::ZLIB onnx_proto
                                          protobuf::libprotobuf hone_spng hone_turbojpeg hone_zip
                                          $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)
  if(HONE_SANITIZE)
    target_compile_options(
      ${target} PRIVATE -fsanitize=${HONE_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    # A static library hands its link options on: whoever links it needs the run-time library.
    target_link_options(${target} PUBLIC -fsanitize=${HONE_SANITIZE})
  endif()
endfunction()
