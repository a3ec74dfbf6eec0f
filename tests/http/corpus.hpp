// Heads and bodies after RFC 9112, sections 2 to 7: one rule each, kept or broken.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nexus::test {

/// What happens to the next request on the same connection.
enum class next_one { is_served, is_not_read };

struct corpus_case {
  std::string name;
  std::string bytes;
  int status;
  next_one next;
};

class corpus {
 public:
  corpus() {
    lines();
    request_lines();
    targets();
    hosts();
    headers();
    lengths();
    codings();
    chunks();
    extensions_and_trailers();
    options();
  }

  std::vector<corpus_case> all;

 private:
  /// Valid, and the connection goes on.
  void good(const std::string& name, const std::string& bytes, int status = 200) {
    all.push_back({name, bytes, status, next_one::is_served});
  }
  /// Valid, and the last one.
  void last(const std::string& name, const std::string& bytes) {
    all.push_back({name, bytes, 200, next_one::is_not_read});
  }
  /// Refused, which ends the connection.
  void bad(const std::string& name, const std::string& bytes, int status = 400) {
    all.push_back({name, bytes, status, next_one::is_not_read});
  }

  static std::string get(const std::string& more) {
    return "GET /ok HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
  }
  static std::string post(const std::string& more, const std::string& body) {
    return "POST /ok HTTP/1.1\r\nHost: x\r\n" + more + "\r\n" + body;
  }
  static std::string in_chunks(const std::string& body) {
    return post("Transfer-Encoding: chunked\r\n", body);
  }
  static std::string nul(std::string text, char for_it = '@') {
    for (auto& c : text) {
      if (c == for_it) c = '\0';
    }
    return text;
  }

