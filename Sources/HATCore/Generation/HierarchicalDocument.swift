import HATText

/// How far one document has come with the hierarchical model: the words that the backbone reads, and the one that the
/// decoder spells.
///
/// When the context is full its older half is dropped, and the rest read again like the continuation piece of a
/// document.
struct HierarchicalDocument {
  private let contextWords: Int
  /// `[S]` and the words behind it, as far as they are kept.
  private var context: [[UInt8]] = [[SpecialByte.document]]
  /// Words of the context that the backbone has read; none where it has to start anew.
  private(set) var readWords = 0
  /// The bytes so far of the word being spelled.
  private(set) var word: [UInt8] = []
  /// Rows that the decoder has run of that word: W_D·h, then its bytes.
  private(set) var decodedRows = 0

  /// - Parameter contextWords: that the backbone sees, at least 2.
  init(contextWords: Int) {
    self.contextWords = contextWords
  }

  var unreadWords: ArraySlice<[UInt8]> { context[readWords...] }
  /// Rows for the decoder: nil for W_D·h, and bytes.
  var undecodedRows: [UInt8?] {
    decodedRows == 0 ? [nil] + word.map(Optional.some) : word[(decodedRows - 1)...].map(Optional.some)
  }
  var awaitsBackbone: Bool { readWords < context.count }
  var awaitsDecoder: Bool { !awaitsBackbone && decodedRows <= word.count }

  mutating func append(_ symbol: UInt8) {
    guard symbol == SpecialByte.word else { return word.append(symbol) }
    if context.count == contextWords {
      context.removeFirst(context.count - context.count / 2)
      readWords = 0
    }
    context.append(word)
    word = []
    decodedRows = 0
  }

  mutating func markRead() {
    readWords = context.count
  }

  mutating func markDecoded() {
    decodedRows = word.count + 1
  }
}
