// Saving, loading and comparing checkpoints.
#include "io/checkpoint.h"

#include <bit>
#include <charconv>

#include "base/error.h"
#include "base/numerics.h"
#include "base/rng.h"
#include "io/safetensors.h"
#include "io/tensor_bytes.h"
#include "passes/autodiff.h"

namespace hone::io {
namespace {

namespace key = checkpoint_key;

constexpr std::string_view kFormat = "hone-checkpoint-1";
constexpr std::string_view kRequired[] = {key::network, key::seed,  key::shards,
                                          key::batch,   key::epoch, key::step};

std::string found(const Checkpoint& checkpoint, std::string_view name) {
  const auto at = checkpoint.metadata.find(std::string(name));
  return at == checkpoint.metadata.end() ? "" : at->second;
}

// Folds everything that decides what a graph computes into one word.
class Signature {
 public:
  uint64_t of(const ir::Graph& graph) {
    for (const ir::Node& node : graph.nodes()) {
      text(node.op->name);
      // Gradients are named after nodes whose names are in it already.
      text(passes::is_gradient_name(node.name) ? "" : node.name);
      number(node.operands.size());
      for (ir::ValueId v : node.operands) number(static_cast<uint64_t>(v));
      for (const auto& [name, value] : node.attrs.entries()) {
        text(name);
        std::visit([this](const auto& v) { attribute(v); }, value);
      }
    }
    for (const ir::Output& o : graph.outputs()) {
      text(o.name);
      number(static_cast<uint64_t>(o.value));
    }
    for (const ir::Update& u : graph.updates()) {
      number(static_cast<uint64_t>(u.state));
      number(static_cast<uint64_t>(u.value));
    }
    return word_;
  }

 private:
  void number(uint64_t value) { word_ = mix(word_, value); }
  void text(std::string_view value) { number(key_of(value)); }
  void attribute(int64_t value) { number(static_cast<uint64_t>(value)); }
  void attribute(double value) { number(std::bit_cast<uint64_t>(value)); }
  void attribute(const std::string& value) { text(value); }
  void attribute(const ir::Ints& values) {
    number(values.size());
    for (int64_t v : values) attribute(v);
  }
  void attribute(const Tensor& value) {
    text(value.type().to_string());
    text(bytes_of(value));
  }
  void attribute(const ir::Region& region) { of(*region); }

  uint64_t word_ = 0;
};

// The first state, by name, that is missing, of another type, or too many.
void require_states(const Checkpoint& checkpoint, const std::string& path, const ir::Graph& graph) {
  std::map<std::string, TensorType> expected;
  for (ir::ValueId v : graph.states()) expected[graph.producer(v).name] = graph.type(v);
  auto want = expected.begin();
  auto have = checkpoint.states.begin();
  while (want != expected.end() || have != checkpoint.states.end()) {
    const bool absent =
        have == checkpoint.states.end() || (want != expected.end() && want->first < have->first);
    const bool surplus = want == expected.end() || (!absent && have->first < want->first);
    require(!absent, "checkpoint '{}' is of another network: state '{}': expected {}, found none",
            path, want->first, want->second);
    require(!surplus, "checkpoint '{}' is of another network: state '{}': expected none, found {}",
            path, have->first, have->second.type());
    require(have->second.type() == want->second,
            "checkpoint '{}' is of another network: state '{}': expected {}, found {}", path,
            want->first, want->second, have->second.type());
    ++want;
    ++have;
  }
}

}  // namespace

void Checkpoint::set(std::string_view name, int64_t value) {
  metadata[std::string(name)] = std::to_string(value);
}

int64_t Checkpoint::integer(std::string_view name) const {
  const std::string text = found(*this, name);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc{} && end == text.data() + text.size(),
          "checkpoint: '{}': expected an integer, found '{}'", name, text);
  return value;
}

void save_checkpoint(const std::string& path, Checkpoint checkpoint) {
  for (std::string_view name : kRequired)
    invariant(checkpoint.metadata.contains(std::string(name)), "a checkpoint without '{}'", name);
  checkpoint.metadata[std::string(key::format)] = kFormat;
  checkpoint.set(key::numerics, kNumericsVersion);
  save_safetensors(path, {std::move(checkpoint.states), std::move(checkpoint.metadata)});
}

Checkpoint load_checkpoint(const std::string& path) {
  Safetensors file = load_safetensors(path);
  Checkpoint checkpoint{std::move(file.tensors), std::move(file.metadata)};
  require(found(checkpoint, key::format) == kFormat,
          "'{}' is no checkpoint of hone: expected format '{}', found '{}'", path, kFormat,
          found(checkpoint, key::format));
  return checkpoint;
}

std::string network_signature(const ir::Graph& graph) {
  return fmt::format("{:016x}", Signature().of(graph));
}

void require_matches(const Checkpoint& checkpoint, const std::string& path, const ir::Graph& graph,
                     std::string_view signature) {
  const std::string numerics = found(checkpoint, key::numerics);
  require(numerics == std::to_string(kNumericsVersion),
          "checkpoint '{}' has numerics version {}, this hone has {}: resuming would not give the "
          "same bits",
          path, numerics.empty() ? "none" : numerics, kNumericsVersion);
  require_states(checkpoint, path, graph);
  require(
      found(checkpoint, key::network) == signature,
      "checkpoint '{}' is of another network, optimiser or data: expected signature {}, found {}",
      path, signature, found(checkpoint, key::network));
}

}  // namespace hone::io
