// The confusion matrix as a table: who was taken for whom.
#pragma once

#include <hone/tensor.h>

#include <string>
#include <vector>

#include "report/html.h"

namespace hone::report {

/// `counts` is i64 [C,C], rows the actual class, columns the predicted one. Above 20 classes the
/// cells are colours only, with their numbers under the pointer.
Html confusion_matrix(const Tensor& counts, const std::vector<std::string>& names);

}  // namespace hone::report
