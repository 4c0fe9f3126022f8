// Requantising where that serves.
#include "kernels/int8/sum_epilogue.h"

namespace hone::kernels {

SumEpilogue::SumEpilogue(const Problem& problem)
    : fns_(dot_fns(problem.isa)),
      program_(TileProgram::epilogue_of(problem)),
      requantisation_(Requantisation::of(problem)) {}

std::string SumEpilogue::refuse(const Problem& problem) {
  if (!problem.attrs().has("epilogue")) return "";
  return TileProgram::refuse_epilogue(*problem.attrs().get<ir::Region>("epilogue"));
}

void SumEpilogue::run(const Block& block, const Call& call, const int32_t* sums, int64_t sums_row,
                      std::byte* scratch) const {
  if (requantisation_ && requantisation_->run(fns_, block, call, sums, sums_row)) return;
  const Accumulator accumulator{sums, sums_row};
  program_->run(block, call.operands.subspan(2), call.results, scratch, &accumulator);
}

}  // namespace hone::kernels
