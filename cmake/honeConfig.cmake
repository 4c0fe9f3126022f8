# find_package(hone): gives the target hone::hone.
include(${CMAKE_CURRENT_LIST_DIR}/HoneDependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/honeTargets.cmake)
