import HATStorage

/// Turns compressed bytes into their content, some at a time.
protocol StreamDecompressor: AnyObject {
  /// How much is asked of the compressed source at once.
  var inputBytes: Int { get }
  /// What is left open when the data ends now, such as "a zstd frame"; nil between frames.
  var openFrame: String? { get }

  /// Reads some of `input`, or writes some of `output`, or both. The last byte of a frame is read only when all of its
  /// content is written.
  func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionFailure) -> (read: Int, written: Int)
}

struct DecompressionFailure: Error {
  let problem: String
}

/// The content of a compressed source.
final class DecompressedSource: ByteSource {
  private let source: any ByteSource
  private let decompressor: any StreamDecompressor
  private let place: String
  private var input: [UInt8]
  private var unread = 0..<0

  /// - Parameter place: the file, for errors.
  init(_ source: any ByteSource, by decompressor: any StreamDecompressor, place: String) {
    (self.source, self.decompressor, self.place) = (source, decompressor, place)
    input = [UInt8](repeating: 0, count: decompressor.inputBytes)
  }

  var bytesConsumed: Int { source.bytesConsumed }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      if try unread.isEmpty && !refill() {
        guard let frame = decompressor.openFrame else { return 0 }
        throw damage("it ends inside \(frame)")
      }
      let written = try decompress(into: buffer)
      if written > 0 { return written }
    }
  }

  private func refill() throws -> Bool {
    unread = 0..<(try input.withUnsafeMutableBytes { try source.read(into: $0) })
    return !unread.isEmpty
  }

  private func decompress(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    do {
      let (read, written) = try input.withUnsafeBytes { bytes throws(DecompressionFailure) in
        try decompressor.decompress(UnsafeRawBufferPointer(rebasing: bytes[unread]), into: buffer)
      }
      unread = unread.dropFirst(read)
      return written
    } catch let failure as DecompressionFailure {
      throw damage(failure.problem)
    }
  }

  private func damage(_ problem: String) -> UserError {
    UserError(.invalidData, at: place, problem, hint: "Restore the file or compress it again.")
  }
}
