/// Finds the word that a misspelled one meant.
public enum Spelling {
  /// The candidate with the fewest single-character edits from `word`, whatever the case of letters; the first of equals.
  public static func nearest(to word: String, among candidates: [String]) -> String {
    precondition(!candidates.isEmpty)
    return candidates.min { editDistance(word, $0) < editDistance(word, $1) }!
  }

  public static func editDistance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first.lowercased()), Array(second.lowercased()))
    var previous = Array(0...second.count)
    for (i, character) in first.enumerated() {
      var current = [i + 1]
      for (j, other) in second.enumerated() {
        let replaced = previous[j] + (character == other ? 0 : 1)
        current.append(min(replaced, previous[j + 1] + 1, current[j] + 1))
      }
      previous = current
    }
    return previous[second.count]
  }
}
