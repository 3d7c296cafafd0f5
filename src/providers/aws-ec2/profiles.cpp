#include "providers/aws-ec2/profiles.h"

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"

#include <cctype>
#include <filesystem>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {
constexpr std::size_t kMostBytes = 1 << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::string file_of(const Profiles::Environment& environment, const char* variable,
                    const char* name) {
    if (const std::string given = environment(variable); !given.empty()) return given;
    const std::string home = environment("HOME");
    return home.empty() ? "" : home + "/.aws/" + name;
}

/// Reads one file. Its messages never show a line of the file, which can contain a secret.
class ProfileFile {
  public:
    ProfileFile(std::string name, bool config) : name_(std::move(name)), config_(config) {}

    std::map<std::string, Profile> read(std::string_view text) {
        if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            ++number_;
            line(text.substr(0, end));
            text.remove_prefix(end == text.npos ? text.size() : end + 1);
        }
        return std::move(by_name_);
    }

  private:
    [[nodiscard]] std::string place() const { return fmt::format("{}:{}", name_, number_); }
    [[nodiscard]] Error wrong(std::string_view what) const {
        return Error(ErrorKind::failed, fmt::format("{}: {}", place(), what));
    }

    void line(std::string_view whole) {
        if (whole.find('\0') != whole.npos) throw wrong("the file is not UTF-8 text");
        const std::string_view text = trimmed(whole);
        if (text.empty() || text.front() == '#' || text.front() == ';') return;
        if (text.front() == '[') return section(text);
        if (!in_section_) throw wrong("a setting before the first section");
        if (profile_ == nullptr) return; // "sso-session", "services"
        if (is_blank(whole.front())) {
            if (nested_) return; // of a setting such as s3
            throw wrong("the line is indented, but does not follow a setting with nested settings")
                .with_hint("remove the spaces at the beginning of the line");
        }
        setting(text);
    }

    void section(std::string_view text) {
        const std::size_t end = text.find(']');
        if (end == text.npos) throw wrong("a section without its ]");
        std::string_view name = trimmed(text.substr(1, end - 1));
        in_section_ = true;
        nested_ = false;
        profile_ = nullptr;
        if (config_ && name != "default") {
            constexpr std::string_view word = "profile";
            if (!name.starts_with(word) || (name.size() > word.size() && !is_blank(name[7])))
                return;
            name = trimmed(name.substr(word.size()));
        }
        if (name.size() > 1 && name.front() == '"' && name.back() == '"')
            name = name.substr(1, name.size() - 2);
        if (name.empty()) throw wrong("a profile without a name");
        const auto [it, fresh] = by_name_.emplace(name, Profile());
        if (!fresh)
            throw wrong(fmt::format("the profile {} is defined twice", in_quotes(name)))
                .with_hint("merge its sections");
        profile_ = &it->second;
    }

    void setting(std::string_view text) {
        const std::size_t equals = text.find('=');
        if (equals == text.npos || equals == 0) throw wrong("neither a section nor a setting");
        std::string_view value = trimmed(text.substr(equals + 1));
        if (const std::size_t comment = value.find(" #"); comment != value.npos)
            value = trimmed(value.substr(0, comment));
        const std::string key = lower_case(trimmed(text.substr(0, equals)));
        nested_ = value.empty();
        if (nested_) return; // as if it were not set
        const auto [it, fresh] = profile_->emplace(key, Setting{std::string(value), place()});
        if (!fresh)
            throw wrong(fmt::format("{} is set twice in this profile", in_quotes(key)))
                .with_note("first in " + it->second.place);
    }

    std::string name_;
    bool config_, in_section_ = false, nested_ = false;
    int number_ = 0;
    Profile* profile_ = nullptr;
    std::map<std::string, Profile> by_name_;
};
} // namespace

Profiles Profiles::load(const Environment& environment) {
    Profiles out;
    const auto add = [&](const std::string& path, bool config) {
        std::error_code none;
        if (!path.empty() && std::filesystem::exists(path, none))
            out.add(read_file(path, kMostBytes), path, config);
    };
    add(file_of(environment, "AWS_CONFIG_FILE", "config"), true);
    add(file_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), false);
    return out;
}

void Profiles::add(std::string_view text, const std::string& name, bool config) {
    for (auto& [profile, settings] : ProfileFile(name, config).read(text))
        for (auto& [key, setting] : settings) by_name_[profile][key] = std::move(setting);
}

const Profile* Profiles::find(const std::string& name) const {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : &it->second;
}

} // namespace hadeploy::aws
