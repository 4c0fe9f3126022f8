// Splitting a data set without a second copy of it.
#pragma once

#include <hone/data.h>

namespace hone::data {

/// `split`, for a data set that nobody else holds: its rows are reordered in place, and both parts
/// share its memory.
std::pair<Dataset, Dataset> split_in_place(Dataset dataset, double fraction, uint64_t seed);

/// A data set without a part for testing, and that part: a fifth of each class, always the same.
std::pair<Dataset, Dataset> hold_out_test(Dataset dataset);

}  // namespace hone::data
