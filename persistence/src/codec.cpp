#include "nexus/codec.hpp"

#include <fmt/format.h>

#include <msgpack/null_visitor.hpp>
#include <msgpack/parse.hpp>
#include <msgpack/unpack.hpp>

namespace nexus { inline namespace v0 {
namespace {

result<void> unpack_in(msgpack::zone& zone, std::string_view bytes, void* context,
                       void (*use)(void* context, const msgpack::object&)) {
  const msgpack::unpack_limit limit{bytes.size(), bytes.size(), bytes.size(),
                                    bytes.size(), bytes.size(), nesting_max};
  auto corrupt = [&](std::string_view why) {
    return fail(errc::corrupt, fmt::format("{} bytes of msgpack: {}", bytes.size(), why));
  };
  try {
    zone.clear();
    std::size_t used = 0;
    bool referenced = false;
    auto parsed = msgpack::unpack(
        zone, bytes.data(), bytes.size(), used, referenced,
        [](msgpack::type::object_type, std::size_t, void*) { return true; }, nullptr, limit);
    if (used != bytes.size()) {
      return corrupt(fmt::format("{} bytes left over", bytes.size() - used));
    }
    use(context, parsed);
    return {};
  } catch (const detail::field_error& e) {
    return corrupt(e.what());
  } catch (const msgpack::type_error&) {
    return corrupt("not the expected type");
  } catch (const msgpack::insufficient_bytes&) {
    return corrupt("cut short");
  } catch (const msgpack::depth_size_overflow&) {
    return corrupt(fmt::format("nests deeper than {} levels", nesting_max));
  } catch (const msgpack::unpack_error& e) {
    return corrupt(e.what());
  }
}

/// Counts levels.
struct nesting_visitor : msgpack::null_visitor {
  std::size_t now = 0;
  std::size_t deepest = 0;

  bool start_array(std::uint32_t) { return enter(); }
  bool end_array() { return leave(); }
  bool start_map(std::uint32_t) { return enter(); }
  bool end_map() { return leave(); }

 private:
  bool enter() {
    if (++now > deepest) deepest = now;
    return deepest <= nesting_max;  // deeper levels do not matter
  }
  bool leave() {
    --now;
    return true;
  }
};

}  // namespace

result<void> detail::with_unpacked(std::string_view bytes, void* context,
                                   void (*use)(void* context, const msgpack::object&)) {
  // One zone per thread, reused: a decode allocates only what the value itself needs. A user's
  // adaptor may decode during a decode.
  struct workplace {
    msgpack::zone zone;
    bool busy = false;
  };
  thread_local workplace shared;
  auto& mine = shared;
  if (mine.busy) {
    msgpack::zone own;
    return unpack_in(own, bytes, context, use);
  }
  struct turn {
    bool& busy;
    ~turn() { busy = false; }
  };
  const turn until_done{mine.busy = true};
  return unpack_in(mine.zone, bytes, context, use);
}

void detail::missing_field(std::string_view name) {
  throw field_error{fmt::format("field \"{}\" is missing", name)};
}

void detail::misread_field(std::string_view name, const msgpack::type_error& why) {
  const auto* named = dynamic_cast<const field_error*>(&why);
  throw field_error{
      fmt::format("field \"{}\" {}", name, named != nullptr ? named->what() : "has another type")};
}

void detail::nested_too_deep() {
  throw encode_error{errc::too_large,
                     fmt::format("nests more than {} maps and arrays in one another", nesting_max)};
}

void detail::not_encodable(const char* why) { throw encode_error{errc::invalid_argument, why}; }

std::size_t detail::nesting_of(std::string_view bytes) {
  nesting_visitor seen;
  std::size_t used = 0;
  const bool whole = msgpack::parse(bytes.data(), bytes.size(), used, seen);
  if (seen.deepest > nesting_max) return seen.deepest;
  if (!whole || used != bytes.size()) {
    not_encodable("an adaptor does not write exactly one value of msgpack");
  }
  return seen.deepest;
}

}}  // namespace nexus::v0
