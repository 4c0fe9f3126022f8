// The model zoo: networks by name, with the settings that they are trained with by default.
#pragma once

#include <hone/nn.h>

#include <optional>
#include <string_view>
#include <vector>

namespace hone::nn {

struct ZooEntry {
  std::string_view name;
  std::string_view what;  ///< one line for --help
  std::vector<Layer> (*layers)(int64_t classes);
  Optimizer optimizer;
  int epochs;
  int64_t batch;
};

const std::vector<ZooEntry>& zoo();
/// Throws InvalidInput, naming those that exist.
const ZooEntry& zoo_entry(std::string_view name);

}  // namespace hone::nn
