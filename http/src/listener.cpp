#include "listener.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "body.hpp"
#include "server_core.hpp"
#include "text.hpp"

namespace nexus::inline v0::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds look_again{20};  // of a connection that idles, whether it is to end
constexpr milliseconds refusal_linger{200};

// Connections are queued where they are accepted: see process_and_close_socket. What enqueue answers
// depends on httplib's version.
struct at_once final : httplib::TaskQueue {
  using answer = decltype(std::declval<httplib::TaskQueue&>().enqueue(nullptr));
  answer enqueue(std::function<void()> f) override {
    f();
    return answer(true);
  }
  void shutdown() override {}
};

// Which connection this thread serves: httplib's handlers are not told.
thread_local connection* served = nullptr;
// Whether what it serves now was admitted.
thread_local bool admitted = false;

void put(response&& from, httplib::Response& to) {
  to.status = from.status;
  to.body = std::move(from.body);
  if (!from.content_type.empty()) to.set_header("Content-Type", from.content_type);
  for (auto& [name, value] : from.headers) to.set_header(name, value);
}

void reuse_address(socket_t s) {
  // Not SO_REUSEPORT, which is httplib's default: two servers would share a port without a word.
  const int yes = 1;
  ::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

result<void> check_address(const std::string& address) {
  addrinfo how{};
  how.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int why = ::getaddrinfo(address.c_str(), nullptr, &how, &found);
  if (why != 0) {
    return fail(errc::invalid_argument,
                fmt::format("cannot listen at \"{}\": {}", address, ::gai_strerror(why)));
  }
  ::freeaddrinfo(found);
  return {};
}

}  // namespace

listener::listener(detail::server_core& core) : core_{core}, queue_{core.options.waiting_max} {
  restore_sigpipe();
  new_task_queue = [] { return new at_once; };
  set_tcp_nodelay(true);
  set_socket_options(reuse_address);
  set_pre_routing_handler([this](const httplib::Request& asked, httplib::Response& to) {
    answer(asked, to);
    return HandlerResponse::Handled;
  });
  set_error_handler(
      HandlerWithResponse{[this](const httplib::Request& asked, httplib::Response& to) {
        if (!to.body.empty() || to.has_header("Content-Type")) return HandlerResponse::Unhandled;
        explain(asked, to);
        return HandlerResponse::Handled;
      }});
  // E.g. no memory; what handlers throw does not come here.
  set_exception_handler([this](const httplib::Request&, httplib::Response& to, std::exception_ptr) {
    put(core_.refusal(500, "internal_error", "the request could not be read or answered"), to);
  });
  set_expect_100_continue_handler([this](const httplib::Request& asked, httplib::Response& to) {
    if (!says_too_large(asked, core_.options.body_bytes_max)) return 100;
    return to.status = 413;
  });
  // httplib's own word on it is too early: it counts requests only.
  set_post_routing_handler([](const httplib::Request&, httplib::Response& to) {
    to.headers.erase("Keep-Alive");
    to.headers.erase("Connection");
    if (!served->goes_on()) to.set_header("Connection", "close");
    if (to.status == 204) to.headers.erase("Content-Length");
  });
}

listener::~listener() {
  if (listening_ >= 0) ::close(listening_);
}

result<void> listener::open() {
  const auto& o = core_.options;
  if (auto fine = check_address(o.address); !fine) return fine;
  errno = 0;
  const int bound =
      o.port == 0 ? bind_to_any_port(o.address) : (bind_to_port(o.address, o.port) ? o.port : -1);
  if (bound <= 0) {
    return fail(errc::unavailable, fmt::format("cannot listen at \"{}:{}\": {}", o.address, o.port,
                                               std::strerror(errno)));
  }
  port_ = static_cast<std::uint16_t>(bound);
  listening_ = svr_sock_;
  (void)::listen(listening_, static_cast<int>(o.backlog));  // httplib asked for 5
  return {};
}

void listener::serve() {
  const auto workers = core_.options.threads;
  running_ = workers + 2;
  threads_.reserve(workers + 2);
  run([this] { (void)listen_after_bind(); });
  run([this] {
    while (auto socket = queue_.next_refused()) turn_away(*socket);
  });
  for (unsigned i = 0; i < workers; ++i) {
    run([this] {
      while (auto socket = queue_.next()) serve_connection(*socket);
    });
  }
}

