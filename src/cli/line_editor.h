#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// Lines from a terminal, with editing, a history and completion (libedit).
class LineEditor {
  public:
    /// Returns the words that complete the word before the cursor.
    using Complete = std::function<std::vector<std::string>(const std::string& word)>;

    /// @param history  the file that keeps the lines; "": they are not kept
    /// @throws Error if libedit cannot be loaded
    LineEditor(std::string prompt, std::filesystem::path history, Complete complete);
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    /// The next line without its newline; nullopt after Ctrl-D, or Ctrl-C on an empty line.
    std::optional<std::string> read();
    /// Adds a line to the history.
    void remember(const std::string& line);

  private:
    struct Library;
    std::unique_ptr<Library> library_;
};

} // namespace hadeploy::cli
