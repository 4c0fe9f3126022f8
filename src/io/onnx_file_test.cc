// Large and external tensors: what is left in the file, what is shared, and what is refused.
#include "io/onnx_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/test_support.h"
#include "io/file.h"
#include "io/onnx_import.h"
#include "io/onnx_slim.h"
#include "io/tensor_bytes.h"
#include "io/wire_format.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

Tensor counting(int64_t n) {
  Tensor t(DType::f32, {n});
  for (int64_t i = 0; i < n; ++i) t.data<float>()[i] = static_cast<float>(i);
  return t;
}

// y = x + w, where w has `n` elements.
onnx::ModelProto model(int64_t n) {
  onnx::ModelProto m;
  m.set_ir_version(8);
  m.add_opset_import()->set_version(17);
  auto* graph = m.mutable_graph();
  for (const auto& [info, name] :
       {std::pair(graph->add_input(), "x"), std::pair(graph->add_output(), "y")}) {
    info->set_name(name);
    info->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    info->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(n);
  }
  *graph->add_initializer() = to_proto(counting(n), "w");
  auto* node = graph->add_node();
  node->set_op_type("Add");
  node->add_input("x");
  node->add_input("w");
  node->add_output("y");
  return m;
}

void set_external(onnx::TensorProto& t, const std::map<std::string, std::string>& entries) {
  t.clear_raw_data();
  t.clear_external_data();
  t.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) {
    auto* entry = t.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
}

// A folder with a model whose w is in w.bin, `offset` bytes from its beginning.
class Beside {
 public:
  explicit Beside(int64_t offset = 0, int64_t n = 1000) : proto(model(n)) {
    write_file(folder.file("w.bin"), std::string(static_cast<size_t>(offset), '\7') +
                                         std::string(bytes_of(counting(n))) +
                                         std::string(100, '\7'));
    point({{"location", "w.bin"}, {"offset", std::to_string(offset)}});
  }
  void point(const std::map<std::string, std::string>& entries) {
    set_external(*proto.mutable_graph()->mutable_initializer(0), entries);
  }
  void write() const { write_file(folder.file("m.onnx"), proto.SerializeAsString()); }
  OnnxFile open() const {
    write();
    return OnnxFile::open(folder.file("m.onnx"));
  }
  OnnxModel load() const {
    write();
    return load_onnx(folder.file("m.onnx"));
  }
  std::string error(ErrorKind kind) const {
    const std::string prefix = "'" + folder.file("m.onnx") + "': tensor 'w': ";
    const std::string line = error_of(kind, [&] { load(); });
    EXPECT_TRUE(line.starts_with(prefix)) << line;
    return line.substr(std::min(prefix.size(), line.size()));
  }

  TempFolder folder;
  onnx::ModelProto proto;
};

