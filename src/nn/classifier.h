// A classifier of any maker as hone's own are: pixels in, logits out.
#pragma once

#include <hone/nn.h>

#include "ir/graph.h"

namespace hone::nn {

/// True if an output is a softmax over its classes: exp(x - max) / sum, whatever reshapes follow.
bool ends_in_softmax(const ir::Graph& graph, std::string_view output);

/// The graph with one input, "input": f32 [N, sample...], raw pixels 0 to 255 as [N,C,H,W] where
/// they are images (one that declares [N,H,W,C] is given it transposed), and one output, "logits":
/// f32 [N, classes]. A softmax at the end is cut off, so that what is left are logits. A graph that
/// has this interface already stays as it is, but for the options. Throws InvalidInput where no
/// output, or more than one, can be meant.
ir::Graph as_classifier(const ir::Graph& graph, const ForeignOptions& options);

}  // namespace hone::nn
