#include "planner/lang/functions.h"

#include "provider_api/scalar.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>

namespace hadeploy {

namespace {

using namespace std::chrono;

/// A point in time, with the offset of its time zone from UTC.
struct Timestamp {
    sys_seconds local; ///< as written
    minutes offset{0};
};

/// RFC 3339 without fractional seconds: "2026-03-01T12:30:00Z", "...+01:00".
Timestamp parse_timestamp(const Call& call, std::size_t argument) {
    const std::string& text = call.text(argument);
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, oh = 0, om = 0, used = 0;
    char sign = 'Z';
    const int fields =
        std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &used);
    const year_month_day date{year(y), month(static_cast<unsigned>(mo)),
                              day(static_cast<unsigned>(d))};
    bool good = fields == 6 && used == 19 && date.ok() && h < 24 && mi < 60 && s < 60;
    const std::string zone = good ? text.substr(19) : "";
    if (zone != "Z") {
        int end = 0;
        good = good && std::sscanf(zone.c_str(), "%c%2d:%2d%n", &sign, &oh, &om, &end) == 3 &&
               end == 6 && zone.size() == 6 && (sign == '+' || sign == '-') && oh < 24 && om < 60;
    }
    if (!good)
        throw call.mistake(fmt::format("{} is not a timestamp", call.quoted(argument)),
                           "for example 2026-03-01T12:30:00Z");
    const minutes offset = hours(oh) + minutes(om);
    return {sys_days(date) + hours(h) + minutes(mi) + seconds(s), sign == '-' ? -offset : offset};
}

std::string zone_text(minutes offset, bool colon) {
    const auto n = std::abs(offset.count());
    return fmt::format("{}{:02}{}{:02}", offset.count() < 0 ? '-' : '+', n / 60, colon ? ":" : "",
                       n % 60);
}

constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};

/// Formats one run of the same letter in a pattern.
std::string field(const Call& call, const std::string& run, const Timestamp& t) {
    const auto days = floor<std::chrono::days>(t.local);
    const year_month_day date{days};
    const hh_mm_ss time{t.local - days};
    const auto month = static_cast<unsigned>(date.month());
    const unsigned weekday = std::chrono::weekday(days).c_encoding();
    const auto hour = time.hours().count(), twelve = (hour + 11) % 12 + 1;
    if (run == "YYYY") return fmt::format("{:04}", static_cast<int>(date.year()));
    if (run == "YY") return fmt::format("{:02}", static_cast<int>(date.year()) % 100);
    if (run == "MMMM") return std::string(kMonths[month - 1]);
    if (run == "MMM") return std::string(kMonths[month - 1].substr(0, 3));
    if (run == "MM" || run == "M") return fmt::format("{:0{}}", month, run.size());
    if (run == "DD" || run == "D")
        return fmt::format("{:0{}}", static_cast<unsigned>(date.day()), run.size());
    if (run == "EEEE") return std::string(kDays[weekday]);
    if (run == "EEE") return std::string(kDays[weekday].substr(0, 3));
    if (run == "hh" || run == "h") return fmt::format("{:0{}}", hour, run.size());
    if (run == "HH" || run == "H") return fmt::format("{:0{}}", twelve, run.size());
    if (run == "AA") return hour < 12 ? "AM" : "PM";
    if (run == "aa") return hour < 12 ? "am" : "pm";
    if (run == "mm" || run == "m") return fmt::format("{:0{}}", time.minutes().count(), run.size());
    if (run == "ss" || run == "s") return fmt::format("{:0{}}", time.seconds().count(), run.size());
    if (run == "ZZZZZ") return zone_text(t.offset, true);
    if (run == "ZZZ" && t.offset.count() == 0) return "UTC";
    if (run == "ZZZZ" || run == "ZZZ") return zone_text(t.offset, false);
    if (run == "Z") return t.offset.count() == 0 ? "Z" : zone_text(t.offset, true);
    throw call.mistake(fmt::format("{} is not supported in a pattern", call.quoted(0, run)),
                       "supported: YYYY YY MMMM MMM MM M DD D EEEE EEE hh h HH H AA aa mm m ss s "
                       "ZZZZZ ZZZZ ZZZ Z; quote other letters as '...'");
}

