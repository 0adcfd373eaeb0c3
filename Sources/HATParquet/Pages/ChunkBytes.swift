import CZlib
import Glibc
import HATStorage

/// Reads the headers and the bytes of pages, one after the other, from a part of a file.
final class ChunkBytes {
  private let file: FileReader
  private let range: Range<Int>
  /// In the file: what is read next.
  private var position: Int
  private let buffer: PageBuffer
  /// The part of the file that is in `buffer`.
  private var loaded: Range<Int>
  private var header: PageHeader?

  /// Less would be a system call for every header, more would be read for nothing where pages are left out.
  private static let blockBytes = 1 << 16

  init(_ file: FileReader, _ range: Range<Int>, buffer: PageBuffer) {
    (self.file, self.range, self.buffer) = (file, range, buffer)
    (position, loaded) = (range.lowerBound, range.lowerBound..<range.lowerBound)
  }

  /// Bytes before the header that is read next.
  var consumed: Int { position + (header?.compressedBytes ?? 0) - range.lowerBound }

  /// The header of the page behind the one before, whose bytes are gone now; nil at the end.
  func nextHeader() throws -> PageHeader? {
    if let header { position += header.compressedBytes }
    header = nil
    guard position < range.upperBound else { return nil }
    var window = 1 << 9
    while true {
      let bytes = try bytes(min(window, range.upperBound - position))
      do throws(ParquetFault) {
        var reader = CompactReader(bytes)
        let header = try PageHeader(&reader)
        position += reader.position
        guard header.compressedBytes <= range.upperBound - position else {
          throw .damaged("a page reaches beyond its column")
        }
        self.header = header
        return header
      } catch {
        guard error.isForWantOfBytes, bytes.count == window, window < ParquetLimits.pageHeader else {
          throw error
        }
        window *= 4
      }
    }
  }

  /// What is behind the header, until the next header is read.
  func page() throws -> UnsafeRawBufferPointer {
    let bytes = try bytes(header!.compressedBytes)
    if let checksum = header!.checksum {
      guard
        UInt32(crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)) == checksum
      else {
        throw ParquetFault.damaged("the checksum of a page is wrong")
      }
    }
    return bytes
  }

  /// The next bytes, which stay where they are in the file.
  private func bytes(_ count: Int) throws -> UnsafeRawBufferPointer {
    if position + count > loaded.upperBound {
      try load(min(max(count, Self.blockBytes), range.upperBound - position))
    }
    return UnsafeRawBufferPointer(start: buffer.base + (position - loaded.lowerBound), count: count)
  }

  private func load(_ count: Int) throws {
    let kept = max(0, loaded.upperBound - position)
    if kept > 0 { memmove(buffer.base, buffer.base + (position - loaded.lowerBound), kept) }
    buffer.makeRoom(count, keeping: kept)
    loaded = position..<position + kept
    try file.read(
      at: position + kept, into: UnsafeMutableRawBufferPointer(start: buffer.base + kept, count: count - kept)
    )
    loaded = position..<position + count
  }
}
