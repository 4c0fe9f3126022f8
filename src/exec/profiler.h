// Where the time of a program goes: each step's, over any number of runs, and one run as a trace.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "exec/executor.h"
#include "plan/program.h"

namespace hone::exec {

/// What one step, or all steps of one layer or kernel, took.
struct Usage {
  std::string name;    ///< the step's layer, or "" where a group has several
  std::string kernel;  ///< "gemm.packed", or "" where a group has several
  int64_t calls = 0;
  double seconds = 0;
  double flops = 0;  ///< floating-point operations of all calls
  double bytes = 0;  ///< operands and results of all calls, each counted once a call
};

class Profiler {
 public:
  explicit Profiler(std::shared_ptr<const plan::Program> program);

  /// Begins a run; then `observer` sees its steps.
  void start();
  StepObserver observer();

  /// One for each step, in order.
  std::vector<Usage> steps() const;
  /// Steps that have a layer (the node's path without its last part) or a kernel in common, the
  /// most expensive first.
  std::vector<Usage> by_layer() const;
  std::vector<Usage> by_kernel() const;

  /// Chrome's trace event format, which Perfetto opens: the last run, a slice a step.
  std::string trace() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Record {
    Clock::duration total{};
    int64_t calls = 0;
    Clock::time_point begin, end;  // in the last run
  };
  void record(const plan::Step& step);

  std::shared_ptr<const plan::Program> program_;
  std::vector<Record> records_;
  Clock::time_point run_, last_;
};

/// "conv1" of "conv1/Conv"; a name without a '/' is the layer's.
std::string layer_of(const std::string& node);

}  // namespace hone::exec
