# What a program linked with libhone needs, found alike by this build and, after an install, by
# find_package(hone). Header-only libraries that only the build needs are in HoneTarget.cmake.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(ONNX REQUIRED) # the target onnx_proto: the format's schema, compiled

# Plain C libraries whose CMake package is missing or needs more than the library.
foreach(name spng turbojpeg zip)
  find_library(HONE_${name}_LIBRARY ${name} REQUIRED)
  find_path(HONE_${name}_INCLUDE ${name}.h REQUIRED)
  if(NOT TARGET hone_${name})
    add_library(hone_${name} UNKNOWN IMPORTED)
    set_target_properties(
      hone_${name} PROPERTIES IMPORTED_LOCATION ${HONE_${name}_LIBRARY}
                              INTERFACE_INCLUDE_DIRECTORIES ${HONE_${name}_INCLUDE})
  endif()
endforeach()
