// Events as protobuf in the frames of a TFRecord file: length, checksum of the length, bytes,
// checksum of the bytes.
#include "report/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <boost/crc.hpp>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "tensorboard.pb.h"

namespace hone::report {
namespace {

using tensorboard::Event;

constexpr std::chrono::seconds kFlushEvery{1};
static_assert(std::endian::native == std::endian::little, "TFRecord's numbers are little-endian");

template <class T>
std::string bytes_of(T number) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &number, sizeof(T));
  return out;
}

// CRC-32C, rotated and shifted, as TFRecord has it: a checksum of data that hold checksums.
std::string checksum(const std::string& bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return bytes_of(std::rotr(static_cast<uint32_t>(crc.checksum()), 15) + 0xA282EAD8U);
}

std::string frame(const std::string& record) {
  const std::string length = bytes_of(static_cast<uint64_t>(record.size()));
  return length + checksum(length) + record + checksum(record);
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Event event_at(int64_t step) {
  Event event;
  event.set_wall_time(now());
  event.set_step(step);
  return event;
}

// Distinct from every file that is there, and from what another process makes at the same moment.
std::string new_file(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) fail(ErrorKind::Io, "cannot make the folder '{}': {}", folder, failed.message());
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  for (int i = 0;; ++i) {
    std::string path =
        fmt::format("{}/events.out.tfevents.{:010}.{}.{}.{}", folder, static_cast<int64_t>(now()),
                    host[0] == '\0' ? "localhost" : host, getpid(), i);
    const int file = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (file >= 0) {
      close(file);
      return path;
    }
    if (errno != EEXIST) fail(ErrorKind::Io, "cannot write '{}': {}", path, std::strerror(errno));
  }
}

}  // namespace

EventFile::EventFile(const std::string& folder)
    : path_(new_file(folder)), out_(path_, std::ios::binary), flushed_() {
  Event version = event_at(0);
  version.set_file_version("brain.Event:2");
  write(version.SerializeAsString());
  flush();
}

void EventFile::add(int64_t step, const std::vector<Scalar>& scalars) {
  if (!started_) {
    Event start = event_at(step);
    start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
    write(start.SerializeAsString());
    started_ = true;
  }
  Event event = event_at(step);
  for (const Scalar& s : scalars) {
    if (std::isnan(s.value)) continue;
    tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
    value->set_tag(s.tag);
    value->set_simple_value(static_cast<float>(s.value));
  }
  write(event.SerializeAsString());
  if (std::chrono::steady_clock::now() - flushed_ >= kFlushEvery) flush();
}

void EventFile::write(const std::string& record) {
  const std::string bytes = frame(record);
  errno = 0;
  if (!out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    fail(ErrorKind::Io, "cannot write '{}': {}", path_, std::strerror(errno));
}

void EventFile::flush() {
  errno = 0;
  if (!out_.flush()) fail(ErrorKind::Io, "cannot write '{}': {}", path_, std::strerror(errno));
  flushed_ = std::chrono::steady_clock::now();
}

}  // namespace hone::report
