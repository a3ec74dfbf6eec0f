#include "nexus/codec.hpp"

#include <fmt/format.h>

namespace nexus::inline v0 {

result<void> detail::with_unpacked(std::string_view bytes, void* context,
                                   void (*use)(void* context, const msgpack::object&)) {
  // One zone per thread, reused: a decode allocates only what the value itself needs.
  thread_local msgpack::zone zone;
  constexpr std::size_t depth_max = 64;
  const msgpack::unpack_limit limit{bytes.size(), bytes.size(), bytes.size(),
                                    bytes.size(), bytes.size(), depth_max};
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
  } catch (const field_error& e) {
    return corrupt(e.what());
  } catch (const msgpack::type_error&) {
    return corrupt("not the type expected");
  } catch (const msgpack::insufficient_bytes&) {
    return corrupt("cut short");
  } catch (const msgpack::unpack_error& e) {
    return corrupt(e.what());
  }
}

}  // namespace nexus::inline v0
