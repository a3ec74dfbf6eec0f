#include "listener.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include "body.hpp"
#include "listening.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/saturating.hpp"
#include "response_text.hpp"

namespace nexus { inline namespace v0 { namespace http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds look_again{20};    // whether an idle connection is to end
constexpr milliseconds accept_pause{20};  // while the system lacks descriptors or memory

// Leaves the gate when the response is sent.
class inside {
 public:
  explicit inside(gate& of) : of_{of}, is_{of.enter()} {}
  ~inside() {
    if (is_) of_.leave();
  }
  inside(const inside&) = delete;
  inside& operator=(const inside&) = delete;
  explicit operator bool() const noexcept { return is_; }

 private:
  gate& of_;
  const bool is_;
};

}  // namespace

listener::listener(request_handler& by, const server_options& options, gate& requests)
    : handler_{by}, options_{options}, requests_{requests}, queue_{options.waiting_max} {}

listener::~listener() {
  if (listening_ >= 0) ::close(listening_);
  if (bell_ >= 0) ::close(bell_);
}

result<void> listener::open() {
  const auto& o = options_;
  auto made = listen_at(o.address, o.port, o.backlog);
  if (!made) return fail(std::move(made.error()));
  listening_ = made->socket;
  port_ = made->port;
  bell_ = ::eventfd(0, EFD_CLOEXEC);
  if (bell_ < 0) return fail(errc::unavailable, "the system has no file descriptor left");
  return {};
}

void listener::serve() {
  const auto workers = options_.threads;
  running_ = workers + 1;
  lingering_thread_ = std::thread{[this] { lingering_.run(); }};
  for (unsigned i = 0; i < workers; ++i) {
    run([this] {
      while (auto socket = queue_.next()) serve_connection(*socket);
    });
  }
  run([this] { accept_all(); });
}

template <class F>
void listener::run(F f) {
  threads_.emplace_back([this, f] {
    f();
    --running_;
  });
}

void listener::end_listening() {
  if (ending_.exchange(true)) return;
  const std::uint64_t once = 1;
  (void)!::write(bell_, &once, sizeof once);
}

void listener::stop() { queue_.stop(); }

void listener::join() {
  for (auto& t : threads_) t.join();
  threads_.clear();
  lingering_.stop();
  if (lingering_thread_.joinable()) lingering_thread_.join();
}

// -- connections ------------------------------------------------------------------------------

void listener::accept_all() {
  std::array<pollfd, 2> waits{{{listening_, POLLIN, 0}, {bell_, POLLIN, 0}}};
  while (!ending_) {
    (void)::poll(waits.data(), waits.size(), -1);
    accept_waiting();
  }
  // Connections accepted before are served or refused. The descriptor is kept: its number must not
  // be reused meanwhile.
  ::shutdown(listening_, SHUT_RDWR);
}

void listener::accept_waiting() {
  for (;;) {
    const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) {
      const int yes = 1;
      (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      if (!queue_.push(socket)) turn_away(socket);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      (void)::poll(nullptr, 0, static_cast<int>(accept_pause.count()));
      return;
    }
  }
}

// The request is not read: a server without a free thread has no time for it.
void listener::turn_away(int socket) {
  auto why = handler_.refusal(503, "stopped", "the server is being stopped");
  if (!ending_) {
    handler_.count_turned_away();
    why = handler_.refusal(503, "overloaded", "too many connections wait to be served");
  }
  const auto text = to_text(why, false, true);
  (void)::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  lingering_.close(socket);
}

bool listener::should_close() const { return ending_ || queue_.is_waiting(); }

// An idle connection makes room for others, before its first request or after one.
bool listener::await_request(connection& on) const {
  const auto until = nexus::detail::later(steady_clock::now(), options_.keep_alive);
  for (;;) {
    const auto got = on.wait(look_again);
    if (got != input::late) return got == input::good;
    if (should_close() || steady_clock::now() >= until) return false;
  }
}

void listener::serve_connection(int socket) {
  const auto& o = options_;
  connection on{socket, {o.read_timeout, o.write_timeout}};
  try {
    for (unsigned i = 0; i < o.keep_alive_requests && await_request(on); ++i) {
      if (!serve_request(on, i + 1 == o.keep_alive_requests)) break;
    }
    lingering_.close(on.release());
  } catch (const std::exception& why) {
    // E.g. out of memory; exceptions of handlers do not get here.
    nexus::detail::log().error("a request could not be read or answered: {}", why.what());
  }
}

// -- requests ---------------------------------------------------------------------------------

// False: no other request follows on this connection.
bool listener::serve_request(connection& on, bool is_last) {
  const auto& o = options_;
  on.request_begins();
  auto head = read_head(on, {o.head_bytes_max, o.target_bytes_max});
  if (!head) {
    if (head.error().status != 0) refuse(on, head.error(), "");
    return false;
  }
  request made;
  if (const auto wrong = read_body(on, *head, o.body_bytes_max, made.body)) {
    refuse(on, *wrong, head->method);
    return false;
  }
  const inside admitted{requests_};
  if (!admitted) {
    refuse(on, handler_.refusal(503, "stopped", "the server is being stopped"), head->method);
    return false;
  }
  const bool is_head = head->method == "HEAD";
  made.method = std::move(head->method);
  made.headers = std::move(head->headers);
  const auto answered = handler_.answer(std::move(made), std::move(head->to));
  const bool closes = is_last || !head->keeps_alive || should_close();
  return on.write(to_text(answered, is_head, closes)) && !closes;
}

void listener::refuse(connection& on, const response& why, std::string_view method) {
  handler_.count(method, "", why.status);
  (void)on.write(to_text(why, method == "HEAD", true));
}

}}}  // namespace nexus::v0::http
