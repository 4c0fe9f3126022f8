// ONNX files are larger than what a protocol-buffer parser should hold: it takes 2 GiB at the most,
// and a parsed weight lies in memory twice. A slim model is the same message with the elements of
// large tensors left where they are.
#pragma once

#include <string>

#include "io/byte_source.h"

namespace hone::io {

/// The size from which on a tensor's raw_data is left in the file.
inline constexpr int64_t kLargePayload = 1024;

/// The model with every large raw_data replaced by external data that has no location: an offset
/// and a length in `model` itself. Throws InvalidInput where the bytes are no message, and, naming
/// the tensor, where one of the model's own says the like, or has its data in two places.
std::string slim_model(const ByteSource& model);

}  // namespace hone::io
