// The ONNX backend tests: nothing fails, what passed once passes still, and docs/conformance.md
// says what hone does with each op. `HONE_CONFORMANCE=write` writes that page and the list of what
// passes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include "backend_case.h"
#include "io/file.h"
#include "report.h"

namespace hone::conformance {
namespace {

// Tests run in the source folder.
const std::filesystem::path kData = "/usr/share/libonnx-testdata/data";
const std::string kPassing = "tests/conformance/passing.list";

std::set<std::string> passing_before() {
  std::set<std::string> names;
  std::ifstream file(kPassing);
  EXPECT_TRUE(file.is_open()) << kPassing;
  for (std::string name; std::getline(file, name);) names.insert(name);
  return names;
}

TEST(Conformance, NothingFailsAndWhatPassedPasses) {
  ThreadPool pool(2);
  std::vector<CaseResult> all;
  for (const char* suite : {"node", "pytorch-converted", "pytorch-operator", "simple"})
    for (CaseResult& r : run_suite(kData / suite, pool)) all.push_back(std::move(r));
  ASSERT_GT(all.size(), 1000U);

  const std::set<std::string> before = passing_before();
  std::string passing;
  for (const CaseResult& r : all) {
    const std::string name = r.suite + "/" + r.name;
    EXPECT_NE(r.outcome, Outcome::failed) << name << ": " << r.reason;
    EXPECT_TRUE(r.outcome == Outcome::passed || !r.suite.starts_with("pytorch")) << name;
    if (r.outcome == Outcome::passed) passing += name + "\n";
    else EXPECT_FALSE(before.contains(name)) << name << " passed before: " << r.reason;
  }
  const char* mode = std::getenv("HONE_CONFORMANCE");
  if (mode == nullptr || std::string(mode) != "write") return;
  io::write_file(kPassing, passing);
  io::write_file("docs/conformance.md", report(all));
}

// The cases of a later ONNX than the distribution's: HONE_ONNX_TESTDATA is the folder of its
// suites, onnx/backend/test/data in the Python package.
TEST(Full_Conformance, NothingOfALaterOnnxFails) {
  const char* folder = std::getenv("HONE_ONNX_TESTDATA");
  if (folder == nullptr) GTEST_SKIP() << "HONE_ONNX_TESTDATA names no folder";
  ThreadPool pool(2);
  std::map<Outcome, int> counts;
  for (const auto& suite : std::filesystem::directory_iterator(folder))
    for (const CaseResult& r : run_suite(suite.path(), pool)) {
      ++counts[r.outcome];
      EXPECT_NE(r.outcome, Outcome::failed) << r.suite << "/" << r.name << ": " << r.reason;
    }
  std::cout << counts[Outcome::passed] << " passed, " << counts[Outcome::refused] << " refused\n";
}

}  // namespace
}  // namespace hone::conformance
