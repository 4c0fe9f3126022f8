// The parts of a report, and the page: well-formed, escaped, self-contained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/test_support.h"
#include "io/file.h"
#include "report/confusion.h"
#include "report/html.h"
#include "report/image.h"
#include "report/plot.h"
#include "report/training_report.h"

namespace hone::report {
namespace {

using test::error_of;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Html, EscapesTextAndAttributes) {
  Html h;
  h.open("p", {{"title", "\"a\" & 'b'"}}).text("<script>").close();
  EXPECT_EQ(h.str(), "<p title=\"&quot;a&quot; &amp; &#39;b&#39;\">&lt;script&gt;</p>\n");
}

TEST(Html, RefusesToBeUnfinished) {
  Html h;
  h.open("p");
  EXPECT_THROW(h.str(), Error);
  h.close();
  EXPECT_THROW(h.close(), Error);
}

TEST(Image, Base64PadsAsTheStandardSays) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

uint32_t word(const std::string& s, size_t at) {
  uint32_t v = 0;
  for (size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(s[at + i]);
  return v;
}

// Reads a PNG as the standard lays it out and gives its rows, filters included.
std::string rows_of(const std::string& file, uint32_t width, uint32_t height, char colour) {
  EXPECT_EQ(file.substr(0, 8), "\x89PNG\r\n\x1a\n");
  std::string data;
  for (size_t at = 8; at < file.size();) {
    const uint32_t size = word(file, at);
    const std::string type = file.substr(at + 4, 4);
    const auto* body = reinterpret_cast<const Bytef*>(file.data() + at + 4);
    EXPECT_EQ(crc32(0, body, size + 4), word(file, at + 8 + size)) << type;
    if (type == "IHDR") {
      EXPECT_EQ(word(file, at + 8), width);
      EXPECT_EQ(word(file, at + 12), height);
      EXPECT_EQ(file[at + 17], colour);
    }
    if (type == "IDAT") data += file.substr(at + 8, size);
    at += 12 + size;
  }
  std::string rows(1000, '\0');
  uLongf size = rows.size();
  EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(rows.data()), &size,
                       reinterpret_cast<const Bytef*>(data.data()), data.size()),
            Z_OK);
  rows.resize(size);
  return rows;
}

