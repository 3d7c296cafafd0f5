#include "state/transfer.h"

#include "core/error.h"
#include "state/codec.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

namespace hadeploy::state {

namespace {
using Json = nlohmann::json;
constexpr int kFormat = 1;

std::string place(const std::string& address, std::string_view column) {
    return fmt::format("resources/{}/{}", address, column);
}
constexpr const char* kOutputs = "project/1/outputs";

Json sealed(const Value& value, const Cipher& cipher, const std::string& where) {
    return Json::parse(codec::encode(value, cipher, where));
}
Value opened(const Json& json, const Cipher& cipher, const std::string& where) {
    return codec::decode(json.dump(), cipher, where);
}

Row row_of(const Json& json, const Cipher& cipher) {
    Row row;
    row.address = json.at("address").get<std::string>();
    row.type = json.at("type").get<std::string>();
    row.generation = json.at("generation").get<std::int64_t>();
    row.identity = json.at("identity").get<std::string>();
    row.tainted = json.at("tainted").get<bool>();
    row.depends_on = json.at("depends_on").get<std::vector<std::string>>();
    row.config = opened(json.at("config"), cipher, place(row.address, "config"));
    row.attributes = opened(json.at("attributes"), cipher, place(row.address, "attributes"));
    return row;
}

/// Of all that is in it: commands may follow from each part.
std::string mac_of(Json all, const Cipher& cipher) {
    all.erase("mac");
    return cipher.mac({"pulled state", all.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

[[noreturn]] void refuse(const std::string& what, std::string_view why) {
    throw Error(ErrorKind::state, fmt::format("{}: {}", what, why))
        .with_hint("`hadeploy state pull` writes what can be pushed");
}
} // namespace

std::string write_contents(const Contents& contents, const KeySource& key) {
    const Cipher cipher = Cipher::make(key);
    Json resources = Json::array();
    for (const Row& row : contents.rows)
        resources.push_back(
            {{"address", row.address},
             {"type", row.type},
             {"generation", row.generation},
             {"identity", row.identity},
             {"tainted", row.tainted},
             {"depends_on", row.depends_on},
             {"config", sealed(row.config, cipher, place(row.address, "config"))},
             {"attributes", sealed(row.attributes, cipher, place(row.address, "attributes"))}});
    Json all{{"format", kFormat},
             {"project", contents.project},
             {"lineage", contents.lineage},
             {"serial", contents.serial},
             {"key_lock", cipher.lock()},
             {"resources", std::move(resources)},
             {"outputs", sealed(contents.outputs, cipher, kOutputs)}};
    all["mac"] = mac_of(all, cipher);
    return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Contents read_contents(const std::string& text, const KeySource& key, const std::string& what) {
    const Json all = Json::parse(text, nullptr, false);
    if (all.is_discarded() || !all.is_object()) refuse(what, "this is no state in JSON");
    if (!all.contains("format") || all["format"] != kFormat)
        refuse(what, "this is no state, or one of another hadeploy's form");
    try {
        const Cipher cipher = Cipher::unlock(all.at("key_lock").get<std::string>(), key, what);
        Contents out;
        out.project = all.at("project").get<std::string>();
        out.lineage = all.at("lineage").get<std::string>();
        out.serial = all.at("serial").get<std::int64_t>();
        out.outputs = opened(all.at("outputs"), cipher, kOutputs);
        std::set<std::string> seen;
        for (const Json& json : all.at("resources")) {
            out.rows.push_back(row_of(json, cipher));
            if (!seen.insert(out.rows.back().address).second)
                refuse(what, fmt::format("it has {} twice", out.rows.back().address));
        }
        out.authentic = !cipher.seals_runs() || all.value("mac", "") == mac_of(all, cipher);
        return out;
    } catch (const Json::exception& e) {
        refuse(what, fmt::format("something in it is missing or of another type ({})", e.what()));
    }
}

} // namespace hadeploy::state
