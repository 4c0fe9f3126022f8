// Splitting a data set without a second copy of it.
#pragma once

#include <hone/data.h>

namespace hone::data {

/// `split`, for a data set that nobody else holds: its rows are reordered in place, and both parts
/// share its memory.
std::pair<Dataset, Dataset> split_in_place(Dataset dataset, double fraction, uint64_t seed);

}  // namespace hone::data
