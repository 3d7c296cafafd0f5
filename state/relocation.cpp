#include "state/relocation.h"

#include "core/text.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace hadeploy::state {

using sql::Database;
using sql::Statement;

namespace {
constexpr std::string_view kMarkPlace = "project/1/relocation";
constexpr std::string_view kMovedTo = "moved to ";
constexpr std::string_view kCopiedFrom = "copied from ";

std::string how_to_use(const std::string& place) {
    return place.find("://") == place.npos
               ? fmt::format(
                     "use the state at {}, without `state` in the spec, --state or HADEPLOY_STATE",
                     std::filesystem::path(place).parent_path().parent_path().string())
               : fmt::format("set `state: {}` in the spec, or use --state or HADEPLOY_STATE",
                             place);
}
} // namespace

std::optional<Relocation> read_relocation(Database& database, const Cipher& cipher) {
    Statement query(database, kRelocationQuery);
    const std::string sealed = query.step() ? query.text(0) : "";
    if (sealed.empty()) return std::nullopt;
    const std::string text = cipher.open(sealed, kMarkPlace);
    if (text.starts_with(kMovedTo))
        return Relocation{Relocation::Kind::moved_to, text.substr(kMovedTo.size())};
    return Relocation{Relocation::Kind::copied_from,
                      text.substr(std::min(text.size(), kCopiedFrom.size()))};
}

void write_relocation(Database& database, const Cipher& cipher,
                      const std::optional<Relocation>& mark) {
    std::string sealed;
    if (mark)
        sealed = cipher.seal(
            fmt::format("{}{}", mark->kind == Relocation::Kind::moved_to ? kMovedTo : kCopiedFrom,
                        mark->place),
            kMarkPlace);
    Statement(database, "UPDATE project SET relocation = ? WHERE id = 1").bind(sealed).run();
}

Error relocated(const std::string& name, const Relocation& mark) {
    const std::string place = in_quotes(mark.place, 4096);
    if (mark.kind == Relocation::Kind::moved_to)
        return Error(ErrorKind::state, fmt::format("the state {} was moved to {}", name, place))
            .with_hint(how_to_use(mark.place));
    return Error(ErrorKind::state,
                 fmt::format("the state {} is an incomplete copy of {}", name, place))
        .with_hint(
            "a move was interrupted: run `hadeploy state migrate` again with the same locations");
}

void check_not_relocated(Database& database, const Cipher& cipher) {
    if (const auto mark = read_relocation(database, cipher))
        throw relocated(database.name(), *mark);
}

} // namespace hadeploy::state