  // 2.2: line ends, and characters that a line must not contain.
  void lines() {
    good("a request", get(""));
    good("one empty line before", "\r\n" + get(""));
    bad("two empty lines before", "\r\n\r\n" + get(""));
    bad("a line feed before", "\n" + get(""));
    bad("a blank before", " " + get(""));
    bad("line feeds only", "GET /ok HTTP/1.1\nHost: x\n\n");
    bad("a line feed behind the first line", "GET /ok HTTP/1.1\nHost: x\r\n\r\n");
    bad("a line feed behind a header", "GET /ok HTTP/1.1\r\nHost: x\nA: b\r\n\r\n");
    bad("a line feed as the empty line", "GET /ok HTTP/1.1\r\nHost: x\r\n\n");
    bad("carriage returns only", "GET /ok HTTP/1.1\rHost: x\r\r");
    bad("two carriage returns", "GET /ok HTTP/1.1\r\r\nHost: x\r\n\r\n");
    bad("a carriage return in a value", get("A: b\rc\r\n"));
    bad("a carriage return before a colon", get("A\r: b\r\n"));
    bad("a carriage return at the end of a value", get("A: b\r\r\n"));
    bad("NUL in the method", nul("G@T /ok HTTP/1.1\r\nHost: x\r\n\r\n"));
    bad("NUL in the path", nul("GET /o@ HTTP/1.1\r\nHost: x\r\n\r\n"));
    bad("NUL in a name", nul(get("A@: b\r\n")));
    bad("NUL in a value", nul(get("A: b@\r\n")));
    bad("NUL for a line end", nul("GET /ok HTTP/1.1@Host: x\r\n\r\n"));
    bad("a control character in a value", get("A: b\x01\r\n"));
    bad("DEL in a value", get("A: b\x7f\r\n"));
    bad("a vertical tab in a value", get("A: b\x0b\r\n"));
    bad("a form feed in a value", get("A: b\x0c\r\n"));
    good("a tab in a value", get("A: b\tc\r\n"));
    good("bytes above ASCII in a value", get("A: \xc3\xa9\xff\r\n"));
    bad("a header's line instead of the first", "Host: x\r\n\r\n");
    bad("TLS", std::string("\x16\x03\x01\x02\x00\x01", 6) + "\r\n\r\n");
    bad("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    bad("one word", "nonsense\r\n\r\n");
  }

  // 3: method, target, version, with one blank between.
  void request_lines() {
    const std::string rest = "\r\nHost: x\r\n\r\n";
    bad("two blanks behind the method", "GET  /ok HTTP/1.1" + rest);
    bad("two blanks behind the target", "GET /ok  HTTP/1.1" + rest);
    bad("a tab behind the method", "GET\t/ok HTTP/1.1" + rest);
    bad("a tab behind the target", "GET /ok\tHTTP/1.1" + rest);
    bad("a blank behind the version", "GET /ok HTTP/1.1 " + rest);
    bad("a word behind the version", "GET /ok HTTP/1.1 x" + rest);
    bad("no version", "GET /ok" + rest);
    bad("no target", "GET HTTP/1.1" + rest);
    bad("an empty target", "GET  HTTP/1.1" + rest);
    bad("no method", " /ok HTTP/1.1" + rest);
    bad("a blank in the target", "GET /o k HTTP/1.1" + rest);
    bad("HTTP/0.9", "GET /ok HTTP/0.9" + rest);
    bad("HTTP/1", "GET /ok HTTP/1" + rest);
    bad("HTTP/1.10", "GET /ok HTTP/1.10" + rest);
    bad("HTTP/11.1", "GET /ok HTTP/11.1" + rest);
    bad("HTTP/1.2", "GET /ok HTTP/1.2" + rest);
    bad("HTTP/2.0", "GET /ok HTTP/2.0" + rest);
    bad("HTTP/1,1", "GET /ok HTTP/1,1" + rest);
    bad("http/1.1", "GET /ok http/1.1" + rest);
    bad("HTTPS/1.1", "GET /ok HTTPS/1.1" + rest);
    bad("HTTP /1.1", "GET /ok HTTP /1.1" + rest);
    bad("a method that is no token", "G(T /ok HTTP/1.1" + rest);
    bad("a method with a colon", "GET: /ok HTTP/1.1" + rest);
    bad("a method above ASCII", "G\xc3\x89T /ok HTTP/1.1" + rest);
    bad("a method that is too long", std::string(33, 'A') + " /ok HTTP/1.1" + rest, 501);
    good("an unknown method", "FETCH /ok HTTP/1.1" + rest, 405);
    good("a method in lower case is another one", "get /ok HTTP/1.1" + rest, 405);
    last("HTTP/1.0", "GET /ok HTTP/1.0\r\n\r\n");
    last("HTTP/1.0 that would go on", "GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  }

  // 3.2: request targets.
  void targets() {
    const auto of = [](const std::string& to, const std::string& method = "GET") {
      return method + " " + to + " HTTP/1.1\r\nHost: x\r\n\r\n";
    };
    good("a query", of("/ok?a=b&c"));
    good("what browsers leave as it is", of("/ok?a=[{b}]|^`"));
    good("a URL", of("http://x/ok"));
    good("a URL in upper case with a port", of("HTTP://x:80/ok"));
    good("a URL of IPv6", of("https://[::1]:8080/ok"));
    good("the whole server", of("*", "OPTIONS"), 204);
    bad("a fragment", of("/ok#a"));
    bad("a backslash", of("/ok\\a"));
    bad("a quote", of("/ok\"a"));
    bad("a byte above ASCII", of("/ok\xc3\xa9"));
    bad("DEL", of("/ok\x7f"));
    bad("a percent sign", of("/ok%"));
    bad("one digit behind a percent sign", of("/ok%4"));
    bad("no digits behind a percent sign", of("/ok%zz"));
    bad("no digits behind a percent sign of the query", of("/ok?a=%zz"));
    bad("an encoded NUL in the path", of("/ok%00"));
    bad("an encoded NUL in the query", of("/ok?a=%00"));
    good("an encoded slash is no slash", of("/%2Fok"), 404);
    bad("no slash", of("ok"));
    bad("all, but not of OPTIONS", of("*"));
    bad("a host only", of("x:80"));
    bad("a tunnel", of("x:80", "CONNECT"));
    bad("another scheme", of("ftp://x/ok"));
    bad("a URL without a host", of("http:///ok"));
    bad("a URL with a user", of("http://me@x/ok"));
    bad("a URL with a port that is none", of("http://x:y/ok"));
    bad("a target that is too long", of("/" + std::string(9'000, 'a')), 414);
  }

  // 3.2: exactly one Host.
  void hosts() {
    const auto with = [](const std::string& lines) {
      return "GET /ok HTTP/1.1\r\n" + lines + "\r\n";
    };
    bad("no Host", with(""));
    bad("two Hosts", with("Host: x\r\nHost: y\r\n"));
    bad("two equal Hosts", with("Host: x\r\nHost: x\r\n"));
    bad("two Hosts of different spelling", with("Host: x\r\nhOST: x\r\n"));
    bad("two Hosts of HTTP/1.0", "GET /ok HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n");
    bad("a list of Hosts", with("Host: x, y\r\n"));
    bad("a Host with a blank", with("Host: x y\r\n"));
    bad("a Host with a path", with("Host: x/ok\r\n"));
    bad("a Host with a user", with("Host: me@x\r\n"));
    bad("a Host with a port that is none", with("Host: x:y\r\n"));
    bad("a port without a Host", with("Host: :80\r\n"));
    bad("a bracket that does not end", with("Host: [::1\r\n"));
    bad("a blank before Host's colon", with("Host : x\r\n"));
    good("an empty Host", with("Host:\r\n"));
    good("a Host with a port", with("Host: x:80\r\n"));
    good("a Host of IPv6", with("Host: [::1]:80\r\n"));
    good("a host in lower case", with("host: x\r\n"));
  }

  // 5: name, colon, value.
  void headers() {
    bad("a blank before the colon", get("A : b\r\n"));
    bad("a tab before the colon", get("A\t: b\r\n"));
    bad("no colon", get("A\r\n"));
    bad("no name", get(": b\r\n"));
    bad("a blank in a name", get("A B: c\r\n"));
    bad("a bracket in a name", get("A(B): c\r\n"));
    bad("a slash in a name", get("A/B: c\r\n"));
    bad("a name above ASCII", get("\xc3\xa9: c\r\n"));
    bad("a blank before a name", get(" A: b\r\n"));
    bad("a blank before the first name", "GET /ok HTTP/1.1\r\n Host: x\r\n\r\n");
    bad("a blank before the first name, and another Host",
        "GET /ok HTTP/1.1\r\n A: b\r\nHost: x\r\n\r\n");
    bad("a fold", get("A: b\r\n c\r\n"));
    bad("a fold by a tab", get("A: b\r\n\tc\r\n"));
    bad("a fold of nothing", get("A: b\r\n \r\n"));
    bad("a folded length", post("Content-Length:\r\n 5\r\n", "12345"));
    bad("a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"));
    good("no value", get("A:\r\n"));
    good("blanks around a value", get("A: \t b \t \r\n"));
    good("no blank before a value", get("A:b\r\n"));
    good("a name twice", get("A: b\r\nA: c\r\n"));
    good("a name of every character", get("!#$%&'*+-.^_`|~09azAZ: b\r\n"));
    std::string many;
    for (int i = 0; i < 101; ++i) many += "A: b\r\n";
    bad("too many headers", get(many), 431);
    bad("a head that is too large", get("A: " + std::string(70'000, 'b') + "\r\n"), 431);
  }

  // 6.2 and 6.3: one length, in digits.
  void lengths() {
    const auto of = [](const std::string& length) {
      return post("Content-Length: " + length + "\r\n", "12345");
    };
    good("a length", of("5"));
    good("a length with noughts before", of("0005"));
    good("blanks behind a length", of("5 \t"));
    good("a length of nothing", post("Content-Length: 0\r\n", ""));
    good("a body of GET", get("Content-Length: 5\r\n") + "12345");
    for (const auto* wrong :
         {"", "+5", "-5", "0x5", "5 5", "5,5", "5, 5", "5,6", "5.0", "5e0", "%35", "\"5\"", "5;",
          "5\xa0", "five", "18446744073709551621", "99999999999999999999999999"}) {
      bad(std::string{"the length "} + wrong, of(wrong));
    }
    bad("two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "12345"));
    bad("two equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", "12345"));
    bad("two lengths, one empty", post("Content-Length: 5\r\nContent-Length:\r\n", "12345"));
    bad("a blank before a length's colon", post("Content-Length : 5\r\n", "12345"));
    bad("a tab before a length's colon", post("Content-Length\t: 5\r\n", "12345"));
    bad("a vertical tab before a length", of("\x0b"
                                             "5"));
    bad("NUL in a length", nul(of("5@")));
    bad("a length above what may come", of("99999999"), 413);
    good("a name like a length's", get("Content_Length: 5\r\n"));
  }

  // 6.1: chunked, and nothing else; never with a length.
  void codings() {
    const auto of = [](const std::string& lines) { return post(lines, "5\r\n12345\r\n0\r\n\r\n"); };
    good("chunked", of("Transfer-Encoding: chunked\r\n"));
    good("Chunked", of("transfer-encoding: ChunKed\r\n"));
    const std::string coding = "Transfer-Encoding: ";
    for (const auto* wrong : {"", "identity", "gzip", "xchunked", "chunkedx", "chunked;q=1",
                              "chunked, chunked", "chunked, gzip", "chunked, identity", ", chunked",
                              "chunked,", ",", "\"chunked\"", "chun ked", "chunked\xa0"}) {
      bad(std::string{"the coding "} + wrong, of(coding + wrong + "\r\n"));
    }
    bad("gzip, chunked", of(coding + "gzip, chunked\r\n"), 501);
    bad("gzip and chunked in two lines", of(coding + "gzip\r\n" + coding + "chunked\r\n"), 501);
    bad("chunked twice", of(coding + "chunked\r\n" + coding + "chunked\r\n"));
    bad("chunked and identity", of(coding + "chunked\r\n" + coding + "identity\r\n"));
    bad("a vertical tab before chunked", of(coding + "\x0b"
                                                     "chunked\r\n"));
    bad("a blank before a coding's colon", of("Transfer-Encoding : chunked\r\n"));
    bad("a length before chunked", of("Content-Length: 5\r\n" + coding + "chunked\r\n"));
    bad("a length behind chunked", of(coding + "chunked\r\nContent-Length: 5\r\n"));
    bad("a length of nothing behind chunked", of(coding + "chunked\r\nContent-Length: 0\r\n"));
    bad("a length behind gzip", of(coding + "gzip\r\nContent-Length: 5\r\n"));
    bad("chunked of HTTP/1.0",
        "POST /ok HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    bad("a body in gzip", post("Content-Encoding: gzip\r\nContent-Length: 5\r\n", "12345"), 415);
  }

  // 7.1: size, CR LF, bytes, CR LF.
  void chunks() {
    good("no bytes", in_chunks("0\r\n\r\n"));
    good("two chunks", in_chunks("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"));
    good("digits of both cases", in_chunks("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"));
    good("noughts before a size", in_chunks("0002\r\nab\r\n000\r\n\r\n"));
    for (const auto* wrong : {"2 junk", "2junk", "2 ", " 2", "\t2", "0x2", "+2", "-2", "2.0", "g",
                              "", "2,", "2\xa0", "10000000000000002", "fffffffffffffffff"}) {
      bad(std::string{"the size "} + wrong, in_chunks(std::string{wrong} + "\r\nab\r\n0\r\n\r\n"));
    }
    bad("NUL behind a size", nul(in_chunks("2@\r\nab\r\n0\r\n\r\n")));
    bad("a line feed behind a size", in_chunks("2\nab\r\n0\r\n\r\n"));
    bad("a carriage return behind a size", in_chunks("2\rab\r\n0\r\n\r\n"));
    bad("more bytes than the size", in_chunks("2\r\nabc\r\n0\r\n\r\n"));
    bad("fewer bytes than the size", in_chunks("3\r\nab\r\n0\r\n\r\n"));
    bad("nothing behind the bytes", in_chunks("2\r\nab0\r\n\r\n"));
    bad("a line feed behind the bytes", in_chunks("2\r\nab\n0\r\n\r\n"));
    bad("a carriage return behind the bytes", in_chunks("2\r\nab\r0\r\n\r\n"));
    bad("a size above what may come", in_chunks("fffffff\r\nab\r\n0\r\n\r\n"), 413);
    bad("no last chunk", in_chunks("2\r\nab\r\n"));
    bad("a line feed behind the last chunk", in_chunks("0\n\r\n"));
    bad("a line feed as the end", in_chunks("0\r\n\n"));
    bad("no end", in_chunks("0\r\n"));
  }

  // 7.1.1 and 7.1.2: skipped, but must be valid.
  void extensions_and_trailers() {
    const auto extended = [](const std::string& by) {
      return in_chunks("2" + by + "\r\nab\r\n0\r\n\r\n");
    };
    good("an extension", extended(";a"));
    good("an extension with a value", extended(";a=b"));
    good("an extension in quotes", extended(";a=\"b;\\\"c\""));
    good("two extensions with blanks", extended(" ; a = b ; c"));
    good("an extension of the last chunk", in_chunks("0;a=b\r\n\r\n"));
    bad("an extension without a name", extended(";"));
    bad("a value without a name", extended(";=b"));
    bad("an extension without its value", extended(";a="));
    bad("quotes that do not end", extended(";a=\"b"));
    bad("a word behind an extension", extended(";a b"));
    bad("a line feed in an extension", extended(";a\nb"));
    bad("an extension that is too long", extended(";" + std::string(2'000, 'a')));
    const auto behind = [](const std::string& lines) {
      return in_chunks("0\r\n" + lines + "\r\n");
    };
    good("a trailer", behind("A: b\r\n"));
    good("two trailers", behind("A: b\r\nC:\r\n"));
    bad("a trailer without a colon", behind("A\r\n"));
    bad("a trailer without a name", behind(": b\r\n"));
    bad("a blank before a trailer's colon", behind("A : b\r\n"));
    bad("a folded trailer", behind("A: b\r\n c\r\n"));
    bad("NUL in a trailer", nul(behind("A: b@\r\n")));
    bad("a line feed behind a trailer", behind("A: b\n"));
    std::string many;
    for (int i = 0; i < 80; ++i) many += "A: b\r\n";
    bad("too many trailers", behind(many), 431);
  }

  // Options of the connection.
  void options() {
    last("close", get("Connection: close\r\n"));
    last("Close", get("connection: Close\r\n"));
    last("TE, close", get("Connection: TE, close\r\n"));
    last("close, TE", get("Connection: close , TE\r\n"));
    last("close in a second line", get("Connection: TE\r\nConnection: close\r\n"));
    good("keep-alive", get("Connection: keep-alive\r\n"));
    good("closes, which is not close", get("Connection: closes\r\n"));
    bad("an unknown expectation", post("Expect: tea\r\nContent-Length: 2\r\n", "ab"), 417);
  }
};

}  // namespace nexus::test
