#include "log_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>

namespace {

using nexus::errc;
using nexus::fail;

constexpr std::string_view kind_of_file = "nexus-log ";
constexpr std::string_view header = "nexus-log 1 ";  // the epoch and a newline follow
constexpr std::size_t header_size = header.size() + 17;
constexpr std::size_t frame_head = 12;

// FNV-1a: finds damage by a disk or an editor, not forgery.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (unsigned char c : bytes) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

template <class Number>
void put(std::string& into, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i) into += static_cast<char>(value >> (8 * i) & 0xff);
}
template <class Number>
Number get(std::string_view from) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value |= static_cast<Number>(static_cast<unsigned char>(from[i])) << (8 * i);
  }
  return value;
}

}  // namespace

nexus::result<std::unique_ptr<log_file>> log_file::open(const std::string& path,
                                                        sync_function sync) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  std::unique_ptr<log_file> made{new log_file{fd, "log:" + path, std::move(sync)}};
  if (fd < 0) return fail(made->system_trouble("open"));
  // The folder must not lose a new file.
  const auto parent = std::filesystem::absolute(path).parent_path();
  const int folder = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool kept = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  if (!kept) return fail(made->system_trouble("sync the folder"));
  const lock alone{*made, true};
  if (auto checked = made->check_header(); !checked) return fail(std::move(checked.error()));
  return made;
}

log_file::~log_file() {
  if (fd_ >= 0) ::close(fd_);
}

log_file::lock::lock(log_file& file, bool exclusive) : fd_{file.fd_} {
  while (::flock(fd_, exclusive ? LOCK_EX : LOCK_SH) != 0 && errno == EINTR) {
  }
}
log_file::lock::~lock() { ::flock(fd_, LOCK_UN); }

nexus::error log_file::trouble(errc code, std::string_view why) const {
  return {code, name_ + ": " + std::string{why}};
}
nexus::error log_file::system_trouble(std::string_view doing) const {
  return trouble(errc::unavailable, "cannot " + std::string{doing} + ": " + std::strerror(errno));
}

// A foreign file is not changed. A file that is empty, or has only a part of the line, is new,
// perhaps made by a process that was killed.
nexus::result<void> log_file::check_header() {
  auto found = bytes(0, header_size);
  if (!found) return fail(std::move(found.error()));
  end_ = header_size;
  if (found->size() == header_size && found->starts_with(header)) {
    epoch_ = std::strtoull(found->c_str() + header.size(), nullptr, 16);
    if (epoch_ == 0) return fail(trouble(errc::corrupt, "has no epoch in its first line"));
    return {};
  }
  if (found->starts_with(kind_of_file) && found->size() == header_size) {
    return fail(trouble(errc::newer_schema, "was made by a newer version; update this program"));
  }
  if (found->size() == header_size || !header.starts_with(found->substr(0, header.size()))) {
    return fail(trouble(errc::foreign_schema, "is not a Nexus log"));
  }
  char epoch[17];
  std::random_device random;
  std::snprintf(epoch, sizeof epoch, "%08x%08x", random(), random() | 1);
  const auto made = std::string{header} + epoch + "\n";
  epoch_ = std::strtoull(epoch, nullptr, 16);
  if (::pwrite(fd_, made.data(), header_size, 0) != static_cast<ssize_t>(header_size) ||
      sync_(fd_) != 0) {
    return fail(system_trouble("begin the file"));
  }
  return {};
}

// Less than `size` only where the file ends.
nexus::result<std::string> log_file::bytes(std::uint64_t offset, std::size_t size) const {
  std::string into(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const auto got =
        ::pread(fd_, into.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_trouble("read"));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  into.resize(have);
  return into;
}

nexus::result<void> log_file::catch_up(const std::function<void(const entry&)>& apply) {
  for (;;) {
    auto head = bytes(end_, frame_head);
    if (!head) return fail(std::move(head.error()));
    if (head->size() < frame_head) return {};
    const auto size = get<std::uint32_t>(*head);
    if (size == 0) return {};  // a crash of the machine may leave zeros behind the last frame
    auto body = bytes(end_ + frame_head, size);
    if (!body) return fail(std::move(body.error()));
    if (body->size() < size) return {};
    if (checksum(*body) != get<std::uint64_t>(std::string_view{*head}.substr(4))) {
      return fail(trouble(errc::corrupt, "the frame at byte " + std::to_string(end_) +
                                             " is damaged; restore the file"));
    }
    try {
      for (std::size_t at = 0; at < size;) {
        apply(msgpack::unpack(body->data(), size, at).get().as<entry>());
      }
    } catch (const std::exception& why) {  // no writer made this, whatever its checksum
      return fail(trouble(errc::corrupt, "the frame at byte " + std::to_string(end_) +
                                             " is no frame of a journal: " + why.what()));
    }
    end_ += frame_head + size;
  }
}

nexus::result<void> log_file::commit(const std::vector<entry>& entries, bool& in_doubt) {
  msgpack::sbuffer body;
  for (const auto& one : entries) msgpack::pack(body, one);
  const std::string_view packed{body.data(), body.size()};
  if (packed.size() > UINT32_MAX) return fail(trouble(errc::too_large, "a call of over 4 GiB"));
  std::string frame;
  put(frame, static_cast<std::uint32_t>(packed.size()));
  put(frame, checksum(packed));
  frame += packed;
  std::size_t written = 0;
  while (written < frame.size()) {
    const auto done = ::pwrite(fd_, frame.data() + written, frame.size() - written,
                               static_cast<off_t>(end_ + written));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) break;
    written += static_cast<std::size_t>(done);
  }
  if (written == frame.size() && sync_(fd_) == 0) return {};
  auto why = system_trouble("commit");
  // The disk may have the whole frame although the sync failed. It is not read any more, and the
  // next commit overwrites it: until then a crash may bring it back.
  in_doubt = written == frame.size();
  if (::ftruncate(fd_, static_cast<off_t>(end_)) != 0) why = system_trouble("take back a commit");
  return fail(std::move(why));
}
