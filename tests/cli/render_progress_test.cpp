#include "cli/render/progress.h"
#include "render_fixture.h"

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {

/// A clock and a screen controlled by the test.
struct Stage {
    std::string bytes;
    std::int64_t now = 1'700'000'000'000;
    TerminalSize size{72, 8};

    std::unique_ptr<Progress> start(ProgressMode mode, std::size_t total, Style style = {}) {
        return make_progress(mode, total,
                             {.write = [this](std::string_view text) { bytes += text; },
                              .now_ms = [this] { return now; },
                              .size = [this] { return size; },
                              .ticking = false},
                             style);
    }
};

/// Emulates a terminal of that size for these bytes: text, newlines, "up n", "erase below".
std::vector<std::string> screen_of(const std::string& bytes, std::size_t columns) {
    std::vector<std::string> rows{""};
    std::size_t row = 0, column = 0;
    const auto put = [&](char c) {
        if (column == columns) ++row, column = 0;
        if (row >= rows.size()) rows.resize(row + 1);
        rows[row].resize(std::max(rows[row].size(), column + 1), ' ');
        rows[row][column++] = c;
    };
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] == '\n') {
            ++row, column = 0;
            if (row >= rows.size()) rows.resize(row + 1);
        } else if (bytes[i] == '\r') {
            column = 0;
        } else if (bytes.compare(i, 2, "\x1b[") == 0) {
            std::size_t end = i + 2;
            while (std::isdigit(static_cast<unsigned char>(bytes[end]))) ++end;
            const std::size_t n = end == i + 2 ? 0 : std::stoul(bytes.substr(i + 2));
            REQUIRE_MESSAGE((bytes[end] == 'A' || bytes[end] == 'J'), "what is ",
                            bytes.substr(i + 1, end - i));
            REQUIRE(row >= n);
            row -= n;
            if (bytes[end] == 'J') rows.resize(row + 1), rows[row].resize(column);
            i = end;
        } else {
            put(bytes[i]);
        }
    }
    return rows;
}

std::string screen_text(const Stage& stage) {
    std::string out;
    for (const std::string& row : screen_of(stage.bytes, stage.size.columns)) out += row + "\n";
    return out;
}

