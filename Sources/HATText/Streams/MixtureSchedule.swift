/// Says which corpus the next sequence comes from: the one that has given the fewest target bytes for its share.
///
/// With n corpora and sequences of at most L bytes, corpus i has at any moment given between shareᵢ · T − n · L
/// and shareᵢ · T + L of all T bytes. Nothing is random: the next corpus is a function of what has been given.
struct MixtureSchedule {
  /// Above 0, in any unit.
  let shares: [Int]
  /// Target bytes of each corpus.
  private(set) var given: [Int]

  init(shares: [Int], given: [Int]? = nil) {
    self.shares = shares
    self.given = given ?? Array(repeating: 0, count: shares.count)
  }

  /// The first of those furthest behind.
  var next: Int {
    shares.indices.dropFirst().reduce(0) { isBehind($1, $0) ? $1 : $0 }
  }

  mutating func take(_ targetBytes: Int, from corpus: Int) {
    given[corpus] += targetBytes
  }

  /// Whether given / share of one is less than of the other, multiplied out.
  private func isBehind(_ one: Int, _ other: Int) -> Bool {
    let (left, right) = (
      given[one].multipliedFullWidth(by: shares[other]), given[other].multipliedFullWidth(by: shares[one])
    )
    return (left.high, left.low) < (right.high, right.low)
  }
}
