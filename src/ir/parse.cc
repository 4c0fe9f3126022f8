// The parser: a line-counting lexer and recursive descent over it.
#include "ir/parse.h"

#include <bit>
#include <cctype>
#include <charconv>
#include <cstring>
#include <map>

#include "base/dtype.h"
#include "base/error.h"

namespace hone::ir {
namespace {

constexpr int kMaxDepth = 64;  // of regions in regions, so that no text can exhaust the stack

enum class TokenKind { word, string, punctuation, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  int line = 1;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Token next() {
    skip_space();
    if (at_ == text_.size()) return {TokenKind::end, "the end", line_};
    if (text_[at_] == '"') return string();
    if (!is_word(text_[at_])) return {TokenKind::punctuation, {text_[at_++]}, line_};
    const size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return {TokenKind::word, std::string(text_.substr(begin, at_ - begin)), line_};
  }

 private:
  static bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || (c != '\0' && std::strchr("_.+-/", c));
  }

  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      else if (text_[at_] == '#') at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
      else if (!std::isspace(static_cast<unsigned char>(text_[at_]))) return;
    }
  }

  Token string() {
    Token token{TokenKind::string, "", line_};
    for (++at_; at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n'; ++at_) {
      if (text_[at_] != '\\') token.text += text_[at_];
      else token.text += escaped();
    }
    require(at_ < text_.size() && text_[at_] == '"', "line {}: a string has no end", line_);
    ++at_;
    return token;
  }

  char escaped() {
    const char c = ++at_ < text_.size() ? text_[at_] : '\0';
    if (c == 'n') return '\n';
    if (c == '"' || c == '\\') return c;
    unsigned code = 0;
    const char* digits = text_.data() + at_ + 1;
    require(c == 'x' && at_ + 2 < text_.size() &&
                std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2,
            "line {}: expected an escape \\n, \\\\, \\\" or \\xHH in a string", line_);
    at_ += 2;
    return static_cast<char>(code);
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) { advance(); }

  Graph run() {
    Graph graph = region(0);
    if (token_.kind != TokenKind::end) expected("the end");
    return graph;
  }

 private:
  using Names = std::map<std::string, ValueId, std::less<>>;

  void advance() { token_ = lexer_.next(); }
  [[noreturn]] void expected(std::string_view what) const {
    fail(ErrorKind::InvalidInput, "line {}: expected {}, found '{}'", token_.line, what,
         token_.text);
  }
  bool is(char c) const { return token_.kind == TokenKind::punctuation && token_.text[0] == c; }
  bool is_word(std::string_view w) const {
    return token_.kind == TokenKind::word && token_.text == w;
  }
  bool accept(char c) {
    if (!is(c)) return false;
    advance();
    return true;
  }
  void expect(char c) {
    if (!accept(c)) expected(fmt::format("'{}'", c));
  }
  std::string take(TokenKind kind, std::string_view what) {
    if (token_.kind != kind) expected(what);
    std::string text = std::move(token_.text);
    advance();
    return text;
  }
  std::string word(std::string_view what) { return take(TokenKind::word, what); }
  std::string string(std::string_view what) { return take(TokenKind::string, what); }
  /// `item`, zero or more times, with commas between, up to `close`.
  template <class Item>
  void list(char close, Item&& item) {
    if (accept(close)) return;
    do item();
    while (accept(','));
    expect(close);
  }

  Graph region(int depth) {
    if (depth > kMaxDepth) expected("fewer regions in regions");
    if (!is_word("graph")) expected("'graph'");
    advance();
    Graph graph(token_.kind == TokenKind::string ? string("a name") : word("a name"));
    Names names;
    expect('{');
    while (!accept('}')) statement(graph, names, depth);
    return graph;
  }

  void statement(Graph& graph, Names& names, int depth) {
    const int line = token_.line;
    try {
      if (is_word("output")) {
        advance();
        std::string name = string("an output's name");
        expect('=');
        graph.output(std::move(name), value(names));
      } else if (is_word("update")) {
        advance();
        const ValueId state = value(names);
        expect('=');
        graph.update(state, value(names));
      } else {
        node(graph, names, depth);
      }
    } catch (const Error& e) {
      if (std::string_view(e.what()).starts_with("line ")) throw;
      fail(ErrorKind::InvalidInput, "line {}: {}", line, e.what());
    }
  }

  std::string value_name() {
    expect('%');
    return word("a value's name");
  }

  ValueId value(const Names& names) {
    const Token at = token_;
    const std::string name = value_name();
    const auto found = names.find(name);
    require(found != names.end(), "line {}: expected a value that stands above, found '%{}'",
            at.line, name);
    return found->second;
  }

  void node(Graph& graph, Names& names, int depth) {
    std::vector<std::string> results;
    do results.push_back(value_name());
    while (accept(','));
    expect('=');
    const int line = token_.line;
    const std::string op_name = word("an op");
    const OpSpec* op = find_op(op_name);
    require(op != nullptr, "line {}: expected an op, found '{}'", line, op_name);

    std::vector<ValueId> operands;
    std::string name;
    Attrs attrs;
    std::vector<TensorType> types;
    if (op->op_class == OpClass::source) {
      source(*op, name, attrs, types, depth);
    } else {
      expect('(');
      list(')', [&] { operands.push_back(value(names)); });
      if (is('{')) attributes(attrs, depth);
      if (token_.kind == TokenKind::string) name = string("a name");
      if (is(':')) types = type_list();
    }
    define(graph, graph.append(*op, operands, attrs, name), results, types, names);
  }

  void source(const OpSpec& op, std::string& name, Attrs& attrs, std::vector<TensorType>& types,
              int depth) {
    if (token_.kind == TokenKind::string) name = string("a name");
    std::vector<Token> numbers;
    if (&op == &op::constant) numbers = number_tokens();
    if (is_word("trainable")) {
      advance();
      attrs.set("trainable", int64_t{1});
    }
    if (is('{')) attributes(attrs, depth);
    if (!is(':')) expected("':' and a type");
    types = type_list();
    if (&op == &op::constant) {
      attrs.set("value", tensor(types[0], numbers));
    } else {
      attrs.set("dtype", std::string(name_of(types[0].dtype)));
      attrs.set("shape", types[0].shape.dims());
    }
  }

  void define(const Graph& graph, NodeId id, const std::vector<std::string>& results,
              const std::vector<TensorType>& types, Names& names) {
    const Node& node = graph.node(id);
    require(node.results.size() == results.size(), "expected {} results of {}, found {}",
            node.results.size(), node.op->name, results.size());
    require(types.empty() || types.size() == results.size(), "expected {} types, found {}",
            results.size(), types.size());
    for (size_t i = 0; i < results.size(); ++i) {
      const TensorType& inferred = graph.type(node.results[i]);
      require(types.empty() || types[i] == inferred, "{} gives {}, found {}", node.op->name,
              inferred.to_string(), types.empty() ? "" : types[i].to_string());
      require(names.emplace(results[i], node.results[i]).second,
              "expected a new value, found '%{}' again", results[i]);
    }
  }

  std::vector<TensorType> type_list() {
    expect(':');
    std::vector<TensorType> types;
    do types.push_back(type());
    while (accept(','));
    return types;
  }

  TensorType type() {
    const DType dtype = dtype_from_name(word("a dtype"));
    expect('[');
    std::vector<int64_t> dims;
    list(']', [&] {
      if (is_word("N")) {
        dims.push_back(kBatch);
        advance();
      } else {
        dims.push_back(number<int64_t>("an extent or N"));
        require(dims.back() >= 0, "expected an extent of at least 0, found {}", dims.back());
      }
    });
    return {dtype, Shape(std::move(dims))};
  }

  void attributes(Attrs& attrs, int depth) {
    expect('{');
    list('}', [&] {
      const std::string name = word("an attribute's name");
      require(!attrs.has(name), "expected attribute '{}' once, found it twice", name);
      expect('=');
      attrs.set(name, attribute(depth));
    });
  }

  Attr attribute(int depth) {
    if (token_.kind == TokenKind::string) return string("a string");
    if (accept('[')) {
      Ints ints;
      list(']', [&] { ints.push_back(number<int64_t>("an integer")); });
      return ints;
    }
    if (is_word("graph")) return std::make_shared<const Graph>(region(depth + 1));
    if (token_.kind != TokenKind::word) expected("an attribute's value");
    const std::string& text = token_.text;
    const bool numeric = std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '-';
    if (numeric && text.find_first_of(".en") == std::string::npos)
      return number<int64_t>("an integer");
    if (numeric || text.starts_with("inf") || text.starts_with("nan"))
      return number<double>("a number");
    const TensorType of = type();
    return tensor(of, number_tokens());
  }

  /// A tensor's elements, still as text: `1.5` or `[1, 2, 3]`.
  std::vector<Token> number_tokens() {
    std::vector<Token> out;
    const auto one = [&] {
      if (token_.kind != TokenKind::word) expected("a number");
      if (token_.text == "...") expected("all elements (this text was shortened for reading)");
      out.push_back(token_);
      advance();
    };
    if (accept('[')) list(']', one);
    else one();
    return out;
  }

  Tensor tensor(const TensorType& type, const std::vector<Token>& numbers) {
    int64_t count = 1;
    bool fits = type.shape.is_static();
    for (int64_t d : type.shape.dims())
      fits = fits && !__builtin_mul_overflow(count, d, &count) && count >= 0;
    require(fits && count == static_cast<int64_t>(numbers.size()), "expected {}, found {} elements",
            type, numbers.size());
    Tensor out(type.dtype, type.shape);
    visit(type.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* data = out.data<T>();
      for (size_t i = 0; i < numbers.size(); ++i) data[i] = convert_number<T>(numbers[i]);
    });
    return out;
  }

  template <class T>
  T number(std::string_view what) {
    if (token_.kind != TokenKind::word) expected(what);
    const T value = convert_number<T>(token_);
    advance();
    return value;
  }

  template <class T>
  static T convert_number(const Token& token) {
    const char* begin = token.text.data();
    const char* end = begin + token.text.size();
    T value{};
    bool ok = false;
    if constexpr (std::is_same_v<T, bool>) {
      ok = token.text == "0" || token.text == "1";
      value = token.text == "1";
    } else if (!std::is_integral_v<T> && token.text.starts_with("nan.")) {
      if constexpr (!std::is_integral_v<T>) {
        std::conditional_t<sizeof(T) == 2, uint16_t,
                           std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>
            bits = 0;
        const auto [stop, error] = std::from_chars(begin + 4, end, bits, 16);
        ok = error == std::errc{} && stop == end;
        value = std::bit_cast<T>(bits);
      }
    } else if constexpr (is_half<T>) {
      float wide = 0;
      const auto [stop, error] = std::from_chars(begin, end, wide);
      ok = error == std::errc{} && stop == end;
      value = convert<T>(wide);
    } else {
      const auto [stop, error] = std::from_chars(begin, end, value);
      ok = error == std::errc{} && stop == end;
    }
    require(ok, "line {}: expected a number of type {}, found '{}'", token.line,
            name_of(dtype_of<T>()), token.text);
    return value;
  }

  Lexer lexer_;
  Token token_;
};

}  // namespace

Graph parse(std::string_view text) { return Parser(text).run(); }

}  // namespace hone::ir
