#include "proxy.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "sockets.hpp"

namespace nexus::test {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t buffered_max = 4U << 20U;  // above it a side is not read

struct outgoing {
  steady::time_point due;
  std::string bytes;
};

// A client's connection, and ours to the server for it.
struct link {
  descriptor client, server;
  client_stream in;
  std::deque<outgoing> to_server;
  std::size_t to_server_bytes = 0;
  std::string to_client;
  std::string held;             // the Sync that release() sends
  bool last_is_sent = false;    // to the server, which is to finish and end
  bool last_is_queued = false;  // the same once to_server is empty
  bool silent = false;
  bool happens_at_end = false;  // the fault counts when the server has ended the connection
  bool late = false;            // holds a Sync, or held one and has not ended

  void queue(steady::time_point due, std::string bytes) {
    to_server_bytes += bytes.size();
    to_server.push_back({due, std::move(bytes)});
  }
  // The server reads everything that was sent, and we read until it ends: after a reset it might
  // not.
  void drop_client() {
    client.reset();
    to_client.clear();
    last_is_queued = true;
  }
};

bool begins(const unit& u, std::string_view prefix) {
  return (!u.query.empty() && u.query.starts_with(prefix)) ||
         std::any_of(u.executed.begin(), u.executed.end(),
                     [&](const std::string& name) { return name.starts_with(prefix); });
}

}  // namespace

class proxy::loop {
 public:
  explicit loop(int server_port) : server_port_{server_port} {
    thread_ = std::thread{[this] { run(); }};
  }
  ~loop() {
    change([this] { stopped_ = true; });
    thread_.join();
  }
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  template <class Change>
  void change(Change c) {
    {
      const std::lock_guard lock{mutex_};
      c();
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake_.get(), &one, sizeof one);
  }
  template <class Read>
  auto read(Read r) const {
    const std::lock_guard lock{mutex_};
    return r();
  }

  void release() {
    for (auto& l : links_) {
      if (l.held.empty()) continue;
      l.queue(steady::now(), std::exchange(l.held, {}));
      l.last_is_queued = true;
    }
  }
  void refuse(bool yes) { listener_ = yes ? descriptor{} : listen_at(port_); }

  descriptor listener_ = listen_at(0);
  const int port_ = port_of(listener_);
  std::list<link> links_;
  std::vector<std::pair<fault, condition>> faults_;
  std::vector<unit> passed_;
  std::chrono::milliseconds delay_{0};
  std::size_t accepted_ = 0;
  std::size_t happened_ = 0;
  bool silent_ = false;
  bool stopped_ = false;

 private:
  void run();
  [[nodiscard]] std::vector<pollfd> watched() const;
  [[nodiscard]] int timeout_ms() const;
  void accept_one();
  void move(link& l, short client_events, short server_events);
  void take(link& l);
  void strike(link& l, fault what, message m);
  void give_server(link& l);
  void give_client(link& l);

  const int server_port_;
  descriptor wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  mutable std::mutex mutex_;
  std::thread thread_;
};

void proxy::loop::run() {
  std::unique_lock lock{mutex_};
  while (!stopped_) {
    auto polled = watched();
    const int timeout = timeout_ms();
    lock.unlock();
    poll(polled.data(), polled.size(), timeout);
    lock.lock();
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto woken = ::read(wake_.get(), &ignored, sizeof ignored);
    // Links are added and removed only below, so each still has its two entries.
    std::size_t at = 2;
    for (auto& l : links_) {
      if (at + 1 >= polled.size()) break;
      move(l, polled[at].revents, polled[at + 1].revents);
      at += 2;
    }
    links_.remove_if([this](const link& l) {
      const bool ended = !l.client.open() && !l.server.open();
      if (ended && l.happens_at_end) ++happened_;
      return ended;
    });
    if ((polled[1].revents & POLLIN) != 0 && listener_.open() && !silent_) accept_one();
  }
}

std::vector<pollfd> proxy::loop::watched() const {
  std::vector<pollfd> all{{wake_.get(), POLLIN, 0}, {silent_ ? -1 : listener_.get(), POLLIN, 0}};
  const auto now = steady::now();
  for (const auto& l : links_) {
    pollfd client{l.silent ? -1 : l.client.get(), 0, 0};
    pollfd server{l.server.get(), 0, 0};
    if (l.to_server_bytes < buffered_max) client.events |= POLLIN;
    if (!l.to_client.empty()) client.events |= POLLOUT;
    if (!l.silent && l.to_client.size() < buffered_max) server.events |= POLLIN;
    if (!l.to_server.empty() && l.to_server.front().due <= now) server.events |= POLLOUT;
    // Otherwise poll would report its end again and again.
    if (server.events == 0) server.fd = -1;
    if (client.events == 0) client.fd = -1;
    all.push_back(client);
    all.push_back(server);
  }
  return all;
}

int proxy::loop::timeout_ms() const {
  auto next = steady::time_point::max();
  for (const auto& l : links_) {
    if (!l.to_server.empty()) next = std::min(next, l.to_server.front().due);
  }
  if (next == steady::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - steady::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000));
}