/// Reads the quoted text that begins at `at`, and advances `at` past the text. Two quotes, within
/// the text or alone, represent one quote.
std::string words(const Call& call, const std::string& pattern, std::size_t& at) {
    std::string out;
    for (const std::size_t begin = ++at; at < pattern.size(); ++at) {
        if (pattern[at] != '\'') {
            out += pattern[at];
        } else if (pattern.substr(at + 1, 1) == "'" && at > begin) {
            out += pattern[at++];
        } else {
            ++at;
            return at - 1 == begin ? "'" : out;
        }
    }
    throw call.mistake("a quote in the pattern is not closed");
}

Value formatted(const Call& call) {
    const Timestamp t = parse_timestamp(call, 1);
    const std::string& pattern = call.text(0);
    std::string out;
    for (std::size_t at = 0; at < pattern.size();) {
        const char c = pattern[at];
        if (c == '\'') {
            out += words(call, pattern, at);
            continue;
        }
        std::size_t end = at + 1;
        while (end < pattern.size() && pattern[end] == c) ++end;
        const std::string run = pattern.substr(at, end - at);
        out += std::isalpha(static_cast<unsigned char>(c)) ? field(call, run, t) : run;
        at = end;
    }
    return out;
}

/// In RFC 3339 format.
std::string timestamp_text(const Call& call, const Timestamp& t) {
    std::string out;
    for (const char* run : {"YYYY", "-", "MM", "-", "DD", "T", "hh", ":", "mm", ":", "ss", "Z"}) {
        const bool sign = *run == '-' || *run == ':' || *run == 'T';
        out += sign ? run : field(call, run, t);
    }
    return out;
}

Value added(const Call& call) {
    Timestamp t = parse_timestamp(call, 0);
    std::string duration = call.text(1);
    const bool back = duration.starts_with('-');
    if (back) duration.erase(0, 1);
    try {
        const milliseconds change(scalar::parse_duration(duration));
        if (change > hours(24) * 366 * 1000)
            throw call.mistake("the duration is more than a thousand years");
        t.local += duration_cast<seconds>(back ? -change : change);
    } catch (const scalar::Mismatch& mismatch) {
        throw call.passed_on(1, mismatch.message, mismatch.hint);
    }
    const int y = static_cast<int>(year_month_day(floor<days>(t.local)).year());
    if (y < 0 || y > 9999) throw call.mistake("the result is not in the years 0 to 9999");
    return timestamp_text(call, t);
}

Value compared(const Call& call) {
    const Timestamp a = parse_timestamp(call, 0), b = parse_timestamp(call, 1);
    const auto difference = (a.local - a.offset) - (b.local - b.offset);
    return difference.count() < 0 ? -1 : difference.count() > 0 ? 1 : 0;
}

Value plan_time(const Call& call) {
    const EvalContext& context = call.names.context();
    context.external_inputs.note();
    return timestamp_text(call, {sys_seconds(seconds(context.plan_time))});
}

} // namespace

FunctionGroup time_functions() {
    return {
        "Time",
        {
            {"formatdate", "pattern: string, timestamp: string",
             "A timestamp in a different format: `YYYY MM DD hh mm ss`, `MMM` and `EEE` for names, "
             "`HH` and `AA` for the 12-hour clock, `Z`, `ZZZ`, `ZZZZ` or `ZZZZZ` for the zone, "
             "`'...'` for "
             "literal text, in which `''` is a quote.",
             R"(formatdate("DD MMM YYYY 'at' hh:mm", "2026-03-01T12:30:00Z"))",
             R"("01 Mar 2026 at 12:30")", formatted},
            {"plantimestamp", "",
             "The time of the plan in UTC. It is the same everywhere in a plan, and when a saved "
             "plan is applied. An attribute that uses it differs in each plan, unless "
             "`ignore_changes` lists the attribute.",
             "plantimestamp()", R"("2026-03-01T12:30:00Z")", plan_time},
            {"timeadd", "timestamp: string, duration: string",
             "The timestamp plus the duration, which can be negative (`-`).",
             R"(timeadd("2026-02-28T23:00:00Z", "1h 30m"))", R"("2026-03-01T00:30:00Z")", added},
            {"timecmp", "a: string, b: string",
             "Compares timestamps: -1, 0 or 1 if a is before, equal to or after b.",
             R"(timecmp("2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00"))", "0", compared},
        }};
}

} // namespace hadeploy
