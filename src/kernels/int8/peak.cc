// Each level has its own loop (micro_tiles.inc).
#include "kernels/int8/peak.h"

#include "kernels/gemm/peak.h"
#include "kernels/int8/micro.h"

namespace hone::kernels {

std::optional<double> measure_int8_peak_gmacs(Isa isa) {
  const auto multiply = dot_fns(isa).multiply_rounds;
  if (multiply == nullptr) return {};
  constexpr int64_t kRounds = 20000;
  int32_t sink = 0;
  return 1e-9 * best_rate([&] { return static_cast<double>(multiply(kRounds, &sink)); });
}

}  // namespace hone::kernels
