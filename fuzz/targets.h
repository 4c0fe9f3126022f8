// What is fuzzed: every reader of files and texts that hone did not write. A reader takes any bytes
// and may only refuse them, with an Error that is not Internal. libFuzzer drives the targets in the
// preset `fuzz`; a quick test replays fuzz/corpus, with small damage, in every build.
#pragma once

#include <span>
#include <string_view>

namespace hone::fuzz {

struct Target {
  std::string_view name;  ///< of its corpus, too
  void (*run)(std::string_view bytes);
};
std::span<const Target> targets();

/// Throws only what is a finding.
void run(const Target& target, std::string_view bytes);

}  // namespace hone::fuzz
