#include "state/transfer.h"

#include "core/error.h"
#include "core/text.h"
#include "core/uuid.h"
#include "state/authentic.h"
#include "state/codec.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

namespace hadeploy::state {

namespace {
using Json = nlohmann::json;
constexpr int kFormat = 1;

std::string resource_place(const std::string& address, std::string_view column) {
    return fmt::format("resources/{}/{}", address, column);
}
constexpr const char* kOutputs = "project/1/outputs";

Json sealed(const Value& value, const Cipher& cipher, const std::string& where) {
    return Json::parse(codec::encode(value, cipher, where));
}
Value opened(const Json& json, const Cipher& cipher, const std::string& where) {
    return codec::decode(json.dump(), cipher, where);
}

/// The MAC of the whole document, because any part of it may determine commands.
std::string document_mac(Json all, const Cipher& cipher) {
    all.erase("mac");
    return cipher.mac({"pulled state", all.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

/// A part of the document, with its path for errors.
class Part {
  public:
    Part(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
        if (!json.is_object()) refuse("", "a map");
    }

    [[nodiscard]] std::string text(const char* name) const {
        return at(name, &Json::is_string, "a string").get<std::string>();
    }
    [[nodiscard]] bool flag(const char* name) const {
        return at(name, &Json::is_boolean, "true or false").get<bool>();
    }
    [[nodiscard]] std::int64_t integer(const char* name, std::int64_t least,
                                       std::int64_t most) const {
        const std::string wanted = fmt::format("an integer from {} to {}", least, most);
        const Json& json = at(name, &Json::is_number_integer, wanted);
        const bool large = json.is_number_unsigned() &&
                           json.get<std::uint64_t>() > static_cast<std::uint64_t>(most);
        if (large || json.get<std::int64_t>() < least || json.get<std::int64_t>() > most)
            refuse(name, wanted);
        return json.get<std::int64_t>();
    }
    [[nodiscard]] const Json& list(const char* name) const {
        return at(name, &Json::is_array, "a list");
    }
    [[nodiscard]] std::vector<std::string> texts(const char* name) const {
        std::vector<std::string> out;
        for (const Json& item : list(name)) {
            if (!item.is_string()) refuse(name, "a list of strings");
            out.push_back(item.get<std::string>());
        }
        return out;
    }
    /// A map of values. Parts of the values can be sealed.
    [[nodiscard]] Value values(const char* name, const Cipher& cipher,
                               const std::string& place) const {
        Value out = opened(at(name, nullptr, ""), cipher, place);
        if (!out.is_map()) refuse(name, "a map");
        return out;
    }

    [[noreturn]] void refuse(const std::string& name, const std::string& wanted) const {
        const std::string place = name.empty() || where_.empty() ? name : "." + name;
        throw Error(ErrorKind::state, fmt::format("{}{} must be {}", where_, place, wanted))
            .with_hint(kHint);
    }
    static constexpr const char* kHint =
        "correct it in the document; `hadeploy state pull` shows the expected form";

  private:
    const Json& at(const char* name, bool (Json::*is)() const noexcept,
                   const std::string& wanted) const {
        if (!json_.contains(name))
            throw Error(ErrorKind::state,
                        fmt::format("{}`{}` is missing", where_.empty() ? "" : where_ + ": ", name))
                .with_hint(kHint);
        const Json& json = json_.at(name);
        if (is != nullptr && !(json.*is)()) refuse(name, wanted);
        return json;
    }

    const Json& json_;
    std::string where_;
};

RecordedResource row_of(const Json& json, std::size_t number, const Cipher& cipher) {
    const Part part(json, fmt::format("resources[{}]", number));
    RecordedResource row;
    row.address = part.text("address");
    row.type = part.text("type");
    row.generation = part.integer("generation", 1, kMostSerial);
    row.identity = part.text("identity");
    row.tainted = part.flag("tainted");
    row.depends_on = part.texts("depends_on");
    row.config = part.values("config", cipher, resource_place(row.address, "config"));
    row.attributes = part.values("attributes", cipher, resource_place(row.address, "attributes"));
    return row;
}

/// @throws Error(state), Json::exception
Contents contents_of(const Json& all, const KeySource& key, const std::string& what) {
    const Part part(all, "");
    const Cipher cipher = Cipher::load(part.text("key_lock"), key, what);
    Contents out;
    out.project = part.text("project");
    if (out.project.empty()) part.refuse("project", "the project's name");
    out.lineage = part.text("lineage");
    if (!is_uuid(out.lineage)) part.refuse("lineage", "a UUID");
    out.serial = part.integer("serial", 0, kMostSerial - 1);
    if (!all.contains("outputs") || !all["outputs"].is_null()) // null before the first apply
        out.outputs = part.values("outputs", cipher, kOutputs);
    std::set<std::string> seen;
    for (const Json& json : part.list("resources")) {
        out.rows.push_back(row_of(json, out.rows.size(), cipher));
        if (!seen.insert(out.rows.back().address).second)
            part.refuse(fmt::format("resources[{}].address", out.rows.size() - 1),
                        fmt::format("unique: {} occurs twice", in_quotes(out.rows.back().address)));
    }
    out.authentic = !cipher.seals_runs() || all.value("mac", Json()) == document_mac(all, cipher);
    return out;
}

[[noreturn]] void refuse(const std::string& what, std::string_view why) {
    throw Error(ErrorKind::state, fmt::format("{}: {}", what, why))
        .with_hint("use a file written by `hadeploy state pull`");
}
} // namespace

std::string write_contents(const Contents& contents, const KeySource& key) {
    const Cipher cipher = Cipher::make(key);
    Json resources = Json::array();
    for (const RecordedResource& row : contents.rows)
        resources.push_back(
            {{"address", row.address},
             {"type", row.type},
             {"generation", row.generation},
             {"identity", row.identity},
             {"tainted", row.tainted},
             {"depends_on", row.depends_on},
             {"config", sealed(row.config, cipher, resource_place(row.address, "config"))},
             {"attributes",
              sealed(row.attributes, cipher, resource_place(row.address, "attributes"))}});
    Json all{{"format", kFormat},
             {"project", contents.project},
             {"lineage", contents.lineage},
             {"serial", contents.serial},
             {"key_lock", cipher.encrypted_key()},
             {"resources", std::move(resources)},
             {"outputs", sealed(contents.outputs, cipher, kOutputs)}};
    all["mac"] = document_mac(all, cipher);
    return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Contents read_contents(const std::string& text, const KeySource& key, const std::string& what) {
    Json all;
    try {
        all = Json::parse(text);
    } catch (const Json::parse_error& e) {
        const std::string_view before = std::string_view(text).substr(0, e.byte);
        refuse(what, fmt::format("not a state in JSON: syntax error in line {}",
                                 1 + std::count(before.begin(), before.end(), '\n')));
    }
    if (!all.is_object() || !all.contains("format") || all["format"] != kFormat)
        refuse(what, "not a state, or in the format of a different version of hadeploy");
    try {
        return contents_of(all, key, what);
    } catch (Error& error) {
        if (error.message.find(what) == std::string::npos)
            error.message = fmt::format("{}: {}", what, error.message);
        throw;
    }
}

} // namespace hadeploy::state