void proxy::loop::accept_one() {
  descriptor client{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!client.open()) return;
  ++accepted_;
  auto server = connect_to(server_port_);
  if (!server.open()) return;
  no_delay(client);
  no_delay(server);
  auto& made = links_.emplace_back();
  made.client = std::move(client);
  made.server = std::move(server);
}

void proxy::loop::move(link& l, short client_events, short server_events) {
  constexpr short readable = POLLIN | POLLHUP | POLLERR;
  if ((client_events & readable) != 0 && l.client.open() && !l.silent) take(l);
  give_server(l);
  if ((server_events & readable) != 0 && l.server.open() && !l.silent) {
    std::string answer;
    const bool more = receive_some(l.server, answer);
    if (l.client.open()) l.to_client += answer;
    if (!more) l.server.reset();
  }
  give_client(l);
}

// Reads from the client, message by message.
void proxy::loop::take(link& l) {
  std::string bytes;
  const bool more = receive_some(l.client, bytes);
  l.in.feed(bytes);
  while (auto m = l.in.next()) {
    if (m->ends) {
      const auto hit = std::find_if(faults_.begin(), faults_.end(),
                                    [&](const auto& f) { return f.second(*m->ends); });
      if (hit != faults_.end()) {
        const auto what = hit->first;
        faults_.erase(hit);
        return strike(l, what, std::move(*m));
      }
      passed_.push_back(*m->ends);
    }
    l.queue(steady::now() + (m->ends ? delay_ : std::chrono::milliseconds::zero()),
            std::move(m->bytes));
  }
  if (!more) l.drop_client();
}

void proxy::loop::strike(link& l, fault what, message m) {
  if (what == fault::cut_after || what == fault::silent_after) {
    passed_.push_back(*m.ends);
    l.queue(steady::now(), std::move(m.bytes));
  }
  switch (what) {
    case fault::cut_before:
    case fault::cut_after:
      l.drop_client();
      l.happens_at_end = true;
      break;
    case fault::hold:
      l.drop_client();
      l.last_is_queued = false;  // its Sync is sent by release()
      l.held = std::move(m.bytes);
      l.late = true;
      ++happened_;
      break;
    case fault::silent_before:
    case fault::silent_after:
      l.silent = true;
      ++happened_;
      break;
  }
}

void proxy::loop::give_server(link& l) {
  while (l.server.open() && !l.to_server.empty() && l.to_server.front().due <= steady::now()) {
    auto& bytes = l.to_server.front().bytes;
    const auto before = bytes.size();
    if (!send_some(l.server, bytes)) return l.server.reset();
    l.to_server_bytes -= before - bytes.size();
    if (!bytes.empty()) return;
    l.to_server.pop_front();
  }
  if (l.server.open() && l.to_server.empty() && l.last_is_queued && !l.last_is_sent) {
    shutdown(l.server.get(), SHUT_WR);
    l.last_is_sent = true;
  }
}

void proxy::loop::give_client(link& l) {
  if (!l.client.open() || l.silent) return;
  if (!l.to_client.empty() && !send_some(l.client, l.to_client)) return l.drop_client();
  if (l.to_client.empty() && !l.server.open()) l.client.reset();
}

proxy::proxy(int server_port) : loop_{std::make_unique<loop>(server_port)} {}
proxy::~proxy() = default;

int proxy::port() const { return loop_->port_; }

void proxy::once(fault what, condition when) {
  loop_->change([&] { loop_->faults_.emplace_back(what, std::move(when)); });
}
void proxy::release() {
  loop_->change([&] { loop_->release(); });
}
void proxy::refuse(bool yes) {
  loop_->change([&] { loop_->refuse(yes); });
}
void proxy::cut() {
  loop_->change([&] {
    for (auto& l : loop_->links_) l.drop_client();
  });
}
void proxy::silence() {
  loop_->change([&] {
    loop_->silent_ = true;
    for (auto& l : loop_->links_) l.silent = true;
  });
}
void proxy::delay(std::chrono::milliseconds by) {
  loop_->change([&] { loop_->delay_ = by; });
}

std::size_t proxy::happened() const {
  return loop_->read([&] { return loop_->happened_; });
}
bool proxy::released() const {
  return loop_->read([&] {
    return std::none_of(loop_->links_.begin(), loop_->links_.end(),
                        [](const link& l) { return l.late; });
  });
}
std::size_t proxy::accepted() const {
  return loop_->read([&] { return loop_->accepted_; });
}
std::size_t proxy::open() const {
  return loop_->read([&] { return loop_->links_.size(); });
}
std::size_t proxy::passed(std::string_view prefix) const {
  return loop_->read([&] {
    const auto& all = loop_->passed_;
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const unit& u) { return begins(u, prefix); }));
  });
}

proxy::condition executes(std::string prefix) {
  return [prefix = std::move(prefix)](const unit& u) { return begins(u, prefix); };
}

}  // namespace nexus::test
