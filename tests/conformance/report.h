// docs/conformance.md, from the results of a run.
#pragma once

#include <fmt/format.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "backend_case.h"

namespace hone::conformance {

using Counts = std::array<int, 3>;  ///< by Outcome

inline std::string table(const std::string& key, const std::map<std::string, Counts>& rows) {
  std::string out = fmt::format("| {} | passed | failed | refused |\n|---|---|---|---|\n", key);
  for (const auto& [name, n] : rows)
    out += fmt::format("| {} | {} | {} | {} |\n", name, n[0], n[1], n[2]);
  return out + "\n";
}

/// The reason without what differs from case to case: the file, the node's name and opset.
inline std::string summary(std::string reason) {
  for (const std::string cut : {"hone cannot run the model: ", "'model.onnx': "})
    if (const size_t at = reason.find(cut); at != std::string::npos) reason.erase(at, cut.size());
  reason = reason.substr(0, reason.find("; "));
  for (const std::string quoted : {"node '", "input '", "initializer '", "tensor '"}) {
    const size_t at = reason.find(quoted);
    if (at == std::string::npos) continue;
    const size_t end = reason.find('\'', at + quoted.size());
    reason.erase(at + quoted.size() - 2, end - at - quoted.size() + 3);
  }
  if (const size_t at = reason.find(", opset "); at != std::string::npos)
    reason.erase(at, reason.find(')', at) - at);
  return reason;
}

inline std::string report(const std::vector<CaseResult>& results) {
  std::map<std::string, Counts> suites, ops;
  std::map<std::string, int> reasons;
  for (const CaseResult& r : results) {
    ++suites[r.suite][static_cast<size_t>(r.outcome)];
    ++ops[r.op][static_cast<size_t>(r.outcome)];
    if (r.outcome == Outcome::refused) ++reasons[summary(r.reason)];
  }
  std::string out =
      "# Conformance: the ONNX backend tests\n\n"
      "Every case of Debian's libonnx-testdata through the pipeline that serves, with all "
      "optional\n"
      "passes on and off, compared by ONNX's own tolerances (relative 1e-3, absolute 1e-7; "
      "integers\n"
      "exactly). A case is refused where hone says that it does not support the model. Generated "
      "by\n\n"
      "    HONE_CONFORMANCE=write build/release/hone_tests --gtest_filter='Conformance.*'\n\n";
  out += table("suite", suites);
  out += "## By op\n\nA case of more than one node counts as `several`.\n\n" + table("op", ops);
  out += "## Why cases are refused\n\n| cases | reason |\n|---|---|\n";
  for (const auto& [reason, n] : reasons) out += fmt::format("| {} | {} |\n", n, reason);
  return out;
}

}  // namespace hone::conformance
