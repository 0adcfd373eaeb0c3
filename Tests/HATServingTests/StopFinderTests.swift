import HATRandom
import Testing

@testable import HATServing

@Suite struct StopFinderTests {
  /// Looks for every string after every byte.
  private func expected(_ text: [UInt8], _ stops: [[UInt8]]) -> (text: [UInt8], isStopped: Bool) {
    for end in 0...text.count {
      let found = stops.filter { text[..<end].suffix($0.count).elementsEqual($0) && $0.count <= end }
      if let longest = found.map(\.count).max() { return (Array(text[..<(end - longest)]), true) }
    }
    return (text, false)
  }

  @Test func findsWhatComparingEverythingFinds() {
    var random = RandomSource(keys: 9)
    func letters(_ count: Int) -> [UInt8] { (0..<count).map { _ in 0x61 + UInt8(random.next(below: 2)) } }
    var stopped = 0
    for _ in 0..<3000 {
      let stops = (0..<random.next(below: 4)).map { _ in letters(1 + random.next(below: 6)) }
      let text = letters(random.next(below: 25))
      var (finder, found, isStopped, start) = (StopFinder(stops), [UInt8](), false, 0)
      while start < text.count, !isStopped {
        let end = min(text.count, start + 1 + random.next(below: 4))
        let (more, stops) = finder.take(Array(text[start..<end]))
        found += more
        (isStopped, start) = (stops, end)
      }
      if !isStopped { found += finder.rest() }
      let wanted = expected(text, stops)
      #expect((found, isStopped) == wanted, "\(stops) in \(text)")
      if isStopped { stopped += 1 }
    }
    #expect(stopped > 500 && stopped < 2900)
  }

  @Test func holdsBackNoMoreThanItMust() {
    var finder = StopFinder([Array("\nUser:".utf8)])
    #expect(finder.take(Array("Hello".utf8)).text == Array("Hello".utf8))
    #expect(finder.take(Array("\nUs".utf8)).text == [])
    #expect(finder.take(Array("e the".utf8)).text == Array("\nUse the".utf8))
    #expect(finder.take(Array(" x\nUser: y".utf8)) == (Array(" x".utf8), true))
  }
}
