// --dim: extents for the dimensions that a model's file names and leaves open.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace hone::cli {

using Dims = std::map<std::string, int64_t>;

/// Adds the option, which fills `dims`.
void add_dim_option(CLI::App& command, Dims& dims);

}  // namespace hone::cli
