// Which level's functions.
#include "kernels/int8/levels.h"

namespace hone::kernels {

const DotFns& dot_fns(Isa isa) {
  switch (isa) {
    case Isa::amx:
      return int8_amx::fns();
    case Isa::avx512vnni:
      return int8_avx512vnni::fns;
    case Isa::avx512:
      return int8_avx512::fns;
    case Isa::avxvnni:
      return int8_avxvnni::fns;
    default:
      return int8_avx2::fns;
  }
}

const DotFns& word_dot_fns(Isa isa) {
  return isa >= Isa::avx512 ? int8_avx512::fns : int8_avx2::fns;
}

}  // namespace hone::kernels
