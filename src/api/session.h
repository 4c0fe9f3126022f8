// What a Session is made of, for the tool, which shows and measures it.
#pragma once

#include <hone/session.h>

#include "exec/staged.h"
#include "io/onnx_import.h"

namespace hone {

struct SessionImpl {
  std::string name;
  std::vector<std::string> class_names;
  std::vector<Port> inputs, outputs;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<exec::StagedExecutor> executor;

  static std::unique_ptr<SessionImpl> make(io::OnnxModel file, const SessionOptions& options);
  /// For a file that cannot be imported before its inputs' shapes are known.
  static std::unique_ptr<SessionImpl> make(io::OnnxSource source, const SessionOptions& options);
  /// What a session is made of; it lives as long as the session.
  static SessionImpl& of(const Session& session) { return *session.impl_; }
  /// The inputs' types at a batch of `n`. Throws InvalidInput if another extent is open.
  exec::InputTypes input_types(int64_t n) const;
  /// Makes the pool and the executor.
  void start(exec::GraphSource source, const SessionOptions& options);
  /// Runs with an observer of each step, which may be empty.
  void run(const Tensors& given, Tensors& results, const exec::StepObserver& observer) const;
};

}  // namespace hone