TEST(Image, WritesGreyAndColour) {
  const Tensor grey = Tensor::from<uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(rows_of(png(grey), 3, 2, 0), std::string("\0\1\2\3\0\4\5\6", 8));
  const Tensor colour = Tensor::from<uint8_t>({3, 1, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(rows_of(png(colour), 2, 1, 2), std::string("\0\1\3\5\2\4\6", 7));
  EXPECT_TRUE(png_data_uri(grey).starts_with("data:image/png;base64,iVBORw0KGgo"));
  EXPECT_EQ(error_of(ErrorKind::InvalidInput,
                     [] {
                       png(Tensor(DType::f32, {2, 2}));
                     }),
            "picture: expected u8 pixels [H,W], [1,H,W] or [3,H,W], found f32[2,2]");
  EXPECT_THROW(png(Tensor(DType::u8, {2, 2, 2})), Error);
  EXPECT_THROW(png(Tensor(DType::u8, {0, 2})), Error);
}

TEST(Plot, TicksAreRoundAndSpanTheValues) {
  EXPECT_THAT(nice_ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(nice_ticks(1, 3, 6, 1), ElementsAre(1, 2, 3));
  for (double high : {1e-7, 0.031, 0.97, 8.4, 123456.0}) {
    const std::vector<double> ticks = nice_ticks(high / 3, high, 5);
    EXPECT_LE(ticks.front(), high / 3 * (1 + 1e-6));
    EXPECT_GE(ticks.back(), high * (1 - 1e-6));
    EXPECT_GE(ticks.size(), 3u);
    EXPECT_LE(ticks.size(), 8u);
  }
}

TEST(Plot, BreaksItsLineWhereALossIsNoNumber) {
  const Plot plot{"Loss", "epoch", {{"training", {2, NAN, 1, INFINITY, 0.5}}}};
  const std::string svg = render(plot).str();
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  size_t moves = 0;
  const size_t path = svg.find("<path class=\"series-1\" d=\"M", svg.find("</text>\n<line"));
  ASSERT_NE(path, std::string::npos);
  for (size_t i = path; svg[i] != '>'; ++i) moves += svg[i] == 'M';
  EXPECT_EQ(moves, 3u);
}

TEST(Plot, DrawsNothingOnePointAndAFlatLine) {
  for (const std::vector<double>& y :
       {std::vector<double>{}, {0.5}, {1, 1, 1}, {0, 0}, {NAN, NAN}}) {
    const std::string svg = render({"t", "epoch", {{"a", y}}}).str();
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
  }
}

TEST(Confusion, CountsAndSharesOfEachRow) {
  const Tensor counts = Tensor::from<int64_t>({3, 3}, {8, 2, 0, 1, 9, 0, 0, 0, 0});
  const std::string html = confusion_matrix(counts, {"cat", "<dog>", "emu"}).str();
  EXPECT_THAT(html, HasSubstr("title=\"2 of 10 (20.0 %) cat taken for &lt;dog&gt;\">2</td>"));
  EXPECT_THAT(html, HasSubstr("class=\"wrong\" style=\"--heat:1.000\""));
  EXPECT_THAT(html, HasSubstr("class=\"wrong\" style=\"--heat:0.500\""));
  EXPECT_THAT(html, HasSubstr("class=\"recall\">90.0 %</td>"));
  EXPECT_THAT(html, HasSubstr("class=\"recall\">–</td>"));
  EXPECT_EQ(error_of(ErrorKind::InvalidInput,
                     [&] {
                       confusion_matrix(counts, {"a", "b"});
                     }),
            "confusion matrix of 2 classes: expected i64[2,2], found i64[3,3]");
}

TrainingReport example() {
  TrainingReport r;
  r.title = "cnn on <mine>";
  r.command = "hone train cnn --data 'a & b'";
  r.class_names = {"cat", "dog\"><script>"};
  r.model = {{"fc", "matmul", "[N,2]", 1234567}};
  r.epochs = {{1.5, 0.4, 1.25, 0.5, 1000, 30}, {0.5, 0.8, 0.75, 0.7, 1200, 40}};
  r.test_accuracy = 0.875;
  r.confusion = Tensor::from<int64_t>({2, 2}, {3, 1, 0, 4});
  r.mistakes = {{Tensor(DType::u8, {4, 4}), 1, 0, 0.987}};
  return r;
}

TEST(TrainingReport, SaysWhatWasMeasuredAndNothingElse) {
  const std::string page = render(example());
  for (const char* part :
       {"87.50 %", "70.00 %", "best validation, epoch 2", "1\u202f234\u202f567", "1 min 10 s",
        "98.7\u00a0%", "is cat", "hone train cnn --data &#39;a &amp; b"})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_THAT(page, Not(HasSubstr("test loss")));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(TrainingReport, NeedsNothingOutsideItself) {
  const std::string page = render(example());
  for (const char* outside : {"http:", "https:", "\"//", "url(", "@import", "<link", "src=\"/"})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

TEST(TrainingReport, IsWrittenWhole) {
  const TempFolder folder;
  save(folder.file("r.html"), example());
  EXPECT_EQ(io::read_file(folder.file("r.html")), render(example()));
  TrainingReport wrong = example();
  wrong.mistakes[0].predicted = 7;
  EXPECT_EQ(error_of(ErrorKind::InvalidInput, [&] { save(folder.file("r.html"), wrong); }),
            "mistake: class 7 is not one of 2");
  EXPECT_NO_THROW(render(TrainingReport{}));
}

}  // namespace
}  // namespace hone::report
