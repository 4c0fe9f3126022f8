// Data sets that are .npz files: arrays of images and labels, as NumPy and Keras keep them.
#pragma once

#include <hone/data.h>

#include <string>

namespace hone::data {

/// What `data::load` and `data::load_test` say of .npz files. `name` is what errors call the set.
Splits read_npz_splits(const std::string& path, const std::string& name,
                       const LoadOptions& options);
Dataset read_npz_test(const std::string& path, const std::string& name);

}  // namespace hone::data
