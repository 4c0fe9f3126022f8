// The entry of libFuzzer, for the target that HONE_FUZZ_TARGET names.
#include <cstddef>
#include <cstdint>

#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const hone::fuzz::Target& target : hone::fuzz::targets())
    if (target.name == HONE_FUZZ_TARGET)
      hone::fuzz::run(target, {reinterpret_cast<const char*>(data), size});
  return 0;
}
