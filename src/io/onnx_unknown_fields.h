// Refuses a file that says something in fields which hone's schema does not know.
#pragma once

#include "io/onnx_proto.h"

namespace hone::io {

/// Throws Unsupported if any message within holds a field that the schema lacks, unless it is one
/// of newer versions' notes, which change nothing that is computed.
void refuse_unknown_fields(const google::protobuf::Message& message);

}  // namespace hone::io
