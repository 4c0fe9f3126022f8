// Checkpoints: everything that a run needs to go on with the same bits. Every state of the training
// graph (parameters, moments, statistics, step) and what fixes the arithmetic around them, in one
// safetensors file that other tools read, too.
#pragma once

#include <hone/tensor.h>

#include <map>
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace hone::io {

/// Keys of the metadata; all of them must be there when a checkpoint is saved, but for `format` and
/// `numerics`, which saving sets.
namespace checkpoint_key {
inline constexpr std::string_view format = "format";
inline constexpr std::string_view numerics = "numerics_version";
inline constexpr std::string_view network = "network_signature";
inline constexpr std::string_view seed = "seed";
inline constexpr std::string_view shards = "shards";  ///< V of docs/numerics.md
inline constexpr std::string_view batch = "batch";
inline constexpr std::string_view epoch = "epoch";
inline constexpr std::string_view step = "step";  ///< the cursor: steps done within the epoch
}  // namespace checkpoint_key

struct Checkpoint {
  std::map<std::string, Tensor> states;
  std::map<std::string, std::string> metadata;

  void set(std::string_view key, int64_t value);
  /// Throws InvalidInput if the entry is missing or no integer.
  int64_t integer(std::string_view key) const;
};

void save_checkpoint(const std::string& path, Checkpoint checkpoint);
/// Throws Io, or InvalidInput, naming the file, for what is no checkpoint.
Checkpoint load_checkpoint(const std::string& path);

/// 16 hexadecimal digits of what a graph computes: its ops, attributes, constants and names.
std::string network_signature(const ir::Graph& graph);

/// Throws InvalidInput, in one line naming the file, unless the checkpoint was made under this
/// numerics version for a network of this signature, with exactly the states of `graph`.
void require_matches(const Checkpoint& checkpoint, const std::string& path, const ir::Graph& graph,
                     std::string_view signature);

}  // namespace hone::io
