#include "cli/line_editor.h"

#include "core/lazy_library.h"
#include "core/own_way.h"

#include <algorithm>
#include <cctype>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <histedit.h>
#include <sys/mman.h>
#include <utility>

namespace hadeploy::cli {

namespace {

constexpr LateLibrary libedit{"libedit.so.2", "libedit2"};
#define HADEPLOY_LATE(name) const Late<libedit, decltype(::name)> name(#name)
namespace late {
HADEPLOY_LATE(el_init);
HADEPLOY_LATE(el_end);
HADEPLOY_LATE(el_set);
HADEPLOY_LATE(el_get);
HADEPLOY_LATE(el_gets);
HADEPLOY_LATE(el_line);
HADEPLOY_LATE(el_insertstr);
HADEPLOY_LATE(el_deletestr);
HADEPLOY_LATE(el_cursor);
HADEPLOY_LATE(history_init);
HADEPLOY_LATE(history_end);
HADEPLOY_LATE(history);
} // namespace late
#undef HADEPLOY_LATE

constexpr int kRemembered = 1000; ///< lines

bool is_in_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
}

/// The common prefix of the words.
std::string common_start(const std::vector<std::string>& words) {
    std::string out = words.front();
    for (const std::string& word : words) {
        std::size_t n = 0;
        while (n < out.size() && n < word.size() && out[n] == word[n]) ++n;
        out.resize(n);
    }
    return out;
}

} // namespace

struct LineEditor::Library {
    std::string prompt;
    std::filesystem::path file;
    Complete complete;
    EditLine* line = nullptr;
    History* history = nullptr;

    static Library& of(EditLine* line) {
        void* self = nullptr;
        late::el_get(line, EL_CLIENTDATA, &self);
        return *static_cast<Library*>(self);
    }

    static char* show_prompt(EditLine* line) { return of(line).prompt.data(); }

    /// Ctrl-C: clears the line, or ends input if it is empty.
    static unsigned char cancel(EditLine* line, int /*key*/) {
        const LineInfo* info = late::el_line(line);
        if (info->buffer == info->lastchar) return CC_EOF;
        late::el_cursor(line, static_cast<int>(info->lastchar - info->cursor));
        late::el_deletestr(line, static_cast<int>(info->lastchar - info->buffer));
        return CC_REFRESH;
    }

    /// Tab: completes the common prefix, or lists the candidates.
    static unsigned char go_on(EditLine* line, int /*key*/) {
        const LineInfo* info = late::el_line(line);
        const char* begin = info->cursor;
        while (begin > info->buffer && is_in_word(begin[-1])) --begin;
        const std::string word(begin, info->cursor);
        const std::vector<std::string> all = of(line).complete(word);
        if (all.empty()) return CC_REFRESH_BEEP;
        const std::string start = common_start(all);
        if (start.size() > word.size()) {
            late::el_insertstr(line, start.c_str() + word.size());
            return CC_REFRESH;
        }
        std::fputs(fmt::format("\n{}\n", fmt::join(all, "  ")).c_str(), stderr);
        return CC_REDISPLAY;
    }

    void open() {
        // libedit uses the locale: without UTF-8 it drops letters with accents
        std::setlocale(LC_CTYPE, "");
        if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
        line = late::el_init("hadeploy", stdin, stderr, stderr);
        history = late::history_init();
        HistEvent event;
        late::history(history, &event, H_SETSIZE, kRemembered);
        late::history(history, &event, H_SETUNIQUE, 1);
        if (!file.empty()) load();
        late::el_set(line, EL_CLIENTDATA, static_cast<void*>(this));
        late::el_set(line, EL_PROMPT, &show_prompt);
        late::el_set(line, EL_EDITOR, "emacs");
        late::el_set(line, EL_SIGNAL, 1);
        late::el_set(line, EL_HIST, libedit.find("history"), history);
        late::el_set(line, EL_SETTY, "-d", "-isig", nullptr); // Ctrl-C is a key, not a signal
        late::el_set(line, EL_ADDFN, "hadeploy-cancel", "Clear the line", &cancel);
        late::el_set(line, EL_ADDFN, "hadeploy-complete", "Complete the word", &go_on);
        for (const auto& [key, what] : {std::pair("^C", "hadeploy-cancel"),
                                        {"^I", "hadeploy-complete"},
                                        {"^R", "em-inc-search-prev"}})
            late::el_set(line, EL_BIND, key, what, nullptr);
    }

    // libedit would follow the link of another user who owns the directory.
    void load() const {
        try {
            HistEvent event;
            const Fd kept = open_file_own_way(file);
            late::history(history, &event, H_LOAD, own_name(kept).c_str());
        } catch (const Error&) { // there is no history yet, or it is not ours
        }
    }
    void save() const {
        HistEvent event;
        const Fd memory(::memfd_create("history", MFD_CLOEXEC));
        if (!memory || late::history(history, &event, H_SAVE, own_name(memory).c_str()) < 0) return;
        try {
            write_file(file, read_file(own_name(memory)));
        } catch (const Error&) { // a session without a history is no reason to fail
        }
    }

    void close() const {
        if (!file.empty()) save();
        late::history_end(history);
        late::el_end(line);
    }
};

LineEditor::LineEditor(std::string prompt, std::filesystem::path history, Complete complete)
    : library_(new Library{std::move(prompt), std::move(history), std::move(complete)}) {
    library_->open();
}

LineEditor::~LineEditor() {
    library_->close();
}

std::optional<std::string> LineEditor::read() {
    int count = 0;
    const char* text = late::el_gets(library_->line, &count);
    if (text == nullptr || count <= 0) return std::nullopt;
    std::string out(text, static_cast<std::size_t>(count));
    while (out.ends_with('\n') || out.ends_with('\r')) out.pop_back();
    return out;
}

void LineEditor::remember(const std::string& line) {
    HistEvent event;
    late::history(library_->history, &event, H_ENTER, line.c_str());
}

} // namespace hadeploy::cli
