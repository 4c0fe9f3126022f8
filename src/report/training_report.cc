// The sections of the page, from the most important to the least.
#include "report/training_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/numerics.h"
#include "io/file.h"
#include "report/confusion.h"
#include "report/html.h"
#include "report/image.h"
#include "report/plot.h"
#include "report/style.h"

namespace hone::report {
namespace {

std::string percent(double fraction) { return fmt::format("{:.2f} %", 100 * fraction); }

// 1234567 as "1 234 567", with spaces that do not break.
std::string grouped(int64_t value) {
  std::string digits = std::to_string(value);
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<size_t>(i), "\xe2\x80\xaf");
  return digits;
}

std::string duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

int64_t parameters(const TrainingReport& r) {
  int64_t sum = 0;
  for (const LayerRow& row : r.model) sum += row.parameters;
  return sum;
}

template <class Value>
std::vector<double> column(const TrainingReport& r, Value value) {
  std::vector<double> out;
  for (const Epoch& e : r.epochs) out.push_back(e.*value);
  return out;
}

bool measured(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double v) { return !std::isnan(v); });
}

void figure(Html& page, const std::string& value, std::string_view name) {
  page.open("div").leaf("dt", name).leaf("dd", value).close();
}

void headline(Html& page, const TrainingReport& r) {
  page.open("dl", {{"class", "figures"}});
  if (!std::isnan(r.test_accuracy)) figure(page, percent(r.test_accuracy), "test accuracy");
  if (!std::isnan(r.test_loss)) figure(page, fmt::format("{:.4f}", r.test_loss), "test loss");
  size_t best = r.epochs.size();
  double seconds = 0, speed = NAN;
  for (size_t i = 0; i < r.epochs.size(); ++i) {
    const Epoch& e = r.epochs[i];
    if (!std::isnan(e.val_accuracy) &&
        (best == r.epochs.size() || e.val_accuracy > r.epochs[best].val_accuracy))
      best = i;
    seconds += e.seconds;
    speed = std::fmax(speed, e.images_per_s);
  }
  if (best < r.epochs.size())
    figure(page, percent(r.epochs[best].val_accuracy),
           fmt::format("best validation, epoch {}", best + 1));
  if (!r.model.empty()) figure(page, grouped(parameters(r)), "parameters");
  if (!std::isnan(speed)) figure(page, grouped(std::llround(speed)), "images/s, best epoch");
  if (!r.epochs.empty() && !std::isnan(seconds))
    figure(page, duration(seconds),
           r.epochs.size() == 1 ? "one epoch" : fmt::format("{} epochs", r.epochs.size()));
  page.close();
}

void curves(Html& page, const TrainingReport& r) {
  const auto chart = [&](std::string title, double Epoch::*train, double Epoch::*val,
                         bool as_percent) {
    Plot plot{std::move(title), "epoch", {}, 1, as_percent};
    plot.series.push_back({"training", column(r, train)});
    if (std::vector<double> y = column(r, val); measured(y))
      plot.series.push_back({"validation", std::move(y)});
    page.open("figure").append(render(plot)).close();
  };
  page.leaf("h2", "How it went");
  page.open("div", {{"class", "charts"}});
  chart("Loss", &Epoch::train_loss, &Epoch::val_loss, false);
  chart("Accuracy", &Epoch::train_accuracy, &Epoch::val_accuracy, true);
  page.close();

  page.open("details").leaf("summary", "All figures, epoch by epoch");
  page.open("div", {{"class", "scroll"}}).open("table", {{"class", "rows"}});
  page.open("thead").open("tr").leaf("th", "epoch");
  for (std::string_view name : {"training loss", "training accuracy", "validation loss",
                                "validation accuracy", "images/s", "seconds"})
    page.leaf("th", {{"class", "number"}}, name);
  page.close().close().open("tbody");
  for (size_t i = 0; i < r.epochs.size(); ++i) {
    const Epoch& e = r.epochs[i];
    const auto cell = [&](double value, std::string text) {
      page.leaf("td", {{"class", "number"}}, std::isnan(value) ? "–" : text);
    };
    page.open("tr").leaf("td", std::to_string(i + 1));
    cell(e.train_loss, fmt::format("{:.4f}", e.train_loss));
    cell(e.train_accuracy, percent(e.train_accuracy));
    cell(e.val_loss, fmt::format("{:.4f}", e.val_loss));
    cell(e.val_accuracy, percent(e.val_accuracy));
    cell(e.images_per_s, fmt::format("{:.0f}", e.images_per_s));
    cell(e.seconds, fmt::format("{:.1f}", e.seconds));
    page.close();
  }
  page.close().close().close().close();
}

