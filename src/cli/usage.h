// Wrong usage, told in one line that names the nearest thing that exists.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hone::cli {

/// What is wrong with a command line that `app` refused.
std::string explain(const CLI::App& app, const CLI::ParseError& error);

/// The candidate that takes the fewest edits to reach, or "" if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// Adds --opset, for verbs that write ONNX files.
void add_opset_option(CLI::App& command, int64_t& opset);

// Checks of options' values. Their errors read "--epochs: expected a whole number of at least 1,
// found '3x'".
CLI::Validator whole_number(int64_t lowest, int64_t highest);
CLI::Validator number_from(double lowest, double highest);
CLI::Validator positive_number();
/// "512M", "2GiB" or "1000000", which becomes the number of bytes: units are powers of 1024.
CLI::Validator memory_size();

}  // namespace hone::cli
