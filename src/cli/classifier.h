// What the verbs that judge pictures share: how a classifier of any maker is fed, and the pictures
// themselves.
#pragma once

#include <hone/hone.h>

#include "cli/command.h"
#include "cli/dims.h"
#include "data/resize.h"

namespace hone::cli {

/// --scale, --mean, --std, --resize and --output, as they were typed, and --dim.
struct FeedArgs {
  std::string scale, mean, deviation, resize, output;
  Dims dims = {};
};

void add_feed_options(CLI::App& command, FeedArgs& args);

/// A classifier with the way to its pictures.
struct Classifier {
  std::string file;
  FeedArgs args;
  Model model;
  ForeignOptions options;
  data::Resize resize;

  static Classifier load(const std::string& file, const FeedArgs& args, const Common& common);

  /// A picture as the model takes it: the number of channels, then the size. `name` stands in the
  /// errors.
  Tensor fitted(const Tensor& picture, const std::string& name) const;
  /// The test set of that name; of IDX files, as it is.
  data::Dataset test_set(const std::string& name) const;
  /// The images of a data set as the model takes them. Throws InvalidInput where they, or the
  /// classes, do not fit.
  data::Dataset fitted(data::Dataset data) const;
  /// Tells on stderr what the model is fed, unless --quiet or --json.
  void tell_feed(const Common& common) const;
  /// The same as an object.
  nlohmann::json feed() const;
};

}  // namespace hone::cli
