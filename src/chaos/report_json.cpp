#include "chaos/report_json.h"

#include <nlohmann/json.hpp>

namespace hadeploy::chaos {

namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson ms_of(Us time) {
    return static_cast<double>(time.count()) / 1e3;
}
OrderedJson ms_of(std::optional<Us> time) {
    return time ? ms_of(*time) : OrderedJson();
}

OrderedJson series_json(const Series& s) {
    OrderedJson out;
    out["sent"] = s.sent;
    out["ok"] = s.ok;
    out["failed"] = s.failed;
    out["unknown"] = s.unknown;
    out["failed_over"] = s.failed_over;
    out["latency_ms"] = {
        {"p50", ms_of(s.p50)}, {"p90", ms_of(s.p90)}, {"p99", ms_of(s.p99)}, {"max", ms_of(s.max)}};
    out["longest_gap_ms"] = ms_of(s.gap.length);
    out["longest_gap_at_ms"] = ms_of(s.gap.from);
    out["failed_by_url"] = s.failed_by_url;
    out["problems"] = OrderedJson::object();
    for (const auto& [problem, count] : s.problems) out["problems"][problem] = count;
    out["seconds"] = OrderedJson::array();
    for (const Second& second : s.seconds)
        out["seconds"].push_back(
            {{"ok", second.ok}, {"failed", second.failed}, {"slowest_ms", ms_of(second.slowest)}});
    return out;
}

OrderedJson writes_json(const std::optional<SetCheck>& check) {
    if (!check) return OrderedJson();
    return {{"attempted", check->attempted}, {"acknowledged", check->acknowledged},
            {"unknown", check->unknown},     {"unknown_found", check->unknown_found},
            {"lost", check->lost},           {"unexpected", check->unexpected}};
}

OrderedJson fault_json(const FaultRun& f) {
    return {{"fault", f.label},
            {"node", f.node},
            {"began_at_ms", ms_of(f.began)},
            {"ended_at_ms", ms_of(f.ended)},
            {"detect_ms", ms_of(f.detected)},
            {"reschedule_ms", ms_of(f.rescheduled)},
            {"last_failed_read_ms", ms_of(f.last_failed_read)},
            {"last_failed_write_ms", ms_of(f.last_failed_write)},
            {"tasks", f.tasks},
            {"placement", f.placement}};
}

OrderedJson part_json(const Part& p) {
    return {{"sent", p.sent}, {"failed", p.failed}, {"p99_ms", ms_of(p.p99)}};
}

OrderedJson machine_json(const Report& r) {
    return {
        {"steal", r.machine.steal},
        {"waiting", r.machine.waiting ? OrderedJson(*r.machine.waiting) : OrderedJson()},
        {"load_per_processor", r.machine.load},
        {"send_delay_ms", {{"p99", ms_of(r.machine.late_p99)}, {"max", ms_of(r.machine.late_max)}}},
        {"doubts", r.doubts}};
}

OrderedJson load_json(const std::optional<Calibration>& load) {
    if (!load) return OrderedJson();
    return {{"carried", load->carried},
            {"used", load->used},
            {"percent", load->share},
            {"limit", load->limit},
            {"text", load->text()}};
}

std::string_view result_name(Threshold::Result result) {
    switch (result) {
    case Threshold::Result::met: return "met";
    case Threshold::Result::missed: return "missed";
    case Threshold::Result::not_measured: return "not measured";
    }
    return "";
}

OrderedJson verdict_name(Verdict verdict) {
    std::string name(name_of(verdict));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return name;
}

void add_lists(const Report& r, OrderedJson& out) {
    out["thresholds"] = OrderedJson::array();
    for (const Threshold& t : r.thresholds)
        out["thresholds"].push_back({{"name", t.name},
                                     {"limit", t.limit},
                                     {"value", t.value},
                                     {"ok", t.ok()},
                                     {"result", result_name(t.result)}});
    out["activities"] = OrderedJson::array();
    for (const ActivityRun& a : r.activities)
        out["activities"].push_back({{"name", a.name},
                                     {"when", a.when},
                                     {"at_ms", a.measured ? ms_of(a.at) : OrderedJson()},
                                     {"result", a.result},
                                     {"problem", a.problem}});
    out["notes"] = r.notes;
    out["timeline"] = OrderedJson::array();
    for (const Moment& m : r.timeline) {
        out["timeline"].push_back({{"at_ms", ms_of(m.at)}, {"text", m.text}});
        if (m.output) out["timeline"].back()["output"] = true;
    }
    out["leaders"] = OrderedJson::array();
    for (const Leadership& l : r.leaders)
        out["leaders"].push_back({{"at_ms", ms_of(l.at)}, {"node", l.node}});
}

} // namespace

std::string to_json(const Report& r) {
    OrderedJson out;
    out["type"] = "chaos_report";
    out["title"] = r.title;
    out["verdict"] = verdict_name(r.verdict());
    out["passed"] = r.passed();
    out["interrupted"] = r.interrupted;
    out["app"] = r.app;
    out["length_ms"] = ms_of(r.measured.length);
    out["faults"] = OrderedJson::array();
    for (const FaultRun& f : r.faults) out["faults"].push_back(fault_json(f));
    out["steady_ms"] = ms_of(r.steady);
    out["load"] = load_json(r.load);
    out["failed_requests"] = r.measured.reads.failed + r.measured.writes.failed;
    out["reads"] = series_json(r.measured.reads);
    out["writes"] = series_json(r.measured.writes);
    out["phases"] = OrderedJson::array();
    for (const Phase& p : r.phases)
        out["phases"].push_back({{"name", p.name},
                                 {"from_ms", ms_of(p.from)},
                                 {"to_ms", ms_of(p.to)},
                                 {"reads", part_json(p.reads)},
                                 {"writes", part_json(p.writes)}});
    out["final_read"] = writes_json(r.writes);
    out["machine"] = machine_json(r);
    add_lists(r, out);
    out["placement"] = {{"before", r.before}, {"after", r.after}};
    return out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

} // namespace hadeploy::chaos
