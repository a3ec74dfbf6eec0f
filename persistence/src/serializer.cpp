#include "nexus/serializer.hpp"

#include <fmt/format.h>

namespace nexus { inline namespace v0 { namespace detail {

error not_encoded(std::string_view serializer) {
  auto threw = [&](const char* what) -> error {
    return {errc::decide_failed,
            fmt::format("cannot be stored: encoding by \"{}\" threw: {}", serializer, what)};
  };
  try {
    throw;
  } catch (const encode_error& e) {
    return {e.code, fmt::format("cannot be stored by \"{}\": {}", serializer, e.what())};
  } catch (const std::exception& e) {
    return threw(e.what());
  } catch (...) {
    return threw("not a std::exception");
  }
}

error decoding_threw(std::string_view serializer, const char* what) {
  return {errc::corrupt, fmt::format("decoding by \"{}\" threw: {}", serializer, what)};
}

error unknown_codec(std::string_view codec, std::string_view own) {
  return {errc::unknown_type,
          own == msgpack_serializer::name
              ? fmt::format("is stored in codec \"{}\", but only msgpack is known", codec)
              : fmt::format("is stored in codec \"{}\", but only {} and msgpack are known", codec,
                            own)};
}

error not_upcast(std::string_view codec, std::uint32_t known) {
  return {errc::unsupported_version,
          fmt::format("is not version {}, and serializer \"{}\" has no to_document to upcast it",
                      known, codec)};
}

error after_upcast(std::uint32_t known, const error& why) {
  return {why.code, fmt::format("after the upcast to version {}: {}", known, why.message)};
}

result<void> can_upcast(std::uint32_t version, std::span<const upcast_step> steps) {
  const auto known = steps.size() + 1;
  if (version > known || version == 0) {
    return fail(errc::unsupported_version, fmt::format("the known version is {}", known));
  }
  for (auto n = version; n < known; ++n) {
    if (steps[n - 1] == nullptr) {
      return fail(
          errc::unsupported_version,
          fmt::format("the known version is {}, and there is no upcast from version {} to {}",
                      known, n, n + 1));
    }
  }
  return {};
}

result<void> upcast(document& d, std::uint32_t version, std::span<const upcast_step> steps) {
  for (auto n = version; n <= steps.size(); ++n) {
    auto failed = [&](std::string_view why) {
      return fail(errc::corrupt, fmt::format("upcast from version {} to {}: {}", n, n + 1, why));
    };
    try {
      if (auto done = steps[n - 1](d); !done) return failed(done.error().message);
    } catch (const tl::bad_expected_access<error>& e) {
      return failed(e.error().message);  // value() of a result of `get` or `at`
    } catch (const std::exception& e) {
      return failed(e.what());
    } catch (...) {
      return failed("threw something that is not a std::exception");
    }
  }
  return {};
}

result<void> read_upcast(result<document> parsed, std::uint32_t version,
                         std::span<const upcast_step> steps, const read_target& to) {
  if (!parsed) return fail(std::move(parsed.error()));
  if (auto lifted = upcast(*parsed, version, steps); !lifted) return lifted;
  auto read = to.decode(parsed->bytes(), to.value);
  if (!read) {
    const auto known = static_cast<std::uint32_t>(steps.size() + 1);
    return fail(after_upcast(known, read.error()));
  }
  return read;
}

result<void> decode_older(std::uint32_t version, std::string_view codec, std::string_view own,
                          std::string_view data, std::span<const upcast_step> steps,
                          const read_target& to) {
  if (codec != msgpack_serializer::name) return fail(unknown_codec(codec, own));
  if (auto known = can_upcast(version, steps); !known) return known;
  return read_upcast(document::parse(data), version, steps, to);
}

}}}
