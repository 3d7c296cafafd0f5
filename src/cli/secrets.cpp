#include "cli/secrets.h"

#include "cli/password.h"
#include "core/text.h"
#include "core/vault.h"
#include "planner/spec/load_spec.h"
#include "planner/yaml/yaml.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
std::string quoted_path(const SecretFile& file) {
    return in_quotes(file.path.string(), 4096);
}

/// Marks the leaves as secret, but not the keys, so that errors can name a missing key.
Value sealed(const Value& value, Loc loc) {
    if (value.is_map()) {
        Value::Map entries = value.as_map();
        for (Entry& e : entries) e = {std::move(e.key), sealed(e.value, loc), loc};
        return Value::map(std::move(entries)).at(loc);
    }
    if (!value.is_list()) return value.as_secret().at(loc);
    Value::List items = value.as_list();
    for (Value& item : items) item = sealed(item, loc);
    return Value::list(std::move(items)).at(loc);
}

/// Reports only the place of a YAML error: its message could quote a secret.
Value parse(const SecretFile& file, std::string text) {
    Sources sources;
    Diagnostics diagnostics;
    const Value root = read_yaml(sources, sources.add(file.path, std::move(text)), diagnostics);
    if (!diagnostics.empty())
        throw Error(ErrorKind::spec,
                    fmt::format("the content of {} is not valid YAML, at {}", quoted_path(file),
                                sources.describe(diagnostics.list().front().loc)))
            .with_hint("hadeploy vault edit " + file.path.string());
    if (!root.is_map())
        throw Error(ErrorKind::spec, fmt::format("the content of {} is {}, not a map of secrets",
                                                 quoted_path(file), root.kind_name()));
    return sealed(root, file.loc);
}

Value read_secret(const SecretFile& file, std::string& password,
                  const std::filesystem::path& password_file) {
    const std::string text = disk_reader()(file.path);
    if (!vault::is_vault(text))
        throw Error(ErrorKind::spec, fmt::format("{} is not encrypted", quoted_path(file)))
            .with_hint("hadeploy vault encrypt " + file.path.string());
    if (password.empty()) password = vault_password(password_file);
    try {
        return parse(file, vault::decrypt(text, password));
    } catch (Error& error) {
        if (error.kind == ErrorKind::failed)
            error.message = fmt::format("{}: {}", quoted_path(file), error.message);
        throw;
    }
}
} // namespace

Value read_secrets(const Spec& spec, const std::filesystem::path& password_file) {
    std::string password; // shared by all files, asked for once
    Value::Map all;
    for (const auto& [name, file] : spec.secret_files) {
        try {
            all.push_back({name, read_secret(file, password, password_file), file.loc});
        } catch (Error& error) {
            if (!error.loc.known()) error.loc = file.loc;
            throw;
        }
    }
    return Value::map(std::move(all));
}

Value unread_secrets(const Spec& spec) {
    Value::Map all;
    for (const auto& [name, file] : spec.secret_files)
        all.push_back({name, Value::unknown().as_secret().at(file.loc), file.loc});
    return Value::map(std::move(all));
}

} // namespace hadeploy::cli