void confusion(Html& page, const TrainingReport& r) {
  page.leaf("h2", "What is taken for what");
  page.leaf("p", {{"class", "muted"}},
            "Rows are what a test sample is, columns what the network says. Blue is right; the "
            "redder, the more often wrong.");
  page.open("div", {{"class", "scroll"}});
  page.append(confusion_matrix(r.confusion, r.class_names)).close();
}

void gallery(Html& page, const TrainingReport& r) {
  const auto name = [&](int64_t index) -> const std::string& {
    require(index >= 0 && index < static_cast<int64_t>(r.class_names.size()),
            "mistake: class {} is not one of {}", index, r.class_names.size());
    return r.class_names[static_cast<size_t>(index)];
  };
  page.leaf("h2", "The most confident mistakes");
  page.leaf("p", {{"class", "muted"}},
            "Where the network is surest and wrong: hard samples, and now and then a wrong label.");
  page.open("div", {{"class", "gallery"}});
  for (const Mistake& m : r.mistakes) {
    const std::string& predicted = name(m.predicted);
    const std::string& actual = name(m.actual);
    page.open("figure");
    page.empty("img", {{"src", png_data_uri(m.image)},
                       {"alt", fmt::format("{}, taken for {}", actual, predicted)}});
    page.open("figcaption").leaf("b", predicted);
    page.text(fmt::format(" {:.1f}\u00a0%", 100 * m.probability));
    page.leaf("span", fmt::format("is {}", actual)).close().close();
  }
  page.close();
}

void model(Html& page, const TrainingReport& r) {
  page.leaf("h2", "The network");
  page.open("div", {{"class", "scroll"}}).open("table", {{"class", "rows"}});
  page.open("thead").open("tr").leaf("th", "layer").leaf("th", "op").leaf("th", "output");
  page.leaf("th", {{"class", "number"}}, "parameters").close().close().open("tbody");
  for (const LayerRow& row : r.model) {
    page.open("tr").leaf("td", row.name).leaf("td", row.op).leaf("td", row.output);
    page.leaf("td", {{"class", "number"}}, row.parameters == 0 ? "" : grouped(row.parameters));
    page.close();
  }
  page.close().close().close();
}

void reproduce(Html& page, const TrainingReport& r) {
  page.leaf("h2", "How to do it again");
  page.leaf("pre", r.command);
  page.leaf(
      "p", {{"class", "muted"}},
      fmt::format("Seed {}, numerics version {}. The same command gives the same bits, on any "
                  "number of threads and any processor with FMA; this run: {}, {}, {} {}.",
                  r.seed, kNumericsVersion, r.machine, r.isa, r.threads,
                  r.threads == 1 ? "thread" : "threads"));
}

}  // namespace

std::string render(const TrainingReport& r) {
  Html body;
  body.open("main").leaf("h1", r.title);
  body.leaf("p", {{"class", "muted"}},
            fmt::format("{} · {} · {} {} · seed {}", r.machine, r.isa, r.threads,
                        r.threads == 1 ? "thread" : "threads", r.seed));
  headline(body, r);
  if (!r.epochs.empty()) curves(body, r);
  if (r.confusion.defined()) confusion(body, r);
  if (!r.mistakes.empty()) gallery(body, r);
  if (!r.model.empty()) model(body, r);
  reproduce(body, r);
  body.leaf("footer", "Made by hone. This page needs no network.").close();

  Html head;
  head.open("head").empty("meta", {{"charset", "utf-8"}});
  head.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  // Nothing in the page may load or run anything, whatever a class is named.
  head.empty("meta", {{"http-equiv", "Content-Security-Policy"},
                      {"content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'"}});
  head.leaf("title", r.title).style(kStyle).close();
  Html page;
  page.open("html", {{"lang", "en"}}).append(head).open("body").append(body).close().close();
  return "<!doctype html>\n" + page.str();
}

void save(const std::string& path, const TrainingReport& report) {
  io::write_file(path, render(report));
}

}  // namespace hone::report