TEST(OnnxSlim, LeavesLargeDataInTheFile) {
  const std::string bytes = model(100'000).SerializeAsString();
  const std::string slim = slim_model(MemorySource(bytes));
  EXPECT_LT(slim.size(), 500U);
  onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(slim));
  EXPECT_FALSE(proto.graph().initializer(0).has_raw_data());
  EXPECT_TRUE(OnnxFile(bytes).tensor(proto.graph().initializer(0)).same_bits(counting(100'000)));
  // What it leaves cannot be brought from outside.
  error_of(ErrorKind::InvalidInput, [&] { slim_model(MemorySource(slim)); });
}

TEST(OnnxSlim, ReachesTensorsInAttributesAndBodies) {
  onnx::ModelProto m = model(2);
  onnx::GraphProto body = m.graph();
  auto* constant = body.add_node();
  constant->set_op_type("Constant");
  constant->add_output("c");
  auto* value = constant->add_attribute();
  value->set_name("value");
  value->set_type(onnx::AttributeProto::TENSOR);
  *value->mutable_t() = to_proto(counting(5000), "");
  auto* branch = m.mutable_graph()->add_node()->add_attribute();
  branch->set_type(onnx::AttributeProto::GRAPH);
  *branch->mutable_g() = body;
  *m.add_functions()->add_node() = *constant;
  const std::string bytes = m.SerializeAsString();
  EXPECT_GT(bytes.size(), 40'000U);
  const OnnxFile file(bytes);
  EXPECT_LT(file.proto().ByteSizeLong(), 1000U);
  const auto& in_branch = file.proto().graph().node(1).attribute(0).g().node(1).attribute(0).t();
  EXPECT_TRUE(file.tensor(in_branch).same_bits(counting(5000)));
  const auto& in_function = file.proto().functions(0).node(0).attribute(0).t();
  EXPECT_TRUE(file.tensor(in_function).same_bits(counting(5000)));
}

TEST(OnnxSlim, NoPrefixOfAModelIsRead) {
  const std::string bytes = model(1000).SerializeAsString();
  for (size_t n = 0; n < bytes.size(); n += n < 200 ? 1 : 37)
    error_of(ErrorKind::InvalidInput, [&] { import_onnx(bytes.substr(0, n), "m"); });
}

TEST(OnnxSlim, RefusesMessagesInMessagesWithoutEnd) {
  std::string bytes(2000, ' ');
  const auto wrap = [&](char tag) {
    std::string length;
    for (size_t n = bytes.size(); n > 0; n >>= 7)
      length += static_cast<char>((n & 127) | (n > 127 ? 128 : 0));
    bytes = tag + length + bytes;
  };
  for (int i = 0; i < 100; ++i) {
    wrap('\x32');  // attribute.g
    wrap('\x2a');  // node.attribute
    wrap('\x0a');  // graph.node
  }
  wrap('\x3a');  // model.graph
  EXPECT_TRUE(error_of(ErrorKind::InvalidInput, [&] {
                import_onnx(bytes, "m");
              }).ends_with("truncated, corrupt, or not an ONNX model"));
}

TEST(ExternalData, IsReadAlignedOrNotByModelsThatOutliveTheFile) {
  for (const int64_t offset : {0, 64, 4096, 5}) {
    Beside files(offset);
    OnnxModel m = files.load();
    std::filesystem::remove(files.folder.file("w.bin"));
    EXPECT_TRUE(m.states.at("w").same_bits(counting(1000))) << offset;
  }
}

TEST(ExternalData, WritingToATensorLeavesTheFileAsItIs) {
  const Beside files;
  const std::string before = read_file(files.folder.file("w.bin"));
  OnnxModel m = files.load();
  m.states.at("w").data<float>()[0] = 7;
  EXPECT_EQ(read_file(files.folder.file("w.bin")), before);
  EXPECT_TRUE(files.load().states.at("w").same_bits(counting(1000)));
}

// Weights that are the same, or overlap, in the file are still trained each for itself, and one
// that is let go takes no page of another with it.
TEST(ExternalData, NoTwoTensorsShareMemory) {
  constexpr int64_t kElements = 10'000;
  constexpr int64_t kOffset = 4096;  // of what overlaps
  Beside files(0, kElements + kOffset / 4);
  auto& graph = *files.proto.mutable_graph();
  graph.clear_initializer();
  for (const auto& [name, offset] : {std::pair("w", 0L), {"same", 0L}, {"overlaps", kOffset}}) {
    onnx::TensorProto& t = *graph.add_initializer();
    t = to_proto(counting(kElements), name);
    set_external(t, {{"location", "w.bin"}, {"offset", std::to_string(offset)}});
  }
  const OnnxFile file = files.open();
  const auto tensor = [&](int i) { return file.tensor(file.proto().graph().initializer(i)); };
  Tensor same = tensor(1);
  Tensor overlaps = tensor(2);
  {
    const Tensor w = tensor(0);
    std::fill_n(overlaps.data<float>(), kElements, 5.0F);
    EXPECT_TRUE(w.same_bits(counting(kElements)));
    std::fill_n(same.data<float>(), kElements, 7.0F);
    EXPECT_TRUE(w.same_bits(counting(kElements)));
  }
  EXPECT_EQ(std::count(same.data<float>(), same.data<float>() + kElements, 7.0F), kElements);
  EXPECT_EQ(std::count(overlaps.data<float>(), overlaps.data<float>() + kElements, 5.0F),
            kElements);
}

TEST(ExternalData, MayLieInAFolderOfTheModelsFolder) {
  Beside files;
  std::filesystem::create_directory(files.folder.file("weights"));
  std::filesystem::rename(files.folder.file("w.bin"), files.folder.file("weights/w.bin"));
  std::filesystem::create_symlink("weights/w.bin", files.folder.file("link"));
  for (const char* location : {"weights/w.bin", "./weights/w.bin", "link"}) {
    files.point({{"location", location}, {"length", "4000"}});
    EXPECT_TRUE(files.load().states.at("w").same_bits(counting(1000)));
  }
}

TEST(ExternalData, StaysInTheModelsFolder) {
  Beside files;
  const TempFolder other;
  write_file(other.file("secret"), std::string(4000, 's'));
  std::filesystem::create_symlink(other.file("secret"), files.folder.file("link"));
  std::filesystem::create_directory_symlink(other.file(""), files.folder.file("folder"));
  files.point({{"location", other.file("secret")}});
  EXPECT_EQ(
      files.error(ErrorKind::InvalidInput),
      "external data: expected a file in the model's folder, found '" + other.file("secret") + "'");
  files.point({{"location", "x/../../secret"}});
  EXPECT_EQ(files.error(ErrorKind::InvalidInput),
            "external data: expected a file in the model's folder, found 'x/../../secret'");
  files.point({{"location", "link"}});
  EXPECT_EQ(files.error(ErrorKind::InvalidInput),
            "external data: 'link' is a link that leaves the model's folder");
  files.point({{"location", "folder/secret"}});
  EXPECT_EQ(files.error(ErrorKind::InvalidInput),
            "external data: 'folder/secret' is a link that leaves the model's folder");
  files.point({{"location", "."}});
  EXPECT_EQ(files.error(ErrorKind::InvalidInput), "external data: '.' is no file");
  files.point({{"location", "absent"}});
  EXPECT_EQ(files.error(ErrorKind::Io),
            "cannot read '" + files.folder.file("absent") + "': No such file or directory");
  EXPECT_EQ(
      error_of(ErrorKind::Unsupported, [&] { import_onnx(files.proto.SerializeAsString(), "m"); }),
      "'m': hone cannot run the model: initializer 'w': tensor 'w': its data lie in the file "
      "'absent': load the model from its file");
}

// Without a location, a place in the model's own file would be read: only what hone itself left
// there has none.
TEST(ExternalData, NeedsALocationHoweverSmallAndWhereverItIs) {
  constexpr const char* kNone = "external data: expected the location of a file, found none";
  for (const int64_t n : {1, 3, 1000}) {
    Beside files(0, n);
    const std::string bytes = std::to_string(4 * n);
    files.point({});
    EXPECT_EQ(files.error(ErrorKind::InvalidInput), kNone);
    files.point({{"offset", "64"}, {"length", bytes}});
    EXPECT_EQ(files.error(ErrorKind::InvalidInput), kNone);
    files.point({{"location", ""}, {"offset", "0"}, {"length", bytes}});
    EXPECT_EQ(files.error(ErrorKind::InvalidInput), kNone);
  }
  onnx::ModelProto m = model(2);
  auto* constant = m.mutable_graph()->add_node();
  constant->set_op_type("Constant");
  constant->add_output("c");
  auto* value = constant->add_attribute();
  value->set_name("value");
  value->set_type(onnx::AttributeProto::TENSOR);
  *value->mutable_t() = to_proto(counting(1), "t");
  set_external(*value->mutable_t(), {{"offset", "0"}, {"length", "4"}});
  EXPECT_EQ(error_of(ErrorKind::InvalidInput, [&] { import_onnx(m.SerializeAsString(), "m"); }),
            std::string("'m': tensor 't': ") + kNone);
}

// What protocol buffers take for the same message must not get past hone.
TEST(ExternalData, ALocationCannotBeHidden) {
  const auto error = [&](const std::string& more) {  // at the end of the tensor
    onnx::ModelProto m = model(1000);
    onnx::GraphProto graph;
    m.mutable_graph()->Swap(&graph);
    const std::string tensor = header_of({DType::f32, {1000}}, "w").SerializeAsString() + more;
    graph.clear_initializer();
    std::string text = graph.SerializeAsString();
    put_field(text, onnx::GraphProto::kInitializerFieldNumber, tensor.size());
    text += tensor;
    std::string whole = m.SerializeAsString();
    put_field(whole, onnx::ModelProto::kGraphFieldNumber, text.size());
    return error_of(ErrorKind::InvalidInput, [&] { import_onnx(whole + text, "m"); });
  };
  const std::string none =
      "'m': tensor 'w': external data: expected the location of a file, found none";
  EXPECT_EQ(error("\x70\x01"), none);
  EXPECT_EQ(error({"\x70\x01\x70\x00", 4}), none);
  EXPECT_EQ(error("\x70\x01\x72\x01x"), none);         // as bytes, too
  EXPECT_EQ(error("\x70\x81\x80\x80\x80\x10"), none);  // 2^32 + 1
  EXPECT_EQ(error("\xf0\x80\x80\x80\x10\x01"), "'m': truncated, corrupt, or not an ONNX model");
}

TEST(ExternalData, SaysWhatDoesNotFit) {
  Beside files;
  using Entries = std::map<std::string, std::string>;
  const auto error = [&](Entries more) {
    more["location"] = "w.bin";
    files.point(more);
    return files.error(ErrorKind::InvalidInput);
  };
  EXPECT_EQ(error({{"offset", "104"}}),
            "'w.bin': f32[1000]: expected 4000 bytes at byte 104, the file has 4100");
  EXPECT_EQ(error({{"offset", "9223372036854775807"}}),
            "'w.bin': f32[1000]: expected 4000 bytes at byte 9223372036854775807, the file has "
            "4100");
  EXPECT_EQ(error({{"length", "4001"}}),
            "'w.bin': f32[1000]: expected 4000 bytes of data, found 4001");
  EXPECT_EQ(error({{"offset", "-64"}}),
            "external data: offset: expected a number of bytes, found '-64'");
  EXPECT_EQ(error({{"offset", "64k"}}),
            "external data: offset: expected a number of bytes, found '64k'");
  onnx::TensorProto& w = *files.proto.mutable_graph()->mutable_initializer(0);
  files.point({{"location", "w.bin"}});
  *w.add_external_data() = w.external_data(0);
  EXPECT_EQ(files.error(ErrorKind::InvalidInput), "external data: 'location' is given twice");
  files.point({{"location", "w.bin"}});
  for (const std::string& inside : {std::string("1234"), std::string(4000, 'x')}) {
    w.set_raw_data(inside);
    EXPECT_EQ(files.error(ErrorKind::InvalidInput), "its data are both inside and external");
  }
  w.clear_raw_data();
  w.set_dims(0, int64_t{1} << 50);
  EXPECT_TRUE(files.error(ErrorKind::InvalidInput).starts_with("'w.bin': f32[1125899906842624]"));
}

}  // namespace
}  // namespace hone::io
