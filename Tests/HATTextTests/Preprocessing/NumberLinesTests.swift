import SystemPackage
import TestSupport
import Testing

@testable import HATText

@Suite struct NumberLinesTests {
  @Test func whatIsNoNumberIsNotReadAsOne() throws {
    let folder = TemporaryFolder()
    try folder.write(
      """
      {"a":1,"b":-2.5e1,"c":3}
      {"a":"7","b":true}
      {"a":"0x10","b":"inf"}
      {"a":"","b":false}
      {"b":0,"a":null}
      {"a":[1],"b":1e400}
      {"a":1
      {"a":2}
      {"a":3
      """, to: "numbers.jsonl")
    var lines: [[Double?]] = []
    let damage = try NumberLines(keys: ["a", "b"]).read(FilePath(folder.appending("numbers.jsonl"))) {
      lines.append($0.map { $0.isNaN ? nil : $0 })
      return true
    }
    #expect(
      lines == [[1, -25], [nil, nil], [nil, nil], [nil, nil], [nil, 0], [nil, .infinity], [2, nil]])
    #expect(damage.lines == 1 && damage.isUnfinished)
  }
}
