// The fuzzers' corpora, replayed as they are and with small damage: what fuzzing once found stays
// found, in every build and without a fuzzer.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "../fuzz/targets.h"
#include "base/rng.h"
#include "io/file.h"

namespace hone::fuzz {
namespace {

constexpr uint64_t kDamages = 100;

// A byte changed, bytes removed, or bytes repeated.
std::string damaged(std::string bytes, uint64_t seed) {
  const uint64_t at = uniform_below(seed, 1, bytes.size());
  const uint64_t n = 1 + uniform_below(seed, 2, std::min<uint64_t>(8, bytes.size() - at));
  switch (uniform_below(seed, 3, 4)) {
    case 0:
      return bytes.erase(at, n);
    case 1:
      return bytes.insert(at, bytes.substr(at, n));
    case 2:
      return bytes.substr(0, at);
    default:
      bytes[at] = static_cast<char>(uniform_below(seed, 4, 256));
      return bytes;
  }
}

TEST(FuzzCorpus, EveryTargetReadsOrRefusesIt) {
  for (const Target& target : targets()) {
    SCOPED_TRACE(target.name);
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::string(HONE_SOURCE_DIR "/fuzz/corpus/") + std::string(target.name)))
      files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    EXPECT_GT(files.size(), 2U);
    for (const std::string& file : files) {
      SCOPED_TRACE(file);
      const std::string bytes = io::read_file(file);
      EXPECT_NO_THROW(run(target, bytes));
      for (uint64_t i = 0; i < kDamages && !bytes.empty(); ++i)
        EXPECT_NO_THROW(run(target, damaged(bytes, i))) << "damage " << i;
    }
  }
}

}  // namespace
}  // namespace hone::fuzz
