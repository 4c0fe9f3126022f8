// For the tests: contents of data sets' files.
#pragma once

#include <zlib.h>

#include "base/test_support.h"

namespace hone::data {

using test::Bytes;

inline Bytes gzip(const Bytes& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<uint8_t*>(bytes.data());
  stream.avail_in = static_cast<unsigned>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<unsigned>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// An IDX file: type code, dimensions, then `elements` as they are.
inline Bytes idx(uint8_t code, const std::vector<uint32_t>& dims, const Bytes& elements) {
  Bytes out = {0, 0, code, static_cast<uint8_t>(dims.size())};
  for (uint32_t d : dims)
    for (int shift : {24, 16, 8, 0}) out.push_back(static_cast<uint8_t>(d >> shift));
  out.insert(out.end(), elements.begin(), elements.end());
  return out;
}

/// `count` bytes that deflate cannot shrink away.
inline Bytes noise(size_t count) {
  Bytes out(count);
  uint32_t state = 1;
  for (uint8_t& b : out) b = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

}  // namespace hone::data