/// A run with all kinds of events; `between` is called after each event.
template<class Between>
void act(Stage& stage, Progress& progress, Between between) {
    const Plan plan = mixed_plan();
    const auto after = [&](std::int64_t ms) { between(), stage.now += ms; };
    progress.step_started(plan.steps[0], "creating"), after(400);
    progress.step_started(plan.steps[1], "starting"), after(800);
    progress.step_progress(plan.steps[0], "downloading 10%"), after(200);
    progress.step_progress(plan.steps[0], "downloading 11%"), after(12'000);
    progress.step_progress(plan.steps[0], "downloading 90%"), after(100);
    progress.step_progress(plan.steps[1], "waiting for the guest"), after(60'000);
    progress.step_done(plan.steps[1], StepResult::done, 73'500), after(500);
    progress.reading("ssh root@10.0.0.1", 14), after(100);
    progress.waiting("ssh root@10.0.0.1", "waiting for somebody"), after(100);
    progress.step_done(plan.steps[5], StepResult::unchanged, 3), after(0);
    progress.step_done(plan.steps[9], StepResult::forgotten, 0), after(0);
    progress.step_failed(plan.steps[0], Error(ErrorKind::failed, "no space\nleft"), 74'000),
        after(0);
    progress.finish(), between();
}

} // namespace

TEST_CASE("modes have the names of docker compose") {
    CHECK(parse_progress_mode("auto") == ProgressMode::automatic);
    CHECK(parse_progress_mode("tty") == ProgressMode::tty);
    CHECK(parse_progress_mode("plain") == ProgressMode::plain);
    CHECK(parse_progress_mode("json") == ProgressMode::json);
    CHECK(parse_progress_mode("quiet") == ProgressMode::quiet);
    CHECK_FALSE(parse_progress_mode("fancy"));
}

TEST_CASE("plain: one line per event, without repetitions") {
    Stage stage;
    act(stage, *stage.start(ProgressMode::plain, 10), [] {});
    check_golden("tests/cli/golden/progress-plain.txt", stage.bytes);
}

TEST_CASE("json: one object per event") {
    Stage stage;
    act(stage, *stage.start(ProgressMode::json, 10), [] {});
    std::istringstream lines(stage.bytes);
    for (std::string line; std::getline(lines, line);)
        CHECK(nlohmann::json::parse(line).contains("@timestamp"));
    check_golden("tests/cli/golden/progress-json.txt", stage.bytes);
}

TEST_CASE("quiet: nothing") {
    Stage stage;
    act(stage, *stage.start(ProgressMode::quiet, 10), [] {});
    CHECK(stage.bytes.empty());
}

TEST_CASE("tty: a block below the finished steps") {
    Stage stage;
    const auto progress = stage.start(ProgressMode::tty, 10);
    std::string screens;
    act(stage, *progress, [&] { screens += screen_text(stage) + "--\n"; });
    check_golden("tests/cli/golden/progress-tty.txt", screens);
}

TEST_CASE("tty: the bytes themselves, with colours") {
    Stage stage;
    const auto progress = stage.start(ProgressMode::tty, 10, {.color = true, .unicode = true});
    act(stage, *progress, [] {});
    std::string visible;
    for (const char c : stage.bytes)
        visible += c == '\x1b' ? std::string("<esc>") : std::string(1, c);
    check_golden("tests/cli/golden/progress-tty-bytes.txt", visible);
}

TEST_CASE("tty: the block never exceeds the size of the terminal") {
    Stage stage;
    stage.size = {40, 6};
    const auto progress = stage.start(ProgressMode::tty, 50);
    std::vector<Step> steps;
    for (int i = 0; i < 30; ++i)
        steps.push_back(
            file_step("a-very-long-name-of-a-file-" + std::to_string(i), "a", Action::create));
    for (const Step& step : steps) {
        progress->step_started(step, "creating");
        const auto screen = screen_of(stage.bytes, 1000);
        CHECK(screen.size() - 1 < stage.size.rows);
        for (const std::string& row : screen) CHECK(row.size() < stage.size.columns);
    }
    CHECK(screen_text(stage).find("and 27 more") != std::string::npos);
}

TEST_CASE("tty: secrets are redacted before a line is cut") {
    Stage stage;
    stage.size = {72, 10};
    const std::string secret =
        "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789";
    const auto progress = make_progress(
        ProgressMode::tty, 2,
        {.write = [&](std::string_view text) { stage.bytes += text; },
         .now_ms = [&] { return stage.now; },
         .size = [&] { return stage.size; },
         .ticking = false,
         .hide =
             [&](std::string_view text) {
                 std::string out(text);
                 const std::size_t at = out.find(secret);
                 return at == out.npos ? out : out.replace(at, secret.size(), "(secret)");
             }},
        {});
    const Step step = file_step("x", secret, Action::create);
    progress->step_started(step, "writing /srv/" + secret);
    progress->step_progress(step, "reading " + secret);
    progress->reading(secret, 3);
    progress->waiting(secret, "waiting for " + secret);
    progress->step_failed(step, Error(ErrorKind::failed, "no " + secret), 1);
    CHECK(stage.bytes.find("abcd") == std::string::npos);
    CHECK(stage.bytes.find("writing /srv/(secret)") != std::string::npos);
    CHECK(stage.bytes.find("failed: no (secret)") != std::string::npos);
}

TEST_CASE("tty: lines wrapped by a narrower terminal are erased") {
    Stage stage;
    stage.size = {60, 20};
    const Step step = file_step("x", "a", Action::create);
    const auto progress = stage.start(ProgressMode::tty, 2);
    progress->step_started(step, "a long text that fills the line up to its very end");
    // the terminal has wrapped the longer lines after the change of size
    std::string broken;
    for (const std::string& row : screen_of(stage.bytes, 60))
        for (std::size_t i = 0; i < std::max<std::size_t>(row.size(), 1); i += 30)
            if (!row.empty()) broken += row.substr(i, 30) + "\n";
    stage.bytes = broken;
    stage.size = {30, 20};
    progress->step_progress(step, "short");
    const auto screen = screen_of(stage.bytes, 30);
    REQUIRE(screen.size() == 3);
    CHECK(screen[0].starts_with("[+] 0/2"));
    CHECK(screen[2].empty());
}

TEST_CASE("tty: planning shows reads, which are erased at the end") {
    Stage stage;
    {
        const auto progress = stage.start(ProgressMode::tty, 0);
        progress->reading("libvirt qemu:///system", 12);
        stage.now += 300;
        progress->reading("ssh root@10.0.0.1", 1);
        std::string text = screen_text(stage);
        CHECK(text.find("[+] planning 0.3s") != std::string::npos);
        CHECK(text.find("libvirt qemu:///system") != std::string::npos);
        CHECK(text.find("reading 1 resource ") != std::string::npos);
        progress->waiting("ssh root@10.0.0.1", "waiting for somebody");
        text = screen_text(stage);
        CHECK(text.find("reading 12 resources ") != std::string::npos);
        CHECK(text.find("waiting for somebody ") != std::string::npos);
        CHECK(text.find("reading 1 resource ") == std::string::npos);
    }
    CHECK(screen_text(stage) == "\n");
}

TEST_CASE("tty: the ticker redraws by itself and ends with finish()") {
    std::mutex mutex;
    std::condition_variable changed;
    int writes = 0;
    const auto progress = make_progress(ProgressMode::tty, 3,
                                        {.write =
                                             [&](std::string_view) {
                                                 const std::lock_guard lock(mutex);
                                                 ++writes, changed.notify_all();
                                             },
                                         .now_ms = [] { return std::int64_t{0}; },
                                         .size =
                                             [] {
                                                 return TerminalSize{80, 24};
                                             }},
                                        {});
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return writes >= 3; });
    lock.unlock();
    progress->finish();
    const int at_end = writes;
    progress->step_progress(file_step("x", "a", Action::create), "late");
    CHECK(writes == at_end);
}

TEST_CASE("events from many threads") {
    for (const ProgressMode mode : {ProgressMode::tty, ProgressMode::plain, ProgressMode::json}) {
        Stage stage;
        const auto progress = stage.start(mode, 400);
        {
            std::vector<std::jthread> threads;
            for (int t = 0; t < 4; ++t)
                threads.emplace_back([&, t] {
                    const Step step = file_step(std::to_string(t), "a", Action::create);
                    for (int i = 0; i < 100; ++i) {
                        progress->step_started(step, "creating");
                        progress->step_done(step, StepResult::done, 1);
                    }
                });
        }
        progress->finish();
        CHECK_FALSE(stage.bytes.empty());
    }
}
