#include "providers/aws-ec2/profiles.h"

#include "core/file.h"
#include "core/text.h"

#include <cctype>
#include <filesystem>

namespace hadeploy::aws {

namespace {
constexpr std::size_t kMostBytes = 1 << 20;

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

std::string file_of(const Profiles::Environment& environment, const char* variable,
                    const char* name) {
    if (const std::string given = environment(variable); !given.empty()) return given;
    const std::string home = environment("HOME");
    return home.empty() ? "" : home + "/.aws/" + name;
}
} // namespace

Profiles Profiles::load(const Environment& environment) {
    Profiles out;
    const auto add = [&](const std::string& path, bool config) {
        std::error_code none;
        if (!path.empty() && std::filesystem::exists(path, none))
            out.add(read_file(path, kMostBytes), config);
    };
    add(file_of(environment, "AWS_CONFIG_FILE", "config"), true);
    add(file_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), false);
    return out;
}

void Profiles::add(std::string_view text, bool config) {
    Profile* section = nullptr;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view whole = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        const std::string_view line = trimmed(whole);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[') {
            std::string_view name = trimmed(line.substr(1, line.find(']') - 1));
            section = nullptr;
            if (config && name != "default") { // others: "sso-session", "services"
                if (!name.starts_with("profile")) continue;
                name = trimmed(name.substr(7));
            }
            section = &by_name_[std::string(name)];
            continue;
        }
        // an indented line belongs to a nested setting, such as those of s3
        const std::size_t equals = line.find('=');
        if (section == nullptr || equals == line.npos || whole.front() == ' ' ||
            whole.front() == '\t')
            continue;
        std::string_view value = trimmed(line.substr(equals + 1));
        if (const std::size_t comment = value.find(" #"); comment != value.npos)
            value = trimmed(value.substr(0, comment));
        (*section)[lower_case(trimmed(line.substr(0, equals)))] = value;
    }
}

const Profile* Profiles::find(const std::string& name) const {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : &it->second;
}

} // namespace hadeploy::aws
