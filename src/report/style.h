// The one style sheet of all reports: system fonts, a light and a dark scheme, one column on a
// phone.
#pragma once

#include <string_view>

namespace hone::report {

extern const std::string_view kStyle;

}  // namespace hone::report
