// Formats by extension, and the comparison of two sets of names and types.
#include "io/weights.h"

#include <filesystem>
#include <set>

#include "base/error.h"
#include "io/npz.h"
#include "io/safetensors.h"

namespace hone::io {
namespace {

struct Format {
  std::string_view extension;
  Weights (*load)(const std::string& path);
  void (*save)(const std::string& path, const Weights& weights);
};
constexpr Format kFormats[] = {
    {".safetensors", [](const std::string& path) { return load_safetensors(path).tensors; },
     [](const std::string& path, const Weights& weights) {
       save_safetensors(path, {weights, {}});
     }},
    {".npz", load_npz, save_npz}};

const Format& format_of(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const Format& f : kFormats)
    if (f.extension == extension) return f;
  fail(ErrorKind::Unsupported, "'{}': expected a .safetensors or .npz file, found '{}'", path,
       extension);
}

std::string described(const Weights& weights, const std::string& name) {
  const auto at = weights.find(name);
  return at == weights.end() ? "none" : at->second.type().to_string();
}

}  // namespace

Weights load_weights(const std::string& path) { return format_of(path).load(path); }

void save_weights(const std::string& path, const Weights& weights) {
  format_of(path).save(path, weights);
}

void require_same_weights(const Weights& weights, const std::string& path, const Weights& model,
                          const std::string& model_name) {
  std::set<std::string> names;
  for (const Weights* side : {&weights, &model})
    for (const auto& [name, tensor] : *side) names.insert(name);
  std::string first;
  int64_t more = -1;
  for (const std::string& name : names) {
    const std::string expected = described(model, name);
    const std::string found = described(weights, name);
    if (expected == found) continue;
    if (++more == 0) first = fmt::format("'{}': expected {}, found {}", name, expected, found);
  }
  require(more < 0, "weights '{}' do not fit model '{}': {}{}", path, model_name, first,
          more == 0 ? "" : fmt::format(" (and {} more)", more));
}

}  // namespace hone::io
