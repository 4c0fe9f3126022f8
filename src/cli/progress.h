// Progress of training on stderr: one line that redraws itself on a terminal, a line an epoch
// elsewhere.
#pragma once

#include <hone/model.h>

#include <chrono>
#include <string>

namespace hone::cli {

class ProgressLine {
 public:
  /// `quiet`: print nothing at all.
  explicit ProgressLine(bool quiet);
  ~ProgressLine();
  void step(const Progress& progress);
  void epoch(int index, int epochs, const Epoch& epoch);
  /// A line that stays, also if quiet.
  void warn(const std::string& what);

 private:
  void clear();

  bool quiet_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace hone::cli
