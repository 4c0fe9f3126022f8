// What EventFile writes, read back with a reader of its own: frames, checksums and events.
#include "report/tensorboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hone/error.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/test_support.h"
#include "io/file.h"
#include "tensorboard.pb.h"

namespace hone::report {
namespace {

using tensorboard::Event;
using test::TempFolder;
using testing::MatchesRegex;

// Bit by bit, from the polynomial's definition.
uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
  }
  return ~crc;
}
uint32_t masked(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

template <class T>
T take(std::string_view& bytes) {
  T out{};
  EXPECT_GE(bytes.size(), sizeof(T));
  std::memcpy(&out, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return out;
}

std::vector<Event> events_of(const std::string& path) {
  const std::string file = io::read_file(path);
  std::string_view rest = file;
  std::vector<Event> events;
  while (!rest.empty()) {
    const std::string_view length_bytes = rest.substr(0, 8);
    const auto length = take<uint64_t>(rest);
    EXPECT_EQ(take<uint32_t>(rest), masked(length_bytes));
    if (length > rest.size()) {
      ADD_FAILURE() << "a record of " << length << " bytes, " << rest.size() << " are left";
      return events;
    }
    const std::string_view record = rest.substr(0, length);
    rest.remove_prefix(length);
    EXPECT_EQ(take<uint32_t>(rest), masked(record));
    events.emplace_back();
    EXPECT_TRUE(events.back().ParseFromArray(record.data(), static_cast<int>(record.size())));
  }
  return events;
}

TEST(EventFile, HoldsWhatWasAdded) {
  ASSERT_EQ(crc32c("123456789"), 0xE3069283U);  // the checksum's published check value
  const TempFolder folder;
  EventFile file(folder.file("runs/1"));
  EXPECT_THAT(file.path(), MatchesRegex(".*/runs/1/events\\.out\\.tfevents\\.[0-9]+\\..*"));
  file.add(7, {{"loss/step", 0.5}, {"accuracy/step", NAN}, {"zero", 0}});
  file.add(8, {{"loss/step", 0.25}});
  file.flush();
  const std::vector<Event> events = events_of(file.path());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_GT(events[0].wall_time(), 1e9);
  EXPECT_EQ(events[1].session_log().status(), tensorboard::SessionLog::START);
  EXPECT_EQ(events[1].step(), 7);
  EXPECT_EQ(events[2].step(), 7);
  ASSERT_EQ(events[2].summary().value_size(), 2);
  EXPECT_EQ(events[2].summary().value(0).tag(), "loss/step");
  EXPECT_EQ(events[2].summary().value(0).simple_value(), 0.5f);
  EXPECT_EQ(events[2].summary().value(1).tag(), "zero");
  EXPECT_EQ(events[2].summary().value(1).value_case(), tensorboard::Summary::Value::kSimpleValue);
  EXPECT_EQ(events[3].step(), 8);
  EXPECT_EQ(events[3].summary().value(0).simple_value(), 0.25f);
}

TEST(EventFile, LeavesEarlierFilesAlone) {
  const TempFolder folder;
  std::string first;
  {
    EventFile file(folder.path());
    file.add(1, {{"loss/step", 1}});
    first = file.path();
  }
  const std::string before = io::read_file(first);
  EventFile second(folder.path());
  EXPECT_NE(second.path(), first);
  second.add(2, {{"loss/step", 2}});
  EXPECT_EQ(io::read_file(first), before);
  EXPECT_EQ(events_of(first).size(), 3u);
}

TEST(EventFile, NamesWhatCannotBeWritten) {
  const TempFolder folder;
  folder.write("file", {});
  test::expect_error(ErrorKind::Io, {folder.file("file/runs")},
                     [&] { EventFile{folder.file("file/runs")}; });
}

}  // namespace
}  // namespace hone::report
