// The levels' functions, one file each: Highway's packaged version knows no dot
// products of bytes.
#pragma once

#include "kernels/int8/micro.h"

namespace hone::kernels {

namespace int8_avx2 {
extern const DotFns fns;
}
namespace int8_avxvnni {
extern const DotFns fns;
}
namespace int8_avx512 {
extern const DotFns fns;
}
namespace int8_avx512vnni {
extern const DotFns fns;
}
namespace int8_amx {
void tiles(const DotTiles& t);
void release();
}  // namespace int8_amx

}  // namespace hone::kernels
