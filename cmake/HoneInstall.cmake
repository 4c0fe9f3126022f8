# `cmake --install`: headers, library, tool, and the files that make find_package(hone) work.
include(CMakePackageConfigHelpers)
set(HONE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/hone)

install(TARGETS libhone EXPORT hone)
if(TARGET hone)
  install(TARGETS hone)
endif()
install(DIRECTORY include/hone DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT hone NAMESPACE hone:: FILE honeTargets.cmake DESTINATION ${HONE_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/honeConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES cmake/honeConfig.cmake cmake/HoneDependencies.cmake
              ${PROJECT_BINARY_DIR}/honeConfigVersion.cmake DESTINATION ${HONE_CMAKE_DIR})
