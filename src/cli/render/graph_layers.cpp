#include "cli/render/graph_layers.h"

#include <algorithm>
#include <numeric>

namespace hadeploy::cli {

namespace {

constexpr int kSweeps = 8;
/// Above this number of bends, edges are drawn straight to save time.
constexpr std::size_t kMaxBends = 100'000;

/// A box or a bend of an edge, with its neighbours in the adjacent columns.
struct Item {
    std::size_t layer = 0, row = 0;
    std::vector<std::size_t> left = {}, right = {};
    double pull = 0; ///< average position of its neighbours
};

class Arrangement {
  public:
    explicit Arrangement(const Drawing& drawing) : drawing_(drawing), items_(drawing.boxes.size()) {
        find_layers();
        connect();
        layers_.resize(items_.empty() ? 0
                                      : 1 + std::max_element(items_.begin(), items_.end(),
                                                             [](const Item& a, const Item& b) {
                                                                 return a.layer < b.layer;
                                                             })
                                                ->layer);
        for (std::size_t i = 0; i < items_.size(); ++i) {
            items_[i].row = layers_[items_[i].layer].size();
            layers_[items_[i].layer].push_back(i);
        }
        for (int i = 0; i < kSweeps; ++i) sweep(i % 2 == 0);
    }

    Layers result() const {
        Layers out;
        const auto place = [&](std::size_t i) {
            return Layers::Place{items_[i].layer, items_[i].row};
        };
        for (std::size_t i = 0; i < drawing_.boxes.size(); ++i) out.boxes.push_back(place(i));
        for (const auto& chain : bends_) {
            out.bends.emplace_back();
            for (const std::size_t i : chain) out.bends.back().push_back(place(i));
        }
        for (const auto& layer : layers_) out.rows.push_back(layer.size());
        return out;
    }

  private:
    /// Puts each box right of its dependencies. A drawing has no cycles.
    void find_layers() {
        std::vector<std::vector<std::size_t>> dependents(items_.size());
        std::vector<std::size_t> waiting(items_.size());
        for (const auto& [from, to] : drawing_.edges) {
            dependents[to].push_back(from);
            ++waiting[from];
        }
        std::vector<std::size_t> ready;
        for (std::size_t i = 0; i < items_.size(); ++i)
            if (waiting[i] == 0) ready.push_back(i);
        while (!ready.empty()) {
            const std::size_t i = ready.back();
            ready.pop_back();
            for (const std::size_t d : dependents[i]) {
                items_[d].layer = std::max(items_[d].layer, items_[i].layer + 1);
                if (--waiting[d] == 0) ready.push_back(d);
            }
        }
    }

    /// Adds a bend in each column that an edge crosses.
    void connect() {
        for (const auto& [from, to] : drawing_.edges) {
            bends_.emplace_back();
            std::size_t last = to;
            const std::size_t end = items_[from].layer;
            for (std::size_t layer = items_[to].layer + 1;
                 layer < end && items_.size() < drawing_.boxes.size() + kMaxBends; ++layer) {
                const std::size_t bend = items_.size();
                items_.push_back({.layer = layer});
                join(last, bend);
                bends_.back().push_back(bend);
                last = bend;
            }
            join(last, from);
        }
    }

    void join(std::size_t left, std::size_t right) {
        items_[left].right.push_back(right);
        items_[right].left.push_back(left);
    }

    /// Orders each column by the positions of neighbours on one side.
    void sweep(bool rightwards) {
        for (std::size_t n = 1; n < layers_.size(); ++n)
            order(layers_[rightwards ? n : layers_.size() - 1 - n], rightwards);
    }

    void order(std::vector<std::size_t>& layer, bool by_left) {
        for (const std::size_t i : layer) {
            Item& item = items_[i];
            const auto& beside = by_left ? item.left : item.right;
            item.pull = relative(item);
            if (beside.empty()) continue;
            item.pull = 0;
            for (const std::size_t n : beside) item.pull += relative(items_[n]);
            item.pull /= static_cast<double>(beside.size());
        }
        std::stable_sort(layer.begin(), layer.end(), [&](std::size_t a, std::size_t b) {
            return items_[a].pull < items_[b].pull;
        });
        for (std::size_t row = 0; row < layer.size(); ++row) items_[layer[row]].row = row;
    }

    /// Centres columns of different lengths.
    double relative(const Item& item) const {
        return static_cast<double>(item.row) -
               static_cast<double>(layers_[item.layer].size() - 1) / 2;
    }

    const Drawing& drawing_;
    std::vector<Item> items_;
    std::vector<std::vector<std::size_t>> bends_; ///< by edge
    std::vector<std::vector<std::size_t>> layers_;
};

} // namespace

Layers lay_out(const Drawing& drawing) {
    return Arrangement(drawing).result();
}

} // namespace hadeploy::cli
