#pragma once

#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/place.h"
#include "ssh/server.h"

#include <fmt/format.h>
#include <initializer_list>
#include <string>
#include <utility>

namespace hadeploy::test {

/// A fake host whose tools are scripts, for scripts that a local shell runs. The state of the tools
/// is in files in a directory.
struct Pretence {
    explicit Pretence(std::initializer_list<std::pair<const char*, const char*>> tools) {
        std::filesystem::create_directory(dir.path / "bin");
        for (const auto& [name, body] : tools)
            write_file(dir.path / "bin" / name,
                       fmt::format("#!/bin/sh\nwas=$PWD\ncd {}\n{}", dir.path.string(), body),
                       0755);
    }
    TempDir dir;

    /// Runs a script like a change, in the directory.
    ProcessResult run(const std::string& script) const {
        return run_process(
            {.argv = {"sh"},
             .input = fmt::format("{2}cd {0}\nPATH={0}/bin:$PATH\n( set -eu\n{1}\n) </dev/null\n",
                                  dir.path.string(), script, ssh::place_functions())});
    }
    /// The lines that the tools have written to the file `log`.
    std::string log() const {
        return std::filesystem::exists(dir.path / "log") ? read_file(dir.path / "log") : "";
    }
};

} // namespace hadeploy::test
