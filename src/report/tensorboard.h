// An event file that TensorBoard reads: scalars by step, appended while a run goes on.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace hone::report {

struct Scalar {
  std::string tag;  ///< "loss/validation": TensorBoard groups by what stands before the slash
  double value;
};

class EventFile {
 public:
  /// Makes a new file "events.out.tfevents.*" in the folder, which is made if need be. Files of
  /// earlier runs stay: TensorBoard reads them together. Throws Io, naming the file.
  explicit EventFile(const std::string& folder);

  /// Adds what is known of a step; NaN values are left out. The first call also says that whatever
  /// an earlier file has of this step and later is void: a run that was killed repeats the steps
  /// since its checkpoint. What is added reaches the file within a second, or by `flush`. Throws
  /// Io.
  void add(int64_t step, const std::vector<Scalar>& scalars);
  void flush();

  const std::string& path() const { return path_; }

 private:
  void write(const std::string& record);

  std::string path_;
  std::ofstream out_;
  bool started_ = false;
  std::chrono::steady_clock::time_point flushed_;
};

}  // namespace hone::report
