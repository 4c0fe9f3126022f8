// Which level's functions.
#include "kernels/int8/levels.h"

namespace hone::kernels {
namespace {

// Here, where any machine can run it: a level's numbers are asked for by passes as well.
DotFns with_amx_tiles(DotFns fns) {
  fns.tiles = &int8_amx::tiles;
  fns.tiles_write_bytes = false;
  fns.end = &int8_amx::release;
  fns.even_rows = true;
  fns.multiply_rounds = nullptr;
  return fns;
}

}  // namespace

const DotFns& dot_fns(Isa isa) {
  switch (isa) {
    case Isa::amx: {
      static const DotFns amx = with_amx_tiles(int8_avx512vnni::fns);
      return amx;
    }
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
