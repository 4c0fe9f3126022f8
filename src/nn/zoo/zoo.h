// The model zoo: networks by name, with the settings that they are trained with by default.
#pragma once

#include <hone/nn.h>

#include <string_view>
#include <vector>

namespace hone::nn {

/// How a network is trained unless the user says otherwise.
struct Recipe {
  Optimizer optimizer;  ///< its schedule comes from `with_schedule`
  int epochs = 10;
  int64_t batch = 64;
  Schedule::Kind schedule = Schedule::Kind::constant;  ///< over the whole run
  int warmup_epochs = 0;
  bool flip = false;  ///< mirror images at random
  double crop = 0;    ///< pad images by so much of their height, and crop at random
};

/// An optimiser that follows the schedule through `epochs` of `steps` each: `step` has a tenth of
/// the rate after each third, `cosine` ends at 0.
Optimizer with_schedule(Optimizer optimizer, Schedule::Kind kind, int64_t epochs, int64_t steps,
                        int64_t warmup_steps);

struct ZooEntry {
  std::string_view name;
  std::string_view what;                   ///< one line for --help
  Var (*network)(Var x, int64_t classes);  ///< from images to logits
  Shape sample;                            ///< [C,H,W] that it was made for; it takes others
  int64_t classes;                         ///< likewise
  Recipe recipe;

  /// The network, which takes its images' shape from the data.
  Var of(int64_t classes_of_data) const { return network(input({}), classes_of_data); }
};

const std::vector<ZooEntry>& zoo();
/// Throws InvalidInput, naming those that exist.
const ZooEntry& zoo_entry(std::string_view name);

// The networks that have a file of their own.
ZooEntry resnet20();
ZooEntry resnet18();
ZooEntry mobilenetv2();

}  // namespace hone::nn
