/// The two byte values UTF-8 never uses that carry the specials (model.md §1).
public enum SpecialByte {
  /// `[W]`, the word mark: the encoder reads a word's embedding there, the decoder ends a word with it.
  public static let word: UInt8 = 0xFF
  /// `[S]`, the document mark: a dummy word of this single byte opens and closes every document.
  public static let document: UInt8 = 0xFE
}
