// An error's line is one line, whatever the names in it hold.
#include <hone/error.h>

#include "base/printable.h"

namespace hone {

Error::Error(ErrorKind kind, const std::string& message)
    : std::runtime_error(printable(message)), kind_(kind) {}

}  // namespace hone
