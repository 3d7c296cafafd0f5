#include "cli/render/plan_markdown.h"
#include "render_fixture.h"

#include <algorithm>
#include <sstream>
#include <vector>

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {
constexpr std::size_t kLimit = 65'536;

std::string as_it_is(std::string_view text) {
    return std::string(text);
}

MarkdownPlan saved_plan(const Plan& plan, std::string warnings = {}) {
    return {.plan = plan,
            .project = "shop",
            .origin =
                Value::map({{"user", "@ann"},
                            {"commit", Value::map({{"id", "4fef40812ab4"}, {"changed", true}})}}),
            .made_ms = 1'700'000'000'000,
            .sha256 = std::string(64, 'a'),
            .warnings = std::move(warnings)};
}

std::string markdown(const Plan& plan, std::size_t limit = kLimit, std::string warnings = {}) {
    return plan_markdown(saved_plan(plan, std::move(warnings)), {}, as_it_is, limit);
}

/// The lines of a Markdown text outside of its code blocks, by CommonMark's rule: a block ends with
/// a line of at least as many backticks as began it.
std::vector<std::string> outside(const std::string& text) {
    std::vector<std::string> out;
    std::size_t fence = 0;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        const std::size_t indent = line.find_first_not_of(' ');
        const std::size_t begin = indent == line.npos ? line.size() : indent;
        const std::size_t ticks = std::min(line.find_first_not_of('`', begin), line.size()) - begin;
        const bool only = line.find_first_not_of(' ', begin + ticks) == line.npos;
        if (fence == 0 && ticks >= 3)
            fence = ticks;
        else if (fence > 0 && begin < 4 && ticks >= fence && only)
            fence = 0;
        else if (fence == 0)
            out.push_back(line);
    }
    CHECK(fence == 0);
    return out;
}

Plan large_plan(std::size_t steps) {
    Plan plan;
    for (std::size_t i = 0; i < steps; ++i) {
        Step step = file_step("f" + std::to_string(i), "a", Action::create);
        step.after = step.after.with("content", "a line of its own " + std::to_string(i));
        plan.steps.push_back(step);
        plan.losses.push_back({step.address, &kFile, {"the content of f" + std::to_string(i)}});
    }
    return plan;
}
} // namespace

TEST_CASE("a plan as Markdown") {
    check_golden("tests/cli/golden/plan.md", markdown(mixed_plan()));
    Plan nothing;
    CHECK(markdown(nothing).starts_with("### hadeploy: plan of shop\n\n**Nothing to change**\n"));
    nothing.outputs = Value::map({{"a", 1}});
    CHECK(markdown(nothing).find("**Only outputs or addresses change**") != std::string::npos);
}

TEST_CASE("markdown: nothing breaks out of its code block") {
    const std::string evil = "```\n</details><script>alert(1)</script>\n@everyone | # x\n````` \n"
                             "~~~~\n/merge\n`tick` ```````";
    Plan plan;
    for (const Action action : {Action::create, Action::update, Action::remove, Action::replace}) {
        Step step = file_step("x" + evil, "a", action);
        step.reason = evil;
        step.after = step.after.with("content", evil).with("path", evil);
        step.before = step.after;
        step.changes = {{"content", "old\n" + evil, evil + "new\n"}};
        plan.steps.push_back(step);
        plan.losses.push_back({step.address, &kFile, {evil}});
    }
    plan.outputs = Value::map({{"o" + evil, evil}});
    plan.notices = {evil};
    plan.moves = {{"a" + evil, "b" + evil}};
    plan.later = {{evil, {evil}, "restart"}};
    for (const std::size_t limit : {std::size_t{4'000}, std::size_t{5'000}, kLimit}) {
        const std::string text = markdown(plan, limit, evil + "\n" + evil);
        CHECK(text.size() <= limit);
        for (const std::string& line : outside(text)) {
            CAPTURE(line);
            for (const char* part : {"@", "script", "merge", "~~", "tick", "evil", "|"})
                CHECK(line.find(part) == std::string::npos);
        }
    }
    std::istringstream in(markdown(plan, kLimit, evil));
    for (std::string line; std::getline(in, line);) CHECK_FALSE(line.starts_with("/"));
}

TEST_CASE("markdown: an origin is shown only if it is an ID") {
    const Plan plan = mixed_plan();
    MarkdownPlan saved = saved_plan(plan);
    saved.origin = Value::map({{"commit", Value::map({{"id", "<img> @ann"}})}});
    CHECK(plan_markdown(saved, {}, as_it_is, kLimit).find("img") == std::string::npos);
}

TEST_CASE("markdown: a plan that is too long is cut at a line, and says so first") {
    const Plan plan = large_plan(3'000);
    const std::string whole = markdown(plan, 10'000'000);
    CHECK(whole.find("Cut:") == std::string::npos);
    for (const std::size_t limit : {4'000U, 4'001U, 5'000U, 20'000U, 65'536U, 300'000U}) {
        CAPTURE(limit);
        const std::string text = markdown(plan, limit, "warning: " + std::string(10'000, 'w'));
        CHECK(text.size() <= limit);
        CHECK(text.size() > limit / 2);
        const std::size_t cut = text.find("lines of the plan are shown, because of the limit of " +
                                          std::to_string(limit) + " bytes.**");
        CHECK(cut != std::string::npos);
        CHECK(cut < text.rfind("\n```text\n")); // before the plan
        CHECK(text.find("lines of the data losses are shown") < text.find("the content of f0"));
        CHECK(text.ends_with("SHA-256 of the saved plan: " + std::string(64, 'a') + "\n"));
        (void)outside(text); // all blocks are closed
    }
}

TEST_CASE("markdown: a line that is too long is cut between characters") {
    Plan plan;
    Step step = file_step("x", "a", Action::create);
    std::string umlauts;
    for (int i = 0; i < 10'000; ++i) umlauts += "\xC3\xA4";
    plan.steps.push_back(step);
    const std::string text = markdown(plan, 4'000, umlauts);
    CHECK(text.size() <= 4'000);
    CHECK(text.find("\xC3\xA4...\n") != std::string::npos);
}

TEST_CASE("markdown: secrets are hidden before anything is cut") {
    const std::string secret = "s3cret-word";
    Plan plan;
    for (int i = 0; i < 500; ++i) {
        Step step = file_step(std::string(static_cast<std::size_t>(i % 37), 'p') + secret, "a",
                              Action::create);
        plan.steps.push_back(step);
    }
    const auto hide = [&](std::string_view text) {
        std::string out(text);
        for (std::size_t at; (at = out.find(secret)) != out.npos;)
            out.replace(at, secret.size(), "(secret)");
        return out;
    };
    for (std::size_t limit = 4'000; limit < 4'200; ++limit)
        CHECK(plan_markdown(saved_plan(plan, std::string(9'000, 'w') + secret), {}, hide, limit)
                  .find("s3c") == std::string::npos);
}