template <class F>
void listener::run(F f) {
  threads_.emplace_back([this, f] {
    f();
    --running_;
  });
}

// Wakes accept, but keeps the descriptor: its number must not become another's meanwhile.
void listener::end_listening() {
  if (ending_.exchange(true)) return;
  svr_sock_ = INVALID_SOCKET;
  ::shutdown(listening_, SHUT_RDWR);
}

void listener::stop() { queue_.stop(); }

void listener::join() {
  for (auto& t : threads_) t.join();
  threads_.clear();
}

// -- connections ------------------------------------------------------------------------------

bool listener::process_and_close_socket(socket_t socket) {
  queue_.push(socket);
  return true;
}

bool listener::should_close() const { return ending_ || queue_.is_waiting(); }

// A new connection has something to say as a rule; another one that idles makes room.
bool listener::await_request(const connection& on, bool first) const {
  const auto until = nexus::detail::later(steady_clock::now(), core_.options.keep_alive);
  while (!on.has_input(look_again)) {
    if (ending_ || (!first && queue_.is_waiting()) || steady_clock::now() >= until) return false;
  }
  return true;
}

void listener::serve_connection(int socket) {
  const auto& o = core_.options;
  connection on{socket, {o.head_bytes_max, o.read_timeout, o.write_timeout}};
  served = &on;
  bool goes_on = true;
  for (unsigned i = 0; goes_on && i < o.keep_alive_requests && await_request(on, i == 0); ++i) {
    on.request_begins();
    if (i + 1 == o.keep_alive_requests) on.ends();
    bool closed = false;
    goes_on = process_request(on, false, closed, [&](httplib::Request& asked) {
      on.head_ends();
      asked.ranges.clear();  // we have none
      for (const auto* made_up : {"REMOTE_ADDR", "REMOTE_PORT", "LOCAL_ADDR", "LOCAL_PORT"}) {
        asked.headers.erase(made_up);
      }
    });
    goes_on = on.flush() && goes_on && on.goes_on();
    if (std::exchange(admitted, false)) core_.requests.leave();
  }
  served = nullptr;
}

// The request is not read: whoever has no thread has no time either.
void listener::turn_away(int socket) const {
  core_.count_turned_away();
  const auto said = core_.refusal(503, "overloaded", "too many connections wait to be served");
  auto text = fmt::format("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n");
  for (const auto& [name, value] : said.headers) text += fmt::format("{}: {}\r\n", name, value);
  text += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}", said.content_type,
                      said.body.size(), said.body);
  (void)::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  close_gently(socket, refusal_linger);
}

// -- requests ---------------------------------------------------------------------------------

void listener::answer(const httplib::Request& asked, httplib::Response& to) {
  request made;
  auto refused = read_body(*served, asked, core_.options.body_bytes_max, made.body);
  if (!refused) {
    served->request_is_whole();
    admitted = core_.requests.enter();
    if (!admitted) refused = core_.refusal(503, "stopped", "the server is being stopped");
  }
  if (refused) {
    core_.count(asked.method, "", refused->status);
    put(*std::move(refused), to);
  } else {
    made.method = asked.method;
    made.headers.assign(asked.headers.begin(), asked.headers.end());
    put(core_.answer(std::move(made), asked.target), to);
  }
  if (asked.method == "HEAD") to.set_header("Accept-Ranges", "none");  // else httplib says bytes
  const bool closes = asked.version == "HTTP/1.0" || should_close() ||
                      same_name(asked.get_header_value("Connection"), "close");
  if (closes) served->ends();
}

// What httplib refused by itself.
void listener::explain(const httplib::Request& asked, httplib::Response& to) {
  if (served->head_was_too_large()) to.status = 431;
  const auto [title, detail] = [&]() -> std::pair<const char*, const char*> {
    switch (to.status) {
      case 413:
        return {"too_large", "the request's body is too large"};
      case 414:
        return {"too_large", "the path is too long"};
      case 416:
        return {"invalid_request", "the header Range makes no sense"};
      case 431:
        return {"too_large", "the request's headers are too large"};
      default:
        return {"invalid_request", "the request's first line or a header makes no sense"};
    }
  }();
  core_.count(asked.method, "", to.status);
  put(response::problem(to.status, title, detail), to);
}

}  // namespace nexus::inline v0::http
