import HATCore
import HATText

/// Perturbed spellings of real words: those that the perturbation changed, to something that is no word of the list
/// itself and one word by the model's rule.
struct PerturbedWords {
  private let perturbation: AppliedPerturbation
  private let listed: Int
  /// Which word of the list each spelling is of.
  private var origins: [Int] = []
  private var spellings: [[UInt8]] = []

  init(_ realWords: RealWords, _ perturbation: AppliedPerturbation, _ splitter: WordSplitter) {
    self.perturbation = perturbation
    listed = realWords.words.count
    for (index, word) in realWords.words.enumerated() {
      let changed = String(decoding: perturbation(Array(word.utf8)), as: UTF8.self)
      guard let inText = splitter.wordBetweenOthers(changed), !realWords.contains(inText) else { continue }
      origins.append(index)
      spellings.append(inText)
    }
  }

  func recognized(by neighbours: WordNeighbours) -> Result {
    let nearest = neighbours.nearest(toEach: spellings, count: 1)
    let right = zip(nearest, origins).count { $0.first?.index == $1 }
    return Result(
      perturbation: perturbation.kind.name, perturbationSeed: perturbation.seed, words: listed,
      perturbedWords: origins.count, nearestIsRight: right,
      share: origins.isEmpty ? nil : Double(right) / Double(origins.count))
  }

  struct Result: Encodable {
    let perturbation: String
    let perturbationSeed: UInt64
    let words: Int
    let perturbedWords: Int
    let nearestIsRight: Int
    /// Nil where the perturbation changed no word.
    let share: Double?

    func show() {
      let share = share.map { Amount.fixed(100 * $0, 2) + "%" } ?? "none"
      print(
        "\(perturbation): \(share) lie nearest to their own word "
          + "(\(Amount.grouped(nearestIsRight)) of \(Amount.grouped(perturbedWords)) spellings that it changed, "
          + "\(Amount.grouped(words)) words)")
    }
  }
}
