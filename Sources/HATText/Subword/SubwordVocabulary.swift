/// Two tokens side by side.
struct TokenPair: Hashable, Sendable {
  var left: Int32
  var right: Int32
}

/// A pair that is joined, and what it becomes.
struct TokenMerge: Hashable, Sendable {
  var pair: TokenPair
  /// A new token, or an older one of the same bytes.
  var token: Int32
}

/// The tokens of a byte-level byte-pair encoding (Sennrich et al. 2016): what the subword baseline reads and predicts.
///
/// Tokens 0 … 255 are the bytes, and among those that UTF-8 never uses are the marks of dialogues; 256 is the document mark, which
/// no text contains; then those that merges make, in the order they were learnt. Any text can be written with it.
public struct SubwordVocabulary: Sendable, Equatable {
  /// `[S]`: opens and closes every document.
  public static let documentMark: Int32 = 256
  /// The token of a mark of documents or dialogues.
  static func token(ofMark mark: UInt8) -> Int32 {
    mark == SpecialByte.document ? documentMark : Int32(mark)
  }

  /// Whether a token is a mark of documents or dialogues.
  public static func isMark(_ token: Int32) -> Bool {
    token == documentMark || (0...255 ~= token && SpecialByte.isMark(UInt8(token)))
  }

  /// What files call it. No other token has these bytes.
  public static let documentMarkName = "<document>"
  /// In tokens.
  public static let sizes = 258...1 << 20

  /// In the order they are applied.
  private(set) var merges: [TokenMerge] = []
  /// The bytes of all tokens; token t has `tokenBytes[byteOffsets[t]..<byteOffsets[t + 1]]`, the mark none.
  private var tokenBytes = Array(0...UInt8.max)
  private var byteOffsets = Array(0...256) + [256]
  private var tokenOfBytes: [[UInt8]: Int32] = [:]
  private var tokenOfPair: [TokenPair: Int32] = [:]

  /// The bytes and the document mark alone.
  init() {}

  /// Joins two tokens from now on. A pair that is joined already stays as it is.
  /// - Returns: what they become.
  mutating func add(_ pair: TokenPair) -> Int32 {
    if let token = tokenOfPair[pair] { return token }
    let joined = joinedBytes(pair)
    let token = tokenOfBytes[joined] ?? append(joined)
    tokenOfPair[pair] = token
    merges.append(TokenMerge(pair: pair, token: token))
    return token
  }

  /// The bytes of both tokens of a pair.
  func joinedBytes(_ pair: TokenPair) -> [UInt8] {
    precondition(0..<count ~= Int(max(pair.left, pair.right)), "a merge joins tokens that exist")
    return Array(bytes(of: pair.left)) + bytes(of: pair.right)
  }

  func joins(_ pair: TokenPair) -> Bool { tokenOfPair[pair] != nil }

  private mutating func append(_ bytes: [UInt8]) -> Int32 {
    let token = Int32(count)
    tokenBytes += bytes
    byteOffsets.append(tokenBytes.count)
    tokenOfBytes[bytes] = token
    return token
  }

  /// Tokens.
  public var count: Int { byteOffsets.count - 1 }

  /// The text a token stands for; none for the document mark.
  public func bytes(of token: Int32) -> ArraySlice<UInt8> {
    tokenBytes[byteOffsets[Int(token)]..<byteOffsets[Int(token) + 1]]
  }

  /// In bytes.
  public func length(of token: Int32) -> Int { byteOffsets[Int(token) + 1] - byteOffsets[Int(token)] }

  public func decode(_ tokens: some Sequence<Int32>) -> [UInt8] {
    tokens.flatMap { bytes(of: $0) }
  }
}
