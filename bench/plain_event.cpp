#include "plain_event.hpp"

#include <cstdint>
#include <msgpack.hpp>
#include <string_view>

#include "counter.hpp"
#include "nexus/codec.hpp"

namespace bench {

void plain_event::encode(const nexus::ulid& command) {
  data.clear();
  nexus::detail::byte_sink to_data{data};
  msgpack::pack(to_data, counter::added{1});

  metadata.clear();
  nexus::detail::byte_sink to_metadata{metadata};
  msgpack::packer<nexus::detail::byte_sink> packer{to_metadata};
  constexpr std::string_view key = "command_id";
  packer.pack_map(1);
  packer.pack_str(key.size());
  packer.pack_str_body(key.data(), key.size());
  packer.pack_bin(static_cast<std::uint32_t>(command.bytes.size()));
  packer.pack_bin_body(reinterpret_cast<const char*>(command.bytes.data()),
                       static_cast<std::uint32_t>(command.bytes.size()));
}

}  // namespace bench
