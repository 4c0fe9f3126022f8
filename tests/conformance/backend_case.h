// One case of the ONNX backend tests: a folder with a model and data sets of inputs and outputs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/thread_pool.h"

namespace hone::conformance {

enum class Outcome { passed, failed, refused };

struct CaseResult {
  std::string suite;  ///< "node"
  std::string name;   ///< "test_abs"
  std::string op;     ///< the one op of the case, or "several"
  Outcome outcome = Outcome::passed;
  std::string reason = {};  ///< why it failed or was refused
};

/// Runs the case through the pipeline that serves, with every optional pass on and with all off.
/// Refused is what hone calls Unsupported; any other error and any wrong number is a failure.
CaseResult run_case(const std::filesystem::path& folder, ThreadPool& pool);

/// All cases of a suite's folder, sorted by name.
std::vector<CaseResult> run_suite(const std::filesystem::path& suite, ThreadPool& pool);

}  // namespace hone::conformance
