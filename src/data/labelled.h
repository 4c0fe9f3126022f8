// What readers of images with numbered classes share: from the arrays of a file to a data set.
#pragma once

#include <hone/data.h>

#include <string>
#include <vector>

namespace hone::data {

/// An array as images: u8 or f32 [count, C, H, W], of which C may be left out. Throws InvalidInput;
/// `where` stands in the error.
Tensor as_images(const Tensor& array, const std::string& where);
/// The names of the classes 0 to the largest label. Throws InvalidInput, naming the data set, where
/// there is no label or one that numbers no class.
std::vector<std::string> numbered_classes(const Tensor& labels, const std::string& name);

/// A data set's parts, from training and test data whose names are of use in errors only.
/// Without `class_names` the classes are those of the training labels; without test data (no
/// images) a fifth of each class is held out, always the same. Throws InvalidInput where the two
/// are not of one kind.
Splits as_splits(Dataset train, Dataset test, const std::string& name,
                 std::vector<std::string> class_names, double validation, uint64_t seed);

}  // namespace hone::data
