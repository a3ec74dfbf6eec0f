// Failures of upcasting, without an entity.
#include <gtest/gtest.h>

#include <nexus/serializer.hpp>

using namespace nexus;

namespace {

struct sparse {
  static constexpr std::uint32_t schema_version = 4;
  std::int64_t n = 0;
  MSGPACK_DEFINE_MAP(n)

  static void upcast(from_version<1>, document& d) { d.set("n", 1); }
  static void upcast(from_version<3>, document&) { throw 3; }  // NOLINT: on purpose
};

struct lazy {
  static constexpr std::uint32_t schema_version = 2;
  std::int64_t n = 0;
  MSGPACK_DEFINE_MAP(n)
  static void upcast(from_version<1>, document&) {}
};

struct mute_serializer {
  static constexpr std::string_view name = "mute";
  template <class T>
  static void encode(const T&, std::string&) {}
  template <class T>
  static result<void> decode(std::string_view, T&) {
    return {};
  }
};
struct mute {
  using serializer = mute_serializer;
};

template <class B, class T>
error read(std::uint32_t version, std::string_view codec, std::string_view data) {
  T value;
  auto done = detail::decode_stored<B>(version, codec, data, value);
  return done ? error{errc::rejected, "was read"} : done.error();
}

}  // namespace

TEST(Upcasting, AMissingStepIsNamedBeforeAnyIsTaken) {
  EXPECT_EQ((read<void, sparse>(1, "msgpack", "\xc1")),
            (error{errc::unsupported_version,
                   "the known version is 4, and there is no upcast from version 2 to 3"}));
  EXPECT_EQ((read<void, sparse>(2, "msgpack", "\x80")),
            (error{errc::unsupported_version,
                   "the known version is 4, and there is no upcast from version 2 to 3"}));
  EXPECT_EQ((read<void, sparse>(0, "msgpack", "\x80")),
            (error{errc::unsupported_version, "the known version is 4"}));
}

TEST(Upcasting, AnythingAStepThrowsIsAnError) {
  EXPECT_EQ((read<void, sparse>(3, "msgpack", "\x80")),
            (error{errc::corrupt,
                   "upcast from version 3 to 4: threw something that is not a std::exception"}));
}

TEST(Upcasting, AStepThatLeavesAFieldOutIsFoundOut) {
  EXPECT_EQ((read<void, lazy>(1, "msgpack", "\x80")),
            (error{errc::corrupt,
                   "after the upcast to version 2: 1 bytes of msgpack: field \"n\" is missing"}));
}

TEST(Upcasting, ASerializerWithoutDocumentsReadsOnlyTheVersionOfToday) {
  EXPECT_EQ((read<mute, lazy>(2, "mute", "")).message, "was read");
  EXPECT_EQ((read<mute, lazy>(1, "mute", "")),
            (error{errc::unsupported_version,
                   "is not version 2, and serializer \"mute\" has no to_document to upcast it"}));
  EXPECT_EQ((read<mute, lazy>(1, "deaf", "")),
            (error{errc::unknown_type,
                   "is stored in codec \"deaf\", but only mute and msgpack are known"}));
}
