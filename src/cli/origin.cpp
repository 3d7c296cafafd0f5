#include "cli/origin.h"

#include "core/error.h"
#include "core/process.h"
#include "state/lock.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

std::string variable(const char* name) {
    constexpr std::size_t most_bytes = 300;
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value).substr(0, most_bytes);
}

/// Null outside of CI jobs.
Value ci_job() {
    // https://docs.github.com/en/actions/reference/variables-reference
    if (variable("GITHUB_ACTIONS") == "true")
        return Value::map(
            {{"system", "GitHub Actions"},
             {"job", variable("GITHUB_JOB")},
             {"url", fmt::format("{}/{}/actions/runs/{}", variable("GITHUB_SERVER_URL"),
                                 variable("GITHUB_REPOSITORY"), variable("GITHUB_RUN_ID"))},
             {"user", variable("GITHUB_ACTOR")}});
    // https://docs.gitlab.com/ci/variables/predefined_variables/
    if (variable("GITLAB_CI") == "true")
        return Value::map({{"system", "GitLab CI"},
                           {"job", variable("CI_JOB_NAME")},
                           {"url", variable("CI_JOB_URL")},
                           {"user", variable("GITLAB_USER_LOGIN")}});
    return {};
}

bool in_work_tree(const std::filesystem::path& directory) {
    std::error_code ignored;
    for (auto place = std::filesystem::absolute(directory, ignored); !place.empty();
         place = place.parent_path()) {
        if (std::filesystem::exists(place / ".git", ignored)) return true;
        if (place == place.parent_path()) break;
    }
    return false;
}

/// Limit for commands of git, which can hang on a network file system.
constexpr std::chrono::milliseconds kGitLimit{3'000};

/// Null without git, without a commit, or if git does not respond in time.
Value commit_of(const std::filesystem::path& directory) {
    constexpr std::string_view id_line = "# branch.oid ";
    constexpr std::size_t most_digits = 64; // SHA-256
    if (!in_work_tree(directory)) return {};
    std::string out;
    try {
        // Runs no fsmonitor program of the repository, and takes no lock that could block a
        // concurrent
        // git. Filters in the repository's configuration do run, like the commands of the spec.
        const ProcessResult git =
            run_process({.argv = {"git", "-C", directory.string(), "--no-optional-locks", "-c",
                                  "core.fsmonitor=false", "status", "--porcelain=v2", "--branch",
                                  "--untracked-files=no", "--ignore-submodules=all", "--", "."},
                         .timeout = kGitLimit});
        if (git.status != 0) return {};
        out = git.out;
    } catch (const Error&) {
        return {};
    }
    std::string id;
    bool changed = false;
    for (std::size_t begin = 0; begin < out.size();) {
        const std::size_t end = std::min(out.find('\n', begin), out.size());
        const std::string line = out.substr(begin, end - begin);
        if (line.starts_with(id_line)) id = line.substr(id_line.size());
        changed = changed || (!line.empty() && !line.starts_with('#'));
        begin = end + 1;
    }
    if (id.empty() || id.size() > most_digits ||
        id.find_first_not_of("0123456789abcdef") != id.npos)
        return {}; // "(initial)"
    return Value::map({{"id", id}, {"changed", changed}});
}

} // namespace

Value run_origin(const std::filesystem::path& directory) {
    const LockOwner self = state::this_process("");
    Value::Map out{{"user", self.user}, {"host", self.host}};
    if (const Value job = ci_job(); !job.is_null()) out.push_back({"ci", job});
    if (const Value commit = commit_of(directory); !commit.is_null())
        out.push_back({"commit", commit});
    return Value::map(std::move(out));
}

bool taken_by_git(const std::filesystem::path& directory, const std::filesystem::path& file) {
    if (!in_work_tree(directory)) return false;
    try { // exit status 1: nothing excludes it
        return run_process({.argv = {"git", "-C", directory.string(), "check-ignore", "--quiet",
                                     "--no-index", "--", file.string()},
                            .timeout = kGitLimit})
                   .status == 1;
    } catch (const Error&) {
        return false;
    }
}

} // namespace hadeploy::cli
