# What a program linked with libhone needs, found alike by this build and, after an install, by
# find_package(hone). Header-only libraries that only the build needs are in HoneTarget.cmake.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(ONNX REQUIRED) # the target onnx_proto: the format's schema, compiled
