// Reading back the text of a graph (its form is in ir/text.h).
#pragma once

#include <string_view>

#include "ir/graph.h"

namespace hone::ir {

/// The graph that `to_text` printed. Types may be left out but for inputs, states and constants;
/// where they stand they must agree with shape inference. Throws InvalidInput that names the line,
/// what was expected there and what was found.
Graph parse(std::string_view text);

}  // namespace hone::ir
